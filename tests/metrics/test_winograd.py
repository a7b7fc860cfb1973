"""The fast 3 x 3 convolution against PyTorch's own, in float64."""

from __future__ import annotations

from importlib import import_module

import pytest
import torch
import torch.nn.functional as F

from semsr.plugins import load_plugin
from semsr.project import Project


@pytest.fixture
def winograd(project: Project) -> object:
    load_plugin(project, "metric", "perceptual", "winograd:convolve_relu")
    return import_module("semsr.plugins.metrics.perceptual.winograd")


@pytest.mark.parametrize(
    ("batch", "narrow", "wide", "height", "width"),
    [(1, 128, 128, 64, 64), (3, 128, 256, 16, 12), (1, 256, 128, 33, 47), (2, 512, 512, 7, 6), (1, 128, 192, 1, 2)],
)
def test_equals_direct_convolution(winograd, batch: int, narrow: int, wide: int, height: int, width: int) -> None:  # type: ignore[no-untyped-def]
    generator = torch.Generator().manual_seed(0)
    maps = torch.rand(batch, narrow, height, width, generator=generator)
    weight = torch.randn(wide, narrow, 3, 3, generator=generator) * (2 / 9 / narrow) ** 0.5
    bias = torch.randn(wide, generator=generator) / 10
    expected = F.relu(F.conv2d(maps.double(), weight.double(), bias.double(), padding=1))
    transformed = winograd.transform_filter(weight)
    found = winograd.convolve_relu(maps, transformed, bias)
    assert found.shape == expected.shape
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()
    channels_last = winograd.convolve_relu(maps.contiguous(memory_format=torch.channels_last), transformed, bias)
    torch.testing.assert_close(channels_last, found, rtol=0, atol=0)


def test_values_do_not_depend_on_threads_or_company(winograd) -> None:  # type: ignore[no-untyped-def]
    maps, weight, bias = torch.rand(3, 128, 40, 40), torch.randn(128, 128, 3, 3), torch.randn(128)
    transformed = winograd.transform_filter(weight)
    together = winograd.convolve_relu(maps, transformed, bias)
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = winograd.convolve_relu(maps[1:2], transformed, bias)
    finally:
        torch.set_num_threads(before)
    torch.testing.assert_close(alone, together[1:2], rtol=1e-6, atol=1e-5)
