"""Training what is no plain generator: a tagger, an autoencoder, a diffusion model. The method brings the loss, the harness the rest."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Protocol

import torch
from torch import Tensor, nn

from semsr.training.averaging import Averaged
from semsr.training.loop import Terms
from semsr.training.precision import Precision
from semsr.training.side import Side


class Called(Protocol):
    """The network under training, called in the training's precision; what it gives is in full precision, tuples as tuples."""

    def __call__(self, *inputs: Any, **named: Any) -> Any:
        """Run it."""
        ...


class Objective(nn.Module):
    """What a network is trained by: (network, batch) -> losses.

    Its submodules are the frozen networks that the loss needs (teacher, autoencoder, text encoder). The harness brings them to the
    training's device and dtype, and takes them into no checkpoint: recipe and assets make them again. They stay in the mode that the
    method left them in.

    Random draws come from torch's global generator, drawn on the CPU and then moved: the harness seeds and keeps it, so that a continued
    training draws what it would have drawn.

    Class attributes:
        terms: names of the losses, in the order in which they are logged.
        wants: what of a batch it needs: "lr", "hr", "target" (tensors (B, 3, h, w) in [0, 1]), "name", "tags" (lists of strings).
    """

    terms: ClassVar[tuple[str, ...]]
    wants: ClassVar[tuple[str, ...]] = ("hr",)

    @abstractmethod
    def forward(self, network: Called, part: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """The losses of one part of a step's batch, each a scalar and already weighted; their sum is what is minimised.

        Args:
            network: what is trained; call it as often as needed. Everything here runs under the training's autocast.
            part: the batch; tensors are on the device.
        """


class ObjectiveStep:
    """Takes steps by an objective; a step's batch is worked off in parts, whose gradients are the mean of the parts'."""

    discriminator = None

    def __init__(self, objective: Objective, side: Side, average: Averaged | None, precision: Precision) -> None:
        self.objective, self.generator, self.average, self.precision = objective, side, average, precision
        self.columns = (*objective.terms, "norm_generator")
        self.wants = objective.wants

    def __call__(self, parts: Sequence[Mapping[str, Any]]) -> Terms:
        """One step."""
        terms: Terms = {}
        for part in parts:
            with self.precision.autocast():
                losses = self.objective(self.generator, part)
            shares = {name: losses[name].to(self.precision.dtype) / len(parts) for name in self.objective.terms}
            self.generator.backward(torch.stack(list(shares.values())).sum())
            for name, share in shares.items():
                terms[name] = terms[name] + share.detach() if name in terms else share.detach()
        terms["norm_generator"] = self.generator.update()
        if self.average is not None:
            self.average.update(self.generator.network)
        return terms
