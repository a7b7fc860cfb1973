"""Twenty steps against stored logs: a change of a number here is a change of every training, and belongs into the changelog.

The logs were made once by this code: `python tests/training/test_golden.py` makes those that are missing. SeD's discriminators are compared
in float64: in float32 the rounding of another processor's kernels, enlarged by Adam's first steps, moves their losses by up to 6e-3.
"""

from __future__ import annotations

import csv
import importlib.util
import sys
import tempfile
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from semsr.plugins import load_plugin
from semsr.project import Project
from semsr.training.run import train

GOLDEN = Path(__file__).with_name("golden")
TOY: dict[str, dict[str, Any]] = {
    "vanilla": {},
    "sharpened-ema": {"data__target": "sharpened", "ema": 0.9, "losses__pixel": {"kind": "charbonnier"}},
    "relativistic": {
        "losses__adversarial": {"kind": "relativistic", "weight": 0.1},
        "accumulate": 2,
        "precision": "fp64",
    },
}
"""Tiny networks of the tests' own."""
SED = {
    "sed-p": {"network": "patch", "options": {"width": 16}},
    "sed-u": {"network": "pixel", "options": {"width": 16}},
    "sed-p-sed": {"network": "patch", "options": {"width": 16, "semantics": {"extractor": "hr-pixels"}}},
    "sed-u-sed": {"network": "pixel", "options": {"width": 16, "semantics": {"extractor": "hr-pixels"}}},
}
"""SeD's own classes, small; HR's pixels in the place of a network that sees, for which no weights need be had."""


def run(toy: ModuleType, project: Project, name: str, folder: Path, **changes: Any) -> list[dict[str, float]]:
    if name in TOY:
        job = toy.job(folder, toy.recipe(steps=20, **TOY[name], **changes))
    else:
        generator = {"network": "rrdb", "options": {"features": 16, "blocks": 1, "growth": 8}}
        losses = {"pixel": {"kind": "l1"}, "adversarial": {"kind": "vanilla", "weight": 0.01}}
        card = toy.recipe(
            **{"steps": 20, "precision": "fp64", "generator": generator, "discriminator": SED[name], "losses": losses}
            | {"data": {"dataset": "toy", "patch": 32}}
            | changes
        )
        parts = load_plugin(project, "method", "sed", project.method("sed").parts or "")
        job = replace(toy.job(folder, card, data=toy.Pictures(size=32)), parts=parts(card.generator, card.discriminator, {}))
    train(job)
    with (folder / "log.csv").open() as file:
        return [{key: float(value) for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


@pytest.mark.parametrize(
    "name", [*TOY, *(pytest.param(name, marks=pytest.mark.slow) if "-sed" in name[3:] else name for name in SED)]
)
def test_twenty_steps_equal_the_stored_log(toy: ModuleType, project: Project, tmp_path: Path, name: str) -> None:
    found = run(toy, project, name, tmp_path)
    with (GOLDEN / f"{name}.csv").open() as file:
        stored = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    assert len(found) == len(stored) == 20
    for ours, theirs in zip(found, stored, strict=True):
        # Logits are means around 0, whose last digits are nobody's.
        assert ours == {key: pytest.approx(value, rel=1e-4, abs=1e-5 if "logit" in key else 0) for key, value in theirs.items()}


@pytest.mark.parametrize("name", SED)
@pytest.mark.parametrize("precision", ["bf16", "fp16"])
def test_half_precision_of_sed(toy: ModuleType, project: Project, tmp_path: Path, name: str, precision: str) -> None:
    """Autocast and the older spectral norm go together, and the first steps are those of full precision."""
    half = run(toy, project, name, tmp_path / "half", precision=precision, steps=3)
    full = run(toy, project, name, tmp_path / "full", precision="fp32", steps=3)
    for ours, theirs in zip(half, full, strict=True):
        assert ours["pixel"] == pytest.approx(theirs["pixel"], rel=2e-2)
        assert ours["discriminator"] == pytest.approx(theirs["discriminator"], rel=5e-2)
        assert ours["pixel"] != theirs["pixel"]


def _make() -> None:
    root = Path(__file__).resolve().parents[2]
    spec = importlib.util.spec_from_file_location("training_toy", Path(__file__).with_name("toy.py"))
    assert spec is not None and spec.loader is not None
    toy = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(toy)
    for name in (*TOY, *SED):
        path = GOLDEN / f"{name}.csv"
        if not path.exists():
            with tempfile.TemporaryDirectory() as folder:
                rows = run(toy, Project(root), name, Path(folder))
            lines = [",".join(rows[0]), *(",".join(f"{value:.9g}" for value in row.values()) for row in rows)]
            path.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    _make()
