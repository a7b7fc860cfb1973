"""What is said of a published number once ours stands beside it, and how far apart the two may lie."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

VerdictKind = Literal["reproduced", "within-noise", "other-protocol", "not-reproduced", "not-comparable", "not-run"]
"""The values agree as printed; only within what seeds move them by; only if measured otherwise; not at all; can't be compared; no value."""

SAID: dict[VerdictKind, str] = {
    "reproduced": "reproduced",
    "within-noise": "within noise",
    "other-protocol": "only under another protocol",
    "not-reproduced": "not reproduced",
    "not-comparable": "not comparable",
    "not-run": "not run",
}
"""The verdicts in words, best first."""

PartName = Literal["rounding", "metric", "machine", "seeds"]


@dataclass(frozen=True)
class Part:
    """One reason why two right values may differ.

    Attributes:
        name: rounding (half a unit of the last printed digit), the metric's own noise, that of machines, or the spread over seeds.
        size: half the width it gives, in the metric's unit.
        source: where the size comes from: measured here over so many seeds, or declared on a card with its source.
    """

    name: PartName
    size: float
    source: str


@dataclass(frozen=True)
class Tolerance:
    """How far apart a published value and ours may lie: independent parts, added in quadrature."""

    parts: tuple[Part, ...]

    @property
    def measuring(self) -> float:
        """What rounding, the metric and the machine allow: within it a value is reproduced."""
        return math.hypot(*(part.size for part in self.parts if part.name != "seeds"))

    @property
    def whole(self) -> float:
        """With the spread over seeds, too."""
        return math.hypot(*(part.size for part in self.parts))


@dataclass(frozen=True)
class Verdict:
    """What is said of one published value.

    Attributes:
        kind: see `VerdictKind`.
        why: one sentence without a full stop: the difference against the tolerance, or what stands in the way.
        tolerance: None where nothing was compared.
        explained_by: the other way of measuring that gives the published value, in words; only of "other-protocol".
    """

    kind: VerdictKind
    why: str = ""
    tolerance: Tolerance | None = None
    explained_by: str = ""
