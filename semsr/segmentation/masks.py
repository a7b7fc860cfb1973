"""Binary masks as run lengths and boxes, COCO's way."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from semsr.segmentation.found import Rle


def encode(mask: NDArray[Any]) -> Rle:
    """(H, W) of booleans as run lengths: {"size": [H, W], "counts": bytes}."""
    rle: Rle = coco.encode(np.asfortranarray(mask, dtype=np.uint8))
    return rle


def tight_box(mask: NDArray[Any]) -> tuple[float, float, float, float]:
    """The smallest box (x, y, width, height) in pixels around the pixels of a mask (H, W); one pixel has width and height 1.

    Raises:
        ValueError: the mask has no pixel.
    """
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        raise ValueError("a mask without pixels has no box")
    top, left = int(rows[0]), int(columns[0])
    return float(left), float(top), float(columns[-1] - left + 1), float(rows[-1] - top + 1)


def clipped_box(corners: tuple[float, float, float, float], size: tuple[int, int]) -> tuple[float, float, float, float] | None:
    """A box of two corners (left, top, right, bottom) as (x, y, width, height) inside a picture (H, W); None where nothing is left."""
    height, width = size
    left, right = (min(max(value, 0.0), float(width)) for value in (corners[0], corners[2]))
    top, bottom = (min(max(value, 0.0), float(height)) for value in (corners[1], corners[3]))
    return (left, top, right - left, bottom - top) if right > left and bottom > top else None
