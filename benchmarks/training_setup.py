"""What benchmarks/training.py trains: SeD's discriminators and an RRDB with random weights, on random pictures."""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

ROOT = Path(__file__).resolve().parents[1]
LAYERS = {2: 0.1, 7: 0.1, 16: 1.0, 25: 1.0, 34: 1.0}


def make_recipe(options: argparse.Namespace, network: str, precision: str, steps: int, log: int) -> Any:
    from semsr.cards.recipe import Recipe

    sizes = {} if options.real else {"features": 32, "blocks": 4, "growth": 16}
    return Recipe.model_validate(
        {
            "generator": {"network": "rrdb", "options": sizes},
            "discriminator": {
                "network": network,
                "options": {"semantics": {"extractor": "clip-rn50", "batch_norm": "train"}},
            },
            "assets": {"perceptual": ["random"], "extractor": ["random"]},
            "data": {"dataset": "random", "patch": options.patch},
            "batch": options.batch,
            "steps": steps,
            "precision": precision,
            "losses": {
                "pixel": {"kind": "l1"},
                "perceptual": {"network": "vgg19", "layers": LAYERS, "weight": 0.1 if network == "patch" else 1.0},
                "adversarial": {"kind": "vanilla", "weight": 0.01},
            },
            "log": log,
            "save": 10**6,
        }
    )


def make_job(options: argparse.Namespace, recipe: Any, data: Any, folder: Path) -> Any:
    from semsr.plugins import load_plugin
    from semsr.project import Project
    from semsr.restoration.semantics.clip import ClipRN50
    from semsr.training.job import Job

    project = Project(ROOT)

    class Parts(load_plugin(project, "method", "sed", project.method("sed").parts)):  # type: ignore[misc]
        def condition(self) -> Any:
            return ClipRN50().freeze()

    files = dict.fromkeys(("perceptual", "extractor"), Path("random"))
    return Job(
        name=f"benchmark/{recipe.discriminator.network}-{recipe.precision}",
        recipe=recipe,
        parts=Parts(recipe.generator, recipe.discriminator, files),
        data=data,
        folder=folder,
        identity={"of": "benchmark"},
        tensorboard=not options.real,
        seed=1,
        device=options.device,
        threads=options.threads if options.device == "cpu" else None,
        workers=options.workers,
    )


@contextmanager
def random_vgg() -> Iterator[None]:
    from torch import nn

    from semsr.training.perceptual import Perceptual, PerceptualFeatures

    def make(card: Any, _: Path) -> Perceptual:
        vgg = PerceptualFeatures(card.network, card.layers)
        for layer in vgg.vgg_layers:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight)
                nn.init.zeros_(layer.bias)
        return Perceptual(vgg, card.layers)

    with patch("semsr.training.networks.make_perceptual", make):
        yield


@contextmanager
def pictures(size: int) -> Iterator[Any]:
    """Random pictures as a prepared and packed training set: what the loader does with them costs the same as with any others."""
    import numpy as np
    from loader import prepare

    from semsr.training.crops import Patch
    from semsr.training.index import Index, Source
    from semsr.training.lowres import PairedLr
    from semsr.training.packing import pack
    from semsr.training.patches import TrainingPictures

    random = np.random.default_rng(0)
    made = [random.integers(0, 256, (480, 480, 3), np.uint8) for _ in range(20)]
    with tempfile.TemporaryDirectory(prefix="semsr-training-") as scratch:
        source = Source(prepare(made, Path(scratch)))
        pack(Index([source]), Path(scratch) / "pixels")
        yield TrainingPictures([source], Patch(size), lr=PairedLr(), packed=Path(scratch) / "pixels", seed=1)
