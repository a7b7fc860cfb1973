"""Masks as a picture to be laid over another: each half-transparent in its colour, objects with an outline."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semsr.imaging.pictures import Rgb
from semsr.reporting.semantic.colours import channels
from semsr.segmentation.maps import nearest
from semsr.segmentation.rle import Mask

SIDE = 256
"""The longer side of a picture on the page, in pixels."""
TINT = 112
"""How opaque the inside of a mask is, of 255."""
_EDGE = 255

Rgba = NDArray[np.uint8]
"""(H, W, 4), alpha last."""


@dataclass(frozen=True)
class Area:
    """Pixels of one class.

    Attributes:
        name: the class's.
        colour: `#rrggbb`.
        mask: (H, W), True on it.
        outlined: whether it is an object, whose outline tells it from its neighbours of the same class.
        labelled: whether the class's name is written on it.
    """

    name: str
    colour: str
    mask: Mask
    outlined: bool
    labelled: bool = False


def frame_of(size: tuple[int, int]) -> tuple[int, int]:
    """(H, W) at which a picture of a size is shown: its longer side has `SIDE` pixels."""
    height, width = size
    return max(1, round(SIDE * height / max(size))), max(1, round(SIDE * width / max(size)))


def tint(areas: Sequence[Area], frame: tuple[int, int]) -> Rgba:
    """Lay areas over each other, the last on top; where there is none, everything shines through.

    Args:
        areas: masks of any size; each is brought to the frame by nearest neighbour.
        frame: (H, W) of the result.
    """
    made = np.zeros((*frame, 4), np.uint8)
    for area in areas:
        mask = nearest(area.mask, frame)
        made[mask, :3] = channels(area.colour)
        made[mask, 3] = TINT
        if area.outlined:
            made[_edge(mask), 3] = _EDGE
    return made


def encode_rgba(rgba: Rgba) -> bytes:
    """As PNG; equal pixels give equal bytes."""
    buffer = io.BytesIO()
    Image.fromarray(rgba).save(buffer, format="PNG", optimize=True)
    return buffer.getvalue()


def shrunk(rgb: Rgb) -> Rgb:
    """A picture no larger than the page shows it (Lanczos, 3 lobes); a small one keeps its pixels."""
    height, width = frame_of((rgb.shape[0], rgb.shape[1]))
    if height >= rgb.shape[0]:
        return rgb
    return np.asarray(Image.fromarray(rgb).resize((width, height), Image.Resampling.LANCZOS))


def inside(mask: Mask) -> tuple[float, float]:
    """(x, y) of a pixel's centre that lies in a mask: the one nearest to the centroid, the first of equals. The mask has a pixel."""
    rows, columns = np.nonzero(mask)
    nearest_one = int(((rows - rows.mean()) ** 2 + (columns - columns.mean()) ** 2).argmin())
    return float(columns[nearest_one]) + 0.5, float(rows[nearest_one]) + 0.5


def _edge(mask: Mask) -> Mask:
    """Pixels of a mask with a neighbour (up, down, left, right) outside of it, or outside of the picture."""
    padded = np.pad(mask, 1)
    within = padded[:-2, 1:-1] & padded[2:, 1:-1] & padded[1:-1, :-2] & padded[1:-1, 2:]
    edge: Mask = mask & ~within
    return edge
