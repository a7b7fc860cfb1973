"""What the network is to say of a picture: its annotations as a map of classes, a map of objects, and the objects' centres."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from semsr.evaluation.semantic.truth import Truth
from semsr.segmentation.found import Category

NOTHING = 255
"""In a map of classes: nothing is annotated, so that nothing is learnt there."""


@dataclass(frozen=True)
class Target:
    """One picture's.

    Attributes:
        classes: (H, W) uint8 positions in the categories, `NOTHING` in void.
        objects: (H, W) int16, 0 where there is no object, else its row in `centres` plus one; -1 in crowds, whose objects are not told
            apart and so teach nothing about centres.
        centres: (N, 2) float32 (y, x) in pixels: the mean of each object's visible pixels.
    """

    classes: Tensor
    objects: Tensor
    centres: Tensor

    def turned(self, way: int) -> Target:
        """The same of the picture as `turned(picture, way)` turns it."""
        height, width = self.classes.shape
        y, x = self.centres.unbind(1)
        if way & 1:
            x = width - 1 - x
        if way & 2:
            y = height - 1 - y
        if way & 4:
            y, x = x, y
        return Target(turned(self.classes, way), turned(self.objects, way), torch.stack([y, x], 1))

    def cut(self, top: int, left: int, side: int) -> Target:
        """What is inside a square; centres may lie outside of it."""
        inside = slice(top, top + side), slice(left, left + side)
        return Target(self.classes[inside], self.objects[inside], self.centres - torch.tensor([top, left]))


def turned(map_: Tensor, way: int) -> Tensor:
    """One of the eight symmetries of the square: (..., H, W) mirrored left to right (bit 0), top to bottom (bit 1), transposed (bit 2)."""
    sides = [axis for bit, axis in ((1, -1), (2, -2)) if way & bit]
    map_ = map_.flip(sides) if sides else map_
    return map_.transpose(-1, -2) if way & 4 else map_


def target_of(truth: Truth, categories: Sequence[Category]) -> Target:
    """What the annotations of one picture ask for."""
    places = {category.id: at for at, category in enumerate(categories)}
    classes = np.full(truth.size, NOTHING, np.uint8)
    objects = np.zeros(truth.size, np.int16)
    centres: list[tuple[float, float]] = []
    for segment in truth.segments:
        at = places[segment.category]
        inside = truth.panoptic == segment.id
        classes[inside] = at
        if segment.crowd:
            objects[inside] = -1
        elif categories[at].thing and inside.any():
            rows, columns = np.nonzero(inside)
            centres.append((float(rows.mean()), float(columns.mean())))
            objects[inside] = len(centres)
    found = torch.tensor(centres, dtype=torch.float32).reshape(-1, 2)
    return Target(torch.from_numpy(classes), torch.from_numpy(objects), found)
