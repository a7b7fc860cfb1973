"""A training of SeeSR small enough for tests; also a script, to be killed: python tiny_training.py < options (JSON)."""

from __future__ import annotations

import json
import os
import signal
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch.utils.data import Dataset

from semsr.cards.recipe import Recipe
from semsr.plugins import load_plugin
from semsr.project import Project
from semsr.training.job import Job

KINDS = {"autoencoder": "autoencoder", "tagger": "dape", "diffusion": "diffusion", "controlled-diffusion": "control"}
SIZE = 32


def recipe(network: str, options: Mapping[str, Any], **changes: Any) -> Recipe:
    """A whole recipe; `objective` are its options."""
    objective = {"kind": KINDS[network], "options": changes.pop("objective", {})}
    card: dict[str, Any] = {
        "generator": {"network": network, "options": dict(options)},
        "data": {"dataset": "toy", "patch": SIZE, "lr": "full"},
        "batch": 4,
        "steps": 4,
        "generator_optimiser": {"kind": "adamw", "rate": 1e-3, "betas": [0.9, 0.999], "clip": 1.0},
        "objective": objective,
        "log": 1,
        "save": 2,
    }
    return Recipe.model_validate(card | changes)


def parts(card: Recipe, files: Mapping[str, Path]) -> Any:
    """The method's parts."""
    kind = load_plugin(Project(Path(__file__).parents[4]), "method", "seesr", "training.parts:SeesrParts")
    return kind(card.generator, None, files, card.objective, recompute=card.recompute)


class Pictures(Dataset[Any]):
    """Sample (epoch, index) out of a formula, with tags; may kill the process that asks for the nth."""

    def __init__(self, kill_at: int | None = None) -> None:
        self.kill_at, self.asked = kill_at, 0

    def __len__(self) -> int:
        return 8

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Any]:
        self.asked += 1
        if self.asked == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        draw = torch.Generator().manual_seed(100 * key[0] + key[1])
        hr = F.interpolate(torch.rand(1, 3, 8, 8, generator=draw), size=SIZE, mode="bilinear")[0]
        return {"name": f"toy/{key}", "hr": hr, "lr": F.avg_pool2d(hr, 4), "tags": f"thing{key[1]}, thing{key[1] + 1}"}


def batch(count: int = 4, dtype: torch.dtype = torch.float32) -> dict[str, Any]:
    """The first samples as one batch."""
    samples = [Pictures()[0, at] for at in range(count)]
    tensors = {key: torch.stack([each[key] for each in samples]).to(dtype) for key in ("hr", "lr")}
    return {**tensors, "tags": [each["tags"] for each in samples]}


def job(folder: Path, card: Recipe, files: Mapping[str, Path], kill_at: int | None = None) -> Job:
    """One training in a folder."""
    folder.mkdir(parents=True, exist_ok=True)
    identity = {"method": "seesr", "variant": card.generator.network, "seed": 1, "fingerprint": "abc"}
    return Job("seesr/tiny@1", card, parts(card, files), Pictures(kill_at), folder, identity, 1, threads=1, tensorboard=False)


def main() -> None:
    """Trainings one after the other, each in a process of its own, which may die; says how each ended. What is slow to import is, once."""
    import torch._dynamo  # noqa: F401 # what optimisers load when they first step

    from semsr.training.run import train

    told = json.loads(sys.stdin.read())
    files = {role: Path(path) for role, path in told["files"].items()}
    parts(Recipe.model_validate(told["runs"][0]["recipe"]), files).generator()
    ends = []
    for each in told["runs"]:
        if not (child := os.fork()):
            train(job(Path(each["folder"]), Recipe.model_validate(each["recipe"]), files, each.get("kill_at")))
            os._exit(0)
        ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    sys.stdout.write(json.dumps(ends))


if __name__ == "__main__":
    main()
