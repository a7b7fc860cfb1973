"""Order of rows and agreement of judges, against hand-counted pairs and scipy's tau of single draws."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import kendalltau

from semsr.reproduction.semantic.agreement import agree, kendall, ordered, steps


def still(**values: float) -> dict[str, np.ndarray]:
    """Rows whose value is the same in every draw."""
    return {row: np.full(11, value, np.float64) for row, value in values.items()}


def test_rows_are_ordered_best_first_and_equal_ones_stay() -> None:
    values = still(a=1, b=3, c=1, d=2, e=np.nan)
    assert ordered(values, "higher") == ("b", "d", "a", "c")
    assert ordered(values, "lower") == ("a", "c", "d", "b")


def test_each_row_is_held_against_the_next_one_on_the_same_draws() -> None:
    rng = np.random.default_rng(1)
    shared = rng.normal(0, 10, 201)
    values = {"low": shared, "high": shared + 5, "middle": shared + 4 + rng.normal(0, 2, 201)}
    values["middle"][0] = shared[0] + 4
    first, second = steps(values, "higher")
    assert (first.upper, first.lower, second.upper, second.lower) == ("high", "middle", "middle", "low")
    assert first.difference.value == pytest.approx(1)
    assert not first.resolved, "the two overlap"
    assert second.resolved, "apart by 4 with a spread of 2, though each of them moves by 10"


def test_tau_by_hand() -> None:
    """a > b > c > d against b > a > c > d: one of six pairs the other way round, so (5 - 1) / 6; with a tie, tau-b's root."""
    first = still(a=4, b=3, c=2, d=1)
    assert kendall(list(first.values()), list(still(a=3, b=4, c=2, d=1).values())).value == pytest.approx(4 / 6)
    # c and d tied by the other: 5 pairs agree, of 6 and of 5 without its tie.
    tied = still(a=4, b=3, c=2, d=2)
    assert kendall(list(first.values()), list(tied.values())).value == pytest.approx(5 / np.sqrt(6 * 5))


def test_tau_of_draws_is_that_of_the_same_draw_of_both() -> None:
    rng = np.random.default_rng(2)
    first, second = list(rng.normal(size=(4, 101))), list(rng.normal(size=(4, 101)))
    each = [kendalltau([row[at] for row in first], [row[at] for row in second]).statistic for at in range(101)]
    found = kendall(first, second)
    assert found.value == pytest.approx(each[0])
    assert (found.low, found.high) == pytest.approx(np.quantile(each[1:], [0.025, 0.975]))


def test_tau_is_left_out_where_a_judge_sees_no_difference() -> None:
    first, second = still(a=1, b=2), still(a=3, b=3)
    found = kendall(list(first.values()), list(second.values()))
    assert found.value is None and found.reason == "one of the judges gives all rows the same value"
    second["b"][0] = 4.0
    one = kendall(list(first.values()), list(second.values()))
    assert (one.value, one.low, one.left_out) == (1, None, 10)
    assert kendall([first["a"]], [second["a"]]).reason == "fewer than two rows have values by both judges"


def test_pairs_ordered_differently_are_named_with_both_judges_differences() -> None:
    first = still(a=9, b=7, c=7, d=1, other=5)
    second = still(b=30, a=20, c=29, d=10, alone=4)
    first["b"] = np.array([7.0, *np.linspace(4, 10, 10)])  # not to be told from a
    found = agree(first, second, "higher")
    assert found.rows == ("a", "b", "c", "d") and found.pairs == 6
    assert found.orders == (("a", "b", "c", "d"), ("b", "c", "a", "d"))
    # b and c are tied by the first judge alone: that is no agreement either.
    assert [(pair.upper, pair.lower) for pair in found.dissents] == [("a", "b"), ("a", "c"), ("b", "c")]
    over_b, over_c, tied = found.dissents
    assert (over_b.first.value, over_b.second.value) == (2, -10)
    assert not over_b.first.resolved and over_b.second.resolved
    assert over_c.first.resolved and over_c.second.resolved
    assert tied.first.value == 0
    # The first tells a from c and d, b and c from d; the other everything.
    assert found.resolved == (4, 6, 4)


def test_lower_is_better_turns_the_order_and_not_the_agreement() -> None:
    first, second = still(a=1, b=2, c=3), still(a=10, b=30, c=20)
    found = agree(first, second, "lower")
    assert found.orders == (("a", "b", "c"), ("a", "c", "b"))
    assert [(pair.upper, pair.lower) for pair in found.dissents] == [("b", "c")]
    assert found.tau.value == pytest.approx(1 / 3)
