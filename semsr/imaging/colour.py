"""The planes that fidelity metrics compare: luma in its two dialects, or RGB."""

from __future__ import annotations

from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from semsr.errors import SizeMismatchError
from semsr.imaging.pictures import Rgb

Floats = NDArray[np.float64]


class Luma(StrEnum):
    """Which planes of an RGB picture are compared.

    BT601_LIMITED: 16-235, what MATLAB's `rgb2ycbcr` gives and nearly all super-resolution papers mean by "Y".
    BT601_FULL: 0-255, what pyiqa calls `yiq`, PIL `L` and OpenCV `YCrCb`. Differences, and so PSNR, are larger by 255/219.
    RGB: no luma; the three channels.
    """

    BT601_LIMITED = "bt601-limited"
    BT601_FULL = "bt601-full"
    RGB = "rgb"


_WEIGHTS = {
    Luma.BT601_LIMITED: ((65.481, 128.553, 24.966), 16.0),
    Luma.BT601_FULL: ((0.299 * 255, 0.587 * 255, 0.114 * 255), 0.0),
}


def channels(rgb: Rgb, luma: Luma, *, rounded: bool = False, border: int = 0) -> Floats:
    """The planes of a picture that a metric compares, in grey levels.

    Args:
        rgb: (H, W, 3) uint8.
        luma: one luma plane of either dialect, or the three channels.
        rounded: round luma to whole grey levels (pyiqa's SSIM and NIQE do, BasicSR does not).
        border: pixels cut from each side, before anything else.

    Returns:
        (C, H - 2 border, W - 2 border) float64 in [0, 255]; C is 3 for RGB, else 1.

    Raises:
        SizeMismatchError: the border leaves nothing.

    Source: ITU-R BT.601; XPixelGroup/BasicSR@8d56e3a0:basicsr/utils/color_util.py.
    """
    height, width = rgb.shape[:2]
    if 2 * border >= min(height, width):
        raise SizeMismatchError(f"a border of {border} pixels leaves nothing of a picture of {width} x {height}")
    inner = rgb[border : height - border, border : width - border]
    if luma is Luma.RGB:
        return np.ascontiguousarray(inner.transpose(2, 0, 1), dtype=np.float64)
    (red, green, blue), offset = _WEIGHTS[luma]
    plane: Floats = inner[..., 0] * np.float64(red / 255)
    plane += inner[..., 1] * np.float64(green / 255)
    plane += inner[..., 2] * np.float64(blue / 255)
    plane += offset
    if rounded:
        np.rint(plane, out=plane)
    return plane[None]
