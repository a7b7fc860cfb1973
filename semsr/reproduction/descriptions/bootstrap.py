"""A ratio of sums over pictures, and how far it moves when other pictures of the same kind are drawn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

RESAMPLES = 2000
_AT_ONCE = 200


@dataclass(frozen=True)
class Estimate:
    """A ratio of two sums over pictures.

    Attributes:
        value: the ratio; None where the lower sum is 0, so that nothing can be said.
        low, high: ends of the 95 % interval; None where there is none (no value, or fewer than two pictures).
        above, below: the two sums.
        pictures: how many pictures they are over.
    """

    value: float | None
    low: float | None
    high: float | None
    above: float
    below: float
    pictures: int


def ratio_of_sums(above: Sequence[float], below: Sequence[float], confidence: float = 0.95, seed: int = 0) -> Estimate:
    """sum(above) / sum(below) with the percentile bootstrap's interval over pictures.

    Pictures are drawn with replacement, as many as there are, 2000 times from a seeded generator; both sums are formed of the same draw,
    since what is found and what is expected in a picture go together. Draws whose lower sum is 0 have no ratio and are left out. A mean
    over pictures is the case `below` = 1.

    Args:
        above, below: (N,), one value a picture, not negative.
        confidence: between 0 and 1.
        seed: of the draws: the same values give the same interval.

    Raises:
        ValueError: no pictures, or the two differ in length.
    """
    upper, lower = np.asarray(above, np.float64), np.asarray(below, np.float64)
    if upper.size == 0 or upper.shape != lower.shape:
        raise ValueError("a ratio of sums needs one pair of values a picture")
    total = float(lower.sum())
    if total == 0:
        return Estimate(None, None, None, float(upper.sum()), total, upper.size)
    value = float(upper.sum()) / total
    if upper.size == 1:
        return Estimate(value, None, None, float(upper.sum()), total, 1)
    generator = np.random.default_rng(seed)
    ratios = []
    for _ in range(RESAMPLES // _AT_ONCE):  # in parts, so that thousands of pictures do not fill the memory
        drawn = generator.multinomial(upper.size, np.full(upper.size, 1 / upper.size), size=_AT_ONCE)
        sums = drawn @ lower
        kept = sums > 0
        ratios.append((drawn @ upper)[kept] / sums[kept])
    low, high = np.quantile(np.concatenate(ratios), [(1 - confidence) / 2, (1 + confidence) / 2])
    return Estimate(value, float(low), float(high), float(upper.sum()), total, upper.size)
