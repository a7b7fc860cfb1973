"""Nobody is accused of what he is: clean rows, interpolations, HR's own JPEG traces, JPEG in LR."""

from __future__ import annotations

import io
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image, ImageFilter

from semsr.evaluation.lints.finding import Finding
from semsr.evaluation.lints.grid import grid_strength
from semsr.evaluation.lints.judges import judge_row
from semsr.evaluation.lints.look import Originals, look_at, look_at_originals
from semsr.evaluation.lints.row import RowLooks
from semsr.evaluation.lints.traces import GRID, GRID_NOISE
from semsr.imaging.pictures import Rgb
from semsr.imaging.resize import bicubic_uint8

LIMIT = max(GRID, GRID_NOISE * np.sqrt(0.25 / 32**2))
"""Of a picture of 256 x 256."""


def jpeg(rgb: Rgb, quality: int) -> Rgb:
    file = io.BytesIO()
    Image.fromarray(rgb).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def said(triplets: list, make: Callable[..., Rgb]) -> list[Finding]:
    looks = [look_at(make(each), each.originals, each.known) for each in triplets]
    return judge_row(RowLooks(tuple(each.name for each in triplets), tuple(looks), tuple(each.known for each in triplets)))


def test_bicubic_is_good_to_know_and_no_fault(triplets: list) -> None:
    (finding,) = said(triplets, lambda each: each.originals.enlarged)
    assert (finding.lint, finding.severity) == ("only-enlarged", "info")


def test_repeated_pixels_are_good_to_know_and_no_fault(triplets: list) -> None:
    (finding,) = said(triplets, lambda each: each.originals.repeated)
    assert (finding.lint, finding.severity) == ("only-enlarged", "info")


def test_hr_is_told_once_that_it_is_hr(triplets: list) -> None:
    (finding,) = said(triplets, lambda each: each.originals.hr)
    assert (finding.lint, finding.severity, finding.value) == ("equal-to-hr", "warning", 100.0)
    assert len(finding.pictures) == len(triplets)


def test_hr_but_for_rounding_is_hr(triplets: list) -> None:
    def off_by_one_here_and_there(each: object) -> Rgb:
        hr = each.originals.hr.copy()
        hr[::16, ::16] ^= 1
        return hr

    (finding,) = said(triplets, off_by_one_here_and_there)
    assert finding.lint == "equal-to-hr"
    # One value in 256 is off by one: a mean square of 1/256.
    assert finding.value == pytest.approx(10 * np.log10(255**2 * 256), abs=1e-6)


def test_hr_under_a_veil_is_known_by_its_noise(triplets: list) -> None:
    found = said(triplets, lambda each: np.rint(0.7 * each.originals.hr + 0.3 * each.originals.enlarged).astype(np.uint8))
    assert [finding.lint for finding in found] == ["hr-noise"]


@pytest.mark.parametrize("quality", [30, 75])
@pytest.mark.parametrize("enlarge", ["enlarged", "repeated"])
def test_jpeg_in_lr_is_no_jpeg_in_its_enlargement(triplets: list, quality: int, enlarge: str) -> None:
    looks, known = [], []
    for each in triplets:
        originals = Originals(jpeg(each.originals.lr, quality), each.originals.hr, each.originals.size)
        known.append(look_at_originals(originals))
        looks.append(look_at(getattr(originals, enlarge), originals, known[-1]))
    row = RowLooks(tuple(each.name for each in triplets), tuple(looks), tuple(known))
    assert [each.lint for each in judge_row(row)] == ["only-enlarged"]


@pytest.mark.parametrize("quality", [30, 90])
def test_a_sharpened_enlargement_of_jpeg_is_no_jpeg(triplets: list, quality: int) -> None:
    """Not equal to LR enlarged, and its LR's blocks are all the sharper."""
    for each in triplets:
        large = bicubic_uint8(jpeg(each.originals.lr, quality), 4)
        sharp = np.asarray(Image.fromarray(large).filter(ImageFilter.UnsharpMask(4, 150, 0)))
        assert grid_strength(sharp) < LIMIT, each.name


def test_a_row_without_hr_is_looked_at_all_the_same(triplets: list) -> None:
    def without_hr(change: Callable[[Rgb], Rgb]) -> list[str]:
        looks, known = [], []
        for each in triplets:
            originals = Originals(each.originals.lr, None, each.originals.size)
            known.append(look_at_originals(originals))
            looks.append(look_at(change(each.sr), originals, known[-1]))
        return [each.lint for each in judge_row(RowLooks(tuple(each.name for each in triplets), tuple(looks), tuple(known)))]

    assert without_hr(lambda rgb: rgb) == []
    assert without_hr(lambda rgb: np.roll(rgb, 1, axis=0)) == ["shift"]
    assert without_hr(lambda rgb: rgb[..., ::-1]) == ["channels"]
    assert without_hr(lambda rgb: jpeg(rgb, 90)) == ["jpeg"]


def test_a_row_without_lr_is_looked_at_all_the_same(triplets: list) -> None:
    looks, known = [], []
    for each in triplets:
        originals = Originals(None, each.originals.hr, each.originals.size)
        known.append(look_at_originals(originals))
        looks.append(look_at(np.roll(each.sr, 1, axis=1), originals, known[-1]))
    row = RowLooks(tuple(each.name for each in triplets), tuple(looks), tuple(known))
    assert [each.lint for each in judge_row(row)] == ["shift"]


def test_swapped_names_are_told_from_each_other(triplets: list) -> None:
    order = [1, 0, *range(2, len(triplets))]
    looks = [look_at(triplets[at].sr, each.originals, each.known) for at, each in zip(order, triplets, strict=True)]
    (finding,) = judge_row(
        RowLooks(tuple(each.name for each in triplets), tuple(looks), tuple(each.known for each in triplets))
    )
    assert finding.lint == "other-name"
    assert finding.pictures == (triplets[0].name, triplets[1].name)
    assert f"the first is {triplets[1].name!r}" in finding.message


def test_looks_survive_the_journal_exactly(triplets: list) -> None:
    each = triplets[0]
    look = look_at(each.sr, each.originals, each.known)
    kept = type(look).from_plain(look.plain())
    for name, value in look.plain().items():
        assert np.array_equal(kept.plain()[name], value, equal_nan=True), name
    assert replace(kept, low=0.0).low == 0.0
