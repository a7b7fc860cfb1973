"""What a method gives to the training loop: its networks, what its discriminator looks at besides the picture, and losses of its own."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from semsr.cards.recipe import Network
from semsr.cards.recipe import Objective as ObjectiveCard

if TYPE_CHECKING:
    from semsr.training.objective import Objective

ExtraLoss = Callable[[Tensor, Tensor], Tensor]
"""(sr, hr), both (B, 3, H, W) RGB, sr not clipped -> a scalar."""


class Parts(ABC):
    """The method's side of training; everything else (data, losses, optimisers, checkpoints, logs) is the harness's, once.

    Args:
        generator, discriminator: as the recipe names them; no discriminator where none is trained.
        files: verified files by the role that the recipe's `assets` and `trained` give them.
        objective: as the recipe names it; None where a generator is trained by plain losses.
        recompute: what the recipe says of activations; networks that can should heed it.

    Raises:
        SemsrError: an unknown network or option, or a file that does not fit; one line that names the recipe's key.
    """

    def __init__(
        self,
        generator: Network,
        discriminator: Network | None,
        files: Mapping[str, Path],
        objective: ObjectiveCard | None = None,
        *,
        recompute: bool = False,
    ) -> None:
        self.generator_card, self.discriminator_card, self.files = generator, discriminator, files
        self.objective_card, self.recompute = objective, recompute

    @abstractmethod
    def generator(self) -> nn.Module:
        """A freshly initialised generator, (B, 3, H, W) RGB in [0, 1] -> (B, 3, scale*H, scale*W), not clipped.

        It is drawn from torch's global generator, which the harness has seeded.
        """

    def discriminator(self) -> nn.Module:
        """A freshly initialised discriminator: `forward(image (B, 3, H, W), condition) -> logits` of any shape, higher for real.

        `condition` is what `self.condition()` made of the step's HR pictures (None without one), the same for real and fake.
        """
        raise NotImplementedError(f"{type(self).__name__} has no discriminator")

    def condition(self) -> nn.Module | None:
        """A frozen network, hr (B, 3, H, W) in [0, 1] -> anything the discriminator wants to know of HR; called once a step, no gradients.

        It is called in the mode (train or eval) it is returned in, its parameters need no gradient, and its state is in no checkpoint.
        """
        return None

    def extra_losses(self) -> Mapping[str, ExtraLoss]:
        """Losses of the method's own by name; those that the recipe weights under `losses.extra` are added to the generator's."""
        return {}

    def objective(self) -> Objective:
        """What the network of `generator()` is trained by, where the recipe names an objective; drawn from seeded chance, too.

        `generator()` then gives whatever is trained, with the parameters that stay as they are frozen (`requires_grad` False); it is called
        by the objective alone.
        """
        raise NotImplementedError(f"{type(self).__name__} has no objective")

    def multiple(self) -> int:
        """HR patches must have sides that are multiples of this."""
        return 1

    def export(self, generator: nn.Module) -> dict[str, Tensor]:
        """The generator's weights under the names they are published by; what `generator.safetensors` holds."""
        return dict(generator.state_dict())

    def load(self, generator: nn.Module, weights: Path, key: str | None = None) -> None:
        """Load a start's weights, strictly. Raises: WeightsError: they are another network's."""
        raise NotImplementedError(f"{type(self).__name__} can't start from {weights}; define `load`")

    def options(self) -> dict[str, Any]:
        """What `run.json`-like records should say of these parts besides the recipe (parameter counts, layers)."""
        return {}
