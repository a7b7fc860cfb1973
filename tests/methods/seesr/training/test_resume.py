"""Killed by SIGKILL and started again: the same weights, bit by bit."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from semsr.training.run import train

SIGKILL = -9


@pytest.mark.parametrize("network", ["autoencoder", "tagger", "controlled-diffusion"])
def test_killed_at_a_sample(tiny: ModuleType, tmp_path: Path, recipe: Any, files: Any, network: str) -> None:
    """In the third and in the last step; every draw (posterior, noise, level, words, dropout) goes on as it would have."""
    card = recipe(network, steps=4, save=2, accumulate=2)
    train(tiny.job(tmp_path / "whole", card, files))
    runs: list[dict[str, Any]] = []
    for at in (9, 14):
        each = {"folder": str(tmp_path / str(at)), "recipe": card.model_dump(mode="json")}
        runs += [{**each, "kill_at": at}, each]
    told = {"files": {role: str(path) for role, path in files.items()}, "runs": runs}
    assert tiny.__file__ is not None
    done = subprocess.run(
        [sys.executable, tiny.__file__],
        input=json.dumps(told),
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert not done.returncode, done.stderr
    assert json.loads(done.stdout) == [SIGKILL, 0, SIGKILL, 0]
    whole = load_file(tmp_path / "whole" / "generator.safetensors")
    for at in (9, 14):
        other = load_file(tmp_path / str(at) / "generator.safetensors")
        assert list(whole) == list(other) and all(torch.equal(whole[name], other[name]) for name in whole)
