"""Which objects found are which true objects, by COCO's rules: pycocotools decides, picture by picture and class by class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco
from pycocotools.cocoeval import COCOeval

from semsr.evaluation.semantic.truth import TrueObject
from semsr.segmentation.found import Instance

Range = tuple[float, float]
"""Areas in pixels, both ends included."""
EVERY_AREA: Range = (0.0, 1e5**2)
MOST = 100
"""Detections that count of a class in a picture, COCO's `maxDets`."""


@dataclass(frozen=True)
class Matches:
    """What instances of one class in one picture came to, for A ranges of areas and T thresholds.

    Attributes:
        order: (D,) positions in the instances given: the best first, those of equal score as they came, at most `MOST`.
        iou: (D, G) of instances in that order with the objects given; with a crowd: the share of the instance that lies on it.
        taken: (A, T, D) the position of the object that each matches, -1: none.
        ignored: (A, T, D) whether it counts neither for nor against: it matches a crowd or an object of another area, or matches nothing
            and is of another area itself.
    """

    order: NDArray[np.int64]
    iou: NDArray[np.float64]
    taken: NDArray[np.int64]
    ignored: NDArray[np.bool_]


def match(
    objects: Sequence[TrueObject],
    instances: Sequence[Instance],
    on: Literal["boxes", "masks"],
    thresholds: Sequence[float] | NDArray[np.float64],
    ranges: Sequence[Range] = (EVERY_AREA,),
) -> Matches:
    """Match instances and objects of one class in one picture.

    The best instance first takes, of the objects that are left, the one it overlaps most, at least by the threshold; a crowd, or an object
    out of the range of areas, only where no other is left, and a crowd any number of times (`COCOeval.evaluateImg`). An instance that
    reaches no object at the lowest threshold takes none at any: pycocotools is only asked about the others.

    Args:
        objects: G true objects.
        instances: of the same class, in any order; with masks where they are compared. A mask's area, not its box's, is what ranges of
            areas mean then. (pycocotools takes that of the box where a result file gives both.)
        on: what overlap is measured on.
        thresholds: T values of IoU, ascending.
        ranges: A ranges of areas.
    """
    order = np.argsort([-instance.score for instance in instances], kind="stable")[:MOST]
    best = [instances[at] for at in order]
    shape = (len(ranges), len(thresholds), len(best))
    areas = _areas(best, on)
    outside = np.array([(areas < low) | (areas > high) for low, high in ranges]).reshape(len(ranges), 1, len(best))
    taken, ignored = np.full(shape, -1), np.repeat(outside, len(thresholds), axis=1)
    iou = np.zeros((len(best), len(objects)))
    if not best or not objects:
        return Matches(order, iou, taken, ignored)
    iou = overlap(objects, best, on)
    near = iou >= thresholds[0]
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    if rows.size:
        judge = COCOeval(iouType="bbox")  # no matter which: it is given the overlaps
        judge.params.iouThrs = np.asarray(thresholds, np.float64)
        # Ids from 1: pycocotools takes a match with the id 0 for none.
        judge._gts[0, 0] = [
            {"id": at + 1, "area": objects[at].area, "iscrowd": int(objects[at].crowd), "ignore": int(objects[at].crowd)}
            for at in columns.tolist()
        ]
        judge._dts[0, 0] = [{"id": at + 1, "score": best[at].score, "area": float(areas[at])} for at in rows.tolist()]
        judge.ious[0, 0] = iou[np.ix_(rows, columns)]
        for nth, limits in enumerate(ranges):
            told = judge.evaluateImg(0, 0, limits, MOST)
            taken[nth][:, rows] = told["dtMatches"].astype(np.int64) - 1
            ignored[nth][:, rows] = told["dtIgnore"]
    return Matches(order, iou, taken, ignored)


def counted(objects: Sequence[TrueObject], ranges: Sequence[Range] = (EVERY_AREA,)) -> NDArray[np.int64]:
    """(A,) how many objects are there to be found in each range of areas: those in it that are no crowds."""
    return np.array([sum(not one.crowd and low <= one.area <= high for one in objects) for low, high in ranges], np.int64)


def _areas(instances: Sequence[Instance], on: Literal["boxes", "masks"]) -> NDArray[np.float64]:
    if on == "boxes":
        return np.array([instance.box[2] * instance.box[3] for instance in instances], np.float64)
    return np.array(coco.area([instance.mask for instance in instances]), np.float64).reshape(len(instances))


def overlap(
    objects: Sequence[TrueObject] | Sequence[Instance], instances: Sequence[Instance], on: Literal["boxes", "masks"]
) -> NDArray[np.float64]:
    """(D, G) IoU of D instances with G objects, or other instances; with a crowd: the share of the instance that lies on it.

    There must be at least one of each.
    """
    crowds = [int(isinstance(one, TrueObject) and one.crowd) for one in objects]
    if on == "boxes":
        found: NDArray[np.float64] = coco.iou([list(one.box) for one in instances], [list(one.box) for one in objects], crowds)
    else:
        found = coco.iou([one.mask for one in instances], [one.mask for one in objects], crowds)
    return found
