"""Draws of pictures, and tails against distributions whose tails are known."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import stats

from semsr.reproduction.statistics.draws import beyond, counts, means


def test_a_draw_takes_as_many_pictures_as_there_are() -> None:
    drawn = counts(7, resamples=4000)
    assert drawn.shape == (4000, 7)
    assert (drawn.sum(axis=1) == 7).all()
    # Multinomial: each count has mean 1, variance 6/7, and covariance -1/7 with any other.
    assert drawn.mean(axis=0) == pytest.approx(np.ones(7), abs=0.06)
    covariance = np.cov(drawn.T)
    assert np.diag(covariance) == pytest.approx(np.full(7, 6 / 7), abs=0.06)
    assert covariance[~np.eye(7, dtype=bool)] == pytest.approx(np.full(42, -1 / 7), abs=0.05)


def test_the_same_numbers_give_the_same_draws_and_nobody_can_change_them() -> None:
    first = counts(50, 300).copy()
    counts.cache_clear()
    assert (counts(50, 300) == first).all()
    assert (counts(50, 300, seed=1) != first).any()
    with pytest.raises(ValueError, match="read-only"):
        counts(50, 300)[0, 0] = 3


def test_means_of_draws_are_those_of_the_pictures_picked() -> None:
    values = np.random.default_rng(1).normal(size=(3, 20))
    drawn = counts(20, 50)
    picked = [np.repeat(np.arange(20), row) for row in drawn]
    assert means(values, drawn) == pytest.approx(np.array([values[:, one].mean(axis=1) for one in picked]).T)


def test_sets_larger_than_a_part_are_drawn_in_parts() -> None:
    """5000 pictures: a part has 838 of the 1000 draws."""
    drawn = counts(5000, 1000)
    assert (drawn.sum(axis=1) == 5000).all()
    assert means(np.arange(5000.0)[None], drawn)[0] == pytest.approx(drawn.astype(float) @ np.arange(5000.0) / 5000)


def test_where_many_draws_lie_beyond_they_are_counted() -> None:
    draws = np.arange(1000.0)[None]
    assert beyond(draws, np.array([900.0])) == pytest.approx(101 / 1001)
    assert beyond(draws, np.array([-1.0])) == 1


@pytest.mark.parametrize(
    ("name", "points", "factor"),
    [("expon", (12, 20), 4), ("norm", (4.0, 5.0), 30), ("t4", (15, 30), 4)],
)
def test_beyond_all_draws_the_tail_goes_on(name: str, points: tuple[float, float], factor: float) -> None:
    """Against the true tail: of the right order where it is exponential or heavier, and nowhere far lighter."""
    of = {"expon": stats.expon(), "norm": stats.norm(), "t4": stats.t(4)}[name]
    draws = np.sort(of.rvs((30, 9999), random_state=np.random.default_rng(3)), axis=1)
    for point in points:
        found, true = beyond(draws, np.full(30, float(point))), of.sf(point)
        assert true / factor < np.median(found) < true * factor
        assert np.quantile(found, 0.1) > true / 50 and (found <= 11 / 10000).all()


def test_the_tail_falls_with_the_point() -> None:
    draws = np.sort(np.random.default_rng(4).normal(size=(1, 9999)))
    found = [float(beyond(draws, np.array([point]))[0]) for point in np.linspace(2, 12, 40)]
    assert all(later <= earlier for earlier, later in pairwise(found))
    assert 0 < found[-1] < 1e-6


def test_infinite_draws_are_counted_and_never_extrapolated() -> None:
    draws = np.sort(np.random.default_rng(5).normal(size=(1, 9999)))
    draws[0, -5:] = np.inf
    assert beyond(draws, np.array([1e6])) == pytest.approx(6 / 10000)
    assert beyond(np.zeros((1, 9999)), np.array([1.0])) == pytest.approx(1 / 10000), "no spread to fit a tail to"
