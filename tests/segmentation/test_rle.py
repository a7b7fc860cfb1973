"""Masks as run lengths: against pycocotools, and what is not let in to it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco

from semsr.errors import SemanticError
from semsr.segmentation import rle
from semsr.segmentation.json_entries import Entry
from semsr.segmentation.masks import encode

SIZE = (20, 30)
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")  # pycocotools.mask.decode


def entry(value: Any) -> Entry:
    return Entry(value, "instances.json", "[0].segmentation", "do this")


def masks() -> list[np.ndarray]:
    draw = np.random.default_rng(0)
    drawn = [draw.random(tuple(draw.integers(1, 40, 2))) < chance for chance in (0.02, 0.5, 0.98) for _ in range(10)]
    wide = np.zeros((300, 400), bool)
    wide[3:290, 5:380] = True  # runs of several groups of bits, and differences of both signs
    wide[100, ::2] = False
    return [*drawn, wide, np.zeros((4, 5), bool), np.ones((4, 5), bool), np.ones((1, 1), bool)]


def test_run_lengths_as_pycocotools_has_them() -> None:
    for mask in masks():
        found = encode(mask)
        size = (mask.shape[0], mask.shape[1])
        assert np.array_equal(rle.decoded(found), mask)
        assert rle.area(found) == mask.sum()
        assert dict(rle.from_json(entry(rle.to_json(found)), size)) == dict(found)
        runs = np.diff(np.flatnonzero(np.concatenate([[True], np.diff(mask.T.ravel()), [True]]))).tolist()
        uncompressed = {"size": list(size), "counts": runs if not mask[0, 0] else [0, *runs]}
        assert np.array_equal(coco.decode(rle.from_json(entry(uncompressed), size)).astype(bool), mask)


def test_polygons_as_pycocotools_draws_them() -> None:
    polygons = [[2.0, 2.0, 12.5, 3.0, 11.0, 17.0, 3.0, 15.0], [20, 5, 29, 5, 29, 18.25]]
    drawn = coco.merge(coco.frPyObjects([list(map(float, polygon)) for polygon in polygons], *SIZE))
    assert rle.from_json(entry(polygons), SIZE) == drawn
    # Two points enclose nothing; four numbers are no box either, as pycocotools would take them.
    assert rle.from_json(entry([*polygons, [1, 1, 9, 9]]), SIZE) == drawn
    assert rle.area(rle.from_json(entry([[1, 1, 9, 9]]), SIZE)) == 0


def test_another_size_by_the_rule_of_maps() -> None:
    mask = np.zeros((4, 6), bool)
    mask[1:3, 2:6] = True
    assert np.array_equal(rle.decoded(rle.resized(encode(mask), (8, 3))), mask.repeat(2, axis=0)[:, 1::2])
    assert rle.resized(encode(mask), (4, 6)) == encode(mask)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("abc", r"is 'abc'; it must be an object with 'size'"),
        (7, r"is 7; it must be an object"),
        ({"counts": "0"}, r"has no 'size', found 'counts'"),
        ({"size": [20, 30]}, r"has no 'counts', found 'size'"),
        ({"size": [30, 20], "counts": "0"}, r"is a mask of 20x30; it must be 30x20 \(width x height\)"),
        ({"size": "x", "counts": "0"}, r"size is 'x'; it must be a list"),
        ({"size": [20, 0], "counts": "0"}, r"size\[1\] is 0; it must be a whole number from 1 up"),
        ({"size": [20, 30], "counts": 5}, r"counts is 5; it must be a list"),
        ({"size": [20, 30], "counts": ""}, r"counts is ''; it must be run lengths that add up to 20 x 30 pixels"),
        ({"size": [20, 30], "counts": "hello"}, "run lengths that add up"),
        ({"size": [20, 30], "counts": "oooooooooooo0"}, "run lengths that add up"),
        ({"size": [20, 30], "counts": "\u00e9\u4e2d"}, "run lengths that add up"),
        ({"size": [20, 30], "counts": [600, 1]}, "run lengths that add up"),
        ({"size": [20, 30], "counts": [10, 20]}, "run lengths that add up"),
        ({"size": [20, 30], "counts": [-10, 610]}, r"counts\[0\] is -10; it must be a whole number from 0 to 600"),
        ({"size": [20, 30], "counts": [1e2, 500]}, r"counts\[0\] is 100\.0; it must be a whole number"),
        ([[1, 2, 3, 4, 5, float("nan")]], r"\[0\]\[5\] is nan; it must be a finite number"),
        ([[1, 2, 3, 4, 5, 1e9]], r"\[0\]\[5\] is 1000000000\.0; it must be a finite number from -30 to 60"),
        ([[1, 2, 3, 4, 5, 6, 7]], r"is a list of 7; it must be x, y, x, y, \.\.\.: an even count"),
        ([1, 2, 3, 4, 5, 6], r"\[0\] is 1; it must be a list"),
    ],
)
def test_a_mask_that_is_none_is_named(value: Any, message: str) -> None:
    """Before pycocotools sees it, which would write past the end of its memory."""
    with pytest.raises(SemanticError, match=rf"instances\.json: \[0\]\.segmentation.*{message}.*: do this") as caught:
        rle.from_json(entry(value), SIZE)
    assert "\n" not in str(caught.value)
