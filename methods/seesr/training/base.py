"""Training a small text-to-image model: what Stable Diffusion is to SeeSR, where Stable Diffusion can't be had."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor, nn

from semsr.training.objective import Called, Objective

from .beginning import pass_on_noise
from .latents import Latents, Noising
from .options import DiffusionLoss
from .words import Words


class TextToImage(nn.Module):
    """A U-Net without representation attention, called as the whole is.

    Args:
        unet: diffusers' UNet2DConditionModel.
        card: how it begins.
    """

    def __init__(self, unet: nn.Module, card: DiffusionLoss) -> None:
        super().__init__()
        self.unet: Any = unet
        if card.begin == "passing":
            pass_on_noise(unet)

    def forward(self, latents: Tensor, levels: Tensor, text: Tensor) -> Tensor:
        """(B, C, h, w), (B,), (B, L, D) -> the noise in the latents."""
        found: Tensor = self.unet(latents, levels, text, return_dict=False)[0]
        return found


class DiffusionObjective(Objective):
    """The mean square error of the noise found in latents of pictures, given the pictures' tags.

    Args:
        latents, noising, words: of the batch's ground truth, and drawn from in this order.
    """

    terms: ClassVar[tuple[str, ...]] = ("noise",)
    wants: ClassVar[tuple[str, ...]] = ("hr",)

    def __init__(self, latents: Latents, noising: Noising, words: Words) -> None:
        super().__init__()
        self.latents, self.noising, self.words = latents, noising, words

    def forward(self, network: Called, part: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """See `Objective.forward`."""
        noisy, levels, noise = self.noising(self.latents(part["hr"]))
        return {"noise": F.mse_loss(network(noisy, levels, self.words(part)), noise)}


class TaggedDiffusionObjective(DiffusionObjective):
    """The same where a batch brings its tags."""

    wants: ClassVar[tuple[str, ...]] = ("hr", "tags")
