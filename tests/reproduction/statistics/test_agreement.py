"""Kendall's tau-b by hand and against scipy's of single draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from semsr.reproduction.statistics.agreement import FEW_ROWS, agreement, tau


def test_tau_of_every_draw_is_scipys() -> None:
    random = np.random.default_rng(1)
    first, second = random.integers(0, 4, (400, 5)).astype(float), random.normal(size=(400, 5))
    each = [kendalltau(a, b).statistic for a, b in zip(first, second, strict=True)]
    assert tau(first, second) == pytest.approx(np.array(each), nan_ok=True)
    assert np.isnan(each).any(), "a draw in which all rows are equal"


def test_draws_without_a_value_have_no_tau() -> None:
    first = np.array([[1, 2, 3], [1, np.nan, 3], [3, 2, 1.0]])
    assert tau(first, np.tile([1.0, 2, 3], (3, 1))) == pytest.approx(np.array([1, np.nan, -1]), nan_ok=True)
    assert np.isnan(tau(np.full((2, 3), np.nan), np.ones((2, 3)))).all()


def test_agreement_by_hand() -> None:
    """Published a > b > c > d, ours b > a > c > d: one of six pairs the other way round; draw two swaps c and d besides."""
    ours = [np.array([3.0, 3]), np.array([4.0, 4]), np.array([2.0, 1]), np.array([1.0, 2]), np.array([9.0, 9])]
    found = agreement([28.0, 27, 26, 25, None], ours)
    assert (found.tau, found.low, found.high) == pytest.approx((4 / 6, 2 / 6, 2 / 6))
    assert found.rows == 4 and found.why == ""


def test_rows_that_one_side_lacks_do_not_count() -> None:
    ours = [np.array([1.0, 1]), None, np.array([np.nan, 1]), np.array([2.0, 2])]
    assert agreement([1, 5, 6, 2], ours).rows == 2
    assert agreement([1, 5, 6, 2], ours).tau == 1
    alone = agreement([1, 5, 6, None], ours)
    assert (alone.tau, alone.rows, alone.why) == (None, 1, FEW_ROWS)
    assert agreement([], []).why == FEW_ROWS


def test_without_draws_of_one_row_there_is_no_interval() -> None:
    found = agreement([1, 2], [np.array([1.0]), np.array([3.0, 4, 5])], "one picture")
    assert (found.tau, found.low, found.high, found.why) == (1, None, None, "one picture")


def test_equal_published_values_have_no_order() -> None:
    found = agreement([1, 1], [np.array([1.0, 2]), np.array([3.0, 4])])
    assert found.tau is None and found.why == "all rows have the same value in the paper or here"


def test_an_infinite_value_has_its_rank() -> None:
    assert agreement([1, 2, 3], [np.array([1.0]), np.array([2.0]), np.array([np.inf])]).tau == pytest.approx(1)
