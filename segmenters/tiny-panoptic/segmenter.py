"""The judge of the panoptic map: a small network that is trained within the run."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from semsr.errors import SegmenterError
from semsr.segmentation.contract import Segmenter
from semsr.segmentation.found import Found

from .grouping import Maps, Rules, find
from .loading import load_network
from .network import MULTIPLE


class TinyPanoptic(Segmenter):
    """A panoptic map, classes, boxes and masks from one network of 0.3 million weights; see `grouping.find` for the protocol's thresholds.

    Args:
        candidate, reach, stuff, object: see `grouping.Rules`.
    """

    def __init__(self, candidate: float = 0.05, reach: float = 24.0, stuff: int = 64, object: int = 8, **options: Any) -> None:
        super().__init__(**options)
        self.rules = Rules(candidate, reach, stuff, object)

    def load(self, device: torch.device) -> None:
        """See `Segmenter.load`. Raises: SegmenterError: trained on other classes; WeightsError: another network's."""
        self.network = load_network(self.files["generator"], self.categories).to(device).eval()

    def segment(self, name: str, picture: Tensor, size: tuple[int, int]) -> Found:
        """See `Segmenter.segment`. Raises: SegmenterError: the network gives values that are not numbers."""
        height, width = picture.shape[-2:]
        with torch.inference_mode():
            padded = F.pad(picture, (0, -width % MULTIPLE, 0, -height % MULTIPLE), mode="replicate")
            raw = self.network(padded)
            if not all(bool(each.isfinite().all()) for each in raw):
                raise SegmenterError(
                    f"tiny-panoptic: {name}: values that are not finite; train it again: `semsr train tiny-panoptic`"
                )
            maps = Maps.of(raw, (height, width), size)
        return find(name, maps, self.categories, self.post_processing, self.rules)
