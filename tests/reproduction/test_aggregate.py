"""From scores to means: hand-computed values, and everything that must not become a mean."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from semsr.reproduction.aggregate import Scores
from semsr.reproduction.result import Result
from semsr.reproduction.score_files import COLUMNS, WHOLE_SET, read_scores


def _cell(house: Any, row: str, metric: str, images: str = "abc", expected: int | None = None) -> Result:
    frame = pd.DataFrame(house.rows["alpha"], columns=list(COLUMNS))
    method, _, variant = row.partition("/")
    column = next(column for column in house.protocol.columns if column.name == metric)
    scores = Scores(frame, images, house.protocol, "alpha", expected)
    return scores.cell(method, variant or "default", column)


def test_the_mean_and_its_interval_are_those_computed_by_hand(house: Any) -> None:
    """28, 29, 31: mean 88/3; s² = 7/3; t(0.975, 2) = 4.302653 from a printed table; half width = t·s/√3 = 3.79459."""
    house.score("alpha", "plain", "psnr", [28, 29, 31])
    result = _cell(house, "plain", "psnr")
    assert result.status == "reproduced" and (result.count, result.of) == (3, 3)
    assert result.value == pytest.approx(88 / 3, abs=1e-12)
    assert result.low == pytest.approx(88 / 3 - 3.79459, abs=1e-4)
    assert result.high == pytest.approx(88 / 3 + 3.79459, abs=1e-4)


def test_the_order_of_rows_changes_no_bit(house: Any) -> None:
    values = {"a": 0.1, "b": 1e16, "c": -1e16}
    house.score("alpha", "plain", "psnr", values)
    first = _cell(house, "plain", "psnr")
    house.rows["alpha"].reverse()
    assert _cell(house, "plain", "psnr") == first


def test_a_missing_image_leaves_no_mean(house: Any) -> None:
    house.score("alpha", "plain", "psnr", [28, 29])
    result = _cell(house, "plain", "psnr")
    assert (result.status, result.value, result.count, result.of) == ("incomplete", None, 2, 3)
    assert "only 2 of 3 images" in result.reason and "semsr score alpha" in result.reason


def test_a_value_that_is_not_a_number_leaves_no_mean(house: Any) -> None:
    house.score("alpha", "plain", "psnr", [28, math.nan, 31])
    result = _cell(house, "plain", "psnr")
    assert (result.status, result.value, result.count) == ("incomplete", None, 2)
    assert "not a number" in result.reason


def test_a_partial_copy_of_the_data_set_leaves_no_mean(house: Any) -> None:
    """50 of the 100 pictures, prepared and scored without a gap, are not the data set."""
    house.score("alpha", "plain", "psnr", [28, 29, 31])
    result = _cell(house, "plain", "psnr", expected=5)
    assert (result.status, result.value, result.count, result.of) == ("incomplete", None, 3, 5)
    assert "only 3 of the data set's 5 images are prepared" in result.reason


def test_a_training_image_or_a_stranger_is_refused(house: Any) -> None:
    house.score("alpha", "plain", "psnr", {"a": 1, "b": 2, "c": 3, "z": 4})
    result = _cell(house, "plain", "psnr")
    assert (result.status, result.value) == ("refused", None)
    assert "image z is not in the data set" in result.reason


def test_an_image_scored_twice_is_refused(house: Any) -> None:
    house.score("alpha", "plain", "psnr", [28, 29, 31])
    house.score("alpha", "plain", "psnr", {"b": 29})
    result = _cell(house, "plain", "psnr")
    assert (result.status, result.value) == ("refused", None) and "image b is there more than once" in result.reason


def test_an_unavailable_metric_says_why_and_is_never_zero(house: Any) -> None:
    house.score("alpha", "plain", "lpips", [math.nan] * 3, unavailable="no weights")
    result = _cell(house, "plain", "lpips")
    assert (result.status, result.value, result.reason) == ("not-available", None, "no weights")


def test_a_metric_unavailable_for_one_image_has_no_mean(house: Any) -> None:
    house.score("alpha", "plain", "lpips", {"a": 0.1, "b": 0.2})
    house.score("alpha", "plain", "lpips", {"c": math.nan}, unavailable="smaller than 96 pixels")
    result = _cell(house, "plain", "lpips")
    assert (result.status, result.value, result.reason) == ("not-available", None, "smaller than 96 pixels")


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        ({"protocol_hash": "0123456789abcdef"}, "hashes of protocol way are mixed in this column (0123456789abcdef, "),
        ({"metric_version": 2}, "versions of the metric are mixed in this column (1, 2)"),
        ({"metric_id": "psnr-rgb"}, "metrics are mixed in this column (psnr, psnr-rgb)"),
        ({"weights": "ab" * 32}, "weights of the metric are mixed in this column"),
        ({"manifest": "cd" * 32}, "revisions of data set alpha are mixed in this column"),
    ],
)
def test_a_mixture_in_a_column_refuses_every_row_of_it(house: Any, fact: dict[str, Any], said: str) -> None:
    """Also the rows that are not mixed in themselves: side by side they would be compared."""
    house.score("alpha", "plain", "psnr", [28, 29, 31])
    house.score("alpha", "network", "psnr", [28, 29, 31], **fact)
    house.score("alpha", "plain", "lpips", [0.1, 0.2, 0.3])
    for row in ("plain", "network"):
        result = _cell(house, row, "psnr")
        assert (result.status, result.value) == ("refused", None)
        assert said in result.reason
    assert _cell(house, "plain", "lpips").status == "reproduced"


def test_unavailable_rows_do_not_count_as_a_mixture(house: Any) -> None:
    house.score("alpha", "plain", "lpips", [0.1, 0.2, 0.3], weights="ab" * 32)
    house.score("alpha", "network", "lpips", [math.nan] * 3, unavailable="broke")
    assert _cell(house, "plain", "lpips").status == "reproduced"


@pytest.mark.parametrize(
    ("fact", "said"),
    [
        ({"protocol_hash": "0123456789abcdef"}, "measured by way@0123456789abcdef, the cards say way@"),
        ({"metric_version": 7}, "measured by psnr version 7, the cards say psnr version 1 now"),
    ],
)
def test_scores_measured_otherwise_than_now_are_stale(house: Any, fact: dict[str, Any], said: str) -> None:
    house.score("alpha", "plain", "psnr", [28, 29, 31], **fact)
    result = _cell(house, "plain", "psnr")
    assert (result.status, result.value) == ("stale", None) and said in result.reason


def test_scores_of_another_protocol_or_row_play_no_part(house: Any) -> None:
    house.score("alpha", "plain", "psnr", [28, 29, 31])
    house.score("alpha", "plain", "psnr", [1, 1, 1], protocol="other", protocol_hash="ff")
    house.score("alpha", "plain/wide", "psnr", [2, 2, 2])
    assert _cell(house, "plain", "psnr").value == pytest.approx(88 / 3)
    assert _cell(house, "network", "psnr").status == "not-run"


def test_a_value_of_the_whole_set_needs_the_whole_set(house: Any) -> None:
    house.score("alpha", "plain", "fid", {"*": 12.5})
    result = _cell(house, "plain", "fid")
    assert result == Result("reproduced", value=12.5, count=3, of=3, origin=result.origin)
    house.score("alpha", "plain", "psnr", [28, 29])
    assert _cell(house, "plain", "fid").status == "incomplete"
    house.score("alpha", "plain", "psnr", {"c": 31})
    assert _cell(house, "plain", "fid").status == "reproduced"
    assert _cell(house, "plain", "fid", expected=5).status == "incomplete"


def test_identical_pictures_have_infinite_psnr_and_no_interval(house: Any) -> None:
    house.score("alpha", "plain", "psnr", [28, math.inf, 31])
    result = _cell(house, "plain", "psnr")
    assert (result.status, result.value, result.low, result.high) == ("reproduced", math.inf, None, None)


def test_several_reasons_are_counted_not_listed(house: Any) -> None:
    for image in "abc":
        house.score("alpha", "plain", "lpips", {image: math.nan}, unavailable=f"{image} is too small")
    assert _cell(house, "plain", "lpips").reason == "a is too small (and 2 more reasons, see the scores)"


def test_what_score_writes_is_what_is_read_here(house: Any, tmp_path: Path) -> None:
    from semsr.evaluation import scores as written

    assert tuple(written.SCHEMA.names) == COLUMNS and written.WHOLE_SET == WHOLE_SET
    house.score("alpha", "plain", "psnr", [28, 29, 31])
    house.score("alpha", "plain", "lpips", [math.nan] * 3, unavailable="no weights")
    path = tmp_path / "alpha.parquet"
    written.write_scores(path, house.rows["alpha"])
    house.rows["alpha"] = read_scores(path, "s", "alpha").to_dict("records")
    assert _cell(house, "plain", "psnr").value == pytest.approx(88 / 3)
    assert _cell(house, "plain", "lpips").reason == "no weights"
