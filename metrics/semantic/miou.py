"""Mean intersection over union from one confusion matrix of the whole data set."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from semsr.cards.metric import OptionValue
from semsr.evaluation.semantic.fitting import fitting_classes
from semsr.evaluation.semantic.metric import Columns, SemanticMetric
from semsr.evaluation.semantic.overlaps import overlaps
from semsr.evaluation.semantic.sums import Weights, class_sums, positions, ratio
from semsr.evaluation.semantic.truth import Truth
from semsr.segmentation.found import Found


class MeanIou(SemanticMetric):
    """Mean over classes of intersection over union, both counted over all pictures together; in percent.

    A row is a cell of one picture's confusion matrix that holds a pixel: positions of the true and the found class, pixels. Pixels
    without annotation are left out altogether, of the area that a class was found on, too. Pixels of a crowd are pixels of its class.
    An annotated pixel that no class was found for (-1) is a missed one of its class.
    """

    needs = ("semantic",)

    def contribution(self, truth: Truth, found: Found) -> Columns:
        """Count one picture's pixels by true and found class."""
        classes = fitting_classes(truth, found, self.categories)
        pairs = overlaps(truth.panoptic, classes)
        ids = np.array([segment.id for segment in truth.segments], np.int64)
        order = np.argsort(ids)
        places = positions(np.array([segment.category for segment in truth.segments], np.int64)[order], self.categories)
        annotated = np.isin(pairs.first, ids)
        true, other, pixels = (part[annotated] for part in (pairs.first, pairs.second, pairs.pixels))
        if ids.size:
            true = places[np.searchsorted(ids[order], true)]
        # Several segments of one class make one row.
        cells, back = np.unique(true * (len(self.categories) + 1) + other + 1, return_inverse=True)
        return {
            "true": (cells // (len(self.categories) + 1)).astype(np.int16),
            "found": (cells % (len(self.categories) + 1) - 1).astype(np.int16),
            "pixels": np.bincount(back, weights=pixels, minlength=cells.size).astype(np.int64),
        }

    def each_class(
        self, rows: Columns, picture: NDArray[np.int64], weights: Weights, options: Mapping[str, OptionValue]
    ) -> NDArray[np.float64]:
        """(R, classes) percent; NaN for classes that the denominator leaves out.

        The denominator `truth` counts classes with true pixels (detectron2), `union` those with true or found ones, of which a class that
        is only found has IoU 0 (OpenSeeD).
        """
        size, given = len(self.categories), rows["found"] >= 0
        right = rows["found"] == rows["true"]
        shared = class_sums(rows["pixels"][right], rows["true"][right], picture[right], weights, size)
        true = class_sums(rows["pixels"], rows["true"], picture, weights, size)
        found = class_sums(rows["pixels"][given], rows["found"][given], picture[given], weights, size)
        counts = true > 0 if options["denominator"] == "truth" else true + found > 0
        return np.where(counts, 100 * ratio(shared, true + found - shared, otherwise=0.0), np.nan)
