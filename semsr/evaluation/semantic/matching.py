"""Which objects found are which true objects, by COCO's rules: pycocotools decides, picture by picture and class by class."""

from __future__ import annotations

from collections import defaultdict
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
    """What the instances of one picture came to, for A ranges of areas and T thresholds.

    Attributes:
        order: (D,) positions in the instances given: class by class, in each the best first, those of equal score as they came.
        rank: (D,) the place among those of its class, from 0, below `MOST`; what comes later is left out.
        best: (D,) the largest IoU with an object of its class that is no crowd; 0 where there is none.
        taken: (A, T, D) the position of the object that each matches, -1: none.
        ignored: (A, T, D) whether it counts neither for nor against: it matches a crowd or an object of another area, or matches nothing
            and is of another area itself.
    """

    order: NDArray[np.int64]
    rank: NDArray[np.int64]
    best: NDArray[np.float64]
    taken: NDArray[np.int64]
    ignored: NDArray[np.bool_]


def match(
    objects: Sequence[TrueObject],
    instances: Sequence[Instance],
    on: Literal["boxes", "masks"],
    thresholds: Sequence[float] | NDArray[np.float64],
    ranges: Sequence[Range] = (EVERY_AREA,),
) -> Matches:
    """Match the instances and objects of one picture, each class for itself.

    The best instance first takes, of the objects that are left, the one it overlaps most, at least by the threshold; a crowd, or an object
    out of the range of areas, only where no other is left, and a crowd any number of times (`COCOeval.evaluateImg`). An instance that
    reaches no object at the lowest threshold takes none at any: pycocotools is only asked about the others.

    Args:
        objects: the true objects.
        instances: in any order; with masks where these are compared. A mask's area, not its box's, is what ranges of areas mean then.
            (pycocotools takes that of the box where a result file gives both.)
        on: what overlap is measured on.
        thresholds: T values of IoU, ascending.
        ranges: A ranges of areas.
    """
    category = np.array([instance.category for instance in instances], np.int64)
    falling = np.array([-instance.score for instance in instances], np.float64)
    order = np.lexsort((falling, category))
    rank = np.arange(len(order)) - np.searchsorted(category[order], category[order])
    order, rank = order[rank < MOST], rank[rank < MOST]
    areas = _areas([instances[at] for at in order], on)
    outside = np.array([(areas < low) | (areas > high) for low, high in ranges]).reshape(len(ranges), len(order))
    matches = Matches(
        order,
        rank,
        np.zeros(len(order)),
        np.full((len(ranges), len(thresholds), len(order)), -1, np.int64),
        np.repeat(outside[:, None], len(thresholds), axis=1),
    )
    of_class = defaultdict[int, list[int]](list)
    for at, one in enumerate(objects):
        of_class[one.category].append(at)
    starts = np.searchsorted(category[order], list(of_class))
    ends = np.searchsorted(category[order], list(of_class), side="right")
    for start, end, theirs in zip(starts.tolist(), ends.tolist(), of_class.values(), strict=True):
        if end > start:
            _match_class(matches, slice(start, end), objects, theirs, instances, on, np.asarray(thresholds, np.float64), ranges)
    return matches


def counted(objects: Sequence[TrueObject], ranges: Sequence[Range] = (EVERY_AREA,)) -> NDArray[np.int64]:
    """(A,) how many objects are there to be found in each range of areas: those in it that are no crowds."""
    return np.array([sum(not _ignored(one, limits) for one in objects) for limits in ranges], np.int64)


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


def _match_class(
    matches: Matches,
    where: slice,
    objects: Sequence[TrueObject],
    theirs: Sequence[int],
    instances: Sequence[Instance],
    on: Literal["boxes", "masks"],
    thresholds: NDArray[np.float64],
    ranges: Sequence[Range],
) -> None:
    """Fill in the matches of one class: of the instances `order[where]` with the objects at the positions `theirs`."""
    best = [instances[at] for at in matches.order[where]]
    iou = overlap([objects[at] for at in theirs], best, on)
    regular = np.array([not objects[at].crowd for at in theirs])
    matches.best[where] = np.where(regular, iou, 0.0).max(axis=1)
    near = iou >= thresholds[0]
    rows, columns = np.flatnonzero(near.any(axis=1)), np.flatnonzero(near.any(axis=0))
    if not rows.size:
        return
    places = [theirs[at] for at in columns.tolist()]
    judge = COCOeval(iouType="bbox")  # no matter which: it is given the overlaps
    judge.params.iouThrs = thresholds
    # Ids from 1: pycocotools takes a match with the id 0 for none. Areas of instances do not change what matches what.
    judge._gts[0, 0] = [
        {"id": at + 1, "area": objects[at].area, "iscrowd": int(objects[at].crowd), "ignore": int(objects[at].crowd)}
        for at in places
    ]
    judge._dts[0, 0] = [{"id": at + 1, "score": best[at].score, "area": 0.0} for at in rows.tolist()]
    judge.ious[0, 0] = iou[np.ix_(rows, columns)]
    columns_of = where.start + rows
    # What matches what depends on which objects are ignored, and ranges often agree on that.
    told: dict[tuple[bool, ...], NDArray[np.int64]] = {}
    for nth, limits in enumerate(ranges):
        ignored = tuple(_ignored(objects[at], limits) for at in places)
        if ignored not in told:
            told[ignored] = judge.evaluateImg(0, 0, limits, MOST)["dtMatches"].astype(np.int64) - 1
        taken = told[ignored]
        off = np.zeros(len(objects), bool)
        off[places] = ignored
        matches.taken[nth][:, columns_of] = taken
        matches.ignored[nth][:, columns_of] = np.where(taken >= 0, off[taken], matches.ignored[nth][:, columns_of])


def _ignored(one: TrueObject, limits: Range) -> bool:
    return one.crowd or one.area < limits[0] or one.area > limits[1]


def _areas(instances: Sequence[Instance], on: Literal["boxes", "masks"]) -> NDArray[np.float64]:
    if on == "boxes":
        return np.array([instance.box[2] * instance.box[3] for instance in instances], np.float64)
    return np.array(coco.area([instance.mask for instance in instances]), np.float64).reshape(len(instances))
