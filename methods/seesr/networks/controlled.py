"""Noise predicted from noisy latents, words, image tokens and the picture itself: U-Net and ControlNet together."""

from __future__ import annotations

from typing import Any, Literal

from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from .attention import BESIDE
from .unet import ControlNet, UNet

Trained = Literal["published", "all"]


class ControlledDiffusion(nn.Module):
    """SeeSR's stage two. Its state dict is the two networks' under `unet.` and `controlnet.`.

    Args:
        unet: with attention to the image.
        controlnet: of the same sizes.
    """

    def __init__(self, unet: UNet, controlnet: ControlNet) -> None:
        super().__init__()
        self.unet, self.controlnet = unet, controlnet

    def forward(self, latents: Tensor, t: Tensor | int, text: Tensor, tokens: Tensor, image: Tensor) -> Tensor:
        """Predict the noise.

        Args:
            latents: (B, C, h, w), scaled latents with noise of level `t`.
            t: levels (B,), or one for all.
            text: (B, L, D), encoded prompts.
            tokens: (B, N, E), the picture's tokens.
            image: (B, 3, f*h, f*w) RGB in [0, 1], the picture at the result's size.

        Returns:
            (B, C, h, w).
        """
        down, middle = self.controlnet(latents, t, text, image, image_tokens=tokens, return_dict=False)
        named: dict[str, Any] = {"down_block_additional_residuals": down, "mid_block_additional_residual": middle}
        (noise,) = self.unet(latents, t, text, image_tokens=tokens, return_dict=False, **named)
        assert isinstance(noise, Tensor)
        return noise

    def recompute(self) -> None:
        """Keep few activations and compute them again on the way back: less memory, the same gradients."""
        self.unet.enable_gradient_checkpointing(_again)
        self.controlnet.enable_gradient_checkpointing(_again)


def _again(module: nn.Module, *inputs: Any) -> Any:
    """diffusers' own is a closure, which can't be pickled."""
    return checkpoint(module, *inputs, use_reentrant=False)


def train_only(network: ControlledDiffusion, trained: Trained) -> None:
    """Freeze what is not trained (SeeSR's code: all of the ControlNet is, and of the U-Net what attends to the image).

    Args:
        network: its parameters' `requires_grad` are set.
        trained: "published", or "all" for both networks whole.
    """
    for name, parameter in network.named_parameters():
        parameter.requires_grad_(trained == "all" or name.startswith("controlnet.") or f".{BESIDE}." in name)
