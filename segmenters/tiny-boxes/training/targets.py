"""What the detector is to find: the boxes of annotated objects, and the cells that are to find them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from semsr.evaluation.semantic.truth import Truth
from semsr.segmentation.found import Category

from ..network import STRIDE

VISIBLE = 0.4
"""Share of a box that must lie in a window to be asked for there; of less, nothing is asked and nothing forbidden."""


@dataclass(frozen=True)
class Boxes:
    """Objects of one picture or window.

    Attributes:
        corners: (N, 4) float32 left, top, right, bottom in pixels.
        places: (N,) int64 positions in the things.
        unknown: (M, 4) float32 corners of regions in which nothing is known: crowds, and objects of which too little is seen.
    """

    corners: Tensor
    places: Tensor
    unknown: Tensor

    def cut(self, top: int, left: int, side: int) -> Boxes:
        """What of them is inside a square."""
        move = torch.tensor([left, top, left, top])
        inside = (self.corners - move).clamp(0, side)
        share = _area(inside) / _area(self.corners)
        seen = share >= VISIBLE
        lost = inside[~seen & (share > 0)]
        return Boxes(inside[seen], self.places[seen], torch.cat([(self.unknown - move).clamp(0, side), lost]))


def flipped(boxes: Boxes, width: int) -> Boxes:
    """Mirrored left to right."""

    def mirror(corners: Tensor) -> Tensor:
        left, top, right, bottom = corners.unbind(1)
        return torch.stack([width - right, top, width - left, bottom], 1)

    return Boxes(mirror(boxes.corners), boxes.places, mirror(boxes.unknown))


def boxes_in(truth: Truth, categories: Sequence[Category]) -> Boxes:
    """The annotated objects of one picture; those without an area are left out."""
    places = {category.id: at for at, category in enumerate(each for each in categories if each.thing)}
    corners, classes, unknown = [], [], []
    for thing in truth.objects:
        x, y, width, height = thing.box
        if width <= 0 or height <= 0:
            continue
        if thing.crowd:
            unknown.append((x, y, x + width, y + height))
        else:
            corners.append((x, y, x + width, y + height))
            classes.append(places[thing.category])
    return Boxes(
        torch.tensor(corners, dtype=torch.float32).reshape(-1, 4),
        torch.tensor(classes, dtype=torch.int64),
        torch.tensor(unknown, dtype=torch.float32).reshape(-1, 4),
    )


def assigned(boxes: Boxes, size: tuple[int, int] | torch.Size, middle: float) -> tuple[Tensor, Tensor, Tensor]:
    """Which cell is to find which box: those in its middle, and always the one its middle lies in; the smaller box where two want one.

    Args:
        boxes: of a window.
        size: (h, w) in cells.
        middle: share of the box, in both directions, that counts as its middle.

    Returns:
        (h, w) int64 position of the class, -1 for none; (h, w, 4) corners; (h, w) bool, whether anything is known of the cell.
    """
    height, width = size
    y = (torch.arange(height) * STRIDE + STRIDE / 2)[:, None, None].expand(height, width, 1)
    x = (torch.arange(width) * STRIDE + STRIDE / 2)[None, :, None].expand(height, width, 1)
    places, corners = torch.full((height, width), -1), torch.zeros(height, width, 4)
    left, top, right, bottom = boxes.unknown.unbind(1)
    counted = ~((x >= left) & (x < right) & (y >= top) & (y < bottom)).any(-1)
    if not len(boxes.corners):
        return places, corners, counted
    left, top, right, bottom = boxes.corners.unbind(1)
    half = (((right - left), (bottom - top)), ((left + right) / 2, (top + bottom) / 2))
    across, down = ((side * middle / 2).clamp(min=STRIDE / 2) for side in half[0])
    inside = ((x - half[1][0]).abs() <= across) & ((y - half[1][1]).abs() <= down)
    areas = _area(boxes.corners).expand(height, width, -1).masked_fill(~inside, torch.inf)
    smallest, which = areas.min(-1)
    taken = smallest.isfinite()
    places[taken], corners[taken] = boxes.places[which[taken]], boxes.corners[which[taken]]
    return places, corners, counted | taken


def _area(corners: Tensor) -> Tensor:
    return (corners[:, 2] - corners[:, 0]) * (corners[:, 3] - corners[:, 1])
