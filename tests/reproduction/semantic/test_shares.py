"""Values, differences and recovered shares draw by draw, against numbers worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from semsr.reproduction.semantic.shares import Drawn, difference, drawn, mean_over_seeds, recovered, trusted


def of(*draws: float) -> np.ndarray:
    return np.array(draws, np.float64)


def test_an_interval_holds_the_middle_95_percent_of_the_draws() -> None:
    found = drawn(of(50, *range(1, 101)))
    # Of 1 to 100: 1 + 0.025 * 99 and 1 + 0.975 * 99.
    assert (found.value, found.low, found.high) == (50, pytest.approx(3.475), pytest.approx(97.525))
    assert found.resolved and found.left_out == 0


def test_draws_without_a_value_are_left_out_and_counted() -> None:
    found = drawn(of(2, np.nan, 1, 3, np.nan))
    assert (found.value, found.left_out) == (2, 2)
    assert (found.low, found.high) == (pytest.approx(1.05), pytest.approx(2.95))
    assert drawn(of(2, np.nan)) == Drawn(2, left_out=1)
    assert drawn(of(np.nan, 1, 2), "no objects") == Drawn(None, reason="no objects")


@pytest.mark.parametrize(
    ("low", "high", "resolved"), [(0.1, 2, True), (-2, -0.1, True), (-1, 1, False), (0, 1, False), (None, None, False)]
)
def test_resolved_means_without_0(low: float | None, high: float | None, resolved: bool) -> None:
    assert Drawn(1, low, high).resolved is resolved


def test_a_difference_is_paired_draw_by_draw() -> None:
    """Both rows move by 40 from draw to draw, their difference not at all."""
    found = difference(of(30, 10, 50, 30), of(28, 8, 48, 28))
    assert (found.value, found.low, found.high) == (2, 2, 2)


def test_several_seeds_count_with_their_mean_in_every_draw() -> None:
    assert mean_over_seeds([of(1, 2, 3), of(3, 4, 8)]).tolist() == [2, 3, 5.5]
    assert mean_over_seeds([of(1, 2)]).tolist() == [1, 2]


def test_a_share_is_formed_in_each_draw() -> None:
    found = recovered(of(40, 30, 50), of(20, 20, 20), of(60, 60, 80), "higher")
    # 20 of 40, 10 of 40, 30 of 60: not the ratio of means.
    assert found.value == 50
    assert (found.low, found.high) == (pytest.approx(25.625), pytest.approx(49.375))


def test_a_share_can_be_negative_or_above_100() -> None:
    assert recovered(of(10), of(20), of(60), "higher").value == -25
    assert recovered(of(70), of(20), of(60), "higher").value == 125
    assert recovered(of(5), of(8), of(2), "lower").value == 50


def test_without_room_between_floor_and_ceiling_there_is_no_share() -> None:
    for floor in (60, 61):
        found = recovered(of(40, 40), of(floor, 20), of(60, 60), "higher")
        assert found.value is None
        assert found.reason == f"the floor ({floor}.00) is not worse than the ceiling (60.00)"
    one_draw = recovered(of(40, 40, 45), of(20, 60, 20), of(60, 60, 60), "higher")
    assert (one_draw.value, one_draw.low, one_draw.high, one_draw.left_out) == (50, 62.5, 62.5, 1)


def test_one_picture_gives_no_interval() -> None:
    """All draws of one picture are that picture: an interval of no width would call every difference resolved."""
    assert drawn(trusted(of(3, 3, 3), 1)) == Drawn(3)
    assert trusted(of(3, 2, 4), 2).tolist() == [3, 2, 4]
