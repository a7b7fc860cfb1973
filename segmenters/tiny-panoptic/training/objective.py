"""What the network is trained by: classes, centres and the ways to them, of HR pictures and their annotations."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from semsr.cards.base import Card
from semsr.evaluation.semantic.annotations import Annotations
from semsr.training.objective import Called, Objective

from ..network import CLASS_STRIDE, MULTIPLE, OFFSET_UNIT, PLACE_STRIDE
from .targets import NOTHING, Target, target_of, turned

Weight = Annotated[float, Field(ge=0)]


class PanopticLoss(Card):
    """How the network is trained.

    Attributes:
        window: side of the square, in pixels, that is cut of each picture: a step sees more pictures, and less of what is everywhere.
        objects: share of the windows that lie around an object, each as likely as the other; the others lie anywhere.
        centres, offsets: weights of these losses beside that of the classes.
        spread: standard deviation, in pixels, of the hill that stands for a centre.
    """

    window: Annotated[int, Field(ge=MULTIPLE, multiple_of=MULTIPLE)] = 128
    objects: Annotated[float, Field(ge=0, le=1)] = 0.75
    centres: Weight = 0.5
    offsets: Weight = 1.0
    spread: Annotated[float, Field(gt=0)] = 6.0


class PanopticObjective(Objective):
    """Cross-entropy of the classes, focal loss of the centres, L1 of the ways to them.

    Of each picture a window is cut, often around an object: pictures are mostly background. It is turned with its annotations into one of
    the eight symmetries of the square. Where several pixels share a cell of the network's answer, one of them, drawn anew each step,
    says what is there: on average each class then has its share of the cell, and edges stay where they are.

    Args:
        annotations: of the training pictures; read as pictures come, and kept (0.3 MB for 256x256 pixels).
        options: see `PanopticLoss`.

    Source: focal loss around centres: Zhou et al., "Objects as Points", 2019, Eq. 1 (exponents 2 and 4); the others: Panoptic-DeepLab.
    """

    terms: ClassVar[tuple[str, ...]] = ("classes", "centres", "offsets")
    wants: ClassVar[tuple[str, ...]] = ("hr", "name")

    def __init__(self, annotations: Annotations, options: PanopticLoss) -> None:
        super().__init__()
        self.annotations, self.options = annotations, options
        self._targets: dict[str, Target] = {}

    def forward(self, network: Called, part: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """See `Objective.forward`."""
        hr: Tensor = part["hr"]
        windows, targets = [], []
        for each, name in zip(hr, part["name"], strict=True):
            way = int(torch.randint(8, ()))
            whole = self._target(name)
            top, left, side = self._window(whole)
            targets.append(whole.cut(top, left, side).turned(way))
            windows.append(turned(each[:, top : top + side, left : left + side], way))
        picture = torch.stack(windows)
        classes, centres, offsets = network(picture)
        wanted = torch.stack([_one_of(target.classes, CLASS_STRIDE) for target in targets]).long().to(hr.device)
        hills, counted, ways_to, owned = (
            torch.stack(each).to(hr.device) for each in zip(*(self._places(target) for target in targets), strict=True)
        )
        away = (offsets - ways_to / OFFSET_UNIT).abs().sum(1)
        return {
            "classes": F.cross_entropy(classes, wanted, ignore_index=NOTHING),
            "centres": self.options.centres * focal_loss(centres, hills, counted),
            "offsets": self.options.offsets * (away * owned).sum() / owned.sum().clamp(min=1),
        }

    def _target(self, name: str) -> Target:
        if name not in self._targets:
            # The loader says <data set>/<picture>.
            truth = self.annotations.truth(name.partition("/")[2])
            self._targets[name] = target_of(truth, self.annotations.categories)
        return self._targets[name]

    def _window(self, target: Target) -> tuple[int, int, int]:
        """Top, left and side of what is looked at; an object lies in its middle half."""
        sides = target.classes.shape
        side = min(self.options.window, *sides)
        around, number, *shift = torch.rand(4).tolist()
        if around >= self.options.objects or not len(target.centres):
            corner = [share * (whole - side) for share, whole in zip(shift, sides, strict=True)]
        else:
            centre = target.centres[int(number * len(target.centres))].tolist()
            corner = [at - side / 4 - share * side / 2 for at, share in zip(centre, shift, strict=True)]
        top, left = (round(min(max(at, 0), whole - side)) for at, whole in zip(corner, sides, strict=True))
        return top, left, side

    def _places(self, target: Target) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """(h, w) hills of the centres; where these count; (2, h, w) the ways to them in pixels; where those count."""
        height, width = target.objects.shape
        y, x = (torch.arange(0, side, PLACE_STRIDE) + (PLACE_STRIDE - 1) / 2 for side in (height, width))
        objects = _one_of(target.objects, PLACE_STRIDE)
        hills = torch.zeros(objects.shape)
        if len(target.centres):
            steep = 2 * self.options.spread**2
            up, along = (
                torch.exp(-((grid - place[:, None]) ** 2) / steep)
                for grid, place in ((y, target.centres[:, 0]), (x, target.centres[:, 1]))
            )
            hills = (up[:, :, None] * along[:, None, :]).amax(0)
            # The cell a centre lies in is its top, wherever in the cell it lies.
            cells = (target.centres / PLACE_STRIDE).floor().long()
            rows, columns = cells[((cells >= 0) & (cells < torch.tensor(hills.shape))).all(1)].unbind(1)
            hills[rows, columns] = 1.0
        places = torch.cat([torch.zeros(1, 2), target.centres])[objects.clamp(min=0).long()]
        ways_to = places.permute(2, 0, 1) - torch.stack(torch.meshgrid(y, x, indexing="ij"))
        # Neither in void nor in crowds is it known what is one object.
        counted = (objects >= 0) & (target.classes[::PLACE_STRIDE, ::PLACE_STRIDE] != NOTHING)
        return hills, counted, ways_to, objects > 0


def focal_loss(logits: Tensor, hills: Tensor, counted: Tensor) -> Tensor:
    """Penalty-reduced focal loss a centre: tops (1) are to be found, slopes (below 1) are punished the less the higher they are.

    Args:
        logits, hills: (B, h, w); hills in [0, 1].
        counted: (B, h, w) bool; tops count wherever they are.
    """
    top = hills == 1
    there = (1 - torch.sigmoid(logits)) ** 2 * F.logsigmoid(logits) * top
    not_there = (1 - hills) ** 4 * torch.sigmoid(logits) ** 2 * F.logsigmoid(-logits) * (counted & ~top)
    return -(there + not_there).sum() / top.sum().clamp(min=1)


def _one_of(map_: Tensor, stride: int) -> Tensor:
    """(H, W) -> (H/stride, W/stride): one pixel of each cell, the same in all of them, drawn."""
    row, column = torch.randint(stride, (2,)).tolist()
    return map_[row::stride, column::stride]
