"""What diffusion is trained on: noisy latents of pictures, and how noisy they are."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn


def to_device(drawn: Tensor, like: Tensor) -> Tensor:
    """Numbers drawn on the CPU, as another tensor is: the same ones whatever the device."""
    return drawn.to(like.device, like.dtype) if drawn.is_floating_point() else drawn.to(like.device)


class Latents(nn.Module):
    """A frozen autoencoder's way in.

    Args:
        autoencoder: diffusers' AutoencoderKL.
        scaling: latents are multiplied by it.
    """

    def __init__(self, autoencoder: nn.Module, scaling: float) -> None:
        super().__init__()
        self.autoencoder, self.scaling = autoencoder.eval(), scaling

    @torch.no_grad()
    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 3, H, W) in [0, 1] -> (B, C, H/f, W/f): draws of the posterior, scaled, in the pictures' precision."""
        encoder: Any = self.autoencoder
        posterior = encoder.encode(2 * pictures - 1).latent_dist
        mean, spread = posterior.mean.to(pictures.dtype), posterior.std.to(pictures.dtype)
        return (mean + spread * to_device(torch.randn(mean.shape, dtype=pictures.dtype), mean)) * self.scaling


class Noising(nn.Module):
    """Diffusion's way forward: x = sqrt(a_t) z + sqrt(1 - a_t) eps, with t drawn evenly among all levels.

    Args:
        kept: a_t, the product of 1 - beta up to t, of every level; diffusers' `alphas_cumprod`.
    """

    kept: Tensor

    def __init__(self, kept: Tensor) -> None:
        super().__init__()
        self.register_buffer("kept", kept.detach().clone(), persistent=False)

    def forward(self, latents: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """(B, C, h, w) -> noisy latents, levels (B,), the noise. Drawn in this order: noise, levels."""
        noise = to_device(torch.randn(latents.shape, dtype=latents.dtype), latents)
        levels = to_device(torch.randint(len(self.kept), (len(latents),)), latents)
        share = self.kept[levels].to(latents.dtype).view(-1, 1, 1, 1)
        return share.sqrt() * latents + (1 - share).sqrt() * noise, levels, noise
