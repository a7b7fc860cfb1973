"""What must hold before a training may begin; each mistake is one line."""

from __future__ import annotations

from collections.abc import Sized
from typing import cast

from torch import nn

from semsr.errors import SemsrError, StorageError
from semsr.files import free_bytes
from semsr.training.checkpoint import FOLDER, KEEP
from semsr.training.job import Job
from semsr.training.side import trained_state


def require_sense(job: Job, processes: int) -> None:
    """Check the recipe against the data, the parts and the number of processes. Raises: SemsrError."""
    recipe = job.recipe
    where, parts = f"{job.name}: recipe", processes * recipe.accumulate
    if recipe.batch % parts:
        raise SemsrError(
            f"{where}: batch: found {recipe.batch}; must be a multiple of {parts}, processes ({processes}) times accumulate "
            f"({recipe.accumulate}): it counts the samples of all of them together"
        )
    there = len(cast(Sized, job.data))
    if recipe.batch > there:
        raise SemsrError(f"{where}: batch: found {recipe.batch}; allowed: up to {there}, the samples of {recipe.data.dataset}")
    multiple = job.parts.multiple()
    if recipe.data.patch % multiple:
        below = recipe.data.patch // multiple * multiple
        near = f"{below} or {below + multiple}" if below else f"{multiple}"
        raise SemsrError(
            f"{where}: data.patch: found {recipe.data.patch}; must be a multiple of {multiple} for these networks, say {near}"
        )


def require_space(job: Job, *networks: nn.Module | None) -> None:
    """Check that the checkpoints will fit on the disk: better now than after hours. Raises: StorageError."""
    sizes = [
        tensor.numel() * tensor.element_size()
        for network in networks
        if network is not None
        for tensor in trained_state(network).values()
    ]
    # Weights and Adam's two averages; two that are kept and one that is being written; and the weights at the end.
    there = sum(path.stat().st_size for path in (job.folder / FOLDER).glob("*.pt"))
    needed = sum(sizes) * (3 * (KEEP + 1) + 1) - there
    free = free_bytes(job.folder)
    if free < needed:
        raise StorageError(
            f"{job.folder}: {free / 1e6:.0f} MB free, but checkpoints take up to {needed / 1e6:.0f} MB more; free some space"
        )
