"""Masks as run lengths and boxes."""

from __future__ import annotations

import numpy as np
import pytest
from pycocotools import mask as coco

from semsr.segmentation.masks import clipped_box, encode, tight_box


def test_a_mask_comes_back_and_its_box_is_coco_s() -> None:
    draw = np.random.default_rng(0)
    for _ in range(20):
        mask = draw.random((17, 23)) < 0.05
        if mask.any():
            rle = encode(mask)
            assert np.array_equal(coco.decode(dict(rle)).astype(bool), mask)
            assert tight_box(mask) == tuple(coco.toBbox(dict(rle)))


def test_one_pixel_has_a_box_and_none_has_not() -> None:
    mask = np.zeros((4, 5), bool)
    with pytest.raises(ValueError, match="without pixels"):
        tight_box(mask)
    mask[3, 4] = True
    assert tight_box(mask) == (4.0, 3.0, 1.0, 1.0)


def test_a_box_is_cut_to_the_picture() -> None:
    assert clipped_box((-3.0, 2.0, 7.5, 99.0), (10, 5)) == (0.0, 2.0, 5.0, 8.0)
    assert clipped_box((6.0, 2.0, 7.5, 9.0), (10, 5)) is None
    assert clipped_box((1.0, 2.0, 1.0, 9.0), (10, 5)) is None
