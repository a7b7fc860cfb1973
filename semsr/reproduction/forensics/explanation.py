"""What evaluating one cell under a lattice of protocols said."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Alternative:
    """One other way of measuring the same pictures.

    Attributes:
        id: canonical, as `border=4,luma=bt601-full`: the axes that are changed, sorted, each with its setting.
        says: the same in words.
        changes: how many axes are changed against the table's protocol.
        value: our pictures measured in this way, in the metric's unit.
        effect: `value` minus our value under the table's protocol.
        left: the published value minus `value`.
        explains: whether what is left is within the cell's tolerance, more than half of the difference is gone, and neither chance nor
            another column speaks against it (`semsr.reproduction.forensics.ranking`).
        joint: what the same change explains, too: other columns of the row, or the column in other rows.
        against: columns of the row that are reproduced as they are and would not be with this change.
    """

    id: str
    says: str
    changes: int
    value: float
    effect: float
    left: float
    explains: bool
    joint: tuple[str, ...] = ()
    against: tuple[str, ...] = ()


@dataclass(frozen=True)
class Explanation:
    """All alternatives of one cell, the best explanation first.

    Attributes:
        result_id: of the cell it is about (`semsr.reproduction.provenance`): another result has another id, so
            that an explanation can't go stale unseen.
        published: as printed.
        ours: under the table's protocol.
        tolerance: half-width within which a value counts as the published one.
        alternatives: those that explain it first, those that explain another value besides before others, fewer changes first, then by what
            is left.
        chance: how likely one of them would give some value that lies as far from ours, within the tolerance; 0 without any.
        untried: ways that could not be measured here, in words, and why.
    """

    result_id: str
    published: str
    ours: float
    tolerance: float
    alternatives: tuple[Alternative, ...]
    chance: float = 0.0
    untried: tuple[str, ...] = ()

    @property
    def tried(self) -> int:
        """How many other ways were measured."""
        return len(self.alternatives)

    @property
    def best(self) -> Alternative | None:
        """The first alternative that explains the published value; None where none does."""
        return next((found for found in self.alternatives if found.explains), None)
