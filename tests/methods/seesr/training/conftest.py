"""SeeSR's trainings at a tiny size: recipes, batches and jobs."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import save_file


@pytest.fixture(scope="session")
def tiny() -> ModuleType:
    """`tiny_training.py` beside this file: also a script, to be killed."""
    spec = importlib.util.spec_from_file_location("seesr_tiny_training", Path(__file__).with_name("tiny_training.py"))
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def recipe(tiny: ModuleType, tiny_generator: dict[str, Any]) -> Callable[..., Any]:
    """A recipe of one of the networks, by its name."""
    return lambda network, **changes: tiny.recipe(network, tiny_generator["options"], **changes)


@pytest.fixture(scope="session")
def files(
    seesr: Callable[[str], Any],
    tiny_generator: dict[str, Any],
    tiny_files: dict[str, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, Path]:
    """What stage two is trained from: a plain U-Net, too, and no result of its own."""
    card = seesr("options").SeeSrOptions.model_validate(tiny_generator["options"])
    path = tmp_path_factory.mktemp("start") / "unet.safetensors"
    with torch.random.fork_rng():
        torch.manual_seed(5)
        save_file(seesr("networks.unet").make_unet(card.diffusion, False).state_dict(), path)
    return {**{role: file for role, file in tiny_files.items() if role != "generator"}, "unet": path}


@pytest.fixture
def make_parts(tiny: ModuleType, recipe: Callable[..., Any], files: dict[str, Path]) -> Callable[..., Any]:
    """SeeSR's parts for one of the networks."""
    return lambda network, **changes: tiny.parts(recipe(network, **changes), files)
