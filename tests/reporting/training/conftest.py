"""A toy method with and without semantics, and what its trainings left."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from semsr.imaging.pictures import Rgb, write_png
from semsr.plugins import forget_plugins, load_plugin
from semsr.project import Project
from semsr.training.parts import Parts

PARTS = '''
"""A toy: networks of a few hundred parameters."""

from torch import Tensor, nn

from semsr.restoration.semantics.fusion import SemanticFusion
from semsr.training.parts import Parts


class Plain(nn.Module):
    def __init__(self):
        super().__init__()
        self.first = nn.utils.spectral_norm(nn.Conv2d(3, 8, 4, 2, 1))
        self.second = nn.Conv2d(8, 12, 4, 2, 1)
        self.last = nn.Conv2d(12, 1, 3, 1, 1)

    def forward(self, image: Tensor, condition=None) -> Tensor:
        x = nn.functional.leaky_relu(self.first(image), 0.2)
        return self.last(nn.functional.leaky_relu(self.second(x), 0.2))


class Aware(Plain):
    def __init__(self):
        super().__init__()
        self.att = SemanticFusion(12, semantics=64, up=4)
        nn.init.normal_(self.att.proj_out.weight, std=0.1)
        self.join = nn.Conv2d(12 + self.att.channels, 12, 3, 1, 1)

    def forward(self, image: Tensor, condition=None) -> Tensor:
        x = nn.functional.leaky_relu(self.first(image), 0.2)
        x = nn.functional.leaky_relu(self.second(x), 0.2)
        x = nn.functional.leaky_relu(self.join(__import__("torch").cat([x, self.att(condition, x)], 1)), 0.2)
        return self.last(x)


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv = nn.Conv2d(3, 48, 3, 1, 1)

    def forward(self, lr: Tensor) -> Tensor:
        return nn.functional.pixel_shuffle(self.conv(lr), 4)


class ToyParts(Parts):
    def generator(self):
        return Generator()

    def discriminator(self):
        return {"plain": Plain, "aware": Aware}[self.discriminator_card.network]()

    def condition(self):
        if self.discriminator_card.network == "plain":
            return None
        network = nn.Sequential(nn.Conv2d(3, 64, 16, 16), nn.Tanh())
        for number, parameter in enumerate(network.parameters()):
            nn.init.uniform_(parameter, -0.1, 0.1)
        return network.requires_grad_(False).eval()

    def multiple(self):
        return 16

    def load(self, generator, weights, key=None):
        from semsr.assets.tensors import load_tensors

        generator.load_state_dict(load_tensors(weights))
'''
CARD = """
id: toy
title: A toy
licence: MIT
scale: 4
runner: python
entry: method:Toy
parts: parts:ToyParts
variants:
  base: {label: "Toy, start", training: base, trust: L3}
  plain: {label: "Toy+P", training: plain, trust: L3}
  aware: {label: "Toy+P+<SeD>", training: aware, trust: L3}
"""

Train = Callable[..., Path]


def recipe(network: str | None = None, *, validation: bool = True) -> dict[str, Any]:
    """A recipe as `train.json` holds it."""
    losses: dict[str, Any] = {"pixel": {"kind": "l1", "weight": 1.0}}
    if network is not None:
        losses["adversarial"] = {"kind": "vanilla", "weight": 0.01}
    return {
        "generator": {"network": "toy"},
        "discriminator": {"network": network} if network else None,
        "data": {"dataset": "lsdir", "patch": 64},
        "batch": 2,
        "steps": 40,
        "losses": losses,
        "validation": {"every": 20, "dataset": "urban100", "protocol": "sed", "columns": ["psnr"]} if validation else None,
    }


@pytest.fixture
def toys(workspace: Project) -> Iterator[Project]:
    """The workspace with the toy method and a profile."""
    folder = workspace.root / "methods" / "toy"
    folder.mkdir()
    (folder / "method.yaml").write_text(CARD)
    (folder / "parts.py").write_text(PARTS)
    profile = "id: tiny\ntitle: Tiny <things>\ndevice: cpu\nthreads: 1\ntracks: {classical: {datasets: [urban100]}}\n"
    (workspace.root / "profiles" / "tiny.yaml").write_text(profile)
    forget_plugins()
    yield Project(workspace.root)
    forget_plugins()


def networks(project: Project, network: str, seed: int) -> tuple[Parts, dict[str, Tensor], dict[str, Tensor]]:
    """The toy's parts for a discriminator, and weights of both networks as a training might leave them."""
    from semsr.cards import Recipe

    card = Recipe.model_validate(recipe(network))
    parts: Parts = load_plugin(project, "method", "toy", "parts:ToyParts")(card.generator, card.discriminator, {})
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return parts, dict(parts.generator().state_dict()), dict(parts.discriminator().state_dict())


@pytest.fixture
def train(toys: Project, waves: Callable[..., Rgb]) -> Train:
    """Write what a training leaves; numbers are those handed in, or made up from the seed."""

    def make(
        variant: str,
        seed: int = 1,
        network: str | None = None,
        *,
        log: str | None = None,
        validation: str | None = None,
        record: Mapping[str, Any] | None = None,
        ended: bool = True,
        samples: Mapping[int, Mapping[str, Rgb]] | None = None,
        method: str = "toy",
    ) -> Path:
        folder = toys.results("tiny") / "trained" / method / "lsdir" / f"{variant}@{seed}"
        folder.mkdir(parents=True)
        random = np.random.default_rng(seed)
        lines = [f"{step},{1 / step + 0.01 * random.random():.9g},{random.random():.9g},1e-4" for step in range(10, 41, 10)]
        (folder / "log.csv").write_text(log or "\n".join(["step,pixel,d_real,rate", *lines]) + "\n")
        (folder / "validation.csv").write_text(validation or f"step,psnr\n0,20.5\n20,{21 + seed}.25\n40,{22 + seed}.125\n")
        for step, pictures in (samples or {}).items():
            for name, rgb in pictures.items():
                write_png(folder / "samples" / f"step-{step:08d}" / f"{name}.png", rgb)
        if ended:
            told = {"method": method, "variant": variant, "seed": seed, "label": variant, "steps": 40, "seconds": 12.5}
            told |= {"recipe": recipe(network)} | dict(record or {})
            (folder / "train.json").write_text(json.dumps(told))
        if network is not None:
            _, generator, discriminator = networks(toys, network, seed)
            save_file({name: value.contiguous() for name, value in generator.items()}, folder / "generator.safetensors")
            save_file({name: value.contiguous() for name, value in discriminator.items()}, folder / "discriminator.safetensors")
        return folder

    return make
