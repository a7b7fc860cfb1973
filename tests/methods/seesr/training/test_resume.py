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


NETWORKS = ("autoencoder", "tagger", "controlled-diffusion")
KILLS = (9, 14)
"""Samples: of the third and of the last step."""


@pytest.mark.slow
def test_killed_at_a_sample(tiny: ModuleType, tmp_path: Path, recipe: Any, files: Any) -> None:
    """Every draw (posterior, noise, level, words, dropout) goes on as it would have."""
    runs: list[dict[str, Any]] = []
    for network in NETWORKS:
        card = recipe(network, steps=4, save=2, accumulate=2)
        train(tiny.job(tmp_path / network / "whole", card, files))
        for at in KILLS:
            each = {"folder": str(tmp_path / network / str(at)), "recipe": card.model_dump(mode="json")}
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
    assert json.loads(done.stdout) == [SIGKILL, 0] * (len(KILLS) * len(NETWORKS))
    for network in NETWORKS:
        whole = load_file(tmp_path / network / "whole" / "generator.safetensors")
        for at in KILLS:
            other = load_file(tmp_path / network / str(at) / "generator.safetensors")
            assert list(whole) == list(other) and all(torch.equal(whole[name], other[name]) for name in whole)
