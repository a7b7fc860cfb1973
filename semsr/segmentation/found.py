"""What a segmenter found in one picture."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Ids = NDArray[np.int32]
"""(H, W) ids of segments, 0 where there is none (void)."""
Classes = NDArray[np.int16]
"""(H, W) positions in the categories sorted by id, -1 where no class was given."""
Rle = Mapping[str, Any]
"""A mask as pycocotools encodes it: {"size": [H, W], "counts": bytes}."""


@dataclass(frozen=True)
class Category:
    """One class of a data set, as its annotations declare it; `thing`: it has countable objects, else it is stuff."""

    id: int
    name: str
    thing: bool


@dataclass(frozen=True)
class Segment:
    """One entry of a panoptic map: `id` in the map, COCO id of its category, how sure (None: not said)."""

    id: int
    category: int
    score: float | None = None


@dataclass(frozen=True)
class Instance:
    """One object found: COCO id of its category, score in [0, 1], box (x, y, width, height) in pixels, and its mask if there is one."""

    category: int
    score: float
    box: tuple[float, float, float, float]
    mask: Rle | None = None


@dataclass(frozen=True)
class Found:
    """Everything a segmenter says of a picture; what it does not give is None.

    Attributes:
        name: the picture's.
        size: (H, W) of everything here.
        panoptic: ids of `segments`.
        segments: one for every id of the map but 0, each with at least one pixel.
        classes: a class for every pixel.
        instances: objects with scores, the best first.
    """

    name: str
    size: tuple[int, int]
    panoptic: Ids | None = None
    segments: tuple[Segment, ...] = ()
    classes: Classes | None = None
    instances: tuple[Instance, ...] | None = None
