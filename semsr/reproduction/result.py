"""What one cell of ours holds: a mean with its spread, or the reason why there is none."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from semsr.reproduction.provenance import Origin
from semsr.reproduction.seeds import Spread, spread_of

Status = Literal["reproduced", "incomplete", "not-available", "refused", "stale", "not-run"]
"""What a cell of ours is: a number; images missing; a metric that can't be had; scores that may not be averaged; scores of data,
pictures, a protocol or a metric that have changed since; never computed."""


@dataclass(frozen=True)
class Result:
    """What we have for one cell.

    Attributes:
        status: see `Status`; only "reproduced" has a value.
        reason: why there is no value.
        value: the mean over all images of the data set, in the metric's unit; of a row of several seeds, the mean of theirs.
        count: images that have a value.
        of: images there should be.
        low, high: 95 % interval of the mean over images (of their values averaged over seeds); None where there is none.
        seeds: the mean over all images for each seed that is complete, in the order of the seeds; empty for what is restored once.
        seeds_of: how many seeds there should be; 0 for what is restored once.
        origin: what the value was made from; None without one.
    """

    status: Status
    reason: str = ""
    value: float | None = None
    count: int = 0
    of: int | None = None
    low: float | None = None
    high: float | None = None
    seeds: tuple[float, ...] = ()
    seeds_of: int = 0
    origin: Origin | None = None

    @property
    def spread(self) -> Spread | None:
        """How the seeds' means lie; None without a value or with fewer than two seeds."""
        return None if self.value is None else spread_of(self.seeds)

    @property
    def means(self) -> tuple[float, ...]:
        """What the row is compared by: one mean a seed, or the one there is; empty without a value."""
        return () if self.value is None else self.seeds or (self.value,)
