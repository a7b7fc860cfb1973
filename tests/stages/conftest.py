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
    """Writes datasets/<id>/ (keys given replace those made up here) and gives the project that has it."""

    def add(name: str, assets: list[dict[str, Any]] | None = None, **keys: Any) -> Project:
        card = {"id": name, "title": f"Title of {name}", "licence": "CC0-1.0", "comparable": "same-inputs", **keys}
        folder = workspace.root / "datasets" / name
        folder.mkdir(exist_ok=True)
        (folder / "dataset.yaml").write_text(yaml.safe_dump(card))
        if assets is not None:
            (folder / "assets.yaml").write_text(yaml.safe_dump({"assets": assets}))
        return Project(workspace.root)

    return add


@pytest.fixture
def save() -> Callable[..., Path]:
    """Writes noise of a seed, (height, width), as a picture."""
    return _save


def _save(path: Path, seed: int, height: int, width: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, (height, width, 3), dtype=np.uint8)).save(path)
    return path


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    """Six pairs, 40x32 and 10x8."""
    for number in range(6):
        _save(tmp_path / f"copy/hr/{number}.png", number, 32, 40)
        _save(tmp_path / f"copy/lr/{number}.png", 100 + number, 8, 10)
    return tmp_path / "copy"
