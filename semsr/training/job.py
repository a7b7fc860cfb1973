"""What the training loop is told: one variant, one seed, everything resolved."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from torch import nn
from torch.utils.data import Dataset

from semsr.cards.recipe import Recipe
from semsr.training.parts import Parts
from semsr.training.patches import Sample

Validate = Callable[[nn.Module, int], Mapping[str, float]]
"""(generator in evaluation mode, step) -> means by column; it may write pictures. Called on the first process alone."""


@dataclass(frozen=True)
class Job:
    """One training.

    Attributes:
        name: what logs and errors call it: `sed/rrdb-p@1`.
        recipe: how.
        parts: the method's networks.
        data: gives a `Sample` for (epoch, index).
        folder: where everything is written; it is there.
        identity: what a checkpoint must say, word for word, to be continued: method, variant, seed, fingerprint.
        seed: of initialisation, data order and every draw.
        start: the generator's first weights, and `start_key` their group in the file; None: from scratch.
        device, threads: as in `semsr.restoration.runner.Task`.
        workers: processes of the loader.
        validate: see `Validate`; None: no validation.
        stop_after: end after this step with a checkpoint, as if killed right after it; None: go on to the end.
        tensorboard: write TensorBoard's curves, too.
    """

    name: str
    recipe: Recipe
    parts: Parts
    data: Dataset[Sample]
    folder: Path
    identity: Mapping[str, Any]
    seed: int
    start: Path | None = None
    start_key: str | None = None
    device: Literal["cpu", "cuda"] = "cpu"
    threads: int | None = None
    workers: int = 0
    validate: Validate | None = None
    stop_after: int | None = None
    tensorboard: bool = True
    facts: dict[str, Any] = field(default_factory=dict)
