"""One of the two players: a network with its optimiser, learning rate and loss scaling."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from semsr.cards.recipe import Optimiser, Schedule
from semsr.errors import SemsrError
from semsr.training.precision import Precision
from semsr.training.process import Processes
from semsr.training.schedules import make_optimiser, make_scheduler

PATIENCE = 100
"""Steps in a row whose fp16 gradients overflow before it counts as broken; the scale halves with each."""


class Side:
    """The generator's or the discriminator's side of training.

    Args:
        name: of the side, for errors and logs.
        network: already on its device.
        optimiser, schedule: as the recipe has them.
        steps: of the whole training.
        precision, processes: of the training.

    Attributes:
        skipped: steps left out because fp16 gradients overflowed.
    """

    def __init__(
        self,
        name: str,
        network: nn.Module,
        optimiser: Optimiser,
        schedule: Schedule,
        steps: int,
        precision: Precision,
        processes: Processes,
    ) -> None:
        self.name, self.network = name, network.train()
        # What the method froze stays frozen when the side is let go again.
        self.parameters = [parameter for parameter in network.parameters() if parameter.requires_grad]
        self.optimiser, self.clip = make_optimiser(optimiser, self.parameters), optimiser.clip
        self.schedule = make_scheduler(schedule, self.optimiser, steps)
        self.scaler = precision.scaler()
        self.skipped = 0
        self._in_a_row = 0
        self._precision, self._processes = precision, processes

    @property
    def rate(self) -> float:
        """The learning rate of the coming step."""
        return float(self.optimiser.param_groups[0]["lr"])

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """Run the network in the training's precision; the result is in full precision."""
        with self._precision.autocast():
            found = self.network(*inputs, **named)
        return self._precision.full(found)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Gradients pass through the network, but its parameters collect none."""
        for parameter in self.parameters:
            parameter.requires_grad_(False)
        try:
            yield
        finally:
            for parameter in self.parameters:
                parameter.requires_grad_(True)

    def backward(self, loss: Tensor) -> None:
        """Add a loss's gradients to those that are there."""
        torch.autograd.backward(self.scaler.scale(loss))

    def update(self) -> Tensor:
        """Average gradients over processes, take a step, forget them. Returns: their norm before the step, a scalar.

        Raises:
            SemsrError: fp16 gradients overflow step after step.
        """
        self._processes.average_gradients(self.parameters)
        scale = self.scaler.get_scale()
        if self.scaler.is_enabled():
            self.scaler.unscale_(self.optimiser)
        gradients = [parameter.grad for parameter in self.parameters if parameter.grad is not None]
        norm = torch.nn.utils.get_total_norm(gradients)
        if self.clip is not None:
            torch.nn.utils.clip_grads_with_norm_(self.parameters, self.clip, norm)
        self.scaler.step(self.optimiser)
        self.scaler.update()
        self._count(self.scaler.get_scale() < scale)
        with warnings.catch_warnings():
            # In fp16 the very first steps may be left out; the schedule counts them all the same.
            warnings.filterwarnings("ignore", "Detected call of `lr_scheduler.step", UserWarning)
            self.schedule.step()
        self.optimiser.zero_grad(set_to_none=True)
        return norm

    def _count(self, skipped: bool) -> None:
        self._in_a_row = self._in_a_row + 1 if skipped else 0
        self.skipped += int(skipped)
        if self._in_a_row >= PATIENCE:
            raise SemsrError(
                f"the {self.name}'s gradients overflow fp16 for {PATIENCE} steps in a row, whatever the scale; train in bf16 or fp32"
            )

    def state_dict(self) -> dict[str, Any]:
        """Everything this side needs to go on, tensors and plain values only."""
        return {
            "network": trained_state(self.network),
            "optimiser": self.optimiser.state_dict(),
            "schedule": self.schedule.state_dict(),
            "scaler": self.scaler.state_dict(),
            "skipped": [self.skipped, self._in_a_row],
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on where `state_dict` was called."""
        load_trained_state(self.network, state["network"])
        self.optimiser.load_state_dict(state["optimiser"])
        self.schedule.load_state_dict(state["schedule"])
        if self.scaler.is_enabled():
            self.scaler.load_state_dict(state["scaler"])
        self.skipped, self._in_a_row = state["skipped"]


def trained_state(network: nn.Module) -> dict[str, Tensor]:
    """A network's state without the parameters that stay as they are: those of a frozen base would be gigabytes in every checkpoint."""
    frozen = {name for name, parameter in network.named_parameters() if not parameter.requires_grad}
    return {name: tensor for name, tensor in network.state_dict().items() if name not in frozen}


def load_trained_state(network: nn.Module, state: dict[str, Tensor]) -> None:
    """Take up what `trained_state` gave, strictly. Raises: RuntimeError: other names or shapes."""
    frozen = {name: parameter.detach() for name, parameter in network.named_parameters() if not parameter.requires_grad}
    network.load_state_dict({**frozen, **state})
