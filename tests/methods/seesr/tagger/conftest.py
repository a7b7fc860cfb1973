"""Taggers small enough for plain loops, every parameter drawn so that none hides what it multiplies."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from semsr.assets.store import Store
from semsr.errors import AssetError
from semsr.project import Project

SMALL: dict[str, Any] = {
    "tags": 7,
    "width": 6,
    "size": 24,
    "threshold": 0.5,
    "swin": {"patch": 2, "embed": 8, "depths": [2, 3], "heads": [2, 4], "window": 3, "drop_path": 0.2},
    "head": {"layers": 2, "hidden": 12, "heads": 3, "feed_forward": 20},
    "lora": {"rank": 2, "alpha": 3.0},
}
"""Maps of 12x12, then 6x6: four windows a row, then two, rolled in every other block."""


@pytest.fixture
def card(seesr: Callable[[str], Any]) -> Callable[..., Any]:
    """TaggerOptions of a small RAM, with changes."""
    return lambda **changes: seesr("options").TaggerOptions.model_validate(SMALL | changes)


@pytest.fixture
def shaken() -> Callable[[nn.Module], Any]:
    """Draw every parameter anew, in float64."""

    def shake(network: nn.Module) -> nn.Module:
        generator = torch.Generator().manual_seed(4)
        network.double()
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                fan_in = parameter[0].numel() if parameter.ndim > 1 else 9
                drawn = torch.randn(parameter.shape, generator=generator, dtype=torch.float64) / fan_in**0.5
                parameter.copy_(drawn + 1 if name.endswith("weight") and parameter.ndim == 1 else drawn)
        return network

    return shake


@pytest.fixture
def small(seesr: Callable[[str], Any], card: Callable[..., Any], shaken: Callable[[nn.Module], Any]) -> Any:
    """A small RAM in float64, in evaluation mode."""
    return shaken(seesr("tagger").make_tagger(card(), {}))


@pytest.fixture
def pictures() -> torch.Tensor:
    """Two pictures of the small RAM's size, float64."""
    return torch.rand(2, 3, 24, 24, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


@pytest.fixture(scope="session")
def plain() -> SimpleNamespace:
    """Plain versions, written out place by place."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("plain_tagger.py"))))


@pytest.fixture(scope="session")
def lite0(project: Project) -> Path:
    """EfficientNet-Lite0's weights; a test that needs them is skipped where they can't be had."""
    try:
        return Store().get(project.asset("efficientnet-lite0"))
    except AssetError as error:
        pytest.skip(str(error))
