"""What a paper says of its own table, and what is left of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

ClaimStanding = Literal["holds", "fails", "not-resolved", "not-run"]
"""It survives a paired test; it does not; the pictures or seeds do not suffice to say; not everything it needs was run."""


@dataclass(frozen=True)
class ClaimResult:
    """One claim of a table's card, checked twice: against the printed values, and against ours.

    Attributes:
        id, text: of the card.
        printed: whether the printed values themselves bear it out; None where they can't say.
        printed_why: the count behind it, as "18 of 20 pairs".
        standing: what our values say.
        why: the count behind that, or what is missing.
        details: one line a pair or column that decides it, in words.
    """

    id: str
    text: str
    printed: bool | None
    printed_why: str
    standing: ClaimStanding
    why: str
    details: tuple[str, ...] = ()
