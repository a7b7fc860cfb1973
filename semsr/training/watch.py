"""Reads what steps found, and stops a training whose numbers are no longer numbers."""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

import torch
from torch import Tensor

from semsr.errors import SemsrError
from semsr.training.loop import Terms
from semsr.training.process import Processes

GRADIENT = "norm_"
"""What names of gradients' norms begin with."""


class DivergedError(SemsrError):
    """A loss or gradient is NaN or infinite."""


@dataclass(frozen=True)
class Found:
    """What a step found, the same on all processes.

    Attributes:
        step: its number.
        values: its terms, averaged over the processes.
        leave: some process was asked to leave.
    """

    step: int
    values: dict[str, float]
    leave: bool


class Watch:
    """Terms of steps on their way to the CPU.

    On a GPU a step's are read when the next one is under way: reading waits for what was asked of the device before, and the
    device is not to wait for us in the meantime.

    Args:
        processes: that train together.
        overflows: gradients may be infinite; their step was then left out (fp16).
    """

    def __init__(self, processes: Processes, *, overflows: bool) -> None:
        self._processes, self._overflows = processes, overflows
        self._late = 1 if processes.device.type == "cuda" else 0
        self._waiting: deque[tuple[int, list[str], Tensor]] = deque()

    def note(self, step: int, terms: Terms, *, leave: bool) -> None:
        """Take in what a step found, and whether this process was asked to leave."""
        values = [
            value.detach().to(torch.float64 if value.dtype == torch.float64 else torch.float32) for value in terms.values()
        ]
        values.append(torch.full_like(values[0], float(leave)))
        self._waiting.append((step, list(terms), self._processes.mean(torch.stack(values))))

    def read(self, *, everything: bool) -> list[Found]:
        """What was found by steps that need not be waited for, or by all.

        Raises:
            DivergedError: a value is NaN or infinite; says the step and which.
        """
        found = []
        while len(self._waiting) > (0 if everything else self._late):
            step, names, tensor = self._waiting.popleft()
            *values, leave = tensor.tolist()
            row = dict(zip(names, values, strict=True))
            self._require_finite(step, row)
            found.append(Found(step, row, leave > 0))
        return found

    def _require_finite(self, step: int, row: dict[str, float]) -> None:
        for name, value in row.items():
            gradient = name.startswith(GRADIENT)
            if not math.isfinite(value) and not (gradient and self._overflows):
                what = f"the {name.removeprefix(GRADIENT)}'s gradient" if gradient else f"{name!r}"
                raise DivergedError(f"step {step}: {what} is {value}")
