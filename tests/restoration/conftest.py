"""A small project in a temporary folder, with real cards, a prepared data set and whatever methods a test writes."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from semsr.cards import ProfileCard
from semsr.imaging.pictures import Rgb, write_png
from semsr.plugins import forget_plugins
from semsr.preparation.manifest import Entry, pixel_sha256, write_manifest
from semsr.project import Project
from semsr.restoration.cell import Cell
from semsr.stages import infer

DATASET = "demo"
PROFILE = "quick"


def texture(height: int, width: int, seed: int = 0) -> Rgb:
    """A picture with gradients, edges and noise."""
    y, x = np.mgrid[:height, :width]
    waves = [127 + 90 * np.sin((x * (c + 1) + y * 2) / 3.0 + seed) + 30 * ((x // 5 + y // 4) % 2) for c in range(3)]
    noise = np.random.default_rng(seed).normal(0, 6, (height, width, 3))
    return np.clip(np.stack(waves, -1) + noise, 0, 255).astype(np.uint8)


@dataclass
class Bench:
    """The temporary project and short ways to use it."""

    root: Path

    @property
    def project(self) -> Project:
        """Always fresh: cards are read once per Project."""
        return Project(self.root)

    @property
    def profile(self) -> ProfileCard:
        return ProfileCard.model_validate({"id": PROFILE, "title": "Test", "device": "cpu", "threads": 1, "tracks": {}})

    def method(
        self, name: str, code: str = "", card: dict[str, Any] | None = None, assets: Sequence[dict[str, Any]] = ()
    ) -> Path:
        """Write methods/<name>; `code` is the body of method.py, whose class is called Method."""
        folder = self.root / "methods" / name
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "README.md").write_text(f"# {name}\n")
        (folder / "method.py").write_text(
            "from pathlib import Path\nimport torch\nimport torch.nn.functional as F\n"
            "from semsr.restoration.restorer import Restorer\n" + textwrap.dedent(code)
        )
        plain = {"id": name, "title": name, "licence": "CC0-1.0", "runner": "python", "entry": "method:Method"}
        plain |= {"variants": {"default": {"label": name}}}
        plain |= card or {}
        (folder / "method.yaml").write_text(yaml.safe_dump({key: value for key, value in plain.items() if value is not None}))
        if assets:
            (folder / "assets.yaml").write_text(yaml.safe_dump({"assets": list(assets)}))
        return folder

    def pictures(self, pictures: dict[str, Rgb], scale: int = 4) -> None:
        """Prepare the data set `demo` from LR pictures."""
        card = {"id": DATASET, "title": "Demo", "licence": "CC0-1.0", "count": len(pictures), "scale": scale}
        card |= {"comparable": "regenerated", "source": {"kind": "files", "layouts": [{"hr": "{name}.png"}]}}
        folder = self.root / "datasets" / DATASET
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "dataset.yaml").write_text(yaml.safe_dump(card))
        data = self.root / "data" / DATASET
        entries = []
        for name, rgb in pictures.items():
            write_png(data / "lr" / f"{name}.png", rgb)
            size = (rgb.shape[0], rgb.shape[1])
            entries.append(Entry(name, data / "lr" / f"{name}.png", None, size, None, pixel_sha256(rgb), None, "test"))
        write_manifest(data, entries)

    def infer(self, method: str, **settings: Any) -> Cell:
        """Run the stage and give back the cell of the default variant."""
        infer.run(self.project, self.profile, DATASET, method, **settings)
        return self.cell(method)

    def cell(self, method: str, variant: str = "default") -> Cell:
        return Cell(self.project.cell(PROFILE, DATASET, method, variant))


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    monkeypatch.setenv("SEMSR_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setenv("SEMSR_PROJECT", str(tmp_path / "project"))
    forget_plugins()
    root = tmp_path / "project"
    for folder in ("methods", "datasets", "metrics/protocols", "tables", "profiles", "requirements"):
        (root / folder).mkdir(parents=True)
    (root / "requirements" / "lock.txt").write_text("torch==2.12.1\n")
    (root / "profiles" / f"{PROFILE}.yaml").write_text(f"id: {PROFILE}\ntitle: Test\ndevice: cpu\nthreads: 1\ntracks: {{}}\n")
    made = Bench(root)
    made.pictures({f"p{index}": texture(12, 10, index) for index in range(5)})
    yield made
    forget_plugins()


BICUBIC = """
class Method(Restorer):
    halo = 3

    def restore(self, lr, *, names, seed):
        return F.interpolate(lr, scale_factor=4, mode="bicubic")
"""


@pytest.fixture
def bicubic_code() -> str:
    return BICUBIC


@pytest.fixture
def make_texture() -> Any:
    return texture
