"""SeeSR's networks at a tiny size, every parameter drawn anew (zero convolutions, too), and plain versions of them."""

from __future__ import annotations

import importlib
import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from semsr.project import Project

SIZES: dict[str, Any] = {
    "channels": (16, 32),
    "heads": (2, 4),
    "attention": (True, False),
    "groups": 8,
    "text_width": 24,
    "image_width": 20,
    "condition": (8, 16),
}


@pytest.fixture
def seesr(project: Project) -> Callable[[str], Any]:
    """A module of the method by its name: "networks.unet"."""
    return lambda name: importlib.import_module(f"semsr.plugins.methods.seesr.{name}")


@pytest.fixture
def card(seesr: Any) -> Any:
    """Two levels, of which the first attends."""
    return seesr("options").DiffusionOptions(**SIZES)


@pytest.fixture
def redraw() -> Callable[..., nn.Module]:
    """Every parameter anew, sized so that signals neither die out nor grow; nothing stays zero."""

    def draw(network: nn.Module, seed: int = 3) -> nn.Module:
        generator = torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                fan_in = parameter[0].numel() if parameter.ndim > 1 else 9
                noise = torch.randn(parameter.shape, generator=generator) / fan_in**0.5
                parameter.copy_(noise + (name.endswith("weight") and parameter.ndim == 1))
        return network

    return draw


@pytest.fixture
def diffusion(seesr: Any, card: Any, redraw: Any) -> Any:
    """Both networks, float32."""
    unet, controlnet = seesr("networks.unet").make_unet(card), seesr("networks.unet").make_controlnet(card)
    return redraw(seesr("networks.controlled").ControlledDiffusion(unet, controlnet)).eval()


@pytest.fixture
def given(card: Any) -> Callable[..., tuple[Tensor, ...]]:
    """Inputs of `ControlledDiffusion` for a batch of two."""

    def draw(dtype: torch.dtype = torch.float32) -> tuple[Tensor, ...]:
        generator = torch.Generator().manual_seed(8)
        shapes = ((2, 4, 8, 12), (2, 5, card.text_width), (2, 7, card.image_width))
        latents, text, tokens = (torch.randn(shape, generator=generator, dtype=dtype) for shape in shapes)
        return latents, torch.tensor([981, 3]), text, tokens, torch.rand(2, 3, 16, 24, generator=generator, dtype=dtype)

    return draw


@pytest.fixture
def plain(card: Any) -> Any:
    """Both networks over a state dict."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("plain_diffusion.py")))).Plain(card)
