"""Annotations at another size, for pictures that are not as large as their annotations.

Maps and masks are resized by nearest neighbour, each pixel taking the one that its centre lies in: floor((i + 0.5) · H / h) of H pixels for
pixel i of h (`semsr.segmentation.maps.sampled`). So no id, class or outline is made up, and a map and the masks of its segments stay equal.
Boxes are scaled by the two factors w/W and h/H, and stay fractions of pixels.
"""

from __future__ import annotations

from dataclasses import replace

from semsr.evaluation.semantic.truth import TrueObject, Truth
from semsr.segmentation import rle
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
