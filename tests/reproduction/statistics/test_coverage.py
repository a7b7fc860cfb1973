"""95 % intervals hold the truth 95 times in 100, and equal rows are told apart at most 5 times in 100: on generated values.

The fast tests allow for the chance of their few simulations (a binomial bound of 1 in 10,000); `benchmarks/coverage.py` has all of it.
"""

from __future__ import annotations

import gc
from collections.abc import Callable

import numpy as np
import pytest
from scipy import stats

from semsr.reproduction.statistics.column import RowValues, column_order
from semsr.reproduction.statistics.paired import paired, seed_chance

PICTURES = 100
Draw = Callable[[np.random.Generator, tuple[int, ...]], np.ndarray]
DRAWS: dict[str, Draw] = {
    "normal": lambda random, shape: random.normal(size=shape),
    "lognormal": lambda random, shape: random.lognormal(0, 1, shape) - np.exp(0.5),
    "t3": lambda random, shape: random.standard_t(3, shape),
}


def bounds(simulations: int, low: float, high: float) -> tuple[float, float]:
    """What a share between `low` and `high` may look like in that many simulations."""
    return stats.binom.ppf(1e-4, simulations, low) / simulations, stats.binom.ppf(1 - 1e-4, simulations, high) / simulations


def covered(name: str, simulations: int, seed: int) -> float:
    random = np.random.default_rng(seed)
    truth = -0.7
    found = paired(truth + DRAWS[name](random, (simulations, PICTURES)))
    return float(np.mean((found.low <= truth) & (truth <= found.high)))


@pytest.mark.parametrize("name", DRAWS)
def test_intervals_hold_the_truth(name: str) -> None:
    low, high = bounds(400, 0.93, 0.97)
    assert low <= covered(name, 400, 11) <= high


@pytest.mark.slow
@pytest.mark.parametrize("name", DRAWS)
def test_intervals_hold_the_truth_in_two_thousand_simulations(name: str) -> None:
    assert 0.93 <= covered(name, 2000, 12) <= 0.97


def test_students_interval_alone_would_not_pass_on_skewed_differences() -> None:
    """So that the tests above can fail: of lognormal differences of a hundred pictures it covers 91 to 92 %."""
    random = np.random.default_rng(12)
    ends = stats.ttest_1samp(DRAWS["lognormal"](random, (2000, PICTURES)), 0, axis=1).confidence_interval()
    assert np.mean((ends.low <= 0) & (ends.high >= 0)) < 0.93


def seeded(random: np.random.Generator, columns: int, share: float) -> np.ndarray:
    """(columns, 3 seeds, pictures): pictures differ by 0.7, means of seeds by `share`, a seed on a picture by another 0.2."""
    shape = (columns, 3, PICTURES)
    return (
        random.normal(0, 0.7, (columns, 1, PICTURES)) + random.normal(0, share, (columns, 3, 1)) + random.normal(0, 0.2, shape)
    )


@pytest.mark.parametrize("share", [0.02, 0.1, 1.0])
def test_intervals_of_few_seeds_are_not_too_narrow(share: float) -> None:
    random = np.random.default_rng(13)
    first, second = seeded(random, 150, share), seeded(random, 150, share)
    chance = seed_chance(first.mean(axis=2).tolist(), second.mean(axis=2).tolist())
    found = paired(first.mean(axis=1) - second.mean(axis=1), chance)
    assert np.mean((found.low <= 0) & (found.high >= 0)) >= bounds(150, 0.93, 0.97)[0]


def told_apart_wrongly(simulations: int, shifts: tuple[float, ...], draw: Draw, share: float = 0.0) -> float:
    """In how many columns some two equal rows are told apart; every second row is drawn mirrored, so that differences are skewed."""
    random = np.random.default_rng(14)
    wrong = 0
    for _ in range(simulations):
        hard = random.normal(27, 3, PICTURES)
        rows = []
        for at, shift in enumerate(shifts):
            images = hard + shift + (-1) ** at * draw(random, (1, PICTURES))
            if share:
                images = images + random.normal(0, share, (3, 1)) + random.normal(0, 0.2, (3, PICTURES))
            rows.append(RowValues(images, float(images.mean())))
        pairs = column_order(rows, "higher").pairs
        wrong += any(pair.apart and shifts[pair.upper] == shifts[pair.lower] for pair in pairs)
        gc.freeze()  # statsmodels collects garbage at every correction; what is loaded need not be looked through each time
    gc.unfreeze()
    return wrong / simulations


FAMILIES = [
    pytest.param((0.0,) * 8, "normal", 0.0, id="all-equal"),
    pytest.param((0.0,) * 8, "lognormal", 0.0, id="skewed"),
    pytest.param((0.0, 5.0) * 4, "normal", 0.0, id="two-groups"),
    pytest.param((0.0,) * 8, "normal", 1.0, id="three-seeds"),
]


@pytest.mark.parametrize(("shifts", "name", "share"), FAMILIES)
def test_equal_rows_are_seldom_told_apart(shifts: tuple[float, ...], name: str, share: float) -> None:
    assert told_apart_wrongly(60, shifts, DRAWS[name], share) <= bounds(60, 0.0, 0.06)[1]


@pytest.mark.slow
@pytest.mark.parametrize(("shifts", "name", "share"), FAMILIES)
def test_equal_rows_are_seldom_told_apart_in_two_thousand_columns(shifts: tuple[float, ...], name: str, share: float) -> None:
    assert told_apart_wrongly(2000, shifts, DRAWS[name], share) <= 0.06


def test_different_rows_are_told_apart() -> None:
    """Neighbours half a standard deviation of their differences apart, on a hundred pictures."""
    random = np.random.default_rng(15)
    hard = random.normal(27, 3, PICTURES)
    rows = [
        RowValues((images := hard + step / 2 + random.normal(0, 0.7, (1, PICTURES))), float(images.mean())) for step in range(8)
    ]
    found = column_order(rows, "higher")
    assert all(pair.apart for pair in found.pairs) and found.standings[7].best
