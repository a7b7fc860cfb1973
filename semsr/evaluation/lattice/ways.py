"""Ways of measuring: none, one or two changes at a time, and how many of them there may be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

from semsr.evaluation.lattice.changes import Change

MOST_PAIRS = 40
"""Pairs of changes that are tried for one column at most: each more makes it likelier that one fits by chance."""


@dataclass(frozen=True)
class Way:
    """Changes against the protocol, sorted by axis; without any, the protocol's own way."""

    changes: tuple[Change, ...] = ()

    @property
    def id(self) -> str:
        """`border=4,luma=bt601-full`; empty for the protocol's own."""
        return ",".join(f"{change.axis}={change.setting}" for change in self.changes)

    @property
    def says(self) -> str:
        """In words."""
        return ", and ".join(change.says for change in self.changes) or "as the protocol has it"

    @property
    def edit(self) -> tuple[str, str] | None:
        """Axis and setting of what is done to the pictures; None where nothing is."""
        return next(((change.axis, change.setting) for change in self.changes if change.kind == "pictures"), None)

    @property
    def is_pooled(self) -> bool:
        """Whether all pictures are taken as one."""
        return any(change.kind == "aggregation" for change in self.changes)


OWN = Way()
"""The protocol's way."""


def pairs_of(changes: Sequence[Change]) -> tuple[Way, ...]:
    """Two changes of different axes at a time.

    Only choices of a protocol are paired (options and aggregation). What happens to pictures on their way is one accident, and pairs of
    accidents would explain anything.
    """
    chosen = [change for change in changes if change.kind in ("option", "aggregation")]
    found = [
        Way(tuple(sorted(pair, key=lambda change: change.axis)))
        for pair in combinations(chosen, 2)
        if pair[0].axis != pair[1].axis
    ]
    return tuple(found[:MOST_PAIRS])
