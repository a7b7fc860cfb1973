"""A training small enough for tests: networks of a few thousand weights, pictures out of a formula; also a script, to be killed.

python toy.py FOLDER '{"steps": 12, ...}' [kill after so many samples]
"""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils import spectral_norm
from torch.utils.data import Dataset

from semsr.cards.recipe import Recipe
from semsr.restoration.generators import load_state
from semsr.training.job import Job
from semsr.training.parts import ExtraLoss, Parts

SCALE = 4


class Generator(nn.Module):
    def __init__(self, dropout: float = 0.0, batch_norm: bool = False, width: int = 8) -> None:
        super().__init__()
        self.first, self.last = nn.Conv2d(3, width, 3, padding=1), nn.Conv2d(width, 3 * SCALE**2, 3, padding=1)
        self.norm = nn.BatchNorm2d(width) if batch_norm else nn.Identity()
        self.dropout = nn.Dropout(dropout)

    def forward(self, lr: Tensor) -> Tensor:
        maps = self.dropout(F.leaky_relu(self.norm(self.first(lr)), 0.2))
        return F.pixel_shuffle(self.last(maps), SCALE) + F.interpolate(lr, scale_factor=SCALE, mode="nearest")


class Discriminator(nn.Module):
    """Two convolutions with the older spectral norm, the second of which sees what the extractor made of HR."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 4, 2, 1)
        self.middle = spectral_norm(nn.Conv2d(8, 8, 4, 2, 1))
        self.last = spectral_norm(nn.Conv2d(8 + 4, 1, 3, padding=1))
        self.idle = nn.Parameter(torch.zeros(3), requires_grad=False)

    def forward(self, image: Tensor, condition: Tensor | None) -> Tensor:
        maps = F.leaky_relu(self.middle(F.leaky_relu(self.first(image), 0.2)), 0.2)
        if condition is None:
            condition = maps.new_zeros(maps.shape[0], 4, *maps.shape[2:])
        return self.last(torch.cat([maps, condition.to(maps.dtype)], 1))


class Extractor(nn.Module):
    calls = 0

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 4, 4, 4)

    def forward(self, hr: Tensor) -> Tensor:
        Extractor.calls += 1
        return self.conv(hr).relu()


def gradients(sr: Tensor, hr: Tensor) -> Tensor:
    """Mean difference of neighbouring pixels' differences."""
    return ((sr - hr)[..., 1:] - (sr - hr)[..., :-1]).abs().mean()


class ToyParts(Parts):
    def generator(self) -> nn.Module:
        return Generator(**self.generator_card.options)

    def discriminator(self) -> nn.Module:
        return Discriminator()

    def condition(self) -> nn.Module | None:
        assert self.discriminator_card is not None
        return Extractor() if self.discriminator_card.options.get("semantic") else None

    def extra_losses(self) -> Mapping[str, ExtraLoss]:
        return {"gradients": gradients}

    def multiple(self) -> int:
        return 16

    def load(self, generator: nn.Module, weights: Path, key: str | None = None) -> None:
        load_state(generator, weights, key)

    def options(self) -> dict[str, Any]:
        return {"toy": True}


