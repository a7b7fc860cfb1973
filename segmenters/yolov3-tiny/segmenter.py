"""YOLOv3-tiny: boxes of 80 classes, on weights that ship in a Python package."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from semsr.errors import SegmenterError
from semsr.segmentation.classes import require_classes
from semsr.segmentation.contract import Segmenter
from semsr.segmentation.found import Category, Found, Instance
from semsr.segmentation.mask_queries import best_first
from semsr.segmentation.masks import clipped_box

from .names import NAMES
from .network import ANCHORS, CLASSES, YoloV3TinyNetwork, load_darknet

SIDE = 416
GREY = 128 / 255
OVERLAP = 0.45
"""IoU from which the less sure one of two boxes of a class is dropped (Darknet's default)."""
LEAST = 0.005
"""Scores below are not looked at (Darknet's threshold where it writes boxes to be measured); AP wants all that may count."""
AT_FIRST = 3000
"""Boxes, the best ones, that are looked at for doubles. A photograph has some hundreds; without weights it would be 200,000."""
SCALES = ((32, ((81, 82), (135, 169), (344, 319))), (16, ((23, 27), (37, 58), (81, 82))))
"""Stride and anchors (width, height) in pixels of the 416 square.

The fine ones are masks 1, 2, 3. The cfg beside the weights says 0, 1, 2; with these the boxes of what is small come out half as high as the
objects (README.md).
"""


class YoloV3Tiny(Segmenter):
    """Redmon and Farhadi 2018. A picture is fitted into a grey square of 416 pixels; boxes come back at the answer's size.

    Of the protocol it uses `detections`; AP wants unsure boxes too, so `score` does not cut them.
    """

    def __init__(self, *, random: bool = False) -> None:
        """Make it. `random`: weights drawn by seed 0, where no file is given, for tests."""
        super().__init__()
        self.random = random
        self.things: tuple[Category, ...] = ()

    def load(self, device: torch.device) -> None:
        """See `Segmenter.load`."""
        self.things = tuple(category for category in self.categories if category.thing)
        require_classes("yolov3-tiny", CLASSES, NAMES, self.things)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = YoloV3TinyNetwork()
        path = next(iter(self.files.values()), None)
        if path is not None:
            load_darknet(network, path)
        elif not self.random:
            raise SegmenterError("yolov3-tiny: no file of weights; see segmenters/yolov3-tiny/assets.yaml")
        self.network = network.eval().requires_grad_(False).to(device)

    @torch.inference_mode()
    def segment(self, name: str, picture: Tensor, size: tuple[int, int]) -> Found:
        """See `Segmenter.segment`."""
        square, inside = letterbox(picture)
        outputs = self.network(square)
        decoded = [decode(out[0], stride, anchors) for out, (stride, anchors) in zip(outputs, SCALES, strict=True)]
        boxes, scores = torch.cat([box for box, _ in decoded]), torch.cat([score for _, score in decoded])
        if not bool(torch.isfinite(scores).all() and torch.isfinite(boxes).all()):
            raise SegmenterError(f"yolov3-tiny: {name}: values that are not finite; is the file of weights the right one?")
        return Found(name, size, instances=self._objects(boxes, scores, inside, size))

    def _objects(
        self, boxes: Tensor, scores: Tensor, inside: tuple[int, int, int, int], size: tuple[int, int]
    ) -> tuple[Instance, ...]:
        """(N, 4) corners in the square and (N, 80) scores as objects at the answer's size."""
        from torchvision.ops import batched_nms

        top, left, height, width = inside
        places, classes = (scores >= LEAST).nonzero(as_tuple=True)
        best = scores[places, classes].argsort(descending=True, stable=True)[:AT_FIRST]
        places, classes = places[best], classes[best]
        sure, corners = scores[places, classes], boxes[places]
        kept = batched_nms(corners, sure, classes, OVERLAP)
        shift = corners.new_tensor((left, top, left, top))
        scale = corners.new_tensor((size[1] / width, size[0] / height) * 2)
        back = ((corners[kept] - shift) * scale).tolist()
        found = []
        for (x0, y0, x1, y1), number, score in zip(back, classes[kept].tolist(), sure[kept].tolist(), strict=True):
            box = clipped_box((x0, y0, x1, y1), size)
            if box is not None:
                found.append(Instance(self.things[number].id, score, box))
        return best_first(found)[: self.post_processing.detections]


def letterbox(picture: Tensor) -> tuple[Tensor, tuple[int, int, int, int]]:
    """A picture (1, 3, H, W) fitted into the middle of a grey square.

    Returns:
        (1, 3, 416, 416), and where the picture lies in it: (top, left, height, width).
    """
    height, width = picture.shape[-2:]
    scale = SIDE / max(height, width)
    inner = max(1, math.floor(height * scale)), max(1, math.floor(width * scale))
    small = F.interpolate(picture, inner, mode="bilinear", align_corners=False, antialias=True)
    top, left = (SIDE - inner[0]) // 2, (SIDE - inner[1]) // 2
    around = (left, SIDE - inner[1] - left, top, SIDE - inner[0] - top)
    return F.pad(small, around, value=GREY), (top, left, *inner)


def decode(out: Tensor, stride: int, anchors: tuple[tuple[int, int], ...]) -> tuple[Tensor, Tensor]:
    """One output (255, h, w) as boxes (N, 4), corners in pixels of the square, and scores (N, 80): objectness times class."""
    height, width = out.shape[-2:]
    out = out.view(ANCHORS, 5 + CLASSES, height, width)
    columns = torch.arange(width, device=out.device, dtype=out.dtype)
    rows = torch.arange(height, device=out.device, dtype=out.dtype).view(-1, 1)
    sizes = torch.tensor(anchors, device=out.device, dtype=out.dtype)
    centre_x, centre_y = (out[:, 0].sigmoid() + columns) * stride, (out[:, 1].sigmoid() + rows) * stride
    box_width, box_height = out[:, 2].exp() * sizes[:, 0].view(-1, 1, 1), out[:, 3].exp() * sizes[:, 1].view(-1, 1, 1)
    corners = torch.stack(
        (centre_x - box_width / 2, centre_y - box_height / 2, centre_x + box_width / 2, centre_y + box_height / 2), dim=-1
    )
    scores = out[:, 4:5].sigmoid() * out[:, 5:].sigmoid()
    return corners.reshape(-1, 4), scores.permute(0, 2, 3, 1).reshape(-1, CLASSES)
