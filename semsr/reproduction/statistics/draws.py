"""Bootstrap draws of pictures, and what lies in the tails of numbers that were formed of them."""

from __future__ import annotations

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Counts = NDArray[np.uint8]
RESAMPLES = 9999
"""Draws of pictures; with the data themselves ten thousand, so that a p value of 0.0001 can be counted."""
_COUNTED = 10
"""Draws beyond a point that suffice to count its tail."""
_FITTED = 250
"""The largest draws, which the tail is fitted to where too few lie beyond a point."""
_AT_ONCE = 2**22
"""Weights that are held as float64 at a time (32 MB)."""


@lru_cache(maxsize=2)
def counts(pictures: int, resamples: int = RESAMPLES, seed: int = 0) -> Counts:
    """How often each picture stands in each draw: as many as there are, with replacement (Efron 1979).

    The draws depend on these three numbers alone, so that all rows of a column, all columns of a data set, and a table with another row
    are compared on the same ones. They are kept, since the columns of a table ask for them one after the other.

    Args:
        pictures: how many there are, at least 1.
        resamples: how many draws.
        seed: of NumPy's default generator.

    Returns:
        (resamples, pictures), read-only; every row sums to `pictures`.
    """
    generator = np.random.default_rng(seed)
    drawn = np.empty((resamples, pictures), np.uint8)  # 30 MB for 3000 pictures; no picture is drawn 256 times
    step = max(1, _AT_ONCE // pictures)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        picked = generator.integers(0, pictures, (rows, pictures)) + pictures * np.arange(rows)[:, None]
        drawn[start : start + rows] = np.bincount(picked.ravel(), minlength=rows * pictures).reshape(rows, pictures)
    drawn.flags.writeable = False
    return drawn


def means(values: Floats, drawn: Counts) -> Floats:
    """Means of each row in each draw.

    Args:
        values: (rows, pictures), finite.
        drawn: (R, pictures), as `counts` gives them.

    Returns:
        (rows, R).
    """
    pictures = values.shape[1]
    found = np.empty((len(values), len(drawn)))
    step = max(1, _AT_ONCE // pictures)
    for start in range(0, len(drawn), step):
        found[:, start : start + step] = values @ drawn[start : start + step].astype(np.float64).T
    found /= pictures
    return found


def beyond(draws: Floats, point: Floats) -> Floats:
    """How likely a draw is at or above a point, down to values that draws can't be counted for.

    Counted as (k + 1) / (R + 1), the data themselves being one draw (Davison and Hinkley 1997, 4.25), where at least ten draws lie
    beyond. Where fewer do, a generalized Pareto distribution is fitted to the 250 largest draws by probability-weighted moments
    (Hosking and Wallis 1987), as Knijnenburg et al. (2009), "Fewer permutations, more accurate P-values", do: a column of fifty rows
    has 1225 pairs, and what is multiplied by that must be known more finely than to 1/10000. Its shape is never taken below 0, so
    that the tail falls no faster than an exponential one. Where a fitted draw is infinite, the count stands.

    Args:
        draws: (P, R), each row in rising order; infinite ones allowed.
        point: (P,), finite.

    Returns:
        (P,), above 0 and at most 1.
    """
    from scipy.stats import genpareto

    resamples = draws.shape[1]
    below = [np.searchsorted(row, at, "left") for row, at in zip(draws, point, strict=True)]
    count = resamples - np.array(below, np.intp)
    found: Floats = (count + 1) / (resamples + 1)
    few = np.flatnonzero(count < _COUNTED)
    if not few.size or resamples <= 2 * _FITTED:
        return found
    largest = draws[few, -_FITTED - 1 :]
    fit = np.isfinite(largest).all(axis=1) & (largest[:, -1] > largest[:, 0])
    few, largest = few[fit], largest[fit]
    start, excess = largest[:, 0], largest[:, 1:] - largest[:, :1]
    place = (np.arange(1, _FITTED + 1) - 0.35) / _FITTED
    mean, weighted = excess.mean(axis=1), ((1 - place) * excess).mean(axis=1)
    shape = np.clip(2 - mean / (mean - 2 * weighted), 0, 0.9)
    tail = _FITTED / resamples * genpareto.sf(point[few] - start, shape, scale=mean * (1 - shape))
    found[few] = np.clip(tail, np.finfo(np.float64).tiny, found[few])
    return found
