"""The convolutional layers of torchvision's AlexNet and VGG16, which perceptual metrics look through."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from semsr.assets.pickles import load_numpy_pickle
from semsr.errors import WeightsError

from .winograd import NARROWEST, convolve_relu, transform_filter


@dataclass(frozen=True)
class Kernel:
    """One convolution: (out, in, kh, kw) weights, (out,) biases, and the weights transformed, where that is the faster way."""

    weight: Tensor
    bias: Tensor
    transformed: Tensor | None = None


_VGG_STAGES = (2, 2, 3, 3, 3)
_ALEX_SHAPES = ((64, 3, 11, 11), (192, 64, 5, 5), (384, 192, 3, 3), (256, 384, 3, 3), (256, 256, 3, 3))
_VGG_WIDTHS = (3, 64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512)
_VGG_SHAPES = tuple((wide, narrow, 3, 3) for narrow, wide in pairwise(_VGG_WIDTHS))


def load_alexnet(path: Path, device: str) -> list[Kernel]:
    """The five convolutions of AlexNet. Raises: WeightsError where the file holds anything else."""
    return _load(path, "AlexNet_0", _ALEX_SHAPES, device)


def load_vgg16(path: Path, device: str) -> list[Kernel]:
    """The thirteen convolutions of VGG16. Raises: WeightsError where the file holds anything else."""
    return _load(path, "VGG16_0", _VGG_SHAPES, device)


def alexnet_features(picture: Tensor, kernels: list[Kernel]) -> Iterator[Tensor]:
    """The five ReLU outputs of AlexNet (`features` 1, 4, 7, 9, 11 in torchvision).

    Args:
        picture: (B, 3, H, W), already normalised; sides of at least 31 pixels.
        kernels: from `load_alexnet`.

    Yields:
        (B, C, h, w) with 64, 192, 384, 256, 256 channels.
    """
    maps = F.relu_(F.conv2d(picture, kernels[0].weight, kernels[0].bias, stride=4, padding=2))
    yield maps
    maps = F.relu_(F.conv2d(F.max_pool2d(maps, 3, 2), kernels[1].weight, kernels[1].bias, padding=2))
    yield maps
    maps = _convolve(F.max_pool2d(maps, 3, 2), kernels[2])
    yield maps
    for kernel in kernels[3:]:
        maps = _convolve(maps, kernel)
        yield maps


def vgg16_features(picture: Tensor, kernels: list[Kernel], pool: Callable[[Tensor], Tensor]) -> Iterator[Tensor]:
    """The last ReLU output of each of VGG16's five stages (`features` 3, 8, 15, 22, 29 in torchvision).

    Args:
        picture: (B, 3, H, W), already normalised; sides of at least 16 pixels.
        kernels: from `load_vgg16`.
        pool: what halves the maps between the stages; must not write into its argument.

    Yields:
        (B, C, h, w) with 64, 128, 256, 512, 512 channels; one at a time, so that a caller need not hold them all.
    """
    maps, layer = picture, iter(kernels)
    for stage, depth in enumerate(_VGG_STAGES):
        if stage:
            maps = pool(maps)
        for _ in range(depth):
            maps = _convolve(maps, next(layer))
        yield maps


def _convolve(maps: Tensor, kernel: Kernel) -> Tensor:
    if kernel.transformed is not None:
        return convolve_relu(maps, kernel.transformed, kernel.bias)
    return F.relu_(F.conv2d(maps, kernel.weight, kernel.bias, padding=1))


def max_pool(maps: Tensor) -> Tensor:
    """VGG16's own 2 x 2 pooling."""
    return F.max_pool2d(maps, 2)


@contextlib.contextmanager
def full_precision() -> Iterator[None]:
    """No gradients, and true float32 on graphics cards: TF32 convolutions, PyTorch's default, move LPIPS in the third decimal."""
    with (
        torch.inference_mode(),
        torch.backends.cudnn.flags(enabled=True, benchmark=False, deterministic=True, allow_tf32=False),
    ):
        yield


def column(values: tuple[float, ...], like: Tensor) -> Tensor:
    """Per-channel constants as (1, C, 1, 1) on the device of `like`."""
    return torch.tensor(values, dtype=like.dtype, device=like.device).view(1, -1, 1, 1)


def make_kernel(weight: Tensor, bias: Tensor, device: str) -> Kernel:
    """A convolution on `device`, channels-last (fastest on both kinds), with its transformed weights where they are of use."""
    fast = device == "cpu" and weight.shape[2:] == (3, 3) and min(weight.shape[:2]) >= NARROWEST
    placed = weight.to(device, memory_format=torch.channels_last)
    return Kernel(placed, bias.to(device), transform_filter(weight) if fast else None)


def _load(path: Path, network: str, shapes: tuple[tuple[int, ...], ...], device: str) -> list[Kernel]:
    """Kernels lie in the file as (kh, kw, in, out)."""
    held: Any = load_numpy_pickle(path)
    layers = held.get(network) if isinstance(held, dict) else None
    if not isinstance(layers, dict) or len(layers) != len(shapes):
        raise WeightsError(
            f"{path}: expected {len(shapes)} convolutions under {network!r}; delete the file, it is fetched again"
        )
    kernels = []
    for index, shape in enumerate(shapes):
        layer = layers[f"Conv_{index}"]
        weight = torch.from_numpy(np.array(layer["kernel"], dtype=np.float32).transpose(3, 2, 0, 1).copy())
        bias = torch.from_numpy(np.array(layer["bias"], dtype=np.float32))
        if tuple(weight.shape) != shape or tuple(bias.shape) != shape[:1]:
            raise WeightsError(f"{path}: {network}.Conv_{index} is {tuple(weight.shape)}, expected {shape}")
        kernels.append(make_kernel(weight, bias, device))
    return kernels
