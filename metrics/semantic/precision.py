"""Average precision of one class over draws of pictures."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from semsr.evaluation.semantic.sums import Weights

RECALLS = np.linspace(0.0, 1.0, 101)
_CELLS = 800_000
"""Draws times detections that are worked on at once: some 6 MB an array, which costs less than larger ones."""


def average_precisions(
    matched: NDArray[np.uint16],
    ignored: NDArray[np.uint16],
    picture: NDArray[np.int64],
    truths: NDArray[np.float64],
    weights: Weights,
    thresholds: Sequence[int],
) -> NDArray[np.float64]:
    """Mean over thresholds of the mean precision at 101 recalls (pycocotools, `COCOeval.accumulate`).

    Precision is made falling from the right, and read at the first detection whose recall is enough. Only where a true object is found
    does recall grow, so only these detections are looked at. Detections of a picture that stands w times in a draw count w times; of
    several with one score, all copies of one come before the next, in the data set's order.

    Args:
        matched, ignored: (D,) bits by threshold; detections sorted by falling score, then picture, then their order in it.
        picture: (D,) the number of each one's picture.
        truths: (R,) objects to be found in each draw.
        weights: (R, N).
        thresholds: numbers of the bits to average over.

    Returns:
        (R,) in [0, 1]; NaN for a draw without objects of the class.
    """
    step = max(1, _CELLS // max(1, picture.size))
    parts = [
        _average_precisions(
            matched, ignored, np.take(weights[at : at + step], picture, axis=1), truths[at : at + step], thresholds
        )
        for at in range(0, len(truths), step)
    ]
    return np.where(truths > 0, np.concatenate(parts), np.nan)


def _average_precisions(
    matched: NDArray[np.uint16],
    ignored: NDArray[np.uint16],
    times: NDArray[np.int64],
    truths: NDArray[np.float64],
    thresholds: Sequence[int],
) -> NDArray[np.float64]:
    """The same for some draws; `times`: (R, D) how often each detection stands in each."""
    total, detections = np.zeros(len(times)), np.cumsum(times, axis=1)
    there = np.maximum(truths, 1)[:, None]  # where there is nothing, nothing is found either
    for threshold in thresholds:
        left_out = (ignored >> threshold) & 1 == 1
        hits = np.flatnonzero(((matched >> threshold) & 1 == 1) & ~left_out)
        if not hits.size:
            continue
        tp, counted = np.cumsum(times[:, hits], axis=1), detections[:, hits]
        if left_out.any():
            skipped = np.flatnonzero(left_out)
            before = np.pad(np.cumsum(times[:, skipped], axis=1), ((0, 0), (1, 0)))
            counted = counted - before[:, np.searchsorted(skipped, hits)]
        precision = tp / (counted + np.spacing(1))
        falling = np.maximum.accumulate(precision[:, ::-1], axis=1)[:, ::-1]
        recall = tp / there
        reached = np.searchsorted(RECALLS, recall, side="right")
        total += (falling * np.diff(reached, axis=1, prepend=0)).sum(axis=1)
    return total / (len(thresholds) * len(RECALLS))
