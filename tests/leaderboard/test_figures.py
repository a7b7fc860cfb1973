"""Regions, fronts and printed values, against simulation and brute force."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
from scipy import stats

from semsr.leaderboard.figures import Region, pareto_front, printed_number, region


def _inside(found: Region, i: int, j: int, offset: np.ndarray) -> bool:
    a, b = found.half[i], found.half[j]
    shared = found.correlation[i][j] * a * b
    return float(offset @ np.linalg.solve([[a * a, shared], [shared, b * b]], offset)) <= 1


@pytest.mark.parametrize("count", [5, 16, 100])
def test_covers_the_true_means_as_often_as_it_says(count: int) -> None:
    rng = np.random.default_rng(count)
    truth = np.array([26.0, 0.3, 5.0])
    spread = np.array([[4, -0.1, 0.5], [-0.1, 0.01, 0.02], [0.5, 0.02, 1]])
    times = 1000
    hits = 0
    for _ in range(times):
        sample = rng.multivariate_normal(truth, spread, count)
        found = region(sample.T.tolist())
        assert found is not None
        hits += _inside(found, 0, 1, (sample.mean(axis=0) - truth)[:2])
    assert abs(hits / times - 0.95) < 3 * math.sqrt(0.95 * 0.05 / times)


def test_is_the_known_region_of_one_sample() -> None:
    """T² by its definition, at the ends of the ellipse: where the first mean is moved by its half width, T² is at the quantile."""
    values = np.array([[1.0, 2.0, 4.0, 7.0, 1.5], [3.0, 1.0, 2.0, 0.5, 2.2]])
    found = region(values.tolist())
    assert found is not None
    end = np.array([found.half[0], found.correlation[0][1] * found.half[1]])
    squared = 5 * end @ np.linalg.solve(np.cov(values), end)
    assert squared == pytest.approx(2 * 4 / 3 * stats.f.ppf(0.95, 2, 3))


def test_images_that_lack_a_value_do_not_count() -> None:
    full = region([[1, 2, 4, 7], [3, 1, 2, 5]])
    assert full is not None and full.count == 4
    holed = region([[1, 2, 4, 7, math.nan, 3], [3, 1, 2, 5, 4, math.inf]])
    assert holed == full


@pytest.mark.parametrize("values", [[], [[]], [[1.0, 2.0]], [[math.nan] * 9], [[1, 2, math.nan], [1, 2, 3]]])
def test_there_is_none_of_fewer_than_three_images(values: list[list[float]]) -> None:
    assert region(values) is None


def test_a_column_that_does_not_vary_has_no_width() -> None:
    found = region([[5.0] * 4, [1.0, 2.0, 3.0, 5.0]])
    assert found is not None
    assert found.half[0] == 0
    assert found.correlation[0][1] == 0


@pytest.mark.parametrize("higher", list(itertools.product([True, False], repeat=2)))
def test_front_is_what_nothing_dominates(higher: tuple[bool, bool]) -> None:
    """Against the definition, pair by pair, with ties, on a coarse grid of values."""
    rng = np.random.default_rng(3)
    for _ in range(200):
        x, y = rng.integers(0, 6, (2, rng.integers(1, 12))).astype(float)
        a, b = (x if higher[0] else -x), (y if higher[1] else -y)
        beaten = [
            any(a[q] >= a[p] and b[q] >= b[p] and (a[q] > a[p] or b[q] > b[p]) for q in range(len(x))) for p in range(len(x))
        ]
        front = pareto_front(x.tolist(), y.tolist(), higher)
        assert sorted(front) == [number for number, lost in enumerate(beaten) if not lost]
        assert [x[number] for number in front] == sorted(x[number] for number in front)


def test_rows_without_both_values_are_not_on_the_front() -> None:
    assert pareto_front([1, None, 3, math.nan, 2], [5, 9, None, 9, 4], (True, True)) == [0, 4]
    assert pareto_front([], [], (True, True)) == []


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("26.39", 26.39),
        (" 0.2670 ± 0.0001", 0.267),
        ("−1.5", -1.5),
        ("-3", -3.0),
        ("1e-3", 1e-3),
        ("", None),
        ("–", None),
        ("n/a 3", None),
    ],
)
def test_reads_printed_values(text: str, number: float | None) -> None:
    assert printed_number(text) == number
