"""What is really in a picture: its annotations, as everything semantic is measured against."""

from __future__ import annotations

from dataclasses import dataclass

from semsr.segmentation.found import Ids, Rle


@dataclass(frozen=True)
class TrueSegment:
    """One segment of the panoptic annotation: `id` in the map, category, whether it is a crowd, pixels in the map."""

    id: int
    category: int
    crowd: bool
    area: int


@dataclass(frozen=True)
class TrueObject:
    """One object of the detection annotation.

    Attributes:
        id: the annotation's.
        category: COCO id.
        box: (x, y, width, height) in pixels.
        area: in pixels, which says whether it is small, medium or large.
        mask: its pixels.
        crowd: a region of many; detections in it count neither for nor against.
    """

    id: int
    category: int
    box: tuple[float, float, float, float]
    area: float
    mask: Rle
    crowd: bool


@dataclass(frozen=True)
class Truth:
    """One picture's annotations, all at `size` (H, W).

    `panoptic` holds ids of `segments`, 0 where nothing is annotated (void). `objects` may differ from the thing segments, as COCO's two
    kinds of annotation do.
    """

    name: str
    size: tuple[int, int]
    panoptic: Ids
    segments: tuple[TrueSegment, ...]
    objects: tuple[TrueObject, ...]
