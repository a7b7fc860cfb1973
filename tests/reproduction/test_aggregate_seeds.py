"""Rows of several seeds: their mean, their spread, and what is said where some are missing."""

from __future__ import annotations

import math
from typing import Any

import pandas as pd
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from semsr.reproduction.aggregate import Scores
from semsr.reproduction.result import Result
from semsr.reproduction.score_files import COLUMNS


def _cell(house: Any, row: str, metric: str, seeds: tuple[int, ...] = (1, 2, 3), expected: int | None = None) -> Result:
    frame = pd.DataFrame(house.rows["alpha"], columns=list(COLUMNS))
    method, _, variant = row.partition("/")
    column = next(column for column in house.protocol.columns if column.name == metric)
    return Scores(frame, "abc", house.protocol, "alpha", expected).cell(method, variant or "default", column, seeds)


def test_the_mean_is_that_of_the_seeds_and_the_interval_that_of_the_pictures(house: Any) -> None:
    """Seeds' means 29, 30, 31 and sd 1; pictures' means over seeds 28, 30, 32: s = 2, t(0.975, 2) = 4.302653, half = 4.968275."""
    house.score("alpha", "network/wide@1", "psnr", [27, 29, 31])
    house.score("alpha", "network/wide@2", "psnr", [28, 30, 32])
    house.score("alpha", "network/wide@3", "psnr", [29, 31, 33])
    result = _cell(house, "network/wide", "psnr")
    assert (result.status, result.value, result.count, result.of) == ("reproduced", 30.0, 3, 3)
    assert (result.seeds, result.seeds_of) == ((29.0, 30.0, 31.0), 3)
    assert result.spread is not None and (result.spread.sd, result.spread.low, result.spread.high) == (1.0, 29.0, 31.0)
    assert (result.low, result.high) == pytest.approx((30 - 4.968275, 30 + 4.968275), abs=1e-5)


def test_seeds_count_alike_in_whatever_order_their_rows_lie(house: Any) -> None:
    for seed in (1, 2, 3):
        house.score("alpha", f"network/wide@{seed}", "psnr", [27.1 * seed, 29.3, 31.7])
    first = _cell(house, "network/wide", "psnr")
    house.rows["alpha"].reverse()
    assert _cell(house, "network/wide", "psnr") == first


def test_a_value_of_the_whole_set_has_a_spread_and_no_interval(house: Any) -> None:
    for seed, value in ((1, 10.0), (2, 12.0), (3, 14.0)):
        house.score("alpha", f"network/wide@{seed}", "fid", {"*": value})
    result = _cell(house, "network/wide", "fid")
    assert (result.value, result.spread.sd, result.low) == (12.0, 2.0, None)  # type: ignore[union-attr]


def test_one_seed_is_a_number_as_ever(house: Any) -> None:
    house.score("alpha", "network/wide@1", "psnr", [28, 29, 31])
    house.score("alpha", "plain", "psnr", [28, 29, 31])
    once, never = _cell(house, "network/wide", "psnr", (1,)), _cell(house, "plain", "psnr", (0,))
    assert once.spread is None and (once.value, once.low, once.high) == (never.value, never.low, never.high)
    assert (once.seeds, once.seeds_of) == ((88 / 3,), 1) and (never.seeds, never.seeds_of) == ((), 0)
    assert once.means == never.means == (88 / 3,)


def test_only_the_seeds_that_are_asked_for_count(house: Any) -> None:
    """Seeds of an earlier profile, and pictures of a time before the row was trained here."""
    for seed, shift in ((0, 100), (1, 0), (2, 1), (9, 50)):
        house.score("alpha", f"network/wide@{seed}" if seed else "network/wide", "psnr", [28 + shift] * 3)
    assert _cell(house, "network/wide", "psnr", (1, 2)).seeds == (28.0, 29.0)


def test_a_seed_that_is_missing_leaves_no_mean(house: Any) -> None:
    house.score("alpha", "network/wide@1", "psnr", [28, 29, 31])
    house.score("alpha", "network/wide@3", "psnr", [28, 29, 31])
    result = _cell(house, "network/wide", "psnr")
    assert (result.status, result.value, result.spread, result.means) == ("incomplete", None, None, ())
    assert (len(result.seeds), result.seeds_of) == (2, 3)
    assert result.reason == (
        "only 2 of 3 seeds are scored; run `semsr train network --variant wide --seed 2`, then `semsr infer network --dataset alpha`, "
        "then `semsr score alpha`"
    )


