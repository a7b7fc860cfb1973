"""Annotations and findings at another size: the two ways to measure pictures that are not as large as their annotations.

Maps and masks are resized by nearest neighbour, each pixel taking the one that its centre lies in: floor((i + 0.5) · H / h) of H pixels for
pixel i of h (`semsr.segmentation.maps.sampled`). So no id, class or outline is made up, and a map and the masks of its segments stay equal.
Boxes are scaled by the two factors w/W and h/H, and stay fractions of pixels.
"""

from __future__ import annotations

from dataclasses import replace

from semsr.evaluation.semantic.truth import TrueObject, Truth
from semsr.segmentation import rle
from semsr.segmentation.found import Found, Instance
from semsr.segmentation.maps import areas, nearest

Box = tuple[float, float, float, float]
"""x, y, width, height in pixels."""


def resized_truth(truth: Truth, size: tuple[int, int]) -> Truth:
    """Annotations at another size (h, w).

    Areas are counted anew, in the map and in the masks; crowd flags stay. A segment or an object that no sampled pixel falls on has
    vanished and is left out: nothing could be right about it. At its own size, the truth itself.
    """
    if size == truth.size:
        return truth
    panoptic = nearest(truth.panoptic, size)
    left = areas(panoptic)
    segments = tuple(replace(segment, area=left[segment.id]) for segment in truth.segments if segment.id in left)
    objects = (_resized_object(found, truth.size, size) for found in truth.objects)
    return Truth(truth.name, size, panoptic, segments, tuple(found for found in objects if found is not None))


def resized_found(found: Found, size: tuple[int, int]) -> Found:
    """What was found, brought to another size (h, w): for answers at a picture's size that are measured at its annotations'.

    What vanishes is left out, as it is of annotations, so that one who says the truth at one size says it at the other. An instance
    without a mask never does.
    """
    if size == found.size:
        return found
    panoptic = None if found.panoptic is None else nearest(found.panoptic, size)
    left = {} if panoptic is None else areas(panoptic)
    instances = None
    if found.instances is not None:
        moved = (_resized_instance(instance, found.size, size) for instance in found.instances)
        instances = tuple(instance for instance in moved if instance is not None)
    return Found(
        found.name,
        size,
        panoptic,
        tuple(segment for segment in found.segments if segment.id in left),
        None if found.classes is None else nearest(found.classes, size),
        instances,
    )


def scaled_box(box: Box, before: tuple[int, int], after: tuple[int, int]) -> Box:
    """A box of a picture of size `before` (H, W) where the picture is `after` (h, w)."""
    down, across = after[0] / before[0], after[1] / before[1]
    return box[0] * across, box[1] * down, box[2] * across, box[3] * down


def vanished(before: Truth, after: Truth) -> tuple[int, int]:
    """How many segments and how many objects resizing left out."""
    return len(before.segments) - len(after.segments), len(before.objects) - len(after.objects)


def _resized_object(found: TrueObject, before: tuple[int, int], after: tuple[int, int]) -> TrueObject | None:
    mask = rle.resized(found.mask, after)
    area = rle.area(mask)
    if area == 0:
        return None
    return replace(found, box=scaled_box(found.box, before, after), area=float(area), mask=mask)


def _resized_instance(found: Instance, before: tuple[int, int], after: tuple[int, int]) -> Instance | None:
    mask = None if found.mask is None else rle.resized(found.mask, after)
    if mask is not None and rle.area(mask) == 0:
        return None
    return replace(found, box=scaled_box(found.box, before, after), mask=mask)
