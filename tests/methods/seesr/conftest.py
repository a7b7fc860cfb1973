"""SeeSR at a tiny size: random networks of the published classes, as files."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import torch

from semsr.plugins import load_plugin
from semsr.project import Project

TINY: dict[str, Any] = {
    "tagger": {
        "tags": 12,
        "width": 16,
        "size": 24,
        "threshold": 0.5,
        "swin": {"embed": 8, "depths": [2, 1], "heads": [1, 2], "window": 3, "drop_path": 0.0},
        "head": {"hidden": 16, "heads": 2, "feed_forward": 32, "dropout": 0.0},
    },
    "autoencoder": {"channels": [8, 16, 16], "layers": 1, "groups": 4},
    "text": {"kind": "hashed", "width": 16, "length": 64},
    "diffusion": {
        "channels": [16, 32],
        "heads": [2, 4],
        "attention": [True, False],
        "layers": 1,
        "groups": 8,
        "text_width": 16,
        "image_width": 16,
        "condition": [8, 8, 8],
    },
}
"""A factor of 4 between pixels and latents."""


@pytest.fixture(scope="session")
def seesr(project: Project) -> Callable[[str], Any]:
    """A module of the plugin, by its name."""
    load_plugin(project, "method", "seesr", "method:SeeSr")
    return lambda name: import_module(f"semsr.plugins.methods.seesr.{name}")


@pytest.fixture(scope="session")
def tiny_generator() -> dict[str, Any]:
    """The `generator` of a recipe whose networks `tiny_files` holds."""
    return {"network": "controlled-diffusion", "options": TINY}


@pytest.fixture(scope="session")
def tiny_files(seesr: Callable[[str], Any], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Weights by role. Nothing is zero, neither zero convolutions nor LoRA's second factors, so that everything counts."""
    from safetensors.torch import save_file

    card = seesr("options").SeeSrOptions.model_validate(TINY)
    folder = tmp_path_factory.mktemp("seesr")
    with torch.random.fork_rng():
        torch.manual_seed(0)
        unet, controlnet = (
            seesr("networks.unet").make_unet(card.diffusion),
            seesr("networks.unet").make_controlnet(card.diffusion),
        )
        diffusion = seesr("networks.controlled").ControlledDiffusion(unet, controlnet)
        tagger = seesr("tagger").make_tagger(card.tagger, {})
        plain = {name: tensor.clone() for name, tensor in tagger.state_dict().items()}
        additions = {
            name: torch.randn_like(tensor)
            for name, tensor in seesr("tagger").lora_state(seesr("tagger").start_dape(card.tagger, {})).items()
        }
        autoencoder = seesr("networks.autoencoder").make_autoencoder(card.autoencoder)
        for network in (diffusion, autoencoder):
            for parameter in network.parameters():
                if not parameter.detach().any():
                    torch.nn.init.normal_(parameter, 0, 0.05)
    states = {"generator": diffusion.state_dict(), "tagger": plain, "dape": additions, "autoencoder": autoencoder.state_dict()}
    files = {role: folder / f"{role}.safetensors" for role in states}
    for role, state in states.items():
        save_file({name: tensor.detach().contiguous() for name, tensor in state.items()}, files[role])
    files["tag-list"] = folder / "tags.txt"
    files["tag-list"].write_text("\n".join(f"thing{at}" for at in range(card.tagger.tags)))
    return files
