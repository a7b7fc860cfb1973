"""The order of a column: real values, planted differences, and everything that can't be tested."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semsr.evaluation.interval import mean_interval
from semsr.imaging.colour import Luma, channels
from semsr.imaging.resize import bicubic_uint8
from semsr.reproduction.statistics import column
from semsr.reproduction.statistics.column import RowValues, column_order, from_draws
from semsr.reproduction.statistics.order import Standing


def row(values: object) -> RowValues:
    images = np.atleast_2d(np.asarray(values, np.float64))
    return RowValues(images, float(images.mean(axis=1).mean()))


def noisy(shift: float, seed: int, seeds: int = 1, pictures: int = 60) -> RowValues:
    """Pictures differ by 3, which all rows share; a row's own part by 0.3."""
    hard = np.random.default_rng(0).normal(27, 3, pictures)
    return row(hard + shift + np.random.default_rng(seed).normal(0, 0.3, (seeds, pictures)))


def test_differences_far_below_the_spread_of_pictures_are_found() -> None:
    rows = [noisy(0, 1), noisy(0.5, 2), noisy(0.52, 3), noisy(1.5, 4)]
    found = column_order(rows, "higher")
    assert found.standings == (
        Standing(groups="c"),
        Standing(groups="b"),
        Standing(groups="b"),
        Standing(best=True, groups="a"),
    )
    first = found.pairs[0]
    assert (first.upper, first.low < 1 < first.high, first.apart, first.why) == (3, True, True, "")
    assert [one.tied for one in column_order(rows, "lower").standings] == [False] * 4
    assert column_order(rows[1:3], "lower").standings == (Standing(tied=True, groups="a"),) * 2


def test_the_same_rows_give_the_same_order_beside_another_and_in_any_position() -> None:
    rows = [noisy(0, 1), noisy(0.1, 2), noisy(0.3, 3)]
    alone = {frozenset((pair.upper, pair.lower)): pair for pair in column_order(rows, "higher").pairs}
    turned = column_order([noisy(-5, 9), None, *reversed(rows)], "higher")
    moved = {frozenset((4 - pair.upper, 4 - pair.lower)): pair for pair in turned.pairs if 0 not in (pair.upper, pair.lower)}
    assert {key: (pair.difference, pair.low, pair.high) for key, pair in moved.items()} == {
        key: pytest.approx((pair.difference, pair.low, pair.high)) for key, pair in alone.items()
    }


def test_the_order_can_be_written_as_json() -> None:
    """Plain numbers and truths, whatever the means came as."""
    found = column_order([RowValues(one.images, np.float64(one.mean)) for one in (noisy(0, 1), noisy(1, 2))], "higher", [1, 2])
    json.dumps(asdict(found), allow_nan=False)
    json.dumps(asdict(from_draws([draws(4, 1, 1), draws(5, 1, 2)], "lower", [1, 2], pictures=30)), allow_nan=False)


def test_rows_left_out_have_no_standing() -> None:
    found = column_order([noisy(0, 1), None, noisy(2, 2)], "higher")
    assert found.standings[1] == Standing() and len(found.pairs) == 1
    assert column_order([], "higher").standings == () and column_order([None], "lower").pairs == ()


# What can't be tested.


def test_a_metric_of_the_whole_set_has_an_order_and_no_test() -> None:
    found = column_order([RowValues(None, 30.0), RowValues(None, 20.0), RowValues(None, 25.0)], "lower", [28.0, 22.0, 21.0])
    assert found.standings == (Standing(),) * 3
    assert [(pair.upper, pair.lower, pair.difference) for pair in found.pairs] == [(1, 2, -5), (1, 0, -10), (2, 0, -5)]
    assert {(pair.p, pair.low, pair.apart, pair.why) for pair in found.pairs} == {(None, None, False, column.OF_THE_SET)}
    assert found.agreement is not None
    assert (found.agreement.tau, found.agreement.low, found.agreement.why) == (pytest.approx(1 / 3), None, column.OF_THE_SET)


def test_identical_pictures_have_infinite_psnr_and_take_no_part() -> None:
    perfect = row([np.inf, *range(30, 59)])
    found = column_order([noisy(0, 1, pictures=30), perfect, noisy(2, 2, pictures=30), perfect], "higher", [1.0, 4.0, 2.0, 3.0])
    assert [one.groups for one in found.standings] == ["b", "", "a", ""]
    assert not any(one.best or one.tied for one in found.standings), "the infinite one has the better mean"
    why = {(pair.upper, pair.lower): pair.why for pair in found.pairs}
    assert why[1, 3] == why[1, 2] == column.NOT_FINITE and why[2, 0] == ""
    assert found.agreement is not None and found.agreement.why == column.NOT_FINITE
    assert found.agreement.tau == pytest.approx(kendall_b(concordant=5, tied=1, pairs=6))


def kendall_b(concordant: int, tied: int, pairs: int) -> float:
    return concordant / np.sqrt(pairs * (pairs - tied))


