"""YOLOv3-tiny as Darknet's yolov3-tiny.cfg describes it, and its file of weights."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from semsr.errors import WeightsError

CLASSES, ANCHORS = 80, 3
OUT = ANCHORS * (5 + CLASSES)


class Unit(nn.Module):
    """A convolution without bias, batch normalisation (eps 1e-5), LeakyReLU 0.1; sides stay."""

    def __init__(self, before: int, after: int, kernel: int) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(before, after, kernel, padding=kernel // 2, bias=False)
        self.normalisation = nn.BatchNorm2d(after, eps=1e-5)

    def forward(self, x: Tensor) -> Tensor:
        """(B, before, H, W) -> (B, after, H, W)."""
        return F.leaky_relu(self.normalisation(self.convolution(x)), 0.1)


class YoloV3TinyNetwork(nn.Module):
    """(B, 3, 416, 416) RGB in [0, 1] -> (B, 255, 13, 13) of stride 32 and (B, 255, 26, 26) of stride 16, not activated.

    255 = 3 anchors times (x, y, width, height, objectness, 80 classes).
    """

    def __init__(self) -> None:
        super().__init__()
        widths = (3, 16, 32, 64, 128, 256, 512, 1024)
        self.trunk = nn.ModuleList(Unit(before, after, 3) for before, after in pairwise(widths))
        self.neck = Unit(1024, 256, 1)
        self.coarse = Unit(256, 512, 3)
        self.coarse_out = nn.Conv2d(512, OUT, 1)
        self.lateral = Unit(256, 128, 1)
        self.fine = Unit(384, 256, 3)
        self.fine_out = nn.Conv2d(256, OUT, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        kept = x
        for number, unit in enumerate(self.trunk, 1):
            x = unit(x)
            if number == 5:
                kept = x
            if number <= 5:
                x = F.max_pool2d(x, 2)
            elif number == 6:  # sides stay: padded at the right and bottom, where nothing may win
                x = F.max_pool2d(F.pad(x, (0, 1, 0, 1), value=float("-inf")), 2, stride=1)
        x = self.neck(x)
        enlarged = F.interpolate(self.lateral(x), scale_factor=2, mode="nearest")
        return self.coarse_out(self.coarse(x)), self.fine_out(self.fine(torch.cat((enlarged, kept), dim=1)))

    def in_file_order(self) -> tuple[Unit | nn.Conv2d, ...]:
        """The 13 convolutions as the file has them."""
        units = [unit for unit in self.trunk if isinstance(unit, Unit)]
        return (*units, self.neck, self.coarse, self.coarse_out, self.lateral, self.fine, self.fine_out)


def load_darknet(network: YoloV3TinyNetwork, path: Path) -> YoloV3TinyNetwork:
    """Fill the network from Darknet's file; no value may be left over.

    A header of three int32 (major, minor, revision), the pictures seen as int64 (int32 before version 0.2), then little-endian float32 for
    each convolution: with normalisation beta, gamma, mean, variance, weights (out, in, k, k); without it bias, weights.

    Raises:
        WeightsError: no such file, or of another length than this network's.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise WeightsError(f"{path}: can't be read ({error.strerror})") from None
    if len(data) < 20:
        raise WeightsError(f"{path}: {len(data)} bytes, not a file of Darknet's weights; fetch it again")
    major, minor, _ = np.frombuffer(data, "<i4", 3)
    header = 20 if 10 * int(major) + int(minor) >= 2 else 16
    targets = [tensor for layer in network.in_file_order() for tensor in _tensors(layer)]
    wanted = header + 4 * sum(tensor.numel() for tensor in targets)
    if len(data) != wanted:
        raise WeightsError(
            f"{path}: {len(data)} bytes, YOLOv3-tiny for {CLASSES} classes has {wanted} (version {major}.{minor}); "
            "is it another network's file? fetch it again"
        )
    values: NDArray[np.float32] = np.frombuffer(data, "<f4", offset=header)
    if not np.isfinite(values).all():
        raise WeightsError(f"{path}: holds values that are not finite; fetch it again")
    start = 0
    with torch.no_grad():
        for tensor in targets:
            piece = values[start : start + tensor.numel()].astype(np.float32)
            tensor.copy_(torch.from_numpy(piece).view_as(tensor))
            start += tensor.numel()
    return network


def _tensors(layer: Unit | nn.Conv2d) -> tuple[Tensor, ...]:
    if isinstance(layer, nn.Conv2d):
        assert layer.bias is not None
        return layer.bias, layer.weight
    normalised = layer.normalisation
    assert normalised.running_mean is not None and normalised.running_var is not None
    return normalised.bias, normalised.weight, normalised.running_mean, normalised.running_var, layer.convolution.weight
