"""Sub-images as windows over whole pictures: the same samples as from files cut beforehand, without four times the pixels on the disk.

SeD, like most classical super-resolution, trains on sub-images: squares of 480 pixels every 240, the last of a row moved back to the edge.
Cutting them to files makes decoding cheap and gives large pictures more weight than small ones (an epoch visits every sub-image once). Only
the second matters for the result, and windows give it.

Source: the rule of BasicSR's and SeD's sub-image scripts (docs/training-data.md), written anew.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semsr.errors import SemsrError


@dataclass(frozen=True)
class SubImages:
    """How sub-images lie, in HR pixels.

    Attributes:
        size: side of the square.
        step: from one to the next.
        threshold: a rest of more than so many pixels gets one more sub-image that ends at the edge.
    """

    size: int = 480
    step: int = 240
    threshold: int = 0

    def __post_init__(self) -> None:
        if self.size < 1 or self.step < 1 or self.threshold < 0:
            raise SemsrError(f"training: {self}: size and step must be at least 1, the threshold at least 0")


@dataclass(frozen=True)
class Box:
    """A rectangle in a picture, in its pixels."""

    top: int
    left: int
    height: int
    width: int

    def scaled(self, factor: int) -> Box:
        """The same rectangle in a picture `factor` times as large."""
        return Box(self.top * factor, self.left * factor, self.height * factor, self.width * factor)


class Windows:
    """All windows of all pictures, numbered picture after picture, row after row.

    Args:
        sizes: (N, 2) heights and widths of the pictures.
        cut: the sub-images, in the same pixels; None: one window a picture, the whole of it. A picture shorter than a sub-image is taken
            in its whole length.
    """

    def __init__(self, sizes: NDArray[np.int32], cut: SubImages | None) -> None:
        self._sizes, self._cut = sizes, cut
        counts = _count(sizes[:, 0], cut) * _count(sizes[:, 1], cut)
        self._ends = np.cumsum(counts, dtype=np.int64)

    def __len__(self) -> int:
        return int(self._ends[-1])

    def __getitem__(self, number: int) -> tuple[int, Box]:
        """Which picture window `number` is in, and where."""
        picture = int(np.searchsorted(self._ends, number, side="right"))
        height, width = (int(side) for side in self._sizes[picture])
        if self._cut is None:
            return picture, Box(0, 0, height, width)
        rows, columns = starts(height, self._cut), starts(width, self._cut)
        row, column = divmod(number - (int(self._ends[picture - 1]) if picture else 0), len(columns))
        return picture, Box(rows[row], columns[column], min(self._cut.size, height), min(self._cut.size, width))


def starts(length: int, cut: SubImages) -> list[int]:
    """Where sub-images begin along a side of `length` pixels."""
    if length <= cut.size:
        return [0]
    found = list(range(0, length - cut.size + 1, cut.step))
    if length - (found[-1] + cut.size) > cut.threshold:
        found.append(length - cut.size)
    return found


def _count(lengths: NDArray[np.int32], cut: SubImages | None) -> NDArray[np.int64]:
    if cut is None:
        return np.ones(len(lengths), np.int64)
    room = np.maximum(lengths.astype(np.int64) - cut.size, 0)
    whole = room // cut.step
    counts: NDArray[np.int64] = whole + 1 + (room - whole * cut.step > cut.threshold)
    return counts
