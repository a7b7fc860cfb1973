"""A picture as eight by eight mean colours: what is left when all detail, real or made up, is gone."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from semsr.imaging.pictures import Rgb

Floats = NDArray[np.float64]

CELLS = 8
"""Cells along each side. A cell of a 512 x 512 picture is 64 pixels wide, or 16 of LR: far more than any texture a method may invent."""


def thumbnail(rgb: Rgb) -> Floats:
    """Mean colour of each cell, (8, 8, 3) in grey levels. Pictures of fewer than 8 pixels repeat pixels."""
    rows, columns = _edges(rgb.shape[0]), _edges(rgb.shape[1])
    sums = np.add.reduceat(np.add.reduceat(rgb, rows[0], axis=0, dtype=np.float64), columns[0], axis=1)
    return np.asarray(sums / (rows[1][:, None] * columns[1][None, :])[..., None], dtype=np.float64)


def cell_ranges(rgb: Rgb) -> Floats:
    """Largest less smallest value of each cell, the largest over the channels: (8, 8) grey levels."""
    rows, columns = _edges(rgb.shape[0])[0], _edges(rgb.shape[1])[0]
    high = np.maximum.reduceat(np.maximum.reduceat(rgb, rows, axis=0), columns, axis=1)
    low = np.minimum.reduceat(np.minimum.reduceat(rgb, rows, axis=0), columns, axis=1)
    return np.asarray((high.astype(np.float64) - low).max(axis=2), dtype=np.float64)


def pattern(thumb: Floats) -> Floats:
    """Thumbnails (..., 8, 8, 3) as vectors of mean 0 and length 1 that are compared by their inner product; all 0 for one flat colour."""
    flat = thumb.reshape(*thumb.shape[:-3], -1)
    flat = flat - flat.mean(axis=-1, keepdims=True)
    length = np.linalg.norm(flat, axis=-1, keepdims=True)
    return np.asarray(np.where(length > CELLS, flat / np.maximum(length, 1e-9), 0.0), dtype=np.float64)


def _edges(length: int) -> tuple[NDArray[np.intp], Floats]:
    """Where cells begin, and how long they are."""
    starts = (np.arange(CELLS) * length // CELLS).astype(np.intp)
    # reduceat takes one element where two starts are equal, as in pictures of fewer pixels than cells.
    return starts, np.maximum(np.diff(np.append(starts, length)), 1).astype(np.float64)
