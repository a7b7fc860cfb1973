"""CLIP's image tower, RN50, which SeD looks through: up to layer3, stride 16, 1024 channels."""

from __future__ import annotations

import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from semsr.assets.tensors import load_tensors
from semsr.errors import WeightsError
from semsr.files import sha256_file
from semsr.restoration.semantics.extractor import BatchNorm, Extractor, Layer
from semsr.restoration.semantics.loading import fill_strictly

MEAN, STD = (0.48145466, 0.4578275, 0.40821073), (0.26862954, 0.26130258, 0.27577711)
OPENAI_SHA256 = "afeb0e10f9e5a86da6080e35cf09123aca3b358a0c3e3b6c78a7b63bc04b6762"
"""Of OpenAI's RN50.pt; it is part of the address they publish it at."""

_PREFIX = "visual."
_SKIPPED = ("attnpool", "layer1", "layer2", "layer3", "layer4")


class ClipRN50(Extractor):
    """CLIP RN50's image tower at full size, not resized to 224.

    341 tensors, 38,316,896 parameters; 8,562,528 of them have a part in layer3. The tower is built whole, as published checkpoints hold
    it, and computed up to the chosen layer only.

    Source: lbc12345/SeD@311195f:models/sed.py (behaviour); the network is open_clip's class.
    """

    layers: ClassVar[Mapping[str, Layer]] = {
        "layer1": Layer(256, 4),
        "layer2": Layer(512, 8),
        "layer3": Layer(1024, 16),
        "layer4": Layer(2048, 32),
    }
    default = "layer3"
    normalises = True
    mean: Tensor
    std: Tensor

    def __init__(self, layer: str | None = None, batch_norm: BatchNorm = "train", channels: int | None = None) -> None:
        super().__init__(layer, batch_norm, channels)
        from open_clip.modified_resnet import ModifiedResNet

        self.register_buffer("mean", torch.tensor(MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(STD).view(1, 3, 1, 1))
        tower = ModifiedResNet(layers=[3, 4, 6, 3], output_dim=1024, heads=32, image_size=224, width=64)
        # Its parts become ours, so that tensors have the names they are published by, without a prefix.
        for name, part in tower.named_children():
            self.add_module(name, part)
        self._path = tuple(self.layers)[: tuple(self.layers).index(self.layer) + 1]
        self.freeze()

    def maps(self, picture: Tensor) -> Tensor:
        """See `Extractor.maps`."""
        found: Tensor = (picture - self.mean) / self.std
        for at in (1, 2, 3):
            for part in (f"conv{at}", f"bn{at}", f"act{at}"):
                found = self.get_submodule(part)(found)
        found = self.get_submodule("avgpool")(found)
        for name in self._path:
            found = self.get_submodule(name)(found)
        return found

    def on_path(self, name: str) -> bool:
        """See `Extractor.on_path`."""
        part = name.partition(".")[0]
        return part in self._path or part not in _SKIPPED

    def fill(self, weights: Path) -> None:
        """Load OpenAI's TorchScript archive RN50.pt, or tensors of the tower with or without the prefix `visual.`.

        Half precision is widened. Raises: WeightsError: another network's, or a TorchScript archive that is not OpenAI's.
        """
        state = _read_openai(weights) if _is_torchscript(weights) else load_tensors(weights)
        if any(name.startswith(_PREFIX) for name in state):
            state = {name.removeprefix(_PREFIX): tensor for name, tensor in state.items() if name.startswith(_PREFIX)}
        own = {"mean": self.mean, "std": self.std}
        fill_strictly(self, {**own, **state}, weights, "CLIP's RN50 image tower")


def _is_torchscript(path: Path) -> bool:
    if not zipfile.is_zipfile(path):
        return False
    with zipfile.ZipFile(path) as archive:
        return any("/code/" in name for name in archive.namelist())


def _read_openai(path: Path) -> dict[str, Tensor]:
    """A TorchScript archive holds a program, so only the one that OpenAI published is opened."""
    found = sha256_file(path)
    if found != OPENAI_SHA256:
        raise WeightsError(
            f"{path}: a TorchScript archive that is not OpenAI's RN50.pt (sha256 {found}); it is not opened, since it holds a program: "
            "convert it to safetensors"
        )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # there is no other reader of the file that OpenAI publishes
        state: dict[str, Tensor] = torch.jit.load(path, map_location="cpu").state_dict()  # type: ignore[no-untyped-call]
    return dict(state)
