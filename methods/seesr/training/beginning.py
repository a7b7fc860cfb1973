"""First weights that spare a training of minutes its first half: networks that pass on what they are given. Nothing published begins so."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from semsr.errors import SemsrError

DRAWN = 0.3
"""What is left of the weights drawn, beside the identity."""


@torch.no_grad()
def pass_on_pictures(autoencoder: nn.Module) -> None:
    """An untrained AutoencoderKL that resembles the identity, as well as its shape allows; changed in place.

    Residual branches begin silent; every other convolution is the identity of as many channels as go through, plus a share of what was
    drawn.
    """
    for name, module in autoencoder.named_modules():
        if not isinstance(module, nn.Conv2d) or name.endswith("conv1"):
            continue
        if name.endswith("conv2"):
            nn.init.zeros_(module.weight)
        else:
            module.weight.mul_(DRAWN).add_(nn.init.dirac_(torch.empty_like(module.weight)))


@torch.no_grad()
def pass_on_noise(unet: Any) -> None:
    """An untrained U-Net whose answer is close to its input, which is mostly the noise that is asked for; changed in place.

    Latents x take the shortest way, through the first skip connection, as x and as -x, since SiLU(x) - SiLU(-x) = x; residual branches
    begin silent.

    Raises:
        SemsrError: the first level has fewer channels than twice the latents'.
    """
    latent, width = unet.config.in_channels, unet.config.block_out_channels[0]
    if width < 2 * latent:
        raise SemsrError(
            f"objective.options.begin: 'passing' needs diffusion.channels[0] of {2 * latent} or more, found {width}"
        )
    for name, module in unet.named_modules():
        if isinstance(module, nn.Conv2d) and name.endswith("conv2"):
            nn.init.zeros_(module.weight)
    for layer in (unet.conv_in, unet.conv_out):
        layer.weight.mul_(DRAWN)
    for at in range(latent):
        unet.conv_in.weight[at, at, 1, 1] += 1
        unet.conv_in.weight[at + latent, at, 1, 1] -= 1
        # The last group norm brings the channels that carry x and the silent ones together to a spread of 1.
        strength = (2 * latent / width) ** 0.5
        unet.conv_out.weight[at, at, 1, 1] += strength
        unet.conv_out.weight[at, at + latent, 1, 1] -= strength
    shortcut = unet.up_blocks[-1].resnets[-1].conv_shortcut
    shortcut.weight.mul_(DRAWN)
    shortcut.weight[:, -width:] = torch.eye(width)[..., None, None]


@torch.no_grad()
def pass_on_colours(controlnet: Any) -> None:
    """A ControlNet whose picture arrives, shrunk, in the U-Net's first skip connection from the first step on; changed in place.

    As published, nothing arrives at first, and hundreds of steps go by before the picture counts. The colours take three of the first
    level's channels that `pass_on_noise` leaves free.

    Raises:
        SemsrError: there are no such channels.
    """
    latent, width = controlnet.config.in_channels, controlnet.config.block_out_channels[0]
    free = 2 * latent
    if width < free + 3:
        raise SemsrError(f"objective.options.begin: 'passing' needs diffusion.channels[0] of {free + 3} or more, found {width}")
    embedding = controlnet.controlnet_cond_embedding
    for layer in (embedding.conv_in, *embedding.blocks):
        layer.weight.mul_(DRAWN)
        shrinks = layer.stride[0] > 1
        for at in range(3):
            # Twice, since SiLU halves what is small; a mean where the picture shrinks.
            layer.weight[at, at] += 2 / 9 if shrinks else 0
            layer.weight[at, at, 1, 1] += 0 if shrinks else 2
    for at in range(3):
        embedding.conv_out.weight[free + at, at, 1, 1] = 1
    first = controlnet.controlnet_down_blocks[0]
    for at in range(free, width):
        first.weight[at, at] = 1
