"""Scores of data, pictures, a protocol, a metric or weights that have changed since are no numbers any more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from semsr.reproduction.aggregate import Scores
from semsr.reproduction.result import Result
from semsr.reproduction.score_files import COLUMNS
from semsr.reproduction.stale import CellNow, Present

WEIGHTS = "ab" * 32
ROW = "network", "wide"


def _scores(house: Any, now: Present | None) -> Scores:
    frame = pd.DataFrame(house.rows["alpha"], columns=list(COLUMNS))
    return Scores(frame, "abc", house.protocol, "alpha", now=now)


def _column(house: Any, metric: str) -> Any:
    return next(column for column in house.protocol.columns if column.name == metric)


def _cell(house: Any, now: Present | None, metric: str = "lpips", seeds: tuple[int, ...] = (1, 2)) -> Result:
    return _scores(house, now).cell(*ROW, _column(house, metric), seeds)


@pytest.fixture
def now(house: Any) -> Present:
    """Two seeds of one row and what they are of, all of it as it was."""
    for seed in (1, 2):
        facts = {"weights": WEIGHTS, "cell": f"made {seed}"}
        house.score("alpha", f"network/wide@{seed}", "lpips", {"c": 0.3, "a": 0.1 * seed, "b": 0.2}, **facts)
    manifest = house.manifest("alpha")
    cells = {(*ROW, seed): CellNow(f"made {seed}", manifest) for seed in (1, 2)}
    return Present(manifest, cells, {"lpips": frozenset({WEIGHTS, "ef" * 32})})


def test_what_is_as_it_was_is_a_number(house: Any, now: Present) -> None:
    result = _cell(house, now)
    assert result.status == "reproduced"
    assert result.origin == _cell(house, None).origin, "an origin is what the scores say, whatever is there now"


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"manifest": "12" * 32}, "measured on another revision of data set alpha (manifest "),
        (
            {"weights": {"lpips": frozenset({"ef" * 32})}},
            "other weights of metric lpips (abababababab, its assets have efefefefefef now)",
        ),
        (
            {"cells": {(*ROW, 2): CellNow("made again")}},
            "seed 2: measured on other pictures of network/wide@2 than are there now (fingerprint made 2, now made again)",
        ),
        (
            {"cells": {(*ROW, 1): CellNow("made 1", "34" * 32)}},
            "seed 1: the pictures of network/wide@1 were restored from another revision of data set alpha (manifest 343434343434, now ",
        ),
    ],
)
def test_what_changed_is_stale_and_says_what_to_run(house: Any, now: Present, changed: dict[str, Any], said: str) -> None:
    result = _cell(house, replace(now, **changed))
    assert (result.status, result.value, result.origin) == ("stale", None, None)
    assert said in result.reason and "run `semsr " in result.reason
    if "cells" not in changed:
        assert _scores(house, replace(now, **changed)).each_image(*ROW, _column(house, "lpips"), (1, 2)) is None


def test_another_protocol_or_version_is_stale_too(house: Any, now: Present) -> None:
    house.edit("metrics/family/lpips.yaml", version=2)
    del vars(house)["protocol"]
    assert _cell(house, now).reason.startswith("measured by lpips version 1, the cards say lpips version 2 now")
    house.edit("metrics/protocols/way.yaml", columns=[{"name": "lpips", "metric": "lpips"}])
    house.edit("metrics/family/lpips.yaml", version=1)
    del vars(house)["protocol"]
    result = _cell(house, now)
    assert result.status == "stale" and f"the cards say way@{house.protocol.hash} now" in result.reason


def test_scores_that_name_no_cell_are_stale_once_the_cell_names_itself(house: Any, now: Present) -> None:
    """They were measured before the cell was finished; nothing says on which pictures."""
    for record in house.rows["alpha"]:
        record["cell"] = ""
    assert "(fingerprint none, now made 1)" in _cell(house, now, seeds=(1,)).reason


def test_what_cannot_be_checked_stays_a_number(house: Any, now: Present) -> None:
    """A cell whose record is gone (results moved without their pictures), and a metric with weights that no card pins."""
    assert _cell(house, replace(now, cells={}, weights={})).status == "reproduced"
    assert _cell(house, replace(now, cells={(*ROW, 1): CellNow()})).status == "reproduced"


def test_a_metric_without_scores_is_incomplete_not_stale(house: Any, now: Present) -> None:
    result = _cell(house, now, "psnr", seeds=(1,))
    assert (result.status, result.origin) == ("incomplete", None) and "only 0 of 3 images have a value" in result.reason


def test_one_stale_seed_makes_the_mean_stale_and_no_other_row(house: Any, now: Present) -> None:
    house.score("alpha", "plain", "lpips", [0.3, 0.2, 0.1], weights=WEIGHTS)
    scores = _scores(house, replace(now, cells={(*ROW, 2): CellNow("made again")}))
    result = scores.cell(*ROW, _column(house, "lpips"), (1, 2))
    assert (result.status, result.seeds, result.seeds_of) == ("stale", (pytest.approx(0.2),), 2)
    assert scores.cell("plain", "default", _column(house, "lpips")).status == "reproduced"


def test_every_image_of_every_seed_by_name(house: Any, now: Present) -> None:
    scores = _scores(house, now)
    each = scores.each_image(*ROW, _column(house, "lpips"), (2, 1))
    assert each is not None
    np.testing.assert_array_equal(each, [[0.2, 0.2, 0.3], [0.1, 0.2, 0.3]])
    assert scores.each_image(*ROW, _column(house, "lpips"), (1, 2, 3)) is None, "seed 3 has no scores"
    house.score("alpha", "network/wide@1", "fid", {"*": 3.0})
    assert _scores(house, now).each_image(*ROW, _column(house, "fid"), (1,)) is None, "a metric of the set"
    assert scores.each_image("plain", "default", _column(house, "lpips")) is None


def test_results_share_an_id_only_if_all_behind_them_is_the_same(house: Any, now: Present) -> None:
    first = _cell(house, now).origin
    assert first is not None and first.cells == ("made 1", "made 2") and first.seeds == (1, 2)
    assert (first.manifest, first.weights, first.metric, first.version) == (now.manifest, WEIGHTS, "lpips", 1)
    assert len(first.result_id) == 12 and int(first.result_id, 16) >= 0
    others = [
        replace(first, **{name: value})
        for name, value in {
            "manifest": "x", "cells": ("made 1", "made 3"), "protocol_hash": "y", "column": "lpips-vgg", "metric": "z", "version": 2,
            "weights": "", "seeds": (1, 3), "pictures": ("p", "q"),
        }.items()
    ]  # fmt: skip
    assert len({origin.result_id for origin in (first, *others)}) == 10
    assert _cell(house, now, seeds=(1,)).origin != first


def test_other_pictures_are_another_number_whatever_the_record_says(house: Any, now: Present) -> None:
    """Painted over and scored again, or restored again where a processor rounds otherwise: the cell's record stays as it is."""
    before = _cell(house, now)
    for row in house.rows["alpha"]:
        if row["seed"] == 2 and row["image"] == "b" and row["metric"] == "lpips":
            row |= {"picture": "painted over", "value": 0.9}
    after = _cell(house, now)
    assert before.origin is not None and after.origin is not None and before.origin.cells == after.origin.cells
    assert before.value != after.value and before.origin.result_id != after.origin.result_id


def test_rows_without_a_record_share_no_id(house: Any) -> None:
    for at, row in enumerate(("plain", "network")):
        house.score("photos", row, "psnr", [30.0 + at, 29.0, 29.0])
    frame = pd.DataFrame(house.rows["photos"], columns=list(COLUMNS))
    scores = Scores(frame, "abc", house.protocol, "photos")
    first, second = (scores.cell(row, "default", _column(house, "psnr")).origin for row in ("plain", "network"))
    assert first is not None and second is not None
    assert first.cells == second.cells == ("",) and first.result_id != second.result_id
    # Nothing says what was measured: no id at all, rather than one for several numbers.
    scores = Scores(frame.assign(picture=""), "abc", house.protocol, "photos")
    nameless = scores.cell("plain", "default", _column(house, "psnr"))
    assert nameless.status == "reproduced" and nameless.origin is None