class Pictures(Dataset[Any]):
    """Sample (epoch, index) out of a formula; may kill the process that asks for the nth."""

    def __init__(self, length: int = 10, size: int = 16, *, kill_at: int | None = None, poison_at: int | None = None) -> None:
        self.length, self.size, self.kill_at, self.poison_at, self.asked = length, size, kill_at, poison_at, 0

    def __len__(self) -> int:
        return self.length

    def __getitem__(self, key: tuple[int, int]) -> dict[str, Any]:
        self.asked += 1
        if self.asked == self.kill_at:
            os.kill(os.getpid(), signal.SIGKILL)
        epoch, index = key
        draw = torch.Generator().manual_seed(1000 * epoch + index)
        rough = torch.rand(3, self.size // 2, self.size // 2, generator=draw)
        hr = F.interpolate(rough[None], scale_factor=2, mode="bilinear", align_corners=False)[0]
        if self.asked == self.poison_at:
            hr = hr * float("nan")
        lr = F.avg_pool2d(hr, SCALE)
        return {"name": f"toy/{epoch}-{index}", "hr": hr, "lr": lr, "target": (1.5 * hr - 0.25).clamp(0, 1)}


def recipe(**changes: Any) -> Recipe:
    """A whole recipe of a small GAN training; dotted keys change parts of it."""
    card: dict[str, Any] = {
        "generator": {"network": "toy"},
        "discriminator": {"network": "toy", "options": {"semantic": True}},
        "data": {"dataset": "toy", "patch": 16},
        "batch": 2,
        "steps": 8,
        "generator_optimiser": {"rate": 1e-3},
        "discriminator_optimiser": {"rate": 2e-3, "betas": [0.5, 0.9]},
        "schedule": {"kind": "steps", "at": [4], "factor": 0.5, "warmup": 2},
        "losses": {"pixel": {"kind": "l1"}, "adversarial": {"kind": "vanilla", "weight": 0.1}, "extra": {"gradients": 0.3}},
        "log": 1,
        "save": 3,
    }
    for name, value in changes.items():
        *path, last = name.split("__")
        place = card
        for part in path:
            place = place[part]
        if value is None:
            del place[last]
        else:
            place[last] = value
    return Recipe.model_validate(card)


def plain(**changes: Any) -> Recipe:
    """The same without a discriminator."""
    return recipe(discriminator=None, losses__adversarial=None, **changes)


def validate(generator: nn.Module, step: int) -> dict[str, float]:
    """Draws numbers, as no validation should: training must not notice."""
    torch.rand(7)
    with torch.no_grad():
        return {"psnr": float(generator(torch.full((1, 3, 4, 4), 0.5)).mean())}


def job(folder: Path, card: Recipe, **changes: Any) -> Job:
    folder.mkdir(parents=True, exist_ok=True)
    made = Job(
        name="toy/tiny@1",
        recipe=card,
        parts=ToyParts(card.generator, card.discriminator, changes.pop("files", {})),
        data=changes.pop("data", None) or Pictures(),
        folder=folder,
        identity={"method": "toy", "variant": "tiny", "seed": 1, "fingerprint": "abc"},
        seed=1,
        threads=1,
        tensorboard=False,
    )
    return replace(made, **changes)


def run(options: dict[str, Any]) -> None:
    """Train as told, and die where it is said."""
    from semsr.training.run import train

    data = Pictures(**options.get("data", {}))
    card = recipe(**options.get("recipe", {}))
    if nth := options.get("kill_at_write"):
        _kill_while_writing(nth)
    changes = {"validate": validate} if card.validation else {}
    train(job(Path(options["folder"]), card, data=data, **changes, **options.get("job", {})))


def _kill_while_writing(nth: int) -> None:
    """Die in the middle of the nth piece of a checkpoint's bytes."""
    from semsr.training import checkpoint

    write, count = checkpoint._Hashing.write, 0

    def dying(self: Any, data: Any) -> int:
        nonlocal count
        count += 1
        if count == nth:
            self._file.write(bytes(data)[: len(data) // 2])
            self._file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
        return write(self, data)

    checkpoint._Hashing.write = dying  # type: ignore[method-assign]


def main() -> None:
    """Each run in a process of its own, one after the other; says how each ended. Torch is imported once, so that many runs are cheap."""
    import torch._dynamo  # noqa: F401 # what optimisers load when they first step: seconds, here once for all

    import semsr.training.run  # noqa: F401

    ends = []
    for options in json.loads(sys.stdin.read()):
        if not (child := os.fork()):
            run(options)
            os._exit(0)
        if options.get("kill_after"):
            time.sleep(options["kill_after"])
            os.kill(child, signal.SIGKILL)
        ends.append(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    sys.stdout.write(json.dumps(ends))


if __name__ == "__main__":
    main()
