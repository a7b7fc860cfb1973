"""What several seeds of a training say: their mean and spread, and whether two rows can be told apart by them."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

ENOUGH = 3
"""Seeds that each of two rows must have before anything is said about their difference."""

Direction = Literal["higher", "lower"]
Verdict = Literal["better", "worse", "not resolved"]


@dataclass(frozen=True)
class Spread:
    """How the means of several seeds lie.

    Attributes:
        sd: sample standard deviation (n - 1); None where a mean is not finite.
        low, high: smallest and largest.
    """

    sd: float | None
    low: float
    high: float


@dataclass(frozen=True)
class Contrast:
    """Whether one row is better than another.

    Attributes:
        value: difference of the rows' means; None where it is not a finite number.
        low, high: its 95 % interval over seeds; None where there is none.
        verdict: better or worse where the interval does not contain 0.
        why: what stands in the way of a verdict, where it is not simply the interval.
    """

    value: float | None
    low: float | None
    high: float | None
    verdict: Verdict
    why: str = ""


def mean_of_seeds(values: Sequence[float]) -> float:
    """The mean, rounded once: equal values have exactly that value as their mean, however many they are."""
    return statistics.mean(values)


def spread_of(values: Sequence[float]) -> Spread | None:
    """The spread of the seeds' means; None for fewer than two."""
    if len(values) < 2:
        return None
    finite = all(math.isfinite(value) for value in values)
    return Spread(statistics.stdev(values) if finite else None, min(values), max(values))


def welch_interval(first: Sequence[float], second: Sequence[float], confidence: float = 0.95) -> tuple[float, float] | None:
    """Interval of mean(first) - mean(second) where both are samples of their own, with spreads of their own.

    Welch (1947), "The generalization of Student's problem when several different population variances are involved": the difference
    ± t(confidence, ν) · sqrt(a + b), a and b the squared standard errors, ν = (a + b)² / (a²/(n₁-1) + b²/(n₂-1)).

    Args:
        first, second: one mean a seed.
        confidence: between 0 and 1.

    Returns:
        Its ends; None where a side has fewer than two values, one is not finite, or neither side varies at all.
    """
    from scipy.special import stdtrit

    if min(len(first), len(second)) < 2 or not all(math.isfinite(value) for value in (*first, *second)):
        return None
    a, b = statistics.variance(first) / len(first), statistics.variance(second) / len(second)
    if (scale := max(a, b)) == 0:
        return None
    # Degrees of freedom do not depend on the unit; without one, the squares of tiny variances can't vanish.
    a_share, b_share = a / scale, b / scale
    freedom = (a_share + b_share) ** 2 / (a_share**2 / (len(first) - 1) + b_share**2 / (len(second) - 1))
    difference = mean_of_seeds(first) - mean_of_seeds(second)
    half = float(stdtrit(freedom, (1 + confidence) / 2)) * math.sqrt(a + b)
    return difference - half, difference + half


def student_interval(values: Sequence[float], fixed: float, confidence: float = 0.95) -> tuple[float, float] | None:
    """Interval of mean(values) - fixed, where the second is known and no sample: Student (1908), n - 1 degrees of freedom.

    Returns:
        Its ends; None for fewer than two values, where one is not finite, or where they do not vary.
    """
    from scipy.special import stdtrit

    if len(values) < 2 or not all(math.isfinite(value) for value in (*values, fixed)) or not statistics.variance(values):
        return None
    half = float(stdtrit(len(values) - 1, (1 + confidence) / 2)) * statistics.stdev(values) / math.sqrt(len(values))
    difference = mean_of_seeds(values) - fixed
    return difference - half, difference + half


def contrast(first: Sequence[float], second: Sequence[float], direction: Direction, *, fixed: bool = False) -> Contrast:
    """Compare two rows by the means of their seeds; a row that is not trained here gives its one mean.

    Seeds are the only chance that counts here: not that of the pictures, of the training data or of anything that all seeds share.

    Args:
        first, second: one mean a seed, at least one each.
        direction: which way is better.
        fixed: the second is one thing and no sample (the start that all seeds of the first share), so that only the first varies.
    """
    fixed = fixed and len(second) == 1
    value = mean_of_seeds(first) - mean_of_seeds(second)
    if not math.isfinite(value):
        return Contrast(None, None, None, "not resolved", "a mean is not finite")
    found = student_interval(first, second[0]) if fixed else welch_interval(first, second)
    low, high = found or (None, None)
    if min(len(first), ENOUGH if fixed else len(second)) < ENOUGH:
        return Contrast(value, low, high, "not resolved", f"fewer than {ENOUGH} seeds")
    if low is None or high is None:
        return Contrast(value, None, None, "not resolved", "the seeds do not differ")
    if low <= 0 <= high:
        return Contrast(value, low, high, "not resolved")
    return Contrast(value, low, high, "better" if (value > 0) == (direction == "higher") else "worse")