def test_missing_values_and_other_pictures_take_no_part() -> None:
    hole = RowValues(np.array([[1.0, np.nan, 3.0] * 10]), 2.0)
    found = column_order([noisy(0, 1, pictures=30), hole, row(np.arange(29.0))], "higher")
    why = {frozenset((pair.upper, pair.lower)): pair.why for pair in found.pairs}
    assert why[frozenset((0, 1))] == column.NOT_FINITE and why[frozenset((0, 2))] == column.NOT_THE_SAME
    assert not any(pair.apart for pair in found.pairs)
    assert column_order([noisy(0, 1), RowValues(np.full((1, 60), np.nan), float("nan"))], "higher").pairs == ()
    assert column_order([noisy(0, 1), RowValues(np.empty((1, 0)), 1.0)], "higher").pairs[0].why == column.NOT_THE_SAME


def test_one_picture_ties_everything() -> None:
    found = column_order([row([1.0]), row([9.0])], "higher", [1, 2])
    assert found.standings == (Standing(tied=True, groups="a"),) * 2
    assert (found.pairs[0].p, found.pairs[0].low, found.pairs[0].why) == (None, None, column.ONE_PICTURE)
    assert found.agreement is not None
    assert (found.agreement.tau, found.agreement.low, found.agreement.why) == (1, None, column.ONE_PICTURE)


def test_two_pictures_tie_everything() -> None:
    found = column_order([row([1.0, 1.1]), row([9.0, 9.3])], "higher")
    assert all(one.tied for one in found.standings)
    assert (found.pairs[0].low, found.pairs[0].apart, found.pairs[0].why) == (None, False, column.FEW_PICTURES)


def test_copies_of_a_row_are_tied() -> None:
    found = column_order([noisy(0, 1), noisy(0, 1), noisy(-3, 2)], "higher")
    assert [one.tied for one in found.standings] == [True, True, False]
    assert found.pairs[0].why == column.EQUAL and (found.pairs[0].low, found.pairs[0].high, found.pairs[0].p) == (0, 0, 1)


def test_the_same_offset_on_every_picture_is_a_difference() -> None:
    """As a wrong range of luma makes it: -1.322 dB on each."""
    base = np.random.default_rng(1).normal(27, 3, 50)
    pair = column_order([row(base), row(base - 1.322)], "higher").pairs[0]
    assert pair.apart and (pair.low, pair.high) == (pytest.approx(1.322), pytest.approx(1.322))


# Seeds.


@pytest.mark.parametrize("pictures", [2, 3])
def test_seeds_do_not_stand_in_for_pictures(pictures: int) -> None:
    """The same offset on two or three pictures is no proof for others, however well the seeds agree."""
    hard = np.random.default_rng(0).normal(27, 3, pictures)
    trained = row(np.stack([hard - 1 - seed / 100 for seed in range(3)]))
    (pair,) = column_order([row(hard), trained], "higher").pairs
    assert not pair.apart and pair.p == pytest.approx(2 ** (1 - pictures))


def test_two_seeds_are_told_apart_from_nothing() -> None:
    found = column_order([noisy(0, 1, seeds=2), noisy(5, 2), noisy(9, 3)], "higher")
    why = {(pair.upper, pair.lower): (pair.apart, pair.p is None, pair.why) for pair in found.pairs}
    assert why[1, 0] == why[2, 0] == (False, True, column.FEW_SEEDS) and why[2, 1] == (True, False, "")
    assert [one.tied for one in found.standings] == [True, False, True]


def test_seeds_that_overlap_are_not_told_apart_by_pictures() -> None:
    """Every picture says the same; the seeds lie on both sides of the other row."""
    base = np.random.default_rng(1).normal(27, 3, 80)
    spread = row(np.stack([base - 0.5, base + 0.4, base + 0.7]))
    for other in (row(base), row(np.stack([base - 0.1, base, base + 0.1]))):
        pair = column_order([spread, other], "higher").pairs[0]
        assert not pair.apart and pair.why == column.SEEDS
        assert pair.low is not None and pair.high is not None and pair.low < 0 < pair.high


def test_seeds_that_agree_are_told_apart() -> None:
    pair = column_order([noisy(1, 1, seeds=3), noisy(0, 2, seeds=3)], "higher").pairs[0]
    assert pair.apart and not pair.why
    pictures = column_order(
        [row(noisy(1, 1, seeds=3).images.mean(axis=0)), row(noisy(0, 2, seeds=3).images.mean(axis=0))], "higher"
    )
    alone = pictures.pairs[0]
    assert None not in (pair.low, pair.high, alone.low, alone.high)
    assert pair.high - pair.low > alone.high - alone.low, "seeds add to the chance of the pictures"


# Numbers that come as draws.


def draws(value: float, spread: float, seed: int, resamples: int = 999) -> np.ndarray:
    return np.concatenate(([value], np.random.default_rng(seed).normal(value, spread, resamples)))


