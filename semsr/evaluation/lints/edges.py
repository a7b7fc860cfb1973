"""Lines at a picture's edges that hold no picture: of one colour, or copies of the line within."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semsr.imaging.pictures import Rgb

SIDES = ("top", "bottom", "left", "right")
FLAT = 2
"""A line whose values differ by no more is of one colour (a flat border keeps to this through JPEG at quality 95)."""
COPIED = 1
"""Two lines that differ nowhere by more are copies."""
CHANGED = 3
"""An original whose lines differ by more somewhere has a picture there that copies can't hold."""
LIVELY = 8
"""Grey levels by which each of the next lines differs somewhere from its neighbour in a picture that has texture up to its edges."""
STRUCTURE = 8.0
"""Grey levels by which the means of a line's sixteenths differ where the reference has something to show. Noise alone does not."""
_DEEPEST = 64
_WITHIN = 64
_BESIDE = 9


def empty_lines(sr: Rgb, originals: Sequence[Rgb]) -> NDArray[np.float64]:
    """How many lines from each edge inwards hold no picture although every original has one there.

    Args:
        sr: (H, W, 3).
        originals: HR, LR enlarged, or both; (H, W, 3). LR enlarged says which edges are copies just because LR is smooth there.

    Returns:
        (4,): top, bottom, left, right; 0 where all is well.
    """
    turned = zip(*(_turned(original) for original in originals), strict=True)
    return np.array([_from_top(each, others) for each, others in zip(_turned(sr), turned, strict=True)], dtype=np.float64)


def _turned(rgb: Rgb) -> tuple[Rgb, Rgb, Rgb, Rgb]:
    """The picture such that each side in turn is on top."""
    across = rgb.transpose(1, 0, 2)
    return rgb, rgb[::-1], across, across[::-1]


def _from_top(sr: Rgb, originals: Sequence[Rgb]) -> int:
    depth = min(_DEEPEST, sr.shape[0] // 4)
    if depth < 2:
        return 0
    said = np.logical_and.reduce([structure(original[:depth]) for original in originals])
    lines = sr[: depth + 1].astype(np.int16)
    flat = (lines.max(axis=1) - lines.min(axis=1)).max(axis=1) <= FLAT
    if count := _leading(said & flat[:depth]):
        return count
    # Pictures enlarged by repeating pixels have copies everywhere.
    if _steps(sr[depth : depth + _WITHIN]).size and (_steps(sr[depth : depth + _WITHIN]) <= COPIED).mean() > 0.1:
        return 0
    count = _leading(said & (_steps(lines) <= COPIED))
    changes = [bool((_steps(original[: count + 1]) > CHANGED).any()) for original in originals]
    # LR enlarged may be too smooth to tell; exact copies beside lines that all differ are none of chance.
    lively = _steps(lines[: count + 1]).max(initial=0) == 0 and _steps(sr[count : count + _BESIDE]).min(initial=255) >= LIVELY
    return count if all(changes) or (lively and any(changes)) else 0


def _leading(holds: NDArray[np.bool_]) -> int:
    """How many of the first entries hold, without a gap."""
    return int(np.argmin(holds)) if not holds.all() else len(holds)


def _steps(lines: NDArray[Any]) -> NDArray[np.int16]:
    """The largest difference of each line (N, W, 3) from the next: (N - 1,)."""
    return np.asarray(np.abs(np.diff(lines.astype(np.int16), axis=0)).max(axis=(1, 2)), dtype=np.int16)


def structure(lines: Rgb) -> NDArray[np.bool_]:
    """Which lines (N, W, 3) show something: their sixteenths differ in their means."""
    starts = np.unique(np.arange(16) * lines.shape[1] // 16)
    lengths = np.diff(np.append(starts, lines.shape[1]))
    means = np.add.reduceat(lines.astype(np.float64).mean(axis=2), starts, axis=1) / lengths
    return np.asarray(means.max(axis=1) - means.min(axis=1) > STRUCTURE, dtype=np.bool_)
