"""The processes that train together under `accelerate launch`, or the only one without it.

No network is wrapped in DistributedDataParallel. It synchronises in its forward, expects one backward pass to each and wants to know
beforehand which parameters get gradients; a discriminator is run three times a step, is frozen in half of it, and its old spectral
norm writes its buffers in forward, which DDP would overwrite with rank 0's in between. Gradients are averaged instead by one reduction
of one flat tensor after the backward passes. What DDP would gain (sending while still computing backward) is milliseconds a step
on one machine.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Literal

import torch
from torch import Tensor

from semsr.errors import SemsrError

log = logging.getLogger(__name__)

PATIENCE = timedelta(hours=12)
"""How long processes wait for the first one, which validates, packs and writes alone; the launcher ends them all where one fails."""


def launched() -> int:
    """How many processes were launched together."""
    return int(os.environ.get("WORLD_SIZE", "1"))


def is_main() -> bool:
    """Whether this is the process that writes."""
    return int(os.environ.get("RANK", "0")) == 0


def heed_launcher(precision: str) -> None:
    """Say where `accelerate launch` was told something that does not count here."""
    told = os.environ.get("ACCELERATE_MIXED_PRECISION", "no")
    if told not in ("no", precision):
        log.warning("accelerate was told mixed precision %s; the recipe's precision counts, %s", told, precision)
    if launched() == 1 and "ACCELERATE_USE_CPU" in os.environ and "MASTER_PORT" in os.environ:
        log.warning(
            "accelerate launch --cpu starts one process only, whatever --num_processes says; "
            "for several on CPUs use `accelerate launch --multi_gpu` or torchrun (docs/training.md)"
        )


def wait_for_all() -> None:
    """Wait until all processes that were launched together are here. Costs nothing where there is one."""
    if launched() > 1:
        _group().wait_for_everyone()


class Processes:
    """Who trains with whom.

    Args:
        device: what the profile asks for.

    Attributes:
        rank, count: this process, among how many.
        device: this process's own.

    Raises:
        SemsrError: launched for another device, or with more processes than there are GPUs.
    """

    def __init__(self, device: Literal["cpu", "cuda"]) -> None:
        self.rank, self.count = 0, 1
        self.device = torch.device(device)
        if launched() == 1:
            return
        here = int(os.environ.get("LOCAL_WORLD_SIZE", launched()))
        if device == "cuda" and here > torch.cuda.device_count():
            raise SemsrError(f"training: launched {here} processes for {torch.cuda.device_count()} GPUs; pass --num_processes")
        group = _group()
        if group.device.type != device:
            raise SemsrError(
                f"training: the profile's device is {device}, but the processes were launched for {group.device.type}; "
                f"set ACCELERATE_USE_CPU={'true' if device == 'cpu' else 'false'} in the environment, or the profile's device"
            )
        self.rank, self.count, self.device = group.process_index, group.num_processes, group.device

    @property
    def main(self) -> bool:
        """Whether this is the process that writes and validates."""
        return self.rank == 0

    def wait(self) -> None:
        """Wait for the others."""
        if self.count > 1:
            _group().wait_for_everyone()

    def mean(self, values: Tensor) -> Tensor:
        """The mean of a tensor over the processes; the same bits for all of them."""
        if self.count == 1:
            return values
        from accelerate.utils import reduce

        averaged: Tensor = reduce(values, reduction="mean")
        return averaged

    def average_gradients(self, parameters: Sequence[torch.nn.Parameter]) -> None:
        """Replace gradients by their mean over the processes: one message, whatever the number of tensors (see above)."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        if not gradients:
            return
        flat = self.mean(torch.cat([gradient.reshape(-1) for gradient in gradients]))
        begin = 0
        for gradient in gradients:
            gradient.copy_(flat[begin : begin + gradient.numel()].view_as(gradient))
            begin += gradient.numel()

    def gather(self, value: Any) -> list[Any]:
        """Every process's value, by rank."""
        if self.count == 1:
            return [value]
        from accelerate.utils import gather_object

        gathered: list[Any] = gather_object([value])
        return gathered


def _group() -> Any:
    """Accelerate's group of processes, made once and shared by all trainings of this process; it holds no precision."""
    from accelerate import PartialState

    on_cpu = os.environ.get("ACCELERATE_USE_CPU", "false").lower() == "true" or not torch.cuda.is_available()
    return PartialState(cpu=on_cpu, timeout=PATIENCE)
