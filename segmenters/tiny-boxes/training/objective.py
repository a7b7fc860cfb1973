"""What the detector is trained by: classes by focal loss, boxes by how they overlap, of HR pictures and their annotated objects."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor
from torchvision.ops import generalized_box_iou_loss

from semsr.cards.base import Card
from semsr.evaluation.semantic.annotations import Annotations
from semsr.training.objective import Called, Objective

from ..network import MULTIPLE, boxes_of
from .targets import Boxes, assigned, boxes_in, flipped


class BoxLoss(Card):
    """How the detector is trained.

    Attributes:
        window: side of the square, in pixels, that is cut of each picture.
        boxes: weight of that loss beside the classes'.
        middle: share of a box, in both directions, whose cells are to find it.
    """

    window: Annotated[int, Field(ge=MULTIPLE, multiple_of=MULTIPLE)] = 128
    boxes: Annotated[float, Field(ge=0)] = 1.0
    middle: Annotated[float, Field(gt=0, le=1)] = 0.5


class BoxObjective(Objective):
    """Focal loss of the classes and generalised IoU of the boxes.

    Of each picture a window is cut anywhere, in which at least one object lies if the picture has one, and mirrored left to right or not.

    Args:
        annotations: of the training pictures; read as pictures come, and kept.
        options: see `BoxLoss`.

    Source: Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017 (alpha 0.25, gamma 2, over the number of positive cells);
    Rezatofighi et al., "Generalized Intersection over Union", CVPR 2019.
    """

    terms: ClassVar[tuple[str, ...]] = ("classes", "boxes")
    wants: ClassVar[tuple[str, ...]] = ("hr", "name")

    def __init__(self, annotations: Annotations, options: BoxLoss) -> None:
        super().__init__()
        self.annotations, self.options = annotations, options
        self._boxes: dict[str, Boxes] = {}

    def forward(self, network: Called, part: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """See `Objective.forward`."""
        hr: Tensor = part["hr"]
        windows, wanted = [], []
        for each, name in zip(hr, part["name"], strict=True):
            boxes, (top, left, side) = self._known(name), self._window(self._known(name), each.shape[-2:])
            window, inside = each[:, top : top + side, left : left + side], boxes.cut(top, left, side)
            if torch.rand(()) < 0.5:
                window, inside = window.flip(-1), flipped(inside, side)
            windows.append(window)
            wanted.append(inside)
        classes, sides = network(torch.stack(windows))
        places, targets, counted = (
            torch.stack(each).to(hr.device)
            for each in zip(*(assigned(boxes, classes.shape[-2:], self.options.middle) for boxes in wanted), strict=True)
        )
        positive = places >= 0
        number = positive.sum().clamp(min=1)
        return {
            "classes": focal_loss(classes, places, counted) / number,
            "boxes": self.options.boxes * generalized_box_iou_loss(boxes_of(sides)[positive], targets[positive]).sum() / number,
        }

    def _known(self, name: str) -> Boxes:
        if name not in self._boxes:
            # The loader says <data set>/<picture>.
            self._boxes[name] = boxes_in(self.annotations.truth(name.partition("/")[2]), self.annotations.categories)
        return self._boxes[name]

    def _window(self, boxes: Boxes, sides: torch.Size) -> tuple[int, int, int]:
        """Top, left and side of what is looked at; the middle of one object, each as likely as the others, lies in it."""
        side = min(self.options.window, *sides)
        number, *share = torch.rand(3).tolist()
        low, high = [0.0, 0.0], [float(whole - side) for whole in sides]
        if len(boxes.corners):
            left, top, right, bottom = boxes.corners[int(number * len(boxes.corners))].tolist()
            for axis, middle in enumerate(((top + bottom) / 2, (left + right) / 2)):
                low[axis] = min(max(middle - side, low[axis]), high[axis])
                high[axis] = max(min(middle, high[axis]), low[axis])
        top, left = (round(least + part * (most - least)) for least, most, part in zip(low, high, share, strict=True))
        return top, left, side


def focal_loss(logits: Tensor, places: Tensor, counted: Tensor) -> Tensor:
    """Sum over cells and classes; cells where nothing is known do not count.

    Args:
        logits: (B, C, h, w).
        places: (B, h, w) position of the class that a cell is to find, -1 for none.
        counted: (B, h, w) bool.
    """
    there = torch.stack([places == at for at in range(logits.shape[1])], 1)
    signed = torch.where(there, logits, -logits)
    weight = torch.where(there, 0.25, 0.75) * (1 - torch.sigmoid(signed)) ** 2
    return -(weight * F.logsigmoid(signed) * counted[:, None]).sum()
