"""Small data sets, generated, with cards of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from semsr.project import Project

AddCard = Callable[..., Project]


@pytest.fixture
def add_card(workspace: Project) -> AddCard:
    """Writes datasets/<id>/dataset.yaml (keys given replace those made up here) and gives the project that has it."""

    def add(name: str, **keys: Any) -> Project:
        card = {"id": name, "title": name, "licence": "CC0-1.0", "comparable": "same-inputs", **keys}
        folder = workspace.root / "datasets" / name
        folder.mkdir(exist_ok=True)
        (folder / "dataset.yaml").write_text(yaml.safe_dump(card))
        return Project(workspace.root)

    return add


@pytest.fixture
def make_picture() -> Callable[..., np.ndarray]:
    """Noise of a seed, (height, width, 3) uint8."""
    return picture


@pytest.fixture
def save_picture() -> Callable[..., Path]:
    """Writes an array to a file, making its folder."""
    return save


def picture(seed: int, height: int = 24, width: int = 32) -> np.ndarray:
    return np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)


def save(path: Path, array: np.ndarray, **options: Any) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path, **options)
    return path
