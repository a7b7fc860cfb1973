"""What a lint says: one sentence about a row, with the pictures, the number and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]
"""error: can't be scored; warning: the scores are probably not what they seem; info: good to know."""

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")


@dataclass(frozen=True)
class Finding:
    """One fault of one row.

    Attributes:
        lint: which lint found it; docs/lints.md has a line on each.
        severity: see `Severity`.
        message: one sentence with the first picture, the number and what to do.
        pictures: names of all pictures it is about; empty where it is about the whole row.
        value: the number that decided, in the lint's own unit; None where nothing was measured.
    """

    lint: str
    severity: Severity
    message: str
    pictures: tuple[str, ...] = ()
    value: float | None = None

    @property
    def counts(self) -> bool:
        """Whether it is a fault (an error or a warning), not just good to know."""
        return self.severity != "info"


def first_of(names: Sequence[str], total: int) -> str:
    """How a sentence names pictures: the first, and how many of the row's `total` it stands for."""
    return f"{names[0]!r}" if len(names) == 1 else f"{len(names)} of {total} pictures (first: {names[0]!r})"
