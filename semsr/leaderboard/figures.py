"""What plots show, as numbers: regions of confidence, fronts, printed values. Pages only draw it."""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

CONFIDENCE = 0.95


@dataclass(frozen=True)
class Region:
    """Where the means of some columns lie with 95 % confidence, two at a time.

    The region of columns i and j is the ellipse of points (x, y) about the two means with u'C⁻¹u <= 1, where C has the squares of
    `half[i]` and `half[j]` on its diagonal and `correlation[i][j] * half[i] * half[j]` beside it.

    Attributes:
        count: how many images it is of.
        half: half the width of the ellipse, a column, in the column's unit.
        correlation: of the means, a column and a column, in [-1, 1]; 0 where a column does not vary.
    """

    count: int
    half: tuple[float, ...]
    correlation: tuple[tuple[float, ...], ...]


def region(values: Sequence[Sequence[float]]) -> Region | None:
    """The confidence region of the means of several columns over the same images.

    It is Hotelling's for two columns: the covariance of the means, scaled by 2 (n - 1) / (n - 2) times the F quantile with 2 and n - 2
    degrees of freedom, since the covariance itself is estimated from n images. It takes the images for drawn at random, and enough of
    them for the means to be about normal.

    Args:
        values: (C, N), one row of values a column, the images in the same order; images that lack any (NaN or infinite) do not count.

    Returns:
        None with fewer than three images or without columns.

    Source: H. Hotelling, "The generalization of Student's ratio", Annals of Mathematical Statistics 2 (1931).
    """
    table = np.array(values, dtype=np.float64)
    if table.ndim != 2:
        return None
    table = table[:, np.isfinite(table).all(axis=0)]
    count = table.shape[1]
    if count < 3:
        return None
    covariance = np.atleast_2d(np.cov(table)) / count
    deviation = np.sqrt(np.diag(covariance))
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = np.nan_to_num(covariance / np.outer(deviation, deviation), posinf=0, neginf=0).clip(-1, 1)
    half = deviation * math.sqrt(_scale(count))
    return Region(count, tuple(half.tolist()), tuple(map(tuple, correlation.tolist())))


@functools.cache
def _scale(count: int) -> float:
    return float(2 * (count - 1) / (count - 2) * stats.f.ppf(CONFIDENCE, 2, count - 2))


def pareto_front(x: Sequence[float | None], y: Sequence[float | None], higher: tuple[bool, bool]) -> list[int]:
    """Which points no other point beats: none is at least as good in both and better in one.

    Args:
        x, y: one value a row; rows without both do not take part.
        higher: whether higher is better in x, in y.

    Returns:
        Positions of the rows, ordered by x and, of equal x, by position.
    """
    there = [
        (number, a if higher[0] else -a, b if higher[1] else -b)
        for number, (a, b) in enumerate(zip(x, y, strict=True))
        if a is not None and b is not None and not math.isnan(a) and not math.isnan(b)
    ]
    front: list[tuple[float, int]] = []
    beaten, last = -math.inf, (math.nan, math.nan)
    # From the best x on, a point is on the front if its y is better than any so far; points that are equal stand together.
    for number, a, b in sorted(there, key=lambda point: (-point[1], -point[2])):
        if b > beaten or (a, b) == last:
            front.append((a if higher[0] else -a, number))
            beaten, last = b, (a, b)
    return [number for _, number in sorted(front)]


def printed_number(text: str) -> float | None:
    """The number that a published value starts with, as 26.39 of "26.39" or "26.39 ± 0.02"; None where there is none."""
    found = re.match(r"\s*([-+\u2212]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)", text)
    return float(found[1].replace("\u2212", "-")) if found else None
