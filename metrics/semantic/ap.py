"""Average precision of boxes and of masks, as COCO has it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import ClassVar, Literal

import numpy as np
from numpy.typing import NDArray

from semsr.cards.metric import OptionValue
from semsr.evaluation.semantic.fitting import fitting_instances
from semsr.evaluation.semantic.matching import EVERY_AREA, Range, counted, match
from semsr.evaluation.semantic.metric import Columns, SemanticMetric
from semsr.evaluation.semantic.sums import Weights, class_sums, positions
from semsr.evaluation.semantic.truth import TrueObject, Truth
from semsr.segmentation.found import Found

from .precision import average_precisions

THRESHOLDS = np.linspace(0.5, 0.95, 10)
AREAS: dict[str, Range] = {
    "all": EVERY_AREA, "small": (0.0, 32.0**2), "medium": (32.0**2, 96.0**2), "large": (96.0**2, EVERY_AREA[1])
}  # fmt: skip
EVERY = range(len(THRESHOLDS))
FIGURES: dict[str, tuple[str, Sequence[int]]] = {
    "ap": ("all", EVERY), "ap50": ("all", [0]), "ap75": ("all", [5]),
    "ap-small": ("small", EVERY), "ap-medium": ("medium", EVERY), "ap-large": ("large", EVERY),
}  # fmt: skip
"""By option: the range of areas, and the numbers of the thresholds that are averaged."""
NO_DETECTION = -1
"""The rank of a row that says how many objects of a class there are."""


class AveragePrecision(SemanticMetric):
    """Mean over classes and ten IoU thresholds of the precision at 101 recalls; in percent.

    A row is a detection: category, score, its rank among those of its class in the picture, and for every range of areas one bit a
    threshold each for "matches an object" and "counts neither for nor against". A row of rank -1 says instead how many objects of a
    category are to be found. pycocotools does the matching (`semsr.evaluation.semantic.matching`).
    """

    on: ClassVar[Literal["boxes", "masks"]]

    def contribution(self, truth: Truth, found: Found) -> Columns:
        """Match one picture's detections, at most 100 of a class, with its objects; first the rows of the objects."""
        instances = fitting_instances(truth, found, self.on, self.categories)
        matches = match(truth.objects, instances, self.on, THRESHOLDS, tuple(AREAS.values()))
        objects = defaultdict[int, list[TrueObject]](list)
        for one in truth.objects:
            objects[one.category].append(one)
        there = np.array([counted(ones, tuple(AREAS.values())) for ones in objects.values()], np.int32).reshape(-1, len(AREAS))
        first, count = len(objects), len(matches.order)
        best = [instances[at] for at in matches.order]
        columns = {
            "category": np.array([*objects, *(one.category for one in best)], np.int32),
            "score": np.array([*[np.nan] * first, *(one.score for one in best)], np.float64),
            "rank": np.concatenate((np.full(first, NO_DETECTION), matches.rank)).astype(np.int32),
        }
        matched, ignored = _bits(matches.taken >= 0), _bits(matches.ignored)
        for nth, area in enumerate(AREAS):
            columns[f"matched_{area}"] = np.pad(matched[nth], (first, 0))
            columns[f"ignored_{area}"] = np.pad(ignored[nth], (first, 0))
            columns[f"objects_{area}"] = np.pad(there[:, nth], (0, count))
        return columns

    def each_class(
        self, rows: Columns, picture: NDArray[np.int64], weights: Weights, options: Mapping[str, OptionValue]
    ) -> NDArray[np.float64]:
        """(R, classes) percent; NaN for a class without objects of the area asked for, whatever was detected."""
        area, thresholds = FIGURES[str(options["figure"])]
        place = positions(rows["category"], self.categories)
        objects = class_sums(rows[f"objects_{area}"], place, picture, weights, len(self.categories))
        # Classes one after the other; in each the best detection first, ties in the order of pictures, then of the picture's own.
        order = np.lexsort((rows["rank"], picture, -rows["score"], place))
        order = order[rows["rank"][order] != NO_DETECTION]
        starts = np.searchsorted(place[order], np.arange(len(self.categories) + 1))
        found = np.full(objects.shape, np.nan)
        for nth in np.flatnonzero(objects.any(axis=0)):
            of = order[starts[nth] : starts[nth + 1]]
            matched, ignored = rows[f"matched_{area}"][of], rows[f"ignored_{area}"][of]
            found[:, nth] = average_precisions(matched, ignored, picture[of], objects[:, nth], weights, thresholds)
        return 100 * found


class BoxAp(AveragePrecision):
    """Average precision by the overlap of boxes; a detection's area is its box's."""

    needs = ("boxes",)
    on = "boxes"


class MaskAp(AveragePrecision):
    """Average precision by the overlap of masks; a detection's area is its mask's."""

    needs = ("masks",)
    on = "masks"


def _bits(flags: NDArray[np.bool_]) -> NDArray[np.uint16]:
    """(A, T, D) flags as one number for a range of areas and a detection, the first threshold the lowest bit."""
    bits: NDArray[np.uint16] = np.left_shift(flags, np.arange(flags.shape[1], dtype=np.uint16)[:, None]).sum(
        axis=1, dtype=np.uint16
    )
    return bits
