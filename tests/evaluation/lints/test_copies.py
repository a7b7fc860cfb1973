"""Rows that hold other rows' pictures, found from 64 numbers a picture."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from semsr.evaluation.lints.copies import NamedRow
from semsr.evaluation.lints.judges import judge_rows
from semsr.evaluation.lints.row import RowLooks
from semsr.evaluation.lints.sketch import mean_squared, sketch
from semsr.imaging.pictures import Rgb

RowOf = Callable[..., RowLooks]


def flipped_bits(rgb: Rgb) -> Rgb:
    """61 dB from the original: each fortieth value is off by one, twice the distance of 64 dB."""
    changed = rgb.copy()
    changed.reshape(-1)[::40] ^= 1
    return changed


def noisy(rgb: Rgb) -> Rgb:
    noise = np.random.default_rng(7).normal(0, 2, rgb.shape)
    return np.clip(np.rint(rgb + noise), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("change", [lambda rgb: rgb, flipped_bits])
def test_the_later_of_two_equal_rows_is_told_whose_pictures_it_has(row_of: RowOf, change: Callable[[Rgb], Rgb]) -> None:
    first, second = row_of(lambda rgb: rgb), row_of(change)
    found = judge_rows(
        [NamedRow(("a", "x", 0), first), NamedRow(("b", "y", 2), second), NamedRow(("c", "z", 0), row_of(noisy))]
    )
    assert found["a", "x", 0] == () and found["c", "z", 0] == ()
    (finding,) = found["b", "y", 2]
    assert finding.lint == "equal-to-row" and "row a/x;" in finding.message
    assert finding.pictures == first.names


def test_one_picture_of_another_row_is_named(row_of: RowOf) -> None:
    rows = [NamedRow(("a", "x", 1), row_of(lambda rgb: rgb)), NamedRow(("a", "x", 2), row_of(noisy))]
    mixed = row_of(noisy)
    looks = (rows[0].row.looks[0], *mixed.looks[1:])
    rows[1] = NamedRow(("a", "x", 2), RowLooks(mixed.names, looks, mixed.originals))
    (finding,) = judge_rows(rows)["a", "x", 2]
    assert finding.pictures == (mixed.names[0],) and "row a/x@1;" in finding.message


def test_rows_that_check_the_set_up_are_not_compared(row_of: RowOf) -> None:
    rows = [NamedRow((name, "default", 0), row_of(lambda rgb: rgb), checks=True) for name in ("bicubic", "hr")]
    assert set(judge_rows(rows).values()) == {()}


def test_sketches_estimate_distances() -> None:
    """The definition: E |s(a) - s(b)|^2 = |a - b|^2, with a standard deviation of 18 % of it."""
    draw = np.random.default_rng(0)
    ratios = []
    for _ in range(60):
        one = draw.integers(0, 256, (64, 48, 3), dtype=np.uint8)
        other = np.clip(one + draw.normal(0, 3, one.shape), 0, 255).astype(np.uint8)
        truth = np.square(one.astype(float) - other).mean()
        ratios.append(float(mean_squared(sketch(one), sketch(other), one.size)) / truth)
    assert np.mean(ratios) == pytest.approx(1, abs=0.08)
    assert 0.1 < np.std(ratios) < 0.26
