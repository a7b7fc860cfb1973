"""Differences of rows over the same pictures: intervals and tests that count the chance of the pictures, and that of the seeds."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from semsr.reproduction.statistics.draws import RESAMPLES, Counts, Floats, beyond, counts, means

CONFIDENCE = 0.95
_ROUNDING = 1e-12
"""Relative to the spread of the data: a draw of less spread consists of copies of one value."""
_PAIRS_AT_ONCE = 256
_DEGREES = 32
"""Steps of a degree of freedom that quantiles are kept for; what lies between takes the lower one, whose tails are longer."""


@dataclass(frozen=True)
class SeedChance:
    """How far the differences may be off because of the seeds.

    Attributes:
        error: (P,), standard error of each difference over seeds, at least 0; 0 where no row has several seeds.
        freedom: (P,), its degrees of freedom, above 0; any number where `error` is 0.
    """

    error: Floats
    freedom: Floats


@dataclass(frozen=True)
class PairedTests:
    """Mean differences with their intervals and p values, each (P,).

    Attributes:
        value: the mean over pictures.
        low, high: ends of the 95 % interval; infinite where the pictures set no bound.
        p: two-sided, of a mean of 0; not corrected for the number of pairs.
    """

    value: Floats
    low: Floats
    high: Floats
    p: Floats


def seed_chance(first: Sequence[Sequence[float]], second: Sequence[Sequence[float]]) -> SeedChance:
    """Standard errors and degrees of freedom of differences between means over seeds, as Welch (1947) has them.

    A row of one value is one thing and adds no chance; then the other's n - 1 degrees are left (Student).

    Args:
        first, second: of each of P pairs, one mean a seed.
    """
    error, freedom = np.zeros(len(first)), np.ones(len(first))
    for at, pair in enumerate(zip(first, second, strict=True)):
        parts = [(float(np.var(side, ddof=1)) / len(side), len(side) - 1) for side in pair if len(side) > 1]
        total = sum(part for part, _ in parts)
        if total > 0:
            error[at] = total**0.5
            freedom[at] = 1 / sum((part / total) ** 2 / degrees for part, degrees in parts)
    return SeedChance(error, freedom)


def paired(differences: Floats, seeds: SeedChance | None = None) -> PairedTests:
    """Test whether differences over pictures have a mean of 0.

    *Pictures.* The bootstrap-t (Efron and Tibshirani 1993, 12.5): in each draw of pictures the mean's distance from that of the data,
    over its standard error in the draw. The ends of its distribution, times the standard error of the data, give the interval: it
    is longer on the side to which the differences are skewed. Of heavy-tailed differences it is a little short and Student's is not;
    of skewed ones, the other way round. So the interval reaches as far as the farther of the two on each side, and p is the larger
    (`benchmarks/coverage.py` has their coverage, and that of BCa and percentile intervals, which is lower). In sets of two or three
    pictures, draws of one picture alone have no standard error; they count as infinitely far away on their side, so that nothing
    is told apart there.

    *Seeds.* Three seeds have 27 draws, and resampling them shows next to nothing of how far their mean can be off; Rao and Wu's (1988)
    draws of n - 1, which make the variance right, do not make the tails right. So a draw of seeds is a draw of Student's
    distribution times their standard error, with Welch's degrees of freedom, independent of the draw of pictures, and added to it.
    Where pictures do not matter, the interval is Welch's; where seeds do not, it is that of the pictures. What seeds and pictures do
    together (a seed that is good at some pictures) is in both standard errors and counted twice: the interval is then too long,
    never too short. Student's counterpart has the sum's degrees of freedom by Satterthwaite's (1946) rule.

    Args:
        differences: (P, N), one a picture, finite; rows of several seeds with each picture's mean over them. N at least 2.
        seeds: the chance of the seeds; None: there is none.
    """
    from scipy.special import stdtr, stdtrit

    pairs, pictures = differences.shape
    value = differences.mean(axis=1)
    centred = differences - value[:, None]
    error = np.sqrt((centred**2).mean(axis=1) / (pictures - 1))
    error[error <= _ROUNDING * np.abs(differences).max(axis=1)] = 0
    if seeds is None:
        seeds = SeedChance(np.zeros(pairs), np.ones(pairs))
    total = np.hypot(error, seeds.error)
    some = np.flatnonzero(total > 0)
    low, high = value.copy(), value.copy()
    # Without any spread over pictures there is nothing to test them by but the signs: all of one side by chance alone.
    p = np.where(value == 0, 1.0, 2.0 ** (1 - pictures))

    shares = (error[some] / total[some]) ** 4 / (pictures - 1) + (seeds.error[some] / total[some]) ** 4 / seeds.freedom[some]
    student = stdtrit(1 / shares, (1 + CONFIDENCE) / 2)
    by_student = 2 * stdtr(1 / shares, -np.abs(value[some] / total[some]))
    for start in range(0, some.size, _PAIRS_AT_ONCE):
        part = slice(start, start + _PAIRS_AT_ONCE)
        at = some[part]
        away = _away(centred[at], error[at], counts(pictures))
        away += seeds_away(seeds.error[at], seeds.freedom[at], RESAMPLES)
        ends_low, ends_high, by_draws = conclude(value[at], away)
        low[at] = np.minimum(ends_low, value[at] - total[at] * student[part])
        high[at] = np.maximum(ends_high, value[at] + total[at] * student[part])
        by_signs = np.where(error[at] == 0, p[at], 0)  # seeds alone say nothing of other pictures
        p[at] = np.maximum.reduce((by_draws, by_student[part], by_signs))
    return PairedTests(value, low, high, p)


def conclude(value: Floats, away: Floats) -> tuple[Floats, Floats, Floats]:
    """Ends of the 95 % interval and the two-sided p value of a mean of 0, from draws of how far an estimate is off.

    Args:
        value: (P,), the estimates.
        away: (P, R), draws of estimate minus truth, in the same unit; infinite ones allowed.

    Returns:
        low, high and p, (P,) each.
    """
    ordered = np.sort(away, axis=1)
    # The inverse of the draws' distribution function: between two draws, one of which is infinite, there is nothing.
    first, last = (math.ceil(share * away.shape[1]) - 1 for share in ((1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2))
    p = np.minimum(1, 2 * np.minimum(beyond(ordered, value), beyond(-ordered[:, ::-1], -value)))
    return value - ordered[:, last], value - ordered[:, first], p


def _away(centred: Floats, error: Floats, drawn: Counts) -> Floats:
    """How far each draw's mean lies from that of the data, over the draw's standard error, times that of the data: (P, R)."""
    pairs, pictures = centred.shape
    unit = np.where(error > 0, error, 1)[:, None]
    both = means(np.concatenate((centred / unit, (centred / unit) ** 2)), drawn)
    mean, square = both[:pairs], both[pairs:]
    variance = (square - mean**2) / (pictures - 1)
    alone = variance <= _ROUNDING
    variance[alone] = 1
    found: Floats = mean / np.sqrt(variance)
    if alone.any():
        found[alone] = np.where(np.abs(mean[alone]) > _ROUNDING, np.copysign(np.inf, mean[alone]), 0)
    found[error == 0] = 0
    found *= unit
    return found


def seeds_away(error: Floats, freedom: Floats, resamples: int, seed: int = 0) -> Floats:
    """Draws of how far differences are off because of their seeds: Student's distribution, shuffled alike for all: (P, resamples)."""
    found = np.zeros((error.size, resamples))
    for at in np.flatnonzero(error > 0):
        found[at] = error[at] * _student(math.floor(freedom[at] * _DEGREES) / _DEGREES, resamples, seed)
    return found


@lru_cache(maxsize=256)
def _student(freedom: float, resamples: int, seed: int) -> Floats:
    """Evenly spaced quantiles in a shuffled order: (resamples,), read-only."""
    from scipy.special import stdtrit

    order = np.random.default_rng([seed, 1]).permutation(resamples)
    found: Floats = stdtrit(freedom, (np.arange(resamples) + 0.5) / resamples)[order]
    found.flags.writeable = False
    return found
