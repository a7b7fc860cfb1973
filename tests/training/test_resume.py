"""Killed by SIGKILL anywhere and started again: the same weights, bit by bit, and the same logs."""

from __future__ import annotations

import csv
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from semsr.training.run import train

# Everything that has a state: dropout draws, batch norm's and spectral norm's buffers, an average, two epochs, accumulation.
CARD: dict[str, Any] = {
    "generator__options": {"dropout": 0.3, "batch_norm": True},
    "ema": 0.8,
    "batch": 4,
    "accumulate": 2,
    "steps": 7,
    "log": 2,
    "save": 3,
    "validation": {"every": 2, "dataset": "toy", "protocol": "toy"},
}
SAMPLES = 28
SIGKILL = -9


def runs(toy: ModuleType, options: Sequence[dict[str, Any]]) -> list[int]:
    assert toy.__file__ is not None
    done = subprocess.run(
        [sys.executable, toy.__file__],
        input=json.dumps([{"recipe": CARD, **each} for each in options]),
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert not done.returncode, done.stderr
    ends: list[int] = json.loads(done.stdout)
    return ends


def table(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return [{key: value for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


def require_same(ours: Path, theirs: Path) -> None:
    for name in ("generator", "discriminator"):
        mine, other = load_file(ours / f"{name}.safetensors"), load_file(theirs / f"{name}.safetensors")
        assert list(mine) == list(other)
        assert all(torch.equal(mine[key], other[key]) for key in mine)
    for name in ("log.csv", "validation.csv"):
        assert table(ours / name) == table(theirs / name)


@pytest.fixture(scope="module")
def whole(toy: ModuleType, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same training, never interrupted."""
    folder = tmp_path_factory.mktemp("whole")
    train(toy.job(folder, toy.recipe(**CARD), validate=toy.validate))
    assert [row["step"] for row in table(folder / "log.csv")] == ["2", "4", "6", "7"]
    assert [row["step"] for row in table(folder / "validation.csv")] == ["0", "2", "4", "6", "7"]
    return folder


def test_stopped_after_any_step(toy: ModuleType, tmp_path: Path, whole: Path) -> None:
    for step in range(1, 7):
        folder = tmp_path / str(step)
        facts = train(toy.job(folder, toy.recipe(**CARD), validate=toy.validate, stop_after=step))
        assert facts["stopped"] and facts["steps"] == step
        torch.rand(3)  # whatever else goes on in between
        facts = train(toy.job(folder, toy.recipe(**CARD), validate=toy.validate))
        assert "stopped" not in facts and facts["steps"] == 7
        require_same(folder, whole)


def test_killed_at_any_step(toy: ModuleType, tmp_path: Path, whole: Path) -> None:
    """A real SIGKILL in the middle of each step, and a second one later in the same training."""
    options: list[dict[str, Any]] = []
    folders = {at: tmp_path / str(at) for at in range(1, SAMPLES + 1, 3)}
    for at, folder in folders.items():
        # After the first kill it goes on from the last multiple of 3 steps; it is killed once more where enough samples are left.
        left = SAMPLES - (at - 1) // 4 // 3 * 3 * 4
        kills = [at] if left < 6 else [at, left - 3]
        options += [{"folder": str(folder), "data": {"kill_at": kill}} for kill in kills]
        options += [{"folder": str(folder), "killed": True}]
    ends = runs(toy, options)
    assert ends == [0 if "killed" in each else SIGKILL for each in options]
    for folder in folders.values():
        require_same(folder, whole)


def test_killed_while_a_checkpoint_is_written(toy: ModuleType, tmp_path: Path, whole: Path) -> None:
    """Half of a piece of the file is on the disk then, under a name nobody reads; the next run removes it."""
    options: list[dict[str, Any]] = []
    places = (1, 5, 60, 200, 450)
    for at in places:
        options += [{"folder": str(tmp_path / str(at)), "kill_at_write": at}, {"folder": str(tmp_path / str(at))}]
    assert runs(toy, options) == [SIGKILL, 0] * len(places)
    for at in places:
        require_same(tmp_path / str(at), whole)
        assert [path.name for path in (tmp_path / str(at) / "checkpoints").iterdir()] == ["step-00000007.pt"]


@pytest.mark.slow
def test_killed_from_outside_again_and_again(toy: ModuleType, tmp_path: Path, whole: Path) -> None:
    """At times nobody chose, workers reading ahead, until it is done."""
    options = [{"folder": str(tmp_path), "kill_after": 0.1 + 0.02 * turn, "job": {"workers": 2}} for turn in range(15)]
    ends = runs(toy, [*options, {"folder": str(tmp_path), "job": {"workers": 2}}])
    assert SIGKILL in ends and ends[-1] == 0
    require_same(tmp_path, whole)
