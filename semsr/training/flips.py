"""The eight ways a square patch can lie, applied alike to HR and LR."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from semsr.imaging.pictures import Rgb
from semsr.training.chance import Chance

Flips = Literal["all", "horizontal", "none"]
"""All eight (the field's convention for classical training), mirroring left to right only (SeeSR), or none (DAPE)."""


@dataclass(frozen=True)
class Flip:
    """One of the eight: mirrored left to right, then top to bottom, then rows and columns exchanged."""

    horizontal: bool = False
    vertical: bool = False
    transpose: bool = False

    def __call__(self, picture: Rgb) -> Rgb:
        """(H, W, 3) in; (H, W, 3), or (W, H, 3) where transposed, out: a view, not a copy."""
        if self.horizontal:
            picture = picture[:, ::-1]
        if self.vertical:
            picture = picture[::-1]
        return np.swapaxes(picture, 0, 1) if self.transpose else picture


def draw_flip(chance: Chance, flips: Flips) -> Flip:
    """Each of the three with probability 1/2, so that all eight are equally likely."""
    if flips == "none":
        return Flip()
    if flips == "horizontal":
        return Flip(horizontal=chance.coin())
    return Flip(chance.coin(), chance.coin(), chance.coin())
