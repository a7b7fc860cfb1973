"""Holm's correction, best and tied rows, by hand."""

from __future__ import annotations

from itertools import combinations

import pytest

from semsr.reproduction.seeds import Direction
from semsr.reproduction.statistics.groups import PairTest, order, ranked
from semsr.reproduction.statistics.order import Pair, Standing


def ordered(
    values: list[float | None], direction: Direction = "higher", inside: set[int] | None = None, **p: float
) -> tuple[tuple[Standing, ...], dict[tuple[int, int], Pair]]:
    """p values by pair, as `p01=0.01`; others are 1."""
    tests = {}
    for upper, lower in combinations(ranked(values, direction), 2):
        name = "p" + "".join(map(str, sorted((upper, lower))))
        tests[upper, lower] = PairTest(-1, 1, p.get(name, 1.0))
    taking_part = {at for at, value in enumerate(values) if value is not None} if inside is None else inside
    standings, pairs = order(values, direction, tests, taking_part)
    return standings, {(pair.upper, pair.lower): pair for pair in pairs}


def test_holm_by_hand() -> None:
    """Three pairs: the smallest p counts three times, the next twice, and none less than the one before it."""
    _, pairs = ordered([3, 2, 1], p02=0.01, p01=0.02, p12=0.04)
    assert [pairs[key].p for key in ((0, 2), (0, 1), (1, 2))] == pytest.approx([0.03, 0.04, 0.04])
    assert all(pair.apart for pair in pairs.values())
    _, pairs = ordered([3, 2, 1], p02=0.01, p01=0.03, p12=0.04)
    assert [pairs[key].p for key in ((0, 2), (0, 1), (1, 2))] == pytest.approx([0.03, 0.06, 0.06])
    assert [pairs[key].apart for key in ((0, 2), (0, 1), (1, 2))] == [True, False, False]


def test_what_has_no_test_counts_for_nothing_in_the_correction() -> None:
    tests = {(0, 1): PairTest(0, 1, 0.03), (0, 2): PairTest(why="nothing"), (1, 2): PairTest(why="nothing")}
    _, pairs = order([3, 2, 1], "higher", tests, {0, 1})
    assert (pairs[0].p, pairs[0].apart) == (pytest.approx(0.03), True)
    assert (pairs[1].p, pairs[1].apart, pairs[1].why) == (None, False, "nothing")


def test_what_stands_in_the_way_stands_whatever_p_is() -> None:
    _, pairs = order([2, 1], "higher", {(0, 1): PairTest(0, 1, 1e-9, "the seeds")}, {0, 1})
    assert not pairs[0].apart and pairs[0].p == pytest.approx(1e-9)


def test_best_is_told_apart_from_all_others() -> None:
    standings, _ = ordered([1, 3, 2], p01=0.001, p12=0.001)
    assert standings == (Standing(groups="b"), Standing(best=True, groups="a"), Standing(groups="b"))


def test_lower_is_better() -> None:
    standings, pairs = ordered([1, 3, 2], "lower", p01=0.001, p02=0.001)
    assert [one.best for one in standings] == [True, False, False]
    assert pairs[0, 1].difference == -2, "the better minus the worse, in the metric's unit"


def test_rows_not_told_apart_from_the_best_are_tied_with_it() -> None:
    """0 > 1 > 2: 0 and 2 are apart, 1 is between; apart from the best counts, not apart from one that is tied."""
    standings, _ = ordered([3, 2, 1], p02=0.001)
    assert standings == (Standing(tied=True, groups="a"), Standing(tied=True, groups="ab"), Standing(groups="b"))
    standings, _ = ordered([3, 2.9, 2.8], p12=0.001)
    assert [one.tied for one in standings] == [True, True, True] and not any(one.best for one in standings)
    assert [one.groups for one in standings] == ["ab", "a", "b"]


def test_equal_values_are_never_told_apart() -> None:
    standings, pairs = ordered([2, 2], p01=1e-9)
    assert not pairs[0, 1].apart and all(one.tied for one in standings)


def test_rows_without_a_value_are_in_no_pair() -> None:
    standings, pairs = ordered([None, 3, float("nan"), 1], inside={1, 3}, p13=0.01)
    assert standings == (Standing(), Standing(best=True, groups="a"), Standing(), Standing(groups="b"))
    assert list(pairs) == [(1, 3)]


def test_a_single_row_is_neither_best_nor_tied() -> None:
    standings, pairs = ordered([3, None])
    assert standings == (Standing(groups="a"), Standing()) and not pairs
    assert ordered([]) == ((), {})


def test_nobody_is_best_beside_a_row_that_no_test_can_be_made_of() -> None:
    """Row 0 takes no part: nothing is known of it, best or not."""
    values: list[float | None] = [9, 3, 1]
    tests = {(0, 1): PairTest(why="inf"), (0, 2): PairTest(why="inf"), (1, 2): PairTest(1, 3, 0.001)}
    standings, _ = order(values, "higher", tests, {1, 2})
    assert standings == (Standing(), Standing(groups="a"), Standing(groups="b"))
    values[0] = 0
    tests = {(1, 0): PairTest(why="inf"), (2, 0): PairTest(why="inf"), (1, 2): PairTest(1, 3, 0.001)}
    standings, _ = order(values, "higher", tests, {1, 2})
    assert standings == (Standing(), Standing(groups="a"), Standing(groups="b"))


def test_ranks() -> None:
    assert ranked([2, None, 3, 2, float("nan"), float("inf")], "higher") == (5, 2, 0, 3)
    assert ranked([2, None, 3, 2], "lower") == (0, 3, 2)
