"""Contributions of pictures summed class by class in every draw, and what classes give together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semsr.segmentation.found import Category

Weights = NDArray[np.int64]
"""(R, N): how often each of N pictures stands in each of R draws; a row of ones is the data set itself."""


def positions(category: NDArray[np.integer[Any]], categories: Sequence[Category]) -> NDArray[np.int64]:
    """(K,) COCO ids of categories as positions in `categories`, which are sorted by id and hold every one of them."""
    ids = np.array([one.id for one in categories], np.int64)
    return np.searchsorted(ids, category).astype(np.int64, copy=False)


def class_sums(
    values: NDArray[Any], place: NDArray[np.integer[Any]], picture: NDArray[np.int64], weights: Weights, classes: int
) -> NDArray[np.float64]:
    """Sum what rows say of classes over the pictures of each draw.

    Args:
        values: (K,) what is summed; whole numbers are summed exactly up to 2^53.
        place: (K,) the class of each row, from 0.
        picture: (K,) the number of its picture.
        weights: (R, N).
        classes: how many there are.

    Returns:
        (R, classes).
    """
    pictures = weights.shape[1]
    cells = np.bincount(picture * classes + place, weights=values, minlength=pictures * classes)
    sums: NDArray[np.float64] = weights.astype(np.float64) @ cells.astype(np.float64).reshape(pictures, classes)
    return sums


def ratio(above: NDArray[np.float64], below: NDArray[np.float64], otherwise: float = float("nan")) -> NDArray[np.float64]:
    """`above / below`, and `otherwise` where `below` is 0."""
    quotients = np.full(above.shape, otherwise)
    np.divide(above, below, out=quotients, where=below != 0)
    return quotients


def mean_of_classes(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(R,) means of (R, classes) over the classes that count, those that are not NaN; NaN where none does."""
    counts = ~np.isnan(values)
    return ratio(np.where(counts, values, 0.0).sum(axis=1), counts.sum(axis=1).astype(np.float64))
