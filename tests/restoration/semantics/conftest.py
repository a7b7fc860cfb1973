"""Weights that hide nothing, and the plain version of fusion."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from semsr.assets.store import Store
from semsr.errors import AssetError
from semsr.project import Project


@pytest.fixture(scope="session")
def plain() -> SimpleNamespace:
    """Fusion written out with explicit matrices."""
    return SimpleNamespace(**runpy.run_path(str(Path(__file__).with_name("plain_fusion.py"))))


@pytest.fixture
def shaken() -> Callable[[nn.Module], nn.Module]:
    """Draw every parameter anew: what starts at zero or one would hide what it multiplies."""

    def shake(network: nn.Module) -> nn.Module:
        generator = torch.Generator().manual_seed(4)
        with torch.no_grad():
            for name, parameter in network.named_parameters():
                fan_in = parameter[0].numel() if parameter.ndim > 1 else 9
                drawn = torch.randn(parameter.shape, generator=generator) / fan_in**0.5
                parameter.copy_(drawn + 1 if name.endswith("weight") and parameter.ndim == 1 else drawn)
        return network

    return shake


@pytest.fixture(scope="session")
def asset(project: Project) -> Callable[[str], Path]:
    """Verified files of assets; a test that needs one is skipped where it can't be had."""
    store = Store()

    def get(name: str) -> Path:
        try:
            return store.get(project.asset(name))
        except AssetError as error:
            pytest.skip(str(error))

    return get
