"""Which part of a picture a sample is, and how it is cut."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from semsr.errors import PictureError, SemsrError
from semsr.imaging.pictures import Rgb
from semsr.training.chance import Chance
from semsr.training.index import Index
from semsr.training.subimages import Box, SubImages


@dataclass(frozen=True)
class Patch:
    """A random square.

    Attributes:
        size: its side in HR pixels.
        small: what to do where the picture (or what is degraded of it) is smaller: "refuse", or "reflect": mirror it at its lower and right
            edge, the edge pixel not repeated (SeeSR).
        cut: draw from sub-images, each as often as any other (SeD), not from whole pictures.
    """

    size: int
    small: Literal["refuse", "reflect"] = "refuse"
    cut: SubImages | None = None

    def check(self, scale: int) -> None:
        """Raises: SemsrError: the size does not fit the scale or the sub-images."""
        if self.size < scale or self.size % scale:
            raise SemsrError(f"training: patch size: found {self.size}; allowed: multiples of the scale, {scale}")
        if self.cut is not None and self.cut.size < self.size:
            raise SemsrError(f"training: a patch of {self.size} pixels does not fit into sub-images of {self.cut.size}")


@dataclass(frozen=True)
class Resized:
    """The whole picture, brought to a square by PIL's LANCZOS filter, whatever its shape was (DAPE: 512).

    Attributes:
        size: the side in HR pixels.
    """

    size: int

    def check(self, scale: int) -> None:
        """Raises: SemsrError: the size does not fit the scale."""
        if self.size < scale or self.size % scale:
            raise SemsrError(f"training: size: found {self.size}; allowed: multiples of the scale, {scale}")


View = Patch | Resized


def require_room(index: Index, side: int) -> None:
    """Make sure that every picture holds a square of `side` HR pixels. Raises: PictureError, which names the first that does not."""
    sizes = index.sizes("hr")
    small = np.flatnonzero((sizes < side).any(axis=1))
    if len(small):
        height, width = sizes[small[0]]
        more = f" (and {len(small) - 1} more pictures)" if len(small) > 1 else ""
        raise PictureError(
            f"{index.name(int(small[0]))}: {width}x{height} pixels, smaller than the patch of {side}{more}; "
            f"take a smaller patch, leave the picture out, or pass small='reflect'"
        )


def place(chance: Chance, within: Box, side: int) -> Box:
    """A square at random inside a box, all places equally likely; along a side that is too short, all of it."""
    height, width = min(side, within.height), min(side, within.width)
    top = within.top + chance.below(within.height - height + 1)
    left = within.left + chance.below(within.width - width + 1)
    return Box(top, left, height, width)


def cut(picture: Rgb, box: Box) -> Rgb:
    """A view of the pixels inside the box."""
    return picture[box.top : box.top + box.height, box.left : box.left + box.width]


def extend(picture: Rgb, height: int, width: int) -> Rgb:
    """Mirror at the lower and right edge up to the size given, the edge pixel not repeated ("reflect 101"); larger sides stay."""
    more = ((0, max(0, height - picture.shape[0])), (0, max(0, width - picture.shape[1])), (0, 0))
    return np.pad(picture, more, mode="reflect") if any(after for _, after in more) else picture
