"""OSEDiff's published outputs as a method of a small project, whose table prints what a test wants."""

from __future__ import annotations

import csv
import io
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from semsr.evaluation.metric import Batch
from semsr.evaluation.protocol import resolve
from semsr.evaluation.workbench import build
from semsr.plugins import forget_plugins
from semsr.preparation.manifest import Entry, pixel_sha256, write_manifest
from semsr.project import Project
from semsr.stages import explain, infer, score, tabulate

DIGITS = {"psnr": 2, "ssim": 4, "lpips": 4, "dists": 4, "niqe": 4}


@dataclass
class Small:
    """The small project.

    Attributes:
        pairs: (SR, HR) of each picture, (H, W, 3) uint8.
        means: the means of what the authors published for each picture, by metric.
    """

    root: Path
    columns: tuple[str, ...]
    pairs: dict[str, tuple[np.ndarray, np.ndarray]]
    means: dict[str, float]
    printed: dict[str, str] = field(default_factory=dict)

    @property
    def project(self) -> Project:
        return Project(self.root)

    def publish(self, **values: float) -> None:
        """Print a table: the published means, rounded as papers do, but for what is given."""
        known = {name: self.means[name] for name in self.columns} | values
        self.printed = {name: f"{known[name]:.{DIGITS[name]}f}" for name in self.columns}
        lines = [f"Paper,OSEDiff,RealSR,{name},{text}," for name, text in self.printed.items()]
        path = self.root / "tables/paper/reported.csv"
        path.write_text("\n".join(["table,method,dataset,metric,value,note", *lines]) + "\n")

    def explain(self) -> dict[str, Any]:
        """By metric, what `semsr explain --all` finds."""
        project = self.project
        return {each.column: each.explanation for each in explain.run_all(project, project.profile("full"))}

    def verdicts(self) -> dict[str, Any]:
        """By metric, what the table says."""
        project = self.project
        (table,) = tabulate.tables_of(project, project.profile("full"))
        return {column.name: cell.verdict for _, row, column, cell in table.cells() if row.label == "OSEDiff"}

    def measured(self, name: str) -> Callable[[np.ndarray, np.ndarray], float]:
        """The protocol's own metric, of one SR and one HR picture."""
        project = self.project
        protocol = resolve(project, "seesr")
        column = next(column for column in protocol.columns if column.name == name)
        metric = build(project, [protocol]).metrics[column.key]

        def value(sr: np.ndarray, hr: np.ndarray) -> float:
            import torch

            mine, theirs = (Batch(["a"], [np.ascontiguousarray(picture)]) for picture in (sr, hr))
            with torch.inference_mode():
                reference = None if column.metric.reference == "none" else metric.reference(theirs)
                return float(metric.measure(mine, reference)[0])

        return value


def _write(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(content, sort_keys=False))


def _make(project: Project, data: Path, root: Path, columns: tuple[str, ...], every: int) -> Small:
    folder = data / "realsr_crop128"
    with (folder / "osediff_metrics.csv").open() as file:
        rows = list(csv.DictReader(file))[::every]
    shutil.copytree(project.root / "metrics", root / "metrics", ignore=shutil.ignore_patterns("__pycache__"))
    (root / "requirements").mkdir()
    shutil.copy(project.lock, root / "requirements")
    protocol = yaml.safe_load((root / "metrics/protocols/seesr.yaml").read_text())
    protocol["columns"] = [column for column in protocol["columns"] if column["name"] in columns]
    _write(root / "metrics/protocols/seesr.yaml", protocol)
    source = {"kind": "files", "layouts": [{"hr": "hr/{name}.png", "lr": "lr/{name}.png"}]}
    card = {"id": "canon", "title": "Canon", "licence": "none", "count": len(rows), "comparable": "same-inputs"}
    _write(root / "datasets/canon/dataset.yaml", card | {"source": source})
    _write(
        root / "methods/osediff/method.yaml",
        {
            "id": "osediff",
            "title": "OSEDiff",
            "licence": "none",
            "runner": "outputs",
            "outputs": {"folder": str(folder / "osediff"), "made_by": "its authors"},
            "variants": {"default": {"label": "OSEDiff", "trust": "L1"}},
        },
    )
    _write(
        root / "tables/paper/table.yaml",
        {
            "id": "paper",
            "title": "Paper",
            "protocol": "seesr",
            "track": "real",
            "profiles": ["full"],
            "reported": "reported.csv",
            "datasets": [{"label": "RealSR", "published": "RealSR", "dataset": "canon"}],
            "columns": list(columns),
            "rows": [{"label": "OSEDiff", "published": "OSEDiff", "method": "osediff"}],
        },
    )
    track = {"datasets": ["canon"], "methods": ["osediff"], "protocols": ["seesr"]}
    _write(
        root / "profiles/full.yaml",
        {"id": "full", "title": "Full", "device": "cpu", "threads": 2, "tracks": {"real": track}, "tables": ["paper"]},
    )
    pairs, entries = {}, []
    for row in rows:
        name = row["image"].removesuffix(".png")
        paths = {}
        for side in ("hr", "lr"):
            paths[side] = root / "data/canon" / side / row["image"]
            paths[side].parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / side / row["image"], paths[side])
        sr, hr, lr = (np.asarray(Image.open(path)) for path in (folder / "osediff" / row["image"], paths["hr"], paths["lr"]))
        pairs[name] = sr, hr
        hashes = pixel_sha256(lr), pixel_sha256(hr)
        entries.append(Entry(name, paths["lr"], paths["hr"], lr.shape[:2], hr.shape[:2], *hashes, "test"))
    write_manifest(root / "data/canon", entries)
    means = {name: float(np.mean([float(row[name]) for row in rows])) for name in DIGITS}
    small = Small(root, columns, pairs, means)
    small.publish()
    made = small.project
    profile = made.profile("full")
    infer.run(made, profile, "canon", "osediff", None)
    score.run(made, profile, "canon")
    return small


def _fresh(project: Project, data: Path, root: Path, columns: tuple[str, ...], every: int) -> Iterator[Small]:
    """A project whose plugins replace those of this one while it lives."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SEMSR_PROJECT", str(root))
        forget_plugins()
        yield _make(project, data, root, columns, every)
    forget_plugins()


@pytest.fixture(scope="module")
def few(project: Project, test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """Four of the 50 pictures, and metrics without a network."""
    yield from _fresh(project, test_data, tmp_path_factory.mktemp("few") / "project", ("psnr", "ssim", "niqe"), 13)


@pytest.fixture(scope="module")
def all_pictures(project: Project, test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """All 50 pictures, and every metric whose weights are in a package."""
    columns = ("psnr", "ssim", "lpips", "dists", "niqe")
    yield from _fresh(project, test_data, tmp_path_factory.mktemp("all") / "project", columns, 1)


@pytest.fixture(scope="module")
def few_networks(project: Project, test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Small]:
    """Four pictures, and every such metric."""
    columns = ("psnr", "ssim", "lpips", "dists", "niqe")
    yield from _fresh(project, test_data, tmp_path_factory.mktemp("networks") / "project", columns, 13)


@pytest.fixture
def jpeg() -> Callable[[np.ndarray], np.ndarray]:
    """A picture stored as JPEG of quality 95 by PIL."""

    def make(picture: np.ndarray) -> np.ndarray:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "JPEG", quality=95)
        return np.asarray(Image.open(buffer))

    return make
