"""Deep image structure and texture similarity on VGG16 with L2 pooling."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from semsr.assets.tensors import load_tensors
from semsr.errors import WeightsError
from semsr.evaluation.metric import Batch, Metric, Values, Workshop

from .backbones import Kernel, column, full_precision, load_vgg16, vgg16_features

_CHANNELS = (3, 64, 128, 256, 512, 512)
_MEAN, _STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
_C1 = _C2 = 1e-6
_CHUNK = 1 << 16


@dataclass(frozen=True)
class Stage:
    """One stage's maps (1, C, h, w) with their means and variances over places, (C,) float64."""

    maps: Tensor
    mean: Tensor
    variance: Tensor


def l2_pool(maps: Tensor) -> Tensor:
    """Halve maps by the root of the local mean square, weighted by a 3 x 3 Hanning window (stride 2, zeros beyond the edge).

    The window [1, 2, 1] ⊗ [1, 2, 1] / 16 is two 2 x 2 box means in a row, which PyTorch does far faster than a depthwise convolution.
    """
    return F.avg_pool2d(F.avg_pool2d(maps * maps, 2, 1, padding=1), 2, 2).add_(1e-12).sqrt_()


def stages(picture: Tensor, kernels: list[Kernel]) -> Iterator[Stage]:
    """The picture itself and the five stages of VGG16, one at a time. `picture` is (1, 3, H, W) RGB in [0, 1]."""
    normalised = (picture - column(_MEAN, picture)) / column(_STD, picture)
    for maps in chain((picture,), vgg16_features(normalised, kernels, l2_pool)):
        mean = average(maps)
        yield Stage(maps, mean, average(maps, maps) - mean**2)


def distance(sr: Iterable[Stage], hr: Iterable[Stage], alpha: Tensor, beta: Tensor) -> float:
    """DISTS of one picture: 1 - sum(alpha · texture + beta · structure) over all channels of all stages.

    Args:
        sr, hr: from `stages`.
        alpha, beta: (1475,) weights of the similarity of means and of the correlation; together they sum to 1.

    Returns:
        [0, 1] in practice; 0 for identical pictures.

    Source: Ding et al. 2020, eq. (4)-(6); dingkeyan93/DISTS. Agreement with published values of single pictures in
        tests/metrics/test_published_logs.py and tests/metrics/test_calibration_pairs.py.
    """
    texture, structure = [], []
    for mine, theirs in zip(sr, hr, strict=True):
        covariance = average(mine.maps, theirs.maps) - mine.mean * theirs.mean
        texture.append((2 * mine.mean * theirs.mean + _C1) / (mine.mean**2 + theirs.mean**2 + _C1))
        structure.append((2 * covariance + _C2) / (mine.variance + theirs.variance + _C2))
    return 1 - float(alpha @ torch.cat(texture) + beta @ torch.cat(structure))


def average(maps: Tensor, others: Tensor | None = None) -> Tensor:
    """The means over places of (1, C, h, w) maps, or of their product with others, as (C,) float64.

    On a CPU this goes in chunks that stay in the cache: PyTorch's own reductions of channels-last maps take ten times as long, and
    short float32 sums added up in float64 lose nothing to cancellation afterwards.
    """
    places = maps.permute(0, 2, 3, 1).flatten(0, 2)
    products = places if others is None else others.permute(0, 2, 3, 1).flatten(0, 2)
    length = _CHUNK // places.shape[1] if maps.device.type == "cpu" else len(places)
    total = torch.zeros(places.shape[1], dtype=torch.float64, device=maps.device)
    for mine, theirs in zip(places.split(length), products.split(length), strict=True):
        total += (mine if others is None else mine * theirs).sum(0)
    return total / len(places)


class Dists(Metric):
    """DISTS. Pictures pass one by one: a value does not depend on its batch."""

    uses_network = True

    def __init__(self, workshop: Workshop) -> None:
        super().__init__(workshop)
        backbone, weights = workshop.card.assets
        self._kernels = load_vgg16(workshop.asset(backbone), workshop.device)
        path = workshop.asset(weights)
        held = load_tensors(path)
        shape = (1, sum(_CHANNELS), 1, 1)
        if any(name not in held or tuple(held[name].shape) != shape for name in ("alpha", "beta")):
            raise WeightsError(f"{path}: expected 'alpha' and 'beta' of shape {shape}, found {', '.join(sorted(held))}")
        alpha, beta = (held[name].flatten().double().to(workshop.device) for name in ("alpha", "beta"))
        total = alpha.sum() + beta.sum()
        self._alpha, self._beta = alpha / total, beta / total

    def reference(self, hr: Batch) -> list[list[Stage]]:
        """The HR stages of each picture; about 0.5 KB a pixel."""
        with full_precision():
            return [list(self._stages(hr, index)) for index in range(len(hr))]

    def measure(self, sr: Batch, reference: list[list[Stage]]) -> Values:
        """(B,) distances."""
        with full_precision():
            values = [
                distance(self._stages(sr, index), theirs, self._alpha, self._beta) for index, theirs in enumerate(reference)
            ]
        return np.array(values)

    def _stages(self, batch: Batch, index: int) -> Iterator[Stage]:
        return stages(batch.tensor[index : index + 1], self._kernels)
