"""SeD's networks as the harness makes them, and plain versions of them."""

from __future__ import annotations

import runpy
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from semsr.cards.recipe import Network
from semsr.plugins import load_plugin
from semsr.project import Project
from semsr.training.parts import Parts

MakeParts = Callable[..., Parts]
SEMANTICS = Path(__file__).parents[2] / "restoration" / "semantics" / "plain_fusion.py"


@pytest.fixture
def make_parts(project: Project) -> MakeParts:
    """SeD's parts with a discriminator of these options, and a tiny generator. CLIP's weights are named; only `condition` opens them."""
    kind = load_plugin(project, "method", "sed", "training.parts:SedParts")

    def make(network: str | None, files: dict[str, Path] | None = None, **options: Any) -> Parts:
        generator = Network(network="rrdb", options={"features": 8, "blocks": 1, "growth": 4})
        discriminator = None if network is None else Network(network=network, options=options)
        return kind(generator, discriminator, {"extractor": Path("RN50.pt")} if files is None else files)

    return make


@pytest.fixture(scope="session")
def plain() -> SimpleNamespace:
    """`Plain`, and what it is made with."""
    fusion = SimpleNamespace(**runpy.run_path(str(SEMANTICS)))
    found = runpy.run_path(str(Path(__file__).with_name("plain_discriminators.py")))
    return SimpleNamespace(**found, fusion=fusion)
