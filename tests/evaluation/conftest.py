"""A small project with small real metrics, and pictures to measure."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

from semsr.imaging.pictures import write_png
from semsr.plugins import forget_plugins
from semsr.preparation.manifest import Entry, write_manifest
from semsr.project import Project

OPTION = {"default": 0, "meaning": "pixels cut from each side"}


def metric_card(name: str, entry: str, **changes: object) -> dict[str, object]:
    card: dict[str, object] = {
        "id": name,
        "title": name,
        "direction": "lower",
        "range": [0, None],
        "reference": "full",
        "version": 1,
        "entry": entry,
        "licence": "Apache-2.0",
        "source": "made for this test",
    }
    return card | changes


CODE = '''
"""Metrics that are right but small, and that note what is asked of them."""
import os
import time
from pathlib import Path

import numpy as np
import torch

from semsr.errors import MetricUnavailableError
from semsr.evaluation.metric import Metric, SetMetric


def note(what, names):
    """One line a call in a file, whole even with several threads and processes."""
    if (path := os.environ.get("SEMSR_TEST_NOTES")):
        with Path(path).open("a") as file:
            file.write(what + " " + ",".join(names) + "\\n")


class MeanAbsoluteError(Metric):
    def reference(self, hr):
        note("hr", hr.names)
        return np.stack(hr.pictures).astype(float)

    def measure(self, sr, reference):
        note("sr", sr.names)
        time.sleep(float(os.environ.get("SEMSR_TEST_PAUSE", "0")))
        cut = self.workshop.options["border"]
        error = np.abs(np.stack(sr.pictures).astype(float) - reference)
        return error[:, cut : error.shape[1] - cut, cut : error.shape[2] - cut].mean(axis=(1, 2, 3))


class Edges(Metric):
    """A network: one fixed convolution."""

    uses_network = True

    def __init__(self, workshop):
        super().__init__(workshop)
        self.weight = torch.linspace(-1, 1, 81).reshape(3, 3, 3, 3)

    def features(self, batch):
        return torch.nn.functional.conv2d(batch.tensor, self.weight.to(batch.tensor), padding=1)

    def reference(self, hr):
        return self.features(hr)

    def measure(self, sr, reference):
        assert torch.is_inference_mode_enabled()
        return (self.features(sr) - reference).square().mean(dim=(1, 2, 3)).double().cpu().numpy()


class Contrast(Metric):
    """Without a reference."""

    def measure(self, sr, reference):
        assert reference is None
        return np.array([picture.std() for picture in sr.pictures])


class Broken(Metric):
    def measure(self, sr, reference):
        value = {"nan": np.nan, "inf": np.inf, "small": None}[self.workshop.options["gives"]]
        if value is None:
            raise MetricUnavailableError("the pictures are too small")
        return np.where([name.endswith("3") for name in sr.names], value, 1.0)


class NeedsWeights(Metric):
    def __init__(self, workshop):
        super().__init__(workshop)
        self.bytes = workshop.asset("weights").read_bytes()

    def measure(self, sr, reference):
        return np.full(len(sr), len(self.bytes), dtype=float)


class MeanColourDistance(SetMetric):
    def features(self, batch):
        note("set", batch.names)
        return np.stack([picture.mean(axis=(0, 1)) for picture in batch.pictures])

    def distance(self, sr, hr):
        return float(np.square(sr.mean(axis=0) - hr.mean(axis=0)).sum())
'''


@pytest.fixture
def small(tmp_path: Path) -> Iterator[Project]:
    """A project of its own with the metrics above."""
    root = tmp_path / "project"
    for folder in ("metrics/protocols", "metrics/simple", "profiles", "methods", "datasets", "requirements"):
        (root / folder).mkdir(parents=True)
    (root / "requirements" / "lock.txt").write_text("numpy==2\n")
    (root / "metrics/simple/simple.py").write_text(CODE)
    gives = {"gives": {"default": "nan", "allowed": ["nan", "inf", "small"], "meaning": "what goes wrong"}}
    cards = [
        metric_card("mae", "simple:MeanAbsoluteError", unit="grey levels", decimals=2, options={"border": OPTION}),
        metric_card("edges", "simple:Edges"),
        metric_card("contrast", "simple:Contrast", reference="none", direction="higher"),
        metric_card("broken", "simple:Broken", reference="none", options=gives, range=[0, 100]),
        metric_card("endless", "simple:Broken", reference="none", options=gives, range=[0, None]),
        metric_card("weighted", "simple:NeedsWeights", reference="none", assets=["weights"]),
        metric_card("colour", "simple:MeanColourDistance", reference="distribution"),
        metric_card("absent", "absent:Anything", requires=["no-such-package-anywhere>=3"]),
    ]
    for card in cards:
        write_yaml(root / f"metrics/simple/{card['id']}.yaml", card)
    asset = {
        "id": "weights", "file": "weights.bin", "title": "weights", "licence": "CC0-1.0", "sha256": "0" * 64,
        "source": "made for this test", "manual": "none", "mirrors": [{"kind": "file", "path": "/nowhere/weights.bin"}],
    }  # fmt: skip
    write_yaml(root / "metrics/simple/assets.yaml", {"assets": [asset]})
    forget_plugins()
    yield Project(root)
    forget_plugins()


def write_yaml(path: Path, card: object) -> None:
    path.write_text(yaml.safe_dump(card))


@pytest.fixture
def add_protocol(small: Project) -> Callable[..., str]:
    """Write a protocol of columns given as name=metric or name=(metric, options); returns its id."""

    def add(name: str, title: str = "a test", **columns: str | tuple[str, dict[str, object]]) -> str:
        listed = []
        for column, metric in columns.items():
            identity, options = (metric, {}) if isinstance(metric, str) else metric
            listed.append({"name": column, "metric": identity, "options": options})
        card = {"id": name, "title": title, "columns": listed, "source": "made for this test"}
        write_yaml(small.root / f"metrics/protocols/{name}.yaml", card)
        for cached in ("_protocols", "protocols", "semantic_protocols"):
            vars(small).pop(cached, None)
        return name

    return add


@pytest.fixture
def pictures(tmp_path: Path) -> Callable[..., dict[str, Path]]:
    """Write random pictures (H, W) to a folder; returns the files by name."""

    def make(folder: str, sizes: dict[str, tuple[int, int]], seed: int = 0) -> dict[str, Path]:
        target = tmp_path / folder
        shutil.rmtree(target, ignore_errors=True)
        generator = np.random.default_rng(seed)
        for name, size in sizes.items():
            write_png(target / f"{name}.png", generator.integers(0, 256, (*size, 3), dtype=np.uint8))
        return {name: target / f"{name}.png" for name in sizes}

    return make


@pytest.fixture
def prepared(small: Project, pictures: Callable[..., dict[str, Path]]) -> Project:
    """The small project with a prepared data set `photos` of twelve pictures, a profile, and two methods' outputs."""
    sizes = {f"p{at:02}": (16, 12) for at in range(12)} | {"train": (16, 12)}
    lr_sizes = dict.fromkeys(sizes, (4, 3))
    hr, lr = pictures("project/data/photos/hr", sizes, 0), pictures("project/data/photos/lr", lr_sizes, 0)
    entries = [
        Entry(name, lr[name], hr[name], (4, 3), (16, 12), name, name, "train" if name == "train" else "test") for name in sizes
    ]
    write_manifest(small.data / "photos", entries)
    blind = [
        Entry(name, path, None, (4, 3), None, name, None, "test")
        for name, path in pictures("project/data/blind/lr", lr_sizes).items()
    ]
    write_manifest(small.data / "blind", blind)
    for dataset in ("photos", "blind"):
        (small.root / "datasets" / dataset).mkdir()
        source = {"kind": "files", "layouts": [{"hr": "{name}.png"}]}
        card = {
            "id": dataset,
            "title": dataset,
            "licence": "CC0-1.0",
            "count": 12,
            "comparable": "same-inputs",
            "source": source,
        }
        write_yaml(small.root / "datasets" / dataset / "dataset.yaml", card)
    tested = {name: size for name, size in sizes.items() if name != "train"}
    for at, (method, variants) in enumerate({"alpha": ["default"], "beta": ["one", "two"]}.items(), 1):
        (small.root / "methods" / method).mkdir()
        outputs = {"folder": "nowhere", "made_by": "this test"}
        card = {"id": method, "title": method, "licence": "CC0-1.0", "runner": "outputs", "outputs": outputs}
        write_yaml(
            small.root / "methods" / method / "method.yaml",
            card | {"variants": {name: {"label": name, "trust": "L1"} for name in variants}},
        )
        for nth, variant in enumerate(variants):
            pictures(f"project/results/quick/cells/photos/{method}/{variant}/images", tested, 10 * at + nth)
    track = {"datasets": ["photos", "blind"], "methods": ["alpha", "beta"], "protocols": ["p"]}
    profile = {
        "id": "quick",
        "title": "quick",
        "device": "cpu",
        "threads": 1,
        "tracks": {"real": track},
        "variants": {"beta": ["two"]},
    }
    write_yaml(small.root / "profiles" / "quick.yaml", profile)
    return small
