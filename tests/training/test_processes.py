"""Two processes under `accelerate launch` against one with the summed batch."""

from __future__ import annotations

import csv
import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from semsr.errors import SemsrError
from semsr.training.process import Processes, is_main, launched, wait_for_all
from semsr.training.run import train

SCRIPT = """
import json, logging, os, sys
sys.path.insert(0, sys.argv[1])
logging.basicConfig(level=20, format="%(message)s")
import toy
from pathlib import Path
from semsr.errors import SemsrError
from semsr.training.run import train
for options in json.loads(sys.argv[2]):
    card = toy.recipe(**options["recipe"])
    changes = {"validate": toy.validate} if card.validation else {}
    try:
        facts = train(toy.job(Path(options["folder"]), card, data=toy.Pictures(30), **changes, **options.get("job", {})))
        sys.stderr.write(f"rank {os.environ['RANK']} made {facts['steps']} steps\\n")
    except SemsrError as error:
        sys.exit(f"error: {error}")
"""


def launch(toy: ModuleType, tmp_path: Path, *options: dict[str, Any], ranks: int = 2) -> subprocess.Popen[str]:
    assert toy.__file__ is not None
    script = tmp_path / "script.py"
    script.write_text(SCRIPT)
    # On a machine without GPUs accelerate's processes find the CPU; its own --cpu starts a single one without MPI.
    told = (
        f"--multi_gpu --num_processes {ranks} --num_machines 1 --mixed_precision no --dynamo_backend no --main_process_port 0"
    )
    return subprocess.Popen(
        [
            *(sys.executable, "-m", "accelerate.commands.launch", *told.split()),
            *(str(script), str(Path(toy.__file__).parent), json.dumps(options)),
        ],
        env={**os.environ, "OMP_NUM_THREADS": "1", "ACCELERATE_USE_CPU": "true"},
        stderr=subprocess.PIPE,
        text=True,
    )


def finish(process: subprocess.Popen[str]) -> str:
    _, said = process.communicate(timeout=300)
    assert not process.returncode, said
    return said


def log(folder: Path) -> list[dict[str, float]]:
    with (folder / "log.csv").open() as file:
        return [{key: float(value) for key, value in row.items() if key != "seconds"} for row in csv.DictReader(file)]


def require_close(ours: Path, theirs: Path, tolerance: float) -> None:
    for name in ("generator", "discriminator"):
        mine, other = load_file(ours / f"{name}.safetensors"), load_file(theirs / f"{name}.safetensors")
        worst = max(float((mine[key] - other[key]).abs().max()) for key in mine)
        assert worst <= tolerance, (name, worst)
    for a, b in zip(log(ours), log(theirs), strict=True):
        assert a == pytest.approx(b, rel=max(tolerance, 1e-9), abs=tolerance)


@pytest.mark.slow
def test_two_processes_equal_one_with_the_summed_batch(toy: ModuleType, tmp_path: Path) -> None:
    """Accumulation, an average, validation by the first alone, a stop and a resume; several trainings in the same processes."""
    card: dict[str, Any] = {
        "batch": 8,
        "accumulate": 2,
        "steps": 10,
        "ema": 0.9,
        "validation": {"every": 4, "dataset": "toy", "protocol": "toy"},
    }
    plain = {"batch": 4, "steps": 6, "precision": "fp64"}
    said = finish(
        launch(
            toy,
            tmp_path,
            {"folder": str(tmp_path / "two"), "recipe": card, "job": {"stop_after": 5}},
            {"folder": str(tmp_path / "two"), "recipe": card},
            {"folder": str(tmp_path / "two-double"), "recipe": plain},
        )
    )
    assert all(f"rank {rank} made {steps} steps" in said for rank in (0, 1) for steps in (5, 10, 6))
    for name, options, tolerance in (("two", card, 1e-5), ("two-double", plain, 1e-12)):
        one = tmp_path / f"{name}-alone"
        facts = train(toy.job(one, toy.recipe(**options), data=toy.Pictures(30), validate=toy.validate))
        assert facts["processes"] == 1
        require_close(tmp_path / name, one, tolerance)
    with (tmp_path / "two" / "validation.csv").open() as file:
        assert [row["step"] for row in csv.DictReader(file)] == ["0", "4", "8", "10"]


@pytest.mark.slow
def test_sigterm_to_the_launcher(toy: ModuleType, tmp_path: Path) -> None:
    """Both processes leave after the same step, with one checkpoint, from which one process goes on."""
    folder, card = tmp_path / "run", {"batch": 4, "steps": 100_000, "log": 20, "save": 20}
    process = launch(toy, tmp_path, {"folder": str(folder), "recipe": card})
    until = time.monotonic() + 120
    while not any((folder / "checkpoints").glob("*.pt")) and time.monotonic() < until:
        time.sleep(0.1)
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate(timeout=120)
    assert process.returncode != 0 and said.count("stopped by SIGTERM after step") == 1, said
    newest = max((folder / "checkpoints").glob("*.pt"))
    step = int(newest.stem[-8:])
    facts = train(toy.job(folder, toy.recipe(**card), data=toy.Pictures(30), stop_after=step + 3))
    assert facts["steps"] == step + 3


@pytest.mark.slow
def test_bad_input_with_two_processes(toy: ModuleType, tmp_path: Path) -> None:
    process = launch(toy, tmp_path, {"folder": str(tmp_path / "run"), "recipe": {"batch": 3}})
    _, said = process.communicate(timeout=120)
    assert process.returncode != 0
    assert "error: toy/tiny@1: recipe: batch: found 3; must be a multiple of 2, processes (2) times accumulate (1)" in said


def test_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a launcher nothing is started, and nothing costs anything."""
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    monkeypatch.delenv("RANK", raising=False)
    assert launched() == 1 and is_main()
    wait_for_all()
    alone = Processes("cpu")
    values = torch.rand(3)
    assert alone.main and alone.mean(values) is values and alone.gather("x") == ["x"]


def test_more_processes_than_gpus(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WORLD_SIZE", "4")
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    with pytest.raises(SemsrError, match="launched 4 processes for 2 GPUs; pass --num_processes"):
        Processes("cuda")