def test_a_seed_that_lacks_an_image_leaves_no_mean(house: Any) -> None:
    for seed in (1, 3):
        house.score("alpha", f"network/wide@{seed}", "psnr", [28, 29, 31])
    house.score("alpha", "network/wide@2", "psnr", [28, 29])
    result = _cell(house, "network/wide", "psnr")
    assert (result.status, result.value, len(result.seeds)) == ("incomplete", None, 2)
    assert result.reason == "seed 2: only 2 of 3 images have a value; run `semsr score alpha` again"


def test_a_data_set_of_which_a_part_is_prepared_is_no_matter_of_seeds(house: Any) -> None:
    for seed in (1, 2, 3):
        house.score("alpha", f"network/wide@{seed}", "psnr", [28, 29, 31])
    result = _cell(house, "network/wide", "psnr", expected=5)
    assert (result.status, result.seeds) == ("incomplete", ())
    assert result.reason.startswith("only 3 of the data set's 5 images are prepared")


def test_nothing_at_all_says_to_train_first(house: Any) -> None:
    house.score("alpha", "plain", "psnr", [28, 29, 31])
    result = _cell(house, "network/wide", "psnr")
    assert (result.status, result.seeds, result.seeds_of) == ("not-run", (), 3)
    assert result.reason == (
        "not trained, restored or scored yet; run `semsr train network --variant wide`, then `semsr infer network --dataset alpha`, "
        "then `semsr score alpha`"
    )


def test_what_is_wrong_with_one_seed_is_said_of_that_seed(house: Any) -> None:
    house.score("alpha", "network/wide@1", "psnr", [28, 29, 31])
    house.score("alpha", "network/wide@2", "psnr", [28, 29, 31])
    house.score("alpha", "network/wide@2", "psnr", {"b": 29})
    result = _cell(house, "network/wide", "psnr", (1, 2))
    assert (result.status, result.value) == ("refused", None)
    assert result.reason.startswith("seed 2: image b is there more than once")


def test_a_metric_that_can_not_be_had_is_said_once_for_all_seeds(house: Any) -> None:
    for seed in (1, 2):
        house.score("alpha", f"network/wide@{seed}", "lpips", [math.nan] * 3, unavailable="no weights")
    for seeds in ((1, 2), (1, 2, 3)):
        result = _cell(house, "network/wide", "lpips", seeds)
        assert (result.status, result.reason) == ("not-available", "no weights")


def test_seeds_measured_in_two_ways_are_refused(house: Any) -> None:
    house.score("alpha", "network/wide@1", "psnr", [28, 29, 31])
    house.score("alpha", "network/wide@2", "psnr", [28, 29, 31], protocol_hash="0123456789abcdef")
    result = _cell(house, "network/wide", "psnr", (1, 2))
    assert result.status == "refused" and result.reason.startswith("hashes of protocol way are mixed")


def test_identical_pictures_of_one_seed_leave_no_spread_to_print(house: Any) -> None:
    house.score("alpha", "network/wide@1", "psnr", [28, math.inf, 31])
    house.score("alpha", "network/wide@2", "psnr", [28, 29, 31])
    result = _cell(house, "network/wide", "psnr", (1, 2))
    assert (result.value, result.low, result.spread.sd) == (math.inf, None, None)  # type: ignore[union-attr]


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(st.floats(-100, 100, width=32), min_size=3, max_size=3), st.integers(2, 7))
@example([0.9646, 0.9047, 0.5691], 5)  # the plain sum of five such means, divided by five, is another number
def test_a_further_seed_of_equal_values_changes_no_mean(house: Any, values: list[float], count: int) -> None:
    house.rows.clear()
    for seed in range(1, count + 1):
        house.score("alpha", f"network/wide@{seed}", "psnr", values)
    few, more = (_cell(house, "network/wide", "psnr", tuple(range(1, last + 1))) for last in (count - 1, count))
    assert more.value == few.value == _cell(house, "network/wide", "psnr", (1,)).value
    assert more.spread is not None and more.spread.sd == 0
