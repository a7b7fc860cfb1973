"""HR pictures cut from photographs: decode, shrink where the card says so, crop."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from semsr.cards.dataset import Photo
from semsr.errors import SizeMismatchError
from semsr.imaging.pictures import Rgb, read_rgb
from semsr.imaging.resize import bicubic_uint8


def cut(photo: Photo, path: Path) -> Rgb:
    """The HR picture that a card cuts from a photograph.

    Args:
        photo: the card's entry; `shrink` is an antialiased MATLAB bicubic by 1/shrink (it removes JPEG and sensor noise), `box`
            is in pixels of the shrunk photograph.
        path: the photograph, PNG or JPEG, 8-bit RGB.

    Returns:
        (bottom - top, right - left, 3) uint8.

    Raises:
        PictureError: not a readable 8-bit RGB picture.
        SizeMismatchError: the box reaches outside the photograph.
    """
    picture = read_rgb(path)
    if photo.shrink > 1:
        picture = bicubic_uint8(picture, 1.0 / photo.shrink)
    left, top, right, bottom = photo.box
    height, width = picture.shape[:2]
    if right > width or bottom > height:
        raise SizeMismatchError(
            f"{path}: photo {photo.name!r}: box {list(photo.box)} reaches outside the photograph, which is {width}x{height} "
            f"after shrinking by {photo.shrink}"
        )
    return np.ascontiguousarray(picture[top:bottom, left:right])
