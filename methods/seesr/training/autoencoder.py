"""Training the autoencoder: pictures in, the same pictures out, through few numbers that are nearly Gaussian."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsr.training.objective import Called, Objective

from .beginning import pass_on_pictures
from .latents import to_device
from .options import AutoencoderLoss


class Autoencoding(nn.Module):
    """diffusers' AutoencoderKL as it is trained: both ways at once.

    Args:
        autoencoder: the AutoencoderKL.
        card: how it begins.
    """

    def __init__(self, autoencoder: nn.Module, card: AutoencoderLoss) -> None:
        super().__init__()
        self.autoencoder: Any = autoencoder
        if card.begin == "passing":
            pass_on_pictures(autoencoder)
        if card.log_variance is not None:
            bias = self.autoencoder.quant_conv.bias
            with torch.no_grad():
                bias[len(bias) // 2 :] = card.log_variance

    def forward(self, pictures: Tensor, noise: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Pictures (B, 3, H, W) in [-1, 1], noise (B, C, H/f, W/f) -> pictures decoded from posterior draws, means and log variances."""
        posterior = self.autoencoder.encode(pictures).latent_dist
        return self.autoencoder.decode(posterior.mean + posterior.std * noise).sample, posterior.mean, posterior.logvar


class AutoencoderObjective(Objective):
    """Reconstruction plus a small divergence (Rombach et al. 2022, without their discriminator).

    Args:
        card: weights.
        shape: channels of a latent, and pixels a side of it.
    """

    terms: ClassVar[tuple[str, ...]] = ("pixel", "kl")

    def __init__(self, card: AutoencoderLoss, shape: tuple[int, int]) -> None:
        super().__init__()
        self.card, self.shape = card, shape

    def forward(self, network: Called, part: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """See `Objective.forward`; draws the posterior's noise."""
        hr: Tensor = part["hr"]
        channels, factor = self.shape
        size = (len(hr), channels, hr.shape[2] // factor, hr.shape[3] // factor)
        noise = to_device(torch.randn(size, dtype=hr.dtype), hr)
        made, mean, logvar = network(2 * hr - 1, noise)
        return self.losses(made, mean, logvar, hr)

    def losses(self, made: Tensor, mean: Tensor, logvar: Tensor, hr: Tensor) -> dict[str, Tensor]:
        """Each loss, weighted; `made` in [-1, 1], `hr` in [0, 1]."""
        difference = F.l1_loss if self.card.pixel == "l1" else F.mse_loss
        divergence = 0.5 * (mean.square() + logvar.exp() - 1 - logvar).mean()
        return {"pixel": difference(made, 2 * hr - 1), "kl": self.card.kl * divergence}


class PerceptualAutoencoderObjective(AutoencoderObjective):
    """The same with VGG's features.

    Args:
        perceptual: (sr, hr), both in [0, 1] -> a scalar.
    """

    terms: ClassVar[tuple[str, ...]] = ("pixel", "kl", "perceptual")

    def __init__(self, card: AutoencoderLoss, shape: tuple[int, int], perceptual: nn.Module) -> None:
        super().__init__(card, shape)
        self.perceptual = perceptual

    def losses(self, made: Tensor, mean: Tensor, logvar: Tensor, hr: Tensor) -> dict[str, Tensor]:
        """See `AutoencoderObjective.losses`."""
        assert self.card.perceptual is not None
        seen = self.card.perceptual.weight * self.perceptual((made + 1) / 2, hr)
        return {**super().losses(made, mean, logvar, hr), "perceptual": seen}
