"""Draws of pictures with replacement, for intervals of numbers that are of a whole data set and of no single picture."""

from __future__ import annotations

import numpy as np

from semsr.evaluation.semantic.sums import Weights


def draws(pictures: int, resamples: int, seed: int = 0) -> Weights:
    """How often each picture stands in the data set (first) and in bootstrap draws of it.

    A draw takes as many pictures as there are, each as likely as any other, with replacement (Efron 1979). The same numbers give the same
    draws, so that what is compared draw by draw was measured on the same pictures.

    Args:
        pictures: how many there are, at least 1.
        resamples: how many draws besides the data set itself, 0 or more.
        seed: of NumPy's default generator.

    Returns:
        (resamples + 1, pictures): the first row all ones; every row sums to `pictures`.

    Raises:
        ValueError: no pictures, or a negative number of draws.
    """
    if pictures < 1 or resamples < 0:
        raise ValueError(f"found {pictures} pictures and {resamples} draws; at least 1 and 0 are needed")
    itself = np.ones((1, pictures), np.int64)
    drawn = np.random.default_rng(seed).multinomial(pictures, np.full(pictures, 1 / pictures), size=resamples)
    return np.concatenate((itself, drawn.astype(np.int64, copy=False)))
