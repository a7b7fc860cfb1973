"""Means and intervals against scipy's own."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import stats

from semsr.evaluation.interval import mean_interval


@pytest.mark.parametrize("count", [2, 5, 100])
def test_equals_scipy_ttest_interval(count: int) -> None:
    values = np.random.default_rng(count).gamma(2, 3, count)
    expected = stats.ttest_1samp(values, 0).confidence_interval(0.95)
    found = mean_interval(values)
    assert found.count == count
    assert found.mean == pytest.approx(values.mean(), rel=1e-14)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high), rel=1e-12)


def test_by_hand() -> None:
    """Two values 0 and 2: mean 1, s = sqrt 2, t(0.975, 1) = 12.7062, half width 12.7062 * sqrt 2 / sqrt 2."""
    found = mean_interval([0.0, 2.0])
    assert found.mean == 1
    assert found.high == pytest.approx(13.7062, abs=1e-4)


def test_holds_the_true_mean_as_often_as_it_says() -> None:
    generator = np.random.default_rng(0)
    hits = [
        interval.low <= 3 <= interval.high
        for interval in (mean_interval(generator.normal(3, 2, 14)) for _ in range(2000))
        if interval.low is not None and interval.high is not None
    ]
    assert np.mean(hits) == pytest.approx(0.95, abs=0.015)


def test_without_an_interval() -> None:
    assert mean_interval([4.0]).low is None
    endless = mean_interval([4.0, math.inf])
    assert endless.mean == math.inf
    assert endless.high is None


@pytest.mark.parametrize("values", [[], [1.0, math.nan]])
def test_no_mean_of_what_is_not_there(values: list[float]) -> None:
    with pytest.raises(ValueError, match="all of them available"):
        mean_interval(values)
