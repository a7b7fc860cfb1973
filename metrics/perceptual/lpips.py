"""Learned perceptual image patch similarity, v0.1, on AlexNet or VGG16."""

from __future__ import annotations

from functools import partial

import numpy as np
import torch
from torch import Tensor

from semsr.assets.tensors import load_tensors
from semsr.errors import MetricUnavailableError, WeightsError
from semsr.evaluation.metric import Batch, Metric, Values, Workshop

from .backbones import alexnet_features, column, full_precision, load_alexnet, load_vgg16, max_pool, vgg16_features

_SMALLEST = 31  # below this, nothing is left after AlexNet's pooling
_SHIFT, _SCALE = (-0.030, -0.088, -0.188), (0.458, 0.448, 0.450)


def normalise(picture: Tensor) -> Tensor:
    """(B, 3, H, W) RGB in [0, 1] -> what the networks of LPIPS v0.1 see. (v0.0 lacked this step.)"""
    return (picture * 2 - 1 - column(_SHIFT, picture)) / column(_SCALE, picture)


def unit_length(maps: Tensor) -> Tensor:
    """Divide the feature vector at each place by its length."""
    return maps / (torch.linalg.vector_norm(maps, dim=1, keepdim=True) + 1e-10)


def distance(sr: list[Tensor], hr: list[Tensor], linear: list[Tensor]) -> float:
    """LPIPS of one picture from `unit_length` features: the weighted squared differences, averaged over places, summed over layers.

    Args:
        sr, hr: five (1, C, h, w) each.
        linear: five (C,) non-negative weights.

    Returns:
        >= 0; 0 for identical pictures.

    Source: Zhang et al. 2018, eq. (1); richzhang/PerceptualSimilarity v0.1. Agreement with published values of single pictures in
        tests/metrics/test_published_logs.py and tests/metrics/test_calibration_pairs.py.
    """
    layers = zip(sr, hr, linear, strict=True)
    return sum(float(torch.square(mine - theirs).mean((0, 2, 3)) @ weight) for mine, theirs, weight in layers)


class Lpips(Metric):
    """LPIPS on the backbone that the card's assets bring. Pictures pass one by one: a value does not depend on its batch."""

    uses_network = True

    def __init__(self, workshop: Workshop) -> None:
        super().__init__(workshop)
        backbone, linear = workshop.card.assets
        if backbone == "alexnet-imagenet":
            self._layers = partial(alexnet_features, kernels=load_alexnet(workshop.asset(backbone), workshop.device))
        else:
            kernels = load_vgg16(workshop.asset(backbone), workshop.device)
            self._layers = partial(vgg16_features, kernels=kernels, pool=max_pool)
        path = workshop.asset(linear)
        held = load_tensors(path)
        names = [f"lin{index}.model.1.weight" for index in range(5)]
        if set(names) != set(held):
            raise WeightsError(f"{path}: expected {', '.join(names)}, found {', '.join(sorted(held))}")
        self._linear = [held[name].flatten().float().to(workshop.device) for name in names]

    def reference(self, hr: Batch) -> list[list[Tensor]]:
        """The unit-length HR features of each picture."""
        return [self._features(hr, index) for index in range(len(hr))]

    def measure(self, sr: Batch, reference: list[list[Tensor]]) -> Values:
        """(B,) distances."""
        with full_precision():
            values = [distance(self._features(sr, index), theirs, self._linear) for index, theirs in enumerate(reference)]
        return np.array(values)

    def _features(self, batch: Batch, index: int) -> list[Tensor]:
        if min(batch.size) < _SMALLEST:
            raise MetricUnavailableError(
                f"pictures of {batch.size[1]} x {batch.size[0]} are smaller than LPIPS's {_SMALLEST} pixels"
            )
        with full_precision():
            return [unit_length(maps) for maps in self._layers(normalise(batch.tensor[index : index + 1]))]
