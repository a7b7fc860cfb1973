"""Sparse matrices along one side of a picture: each output row is a weighted sum of a few neighbouring input rows.

Applied as small dense products of 48 output rows and the input rows they need, which is what matrix libraries are fastest at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from semsr.imaging.degradation.grid import Floats

_BLOCK = 48


@dataclass(frozen=True)
class Banded:
    """A matrix (outputs, inputs) by blocks of rows.

    Attributes:
        outputs: number of rows.
        blocks: (first row, first column, dense block).
    """

    outputs: int
    blocks: tuple[tuple[int, int, Floats], ...]

    def apply(self, plane: Tensor, side: Literal["rows", "columns"]) -> Tensor:
        """Multiply along one side of (H, W) float64: (outputs, W) for "rows", (H, outputs) for "columns"."""
        height, width = plane.shape
        result = plane.new_empty((self.outputs, width) if side == "rows" else (height, self.outputs))
        for row, column, block in self.blocks:
            matrix = torch.from_numpy(block).to(plane.device)
            rows, columns = slice(row, row + block.shape[0]), slice(column, column + block.shape[1])
            if side == "rows":
                torch.mm(matrix, plane[columns], out=result[rows])
            else:
                torch.mm(plane[:, columns], matrix.T, out=result[:, rows])
        return result


def banded(indices: NDArray[np.intp], weights: Floats) -> Banded:
    """The matrix whose row i has weights[i] at the columns indices[i]; weights of a column named twice add up.

    Args:
        indices: (outputs, taps) columns.
        weights: (outputs, taps).
    """
    outputs = len(indices)
    blocks = []
    for start in range(0, outputs, _BLOCK):
        columns, values = indices[start : start + _BLOCK], weights[start : start + _BLOCK]
        first = int(columns.min())
        block = np.zeros((len(columns), int(columns.max()) - first + 1))
        np.add.at(block, (np.arange(len(columns))[:, None], columns - first), values)
        blocks.append((start, first, block))
    return Banded(outputs, tuple(blocks))


def reflect(indices: NDArray[np.intp], length: int) -> NDArray[np.intp]:
    """Indices beyond the ends mirrored back, edge sample not repeated, again and again where the side is short."""
    if length == 1:
        return np.zeros_like(indices)
    folded = np.mod(indices, 2 * (length - 1))
    return np.asarray(np.minimum(folded, 2 * (length - 1) - folded))
