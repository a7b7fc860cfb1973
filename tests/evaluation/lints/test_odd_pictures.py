"""Nothing a score can be computed of stops the lints: tiny, flat, thin, alone."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from semsr.evaluation.lints.judges import judge_row
from semsr.evaluation.lints.look import Originals, look_at, look_at_originals
from semsr.evaluation.lints.row import RowLooks


def row(pictures: list[tuple[np.ndarray, np.ndarray | None, np.ndarray | None]]) -> RowLooks:
    looks, known = [], []
    for sr, hr, lr in pictures:
        originals = Originals(lr, hr, sr.shape[:2])
        known.append(look_at_originals(originals))
        looks.append(look_at(sr, originals, known[-1]))
    return RowLooks(tuple(f"p{at}" for at in range(len(looks))), tuple(looks), tuple(known))


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("size", [(4, 4), (4, 64), (8, 12), (16, 16), (20, 36), (64, 8)])
def test_small_and_thin_pictures_of_noise(size: tuple[int, int], count: int) -> None:
    draw = np.random.default_rng(size[0])

    def noise(height: int, width: int) -> np.ndarray:
        return draw.integers(0, 256, (height, width, 3), dtype=np.uint8)

    made = [(noise(*size), noise(*size), noise(size[0] // 4, size[1] // 4)) for _ in range(count)]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for each in ([(sr, hr, None) for sr, hr, _ in made], [(sr, None, lr) for sr, _, lr in made], made):
            judge_row(row(each))


@pytest.mark.parametrize("value", [0, 128, 255])
def test_flat_pictures_of_flat_originals_are_right(value: int) -> None:
    flat = np.full((64, 64, 3), value, dtype=np.uint8)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = judge_row(row([(flat, flat, flat[:16, :16])] * 5))
    assert [finding for finding in found if finding.counts] == []


def test_an_empty_row_has_no_findings() -> None:
    assert judge_row(RowLooks((), (), ())) == []