def test_judged_rows_are_ordered_draw_by_draw() -> None:
    shared = draws(0, 5, 0)
    rows = [shared + draws(40, 0.2, 1), None, shared + draws(42, 0.2, 2), shared + draws(42.1, 0.2, 3)]
    found = from_draws(rows, "higher", [40.0, 50.0, 41.0, 42.0], pictures=200)
    assert found.standings == (
        Standing(groups="b"),
        Standing(),
        Standing(tied=True, groups="a"),
        Standing(tied=True, groups="a"),
    )
    first = next(pair for pair in found.pairs if (pair.upper, pair.lower) == (2, 0))
    half = 1.96 * 0.2 * np.sqrt(2)
    assert (first.difference, first.low, first.high) == pytest.approx((2, 2 - half, 2 + half), abs=0.1)
    assert first.apart and first.p is not None and first.p < 1e-4, "beyond what 999 draws can count"
    assert found.agreement is not None and found.agreement.rows == 3 and found.agreement.tau == pytest.approx(1)
    assert found.agreement.low == pytest.approx(1 / 3), "the two that can't be told apart swap in some draws"


def test_few_pictures_tell_no_judged_rows_apart() -> None:
    rows = [draws(40, 0.1, 1), draws(60, 0.1, 2)]
    assert not from_draws(rows, "higher", pictures=5).pairs[0].apart, "2^-4 that one is ahead on all by chance"
    assert from_draws(rows, "higher", pictures=6).pairs[0].apart
    for pictures, given in ((1, rows), (0, rows), (1, [one[:1] for one in rows])):
        assert from_draws(given, "higher", [1, 2], pictures=pictures).pairs[0].why == column.ONE_PICTURE
    assert from_draws([one[:30] for one in rows], "higher", pictures=90).pairs[0].why == column.FEW_DRAWS


def test_judged_rows_of_seeds() -> None:
    rows = [draws(40, 0.1, 1), draws(41, 0.1, 2)]
    apart = from_draws(rows, "higher", pictures=99, seeds=[(40.0,), (40.98, 41.0, 41.02)]).pairs[0]
    assert apart.apart
    spread = from_draws(rows, "higher", pictures=99, seeds=[(40.0,), (39.5, 41.0, 42.5)]).pairs[0]
    assert not spread.apart and spread.why == column.SEEDS
    assert from_draws(rows, "higher", pictures=99, seeds=[(40.0,), (40.9, 41.1)]).pairs[0].why == column.FEW_SEEDS


def test_judged_rows_without_a_value() -> None:
    nothing = np.full(1000, np.nan)
    found = from_draws([nothing, draws(3, 0.1, 1), draws(3, 0.1, 1), draws(np.inf, 1, 1)], "lower", pictures=50)
    assert [one.groups for one in found.standings] == ["", "a", "a", ""]
    assert [pair.why for pair in found.pairs] == [column.EQUAL, column.NOT_FINITE, column.NOT_FINITE]
    half = draws(5, 0.1, 2)
    half[1:950] = np.nan
    assert from_draws([half, draws(3, 0.1, 1)], "lower", pictures=50).pairs[0].why == column.FEW_DRAWS


# Real values.


def test_osediff_against_bicubic_on_real_pictures(test_data: Path) -> None:
    """The authors' own PSNR of 50 RealSR crops, against bicubic measured here: far below, and known far better paired than not.

    All 100 give -1.96 [-2.29, -1.64] dB.
    """
    folder = test_data / "realsr_crop128"
    lines = (folder / "osediff_metrics.csv").read_text(encoding="utf-8").splitlines()
    at = lines[0].split(",").index("psnr")
    logged = {line.split(",")[0]: float(line.split(",")[at]) for line in lines[1:]}
    names = sorted(path.name for path in (folder / "hr").glob("*.png") if path.name in logged)
    assert len(names) == 50
    bicubic = [psnr(bicubic_uint8(read(folder / "lr" / name), 4.0), read(folder / "hr" / name)) for name in names]
    osediff = [logged[name] for name in names]
    pair = column_order([row(osediff), row(bicubic)], "higher").pairs[0]
    assert (pair.upper, pair.apart) == (1, True)
    assert pair.low is not None and pair.high is not None
    assert 1.2 < pair.low < pair.difference < pair.high < 3
    apart = [mean_interval(values) for values in (osediff, bicubic)]
    unpaired = np.hypot(*((one.high or 0) - one.mean for one in apart))
    assert (pair.high - pair.low) / 2 < 0.5 * unpaired


def read(path: Path) -> np.ndarray:
    with Image.open(path) as file:
        return np.asarray(file.convert("RGB"))


def psnr(sr: np.ndarray, hr: np.ndarray) -> float:
    difference = channels(sr, Luma.BT601_LIMITED) - channels(hr, Luma.BT601_LIMITED)
    return float(10 * np.log10(255**2 / np.mean(difference**2)))
