"""What a training that has come to its end leaves: the weights, and the facts for its record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import safetensors.torch
import torch
from torch import Tensor

from semsr.files import atomic_writer
from semsr.project import DISCRIMINATOR, GENERATOR
from semsr.restoration.python import peak_memory
from semsr.training.job import Job
from semsr.training.logbook import Logbook
from semsr.training.loop import Step
from semsr.training.objective import ObjectiveStep
from semsr.training.process import Processes


def leave_weights(job: Job, step: Step | ObjectiveStep) -> None:
    """Write the generator, or its moving average where there is one, as the method exports it; and the discriminator as it is.

    Raises:
        StorageError: the disk is full, or the folder can't be written to.
    """
    average, other = step.average, step.discriminator
    network = average.network if average else step.generator.network
    _write(job, GENERATOR, job.parts.export(network))
    if other is not None:
        _write(job, DISCRIMINATOR, other.network.state_dict())


def _write(job: Job, name: str, tensors: Mapping[str, Tensor]) -> None:
    # Copies: safetensors refuses tensors that share memory or are strided.
    data = safetensors.torch.save({key: tensor.detach().cpu().contiguous().clone() for key, tensor in tensors.items()})
    with atomic_writer(job.folder / name) as file:
        file.write(data)


def facts_of(job: Job, processes: Processes, logbook: Logbook, done: int, seconds: Mapping[str, float]) -> dict[str, Any]:
    """Facts for the training's record, as `semsr.training.run.train` returns them.

    Args:
        job: the training.
        processes: those that trained.
        logbook: what was written down.
        done: steps.
        seconds: `elapsed` in all; `stepping`, and of that `waiting` for data.
    """
    stepping = seconds["stepping"]
    return {
        "steps": done,
        "seconds": round(seconds["elapsed"], 1),
        "steps_per_second": round(done / stepping, 4) if stepping else None,
        "loader_share": round(seconds["waiting"] / stepping, 4) if stepping else None,
        "peak_memory_bytes": peak_memory(processes.device),
        "processes": processes.count,
        "precision": job.recipe.precision,
        "threads": torch.get_num_threads(),
        "losses": logbook.last,
        "skipped": logbook.skipped,
        **job.parts.options(),
    }
