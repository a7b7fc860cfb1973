"""The second judge: boxes alone, from a network that shares nothing with the first."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torchvision.ops import batched_nms

from semsr.errors import SegmenterError
from semsr.segmentation.contract import Segmenter
from semsr.segmentation.found import Found, Instance
from semsr.segmentation.masks import clipped_box

from .loading import load_network
from .network import MULTIPLE, boxes_of

AT_FIRST = 1000
"""Boxes, the best ones, that are looked at for doubles; a picture has some tens of objects."""


class TinyBoxes(Segmenter):
    """Boxes with scores. Of the protocol's thresholds only `detections` counts; the others are about segments and masks.

    Args:
        candidate: least probability of a class that makes a box. Average precision wants unsure ones, too.
        overlap: of two boxes of a class whose IoU is above this, the better one stays.
    """

    def __init__(self, candidate: float = 0.05, overlap: float = 0.5, **options: Any) -> None:
        super().__init__(**options)
        self.candidate, self.overlap = candidate, overlap

    def load(self, device: torch.device) -> None:
        """See `Segmenter.load`. Raises: SegmenterError: trained on other classes; WeightsError: another network's."""
        self.network = load_network(self.files["generator"], self.categories).to(device).eval()

    def segment(self, name: str, picture: Tensor, size: tuple[int, int]) -> Found:
        """See `Segmenter.segment`. Raises: SegmenterError: the network gives values that are not numbers."""
        height, width = picture.shape[-2:]
        with torch.inference_mode():
            padded = F.pad(picture, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="replicate")
            classes, sides = self.network(padded)
            if not (classes.isfinite().all() and sides.isfinite().all()):
                raise SegmenterError(
                    f"tiny-boxes: {name}: values that are not finite; train it again: `semsr train tiny-boxes`"
                )
            scores = classes[0].sigmoid().flatten(1).T
            cells, which = torch.nonzero(scores >= self.candidate, as_tuple=True)
            found = scores[cells, which]
            order = found.argsort(descending=True, stable=True)[:AT_FIRST]
            boxes, which, found = boxes_of(sides)[0].reshape(-1, 4)[cells[order]], which[order], found[order]
            # Cells over the padding may look into the picture; what is outside of it is no object, and must take no other's place.
            boxes = torch.minimum(boxes.clamp(min=0), boxes.new_tensor([width, height, width, height]))
            real = (boxes[:, 2:] > boxes[:, :2]).all(1)
            boxes, which, found = boxes[real], which[real], found[real]
            kept = batched_nms(boxes, found, which, self.overlap)[: self.post_processing.detections]
        grow = boxes.new_tensor([size[1] / width, size[0] / height] * 2)
        things = [category.id for category in self.categories if category.thing]
        instances = []
        for at in kept.tolist():
            left, top, right, bottom = (boxes[at] * grow).tolist()
            if (box := clipped_box((left, top, right, bottom), size)) is not None:
                instances.append(Instance(things[int(which[at])], float(found[at]), box))
        return Found(name, size, instances=tuple(instances))
