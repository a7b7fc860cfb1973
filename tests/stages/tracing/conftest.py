"""A small project that has gone the whole way: fetched, prepared, restored, scored, with a table of a paper."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from semsr.imaging.pictures import write_png
from semsr.plugins import forget_plugins
from semsr.project import Project

METRICS = '''
"""Two metrics that are right but small."""
import numpy as np

from semsr.evaluation.metric import Metric


class Error(Metric):
    def reference(self, hr):
        return np.stack(hr.pictures).astype(float)

    def measure(self, sr, reference):
        return np.abs(np.stack(sr.pictures).astype(float) - reference).mean(axis=(1, 2, 3))


class Weighted(Error):
    def __init__(self, workshop):
        super().__init__(workshop)
        self.factor = len(workshop.asset("factor").read_bytes())

    def measure(self, sr, reference):
        return self.factor * super().measure(sr, reference)
'''
FACTOR = b"ten bytes."
REPORTED = """table,method,dataset,metric,value,note
Paper,Theirs,Toys,error,64.0,
Paper,Theirs,Toys,weighted,640,read off a plot
Paper,Older,Toys,error,70.0,
Paper,Older,Toys,weighted,,
"""
NAMES = ("a", "b", "c")


def write(path: Path, content: Any) -> None:
    """A text, or a card as YAML."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))


def _asset(folder: Path) -> dict[str, Any]:
    return {
        "id": "factor", "file": "factor.bin", "title": "how long it is counts", "licence": "CC0-1.0", "source": "made for these tests",
        "sha256": hashlib.sha256(FACTOR).hexdigest(), "manual": "none", "mirrors": [{"kind": "file", "path": str(folder / "factor.bin")}],
    }  # fmt: skip


def _metric(name: str, entry: str, **more: Any) -> dict[str, Any]:
    card = {"id": name, "title": f"The {name}", "direction": "lower", "range": [0, None], "decimals": 2, "reference": "full"}
    return card | {"version": 1, "entry": entry, "licence": "none", "source": "made for these tests"} | more


def _build(root: Path, real: Project) -> None:
    for folder in ("metrics/protocols", "profiles", "methods", "datasets", "tables", "requirements"):
        (root / folder).mkdir(parents=True)
    shutil.copy(real.lock, root / "requirements")
    random = np.random.default_rng(3)
    for name in NAMES:
        write_png(root / f"copy/hr/{name}.png", random.integers(0, 256, (16, 24, 3), dtype=np.uint8))
        write_png(root / f"copy/lr/{name}.png", random.integers(0, 256, (4, 6, 3), dtype=np.uint8))
        write_png(root / f"outputs/{name}.png", random.integers(0, 256, (16, 24, 3), dtype=np.uint8))
    (root / "factor.bin").write_bytes(FACTOR)
    source = {"kind": "files", "layouts": [{"hr": "hr/{name}.png", "lr": "lr/{name}.png"}]}
    card = {"id": "toys", "title": "Toys", "licence": "CC0-1.0", "count": 3, "comparable": "same-inputs", "source": source}
    write(root / "datasets/toys/dataset.yaml", card)
    write(root / "metrics/simple/simple.py", METRICS)
    write(root / "metrics/simple/error.yaml", _metric("error", "simple:Error"))
    write(root / "metrics/simple/weighted.yaml", _metric("weighted", "simple:Weighted", assets=["factor"]))
    write(root / "metrics/simple/assets.yaml", {"assets": [_asset(root)]})
    columns = [{"name": name, "metric": name} for name in ("error", "weighted")]
    write(root / "metrics/protocols/way.yaml", {"id": "way", "title": "The way", "columns": columns, "source": "a test"})
    outputs = {"folder": "outputs", "made_by": "these tests"}
    card = {"id": "theirs", "title": "Theirs", "licence": "CC0-1.0", "runner": "outputs", "outputs": outputs}
    write(root / "methods/theirs/method.yaml", card | {"variants": {"default": {"label": "Theirs", "trust": "L1"}}})
    table = {
        "id": "paper", "title": "Paper", "protocol": "way", "track": "real", "profiles": ["small"], "reported": "reported.csv",
        "datasets": [{"label": "Toys", "published": "Toys", "dataset": "toys"}], "columns": ["error", "weighted"],
        "rows": [{"label": "Theirs: new", "published": "Theirs", "method": "theirs"}, {"label": "Older", "published": "Older"}],
    }  # fmt: skip
    write(root / "tables/paper/table.yaml", table)
    write(root / "tables/paper/reported.csv", REPORTED)
    track = {"datasets": ["toys"], "methods": ["theirs"], "protocols": ["way"]}
    profile = {"id": "small", "title": "Small", "device": "cpu", "threads": 1, "tracks": {"real": track}, "tables": ["paper"]}
    write(root / "profiles/small.yaml", profile)


@pytest.fixture
def trace_root(tmp_path: Path, project: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The root of the project, before anything was run."""
    monkeypatch.setenv("SEMSR_ASSETS", str(tmp_path / "assets"))
    _build(tmp_path / "project", project)
    forget_plugins()
    yield tmp_path / "project"
    forget_plugins()


@pytest.fixture
def run_stages(trace_root: Path) -> Callable[..., None]:
    """Runs the stages named, or all of them up to the scores."""

    def run(*stages: str) -> None:
        from semsr.stages import infer, prepare, score

        forget_plugins()
        project = Project(trace_root)
        profile = project.profile("small")
        for stage in stages or ("prepare", "infer", "score"):
            if stage == "prepare":
                prepare.run(project, "toys", trace_root / "copy", workers=1)
            elif stage == "infer":
                infer.run(project, profile, "toys", "theirs")
            else:
                score.run(project, profile, "toys")

    return run


@pytest.fixture
def traced(trace_root: Path, run_stages: Callable[..., None]) -> Path:
    """The project after all stages."""
    run_stages()
    return trace_root


@pytest.fixture
def edit_card(trace_root: Path) -> Callable[..., None]:
    """Changes keys of a card."""

    def change(path: str, **keys: Any) -> None:
        write(trace_root / path, yaml.safe_load((trace_root / path).read_text()) | keys)

    return change
