"""Panoptic quality as panopticapi counts it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semsr.cards.metric import OptionValue
from semsr.evaluation.semantic.fitting import fitting_panoptic, segment_areas
from semsr.evaluation.semantic.metric import Columns, SemanticMetric
from semsr.evaluation.semantic.overlaps import overlaps
from semsr.evaluation.semantic.sums import Weights, class_sums, positions, ratio
from semsr.evaluation.semantic.truth import Truth
from semsr.segmentation.found import Found

VOID = 0


@dataclass
class _Tally:
    """What one category came to in one picture."""

    iou: float = 0.0
    tp: int = 0
    fp: int = 0
    fn: int = 0


def tally(truth: Truth, found: Found, shared: Mapping[tuple[int, int], int]) -> dict[int, _Tally]:
    """Match the segments of one picture (Kirillov et al. 2019; panopticapi, `pq_compute_single_core`).

    A found segment is a true one where both have one category and their IoU is above 0.5, which no two can be. The union leaves out
    pixels of the found segment where nothing is annotated. True crowds are never matched and never missed; of a category's crowds in a
    picture the last counts. A found segment without a partner is wrong unless more than half of it lies on unannotated pixels and
    that crowd of its category. Pixels without a found segment are nobody's: a true segment they cover stays missed, and they count in
    its union (torchmetrics leaves them out).

    Args:
        truth: annotations. Areas are counted in the map; panopticapi reads them from the JSON file, where COCO has the same.
        found: checked segments.
        shared: pixels of every pair (true id, found id).

    Returns:
        by COCO id, only of categories that something is to be said of.

    Raises:
        SemanticError: an id without a segment, a segment without a pixel.
    """
    true_areas, map_areas = defaultdict[int, int](int), defaultdict[int, int](int)
    for (true, other), pixels in shared.items():
        true_areas[true] += pixels
        map_areas[other] += pixels
    areas = segment_areas(found, map_areas)
    true_segments = {segment.id: segment for segment in truth.segments}
    found_segments = {segment.id: segment for segment in found.segments}
    tallies, matched_true, matched_found = defaultdict[int, _Tally](_Tally), set[int](), set[int]()
    for (true, other), pixels in shared.items():
        one, two = true_segments.get(true), found_segments.get(other)
        if one is None or two is None or one.crowd or one.category != two.category:
            continue
        iou = pixels / (areas[other] + true_areas[true] - pixels - shared.get((VOID, other), 0))
        if iou > 0.5:
            tallies[one.category].tp += 1
            tallies[one.category].iou += iou
            matched_true.add(true)
            matched_found.add(other)
    crowds: dict[int, int] = {}
    for true, one in true_segments.items():
        if one.crowd:
            crowds[one.category] = true
        elif true not in matched_true:
            tallies[one.category].fn += 1
    for other, two in found_segments.items():
        if other in matched_found:
            continue
        nobodys = shared.get((VOID, other), 0)
        if two.category in crowds:
            nobodys += shared.get((crowds[two.category], other), 0)
        if nobodys / areas[other] <= 0.5:
            tallies[two.category].fp += 1
    return dict(tallies)


class PanopticQuality(SemanticMetric):
    """PQ, and the SQ and RQ it is the product of in a class, over all classes, things or stuff; in percent.

    A row is a category in a picture: the sum of its matches' IoU, and how many segments are matched, wrong and missed. PQ, SQ and RQ of
    the data set are means over the classes with any of the three (panopticapi, `pq_average`): a class without a match has SQ 0.
    """

    needs = ("panoptic",)

    def contribution(self, truth: Truth, found: Found) -> Columns:
        """Tally one picture; see `tally`."""
        panoptic, _ = fitting_panoptic(truth, found, self.categories)
        pairs = overlaps(truth.panoptic, panoptic)
        shared = dict(zip(zip(pairs.first.tolist(), pairs.second.tolist(), strict=True), pairs.pixels.tolist(), strict=True))
        rows = sorted(tally(truth, found, shared).items())
        return {
            "category": np.array([category for category, _ in rows], np.int32),
            "iou": np.array([row.iou for _, row in rows], np.float64),
            "tp": np.array([row.tp for _, row in rows], np.int32),
            "fp": np.array([row.fp for _, row in rows], np.int32),
            "fn": np.array([row.fn for _, row in rows], np.int32),
        }

    def each_class(
        self, rows: Columns, picture: NDArray[np.int64], weights: Weights, options: Mapping[str, OptionValue]
    ) -> NDArray[np.float64]:
        """(R, classes) percent; NaN for a class without segments, and of the other kind where the figure is of things or stuff."""
        figure, _, kind = str(options["figure"]).partition("-")
        place = positions(rows["category"], self.categories)
        iou, tp, fp, fn = (
            class_sums(rows[name], place, picture, weights, len(self.categories)) for name in ("iou", "tp", "fp", "fn")
        )
        quality = {"pq": (iou, tp + fp / 2 + fn / 2), "sq": (iou, tp), "rq": (tp, tp + fp / 2 + fn / 2)}[figure]
        counts = tp + fp + fn > 0
        if kind:
            counts &= np.array([category.thing == (kind == "things") for category in self.categories])
        return np.where(counts, 100 * ratio(*quality, otherwise=0.0), np.nan)
