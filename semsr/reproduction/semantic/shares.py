"""Numbers with what a draw of other pictures makes of them: values, differences, and the share that a restoration recovers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semsr.reproduction.seeds import Direction

Draws = NDArray[np.float64]
"""(R + 1,): the value of the data set, then those of R bootstrap draws of its pictures; NaN where a draw has nothing to measure."""
CONFIDENCE = 0.95
ENOUGH_PICTURES = 2
"""With fewer, every draw is the data set itself, and an interval would claim certainty."""


@dataclass(frozen=True)
class Drawn:
    """One number.

    Attributes:
        value: of the data set; None where there is none.
        low, high: ends of its 95 % percentile interval over draws of pictures; None where there is none.
        reason: why there is no value.
        left_out: draws that have no value, which the interval is without.
    """

    value: float | None
    low: float | None = None
    high: float | None = None
    reason: str = ""
    left_out: int = 0

    @property
    def resolved(self) -> bool:
        """Whether the interval lies on one side of 0."""
        return self.low is not None and self.high is not None and (self.low > 0 or self.high < 0)


def drawn(draws: Draws, reason: str = "nothing to measure it by") -> Drawn:
    """A number of the data set with its interval.

    Args:
        draws: (R + 1,); with R = 0 there is no interval.
        reason: what is said where the data set has no value.
    """
    if not np.isfinite(draws[0]):
        return Drawn(None, reason=reason)
    others = draws[1:]
    finite = others[np.isfinite(others)]
    if not finite.size:
        return Drawn(float(draws[0]), left_out=others.size)
    low, high = np.quantile(finite, [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return Drawn(float(draws[0]), float(low), float(high), left_out=int(others.size - finite.size))


def trusted(draws: Draws, pictures: int) -> Draws:
    """The draws that mean something: none beside the value itself where there are too few pictures to draw from."""
    return draws if pictures >= ENOUGH_PICTURES else draws[:1]


def mean_over_seeds(each: Sequence[Draws]) -> Draws:
    """The mean of several seeds draw by draw: the seeds see the same pictures. One seed is returned as it is."""
    return each[0] if len(each) == 1 else np.asarray(np.mean(each, axis=0), np.float64)


def difference(first: Draws, second: Draws) -> Drawn:
    """first - second, draw by draw, so that pictures which are hard for both do not count as a difference."""
    return drawn(first - second)


def recovered(sr: Draws, floor: Draws, ceiling: Draws, direction: Direction) -> Drawn:
    """How far a restoration gets from the floor (zoomed LR) to the ceiling (HR): (sr - floor) / (ceiling - floor), in percent.

    Formed draw by draw. A draw in which the floor is not worse than the ceiling has no share and is left out; so has the data set then.

    Args:
        sr, floor, ceiling: (R + 1,) each, of the same draws.
        direction: which way is better.
    """
    room = ceiling - floor
    worse = room > 0 if direction == "higher" else room < 0
    share = np.full(sr.shape, np.nan)
    np.divide(100 * (sr - floor), room, out=share, where=worse)
    if np.isfinite(floor[0]) and np.isfinite(ceiling[0]) and not worse[0]:
        return Drawn(None, reason=f"the floor ({floor[0]:.2f}) is not worse than the ceiling ({ceiling[0]:.2f})")
    return drawn(share)
