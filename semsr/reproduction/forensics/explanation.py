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
        explains: whether what is left is within the cell's tolerance.
    """

    id: str
    says: str
    changes: int
    value: float
    effect: float
    left: float
    explains: bool


@dataclass(frozen=True)
class Explanation:
    """All alternatives of one cell, the best explanation first.

    Attributes:
        result_id: of the cell it is about (`semsr.reproduction.provenance`): another result has another id, so
            that an explanation can't go stale unseen.
        published: as printed.
        ours: under the table's protocol.
        tolerance: half-width within which a value counts as the published one.
        alternatives: those that explain it first, fewer changes first, then by what is left.
    """

    result_id: str
    published: str
    ours: float
    tolerance: float
    alternatives: tuple[Alternative, ...]

    @property
    def best(self) -> Alternative | None:
        """The first alternative that explains the published value; None where none does."""
        return next((found for found in self.alternatives if found.explains), None)
