"""Which part of a picture a derived data set takes: its centre, or places drawn from the seed, the picture and the crop's number."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass

import numpy as np

from semsr.cards.dataset import Crops
from semsr.errors import SizeMismatchError
from semsr.preparation.manifest import Entry


@dataclass(frozen=True)
class Box:
    """A part of a picture: pixels left, top (included) to right, bottom (not included)."""

    left: int
    top: int
    right: int
    bottom: int

    @property
    def width(self) -> int:
        """In pixels."""
        return self.right - self.left

    @property
    def height(self) -> int:
        """In pixels."""
        return self.bottom - self.top

    def divided(self, scale: int) -> Box:
        """The same part of a picture that is `scale` times smaller."""
        return Box(self.left // scale, self.top // scale, self.right // scale, self.bottom // scale)


def boxes(crops: Crops, entry: Entry, scale: int, wanted: int, *, on_grid: bool) -> list[tuple[str, Box]]:
    """The crops of one prepared picture, with their names.

    Args:
        crops: what the card says.
        entry: the picture.
        scale: of the data set.
        wanted: how many random crops; a centre crop keeps the picture's name.
        on_grid: crops begin at multiples of the scale, as they must where an LR file is cut alike.

    Raises:
        SizeMismatchError: the picture is smaller than the crop.
    """
    height, width = entry.hr_size or tuple(side * scale for side in entry.lr_size or (0, 0))
    size, grid = crops.size, scale if on_grid else 1
    if min(height, width) < size:
        raise SizeMismatchError(f"{entry.hr or entry.lr}: {width}x{height} is smaller than the crops, {size}x{size}")
    if crops.kind == "centre":
        left, top = ((side // grid - size // grid) // 2 * grid for side in (width, height))
        return [(entry.name, Box(left, top, left + size, top + size))]
    digits = max(2, len(str(wanted - 1)))
    found = []
    for number in range(wanted):
        key = hashlib.sha256(f"crops\0{crops.seed}\0{size}\0{entry.name}\0{number}".encode()).digest()
        draw = np.random.Generator(np.random.Philox(key=int.from_bytes(key[:16], "big")))
        top, left = (int(draw.integers((side - size) // grid + 1)) * grid for side in (height, width))
        found.append((f"{entry.name}-{number:0{digits}d}", Box(left, top, left + size, top + size)))
    return found


def shares(total: int, pictures: int) -> list[int]:
    """How many of `total` crops each picture gives: equally many, the first ones one more where it does not come out even."""
    each, more = divmod(total, pictures)
    return [each + (number < more) for number in range(pictures)]
