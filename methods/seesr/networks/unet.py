"""The U-Net and the ControlNet of Stable Diffusion 2, as diffusers has them, with attention to image tokens."""

from __future__ import annotations

from typing import Any

from diffusers import ControlNetModel, UNet2DConditionModel
from torch import Tensor, nn

from semsr.errors import MethodError

from ..options import DiffusionOptions
from .attention import Context, attend_to_image, attends_to_image


class UNet(UNet2DConditionModel):  # type: ignore[misc]
    """diffusers' U-Net; `forward` also takes `image_tokens`, which a network with attention to the image needs and another refuses."""

    def __init__(self, card: DiffusionOptions, image_attention: bool = True) -> None:
        super().__init__(
            **_common(card),
            sample_size=64,
            out_channels=card.latent,
            up_block_types=tuple("CrossAttnUpBlock2D" if attends else "UpBlock2D" for attends in reversed(card.attention)),
        )
        if image_attention:
            attend_to_image(self, card.image_width)

    def forward(
        self,
        sample: Tensor,
        timestep: Any,
        encoder_hidden_states: Tensor,
        *args: Any,
        image_tokens: Tensor | None = None,
        **named: Any,
    ) -> Any:
        """diffusers' forward with image tokens (B, N, E). Raises: MethodError: they are missing, or nothing looks at them."""
        return super().forward(sample, timestep, _context(self, encoder_hidden_states, image_tokens), *args, **named)


class ControlNet(ControlNetModel):  # type: ignore[misc]
    """diffusers' ControlNet, `forward` as in `UNet`. Its condition is an RGB picture in [0, 1] at the full size of the result."""

    def __init__(self, card: DiffusionOptions) -> None:
        super().__init__(**_common(card), conditioning_embedding_out_channels=card.condition)
        attend_to_image(self, card.image_width)

    def forward(
        self,
        sample: Tensor,
        timestep: Any,
        encoder_hidden_states: Tensor,
        *args: Any,
        image_tokens: Tensor | None = None,
        **named: Any,
    ) -> Any:
        """diffusers' forward with image tokens (B, N, E). Raises: MethodError: they are missing."""
        return super().forward(sample, timestep, _context(self, encoder_hidden_states, image_tokens), *args, **named)


def make_unet(card: DiffusionOptions, image_attention: bool = True) -> UNet:
    """A freshly drawn U-Net; without attention to the image it is plain Stable Diffusion 2.

    Raises:
        MethodError: sizes that do not go together.
    """
    check_sizes(card)
    return UNet(card, image_attention)


def make_controlnet(card: DiffusionOptions) -> ControlNet:
    """A freshly drawn ControlNet, whose zero convolutions are zero. Raises: MethodError: sizes that do not go together."""
    check_sizes(card)
    return ControlNet(card)


def copy_into_controlnet(unet: UNet, controlnet: ControlNet) -> None:
    """Start a ControlNet as a copy of the U-Net's way down and middle, its attention to the image included (diffusers' `from_unet`).

    The way from picture to latents stays freshly drawn, the zero convolutions stay zero.

    Raises:
        MethodError: one of them attends to the image and the other does not, or their sizes differ.
    """
    for part in ("conv_in", "time_embedding", "down_blocks", "mid_block"):
        try:
            getattr(controlnet, part).load_state_dict(getattr(unet, part).state_dict())
        except RuntimeError as error:
            first = " ".join(str(error).split())[:200]
            raise MethodError(f"the ControlNet can't start as a copy of the U-Net, {part} differs: {first}") from None


def check_sizes(card: DiffusionOptions) -> None:
    """Check that channels, heads, groups and levels fit. Raises: MethodError: names the option, what it is and what it may be."""
    levels = len(card.channels)
    for name in ("heads", "attention"):
        found = len(getattr(card, name))
        if found != levels:
            raise MethodError(f"diffusion.{name} has {found} entries, diffusion.channels {levels}; give one for each level")
    for at, (channels, heads) in enumerate(zip(card.channels, card.heads, strict=True)):
        for name, count in (("heads", heads), ("groups", card.groups)):
            if channels % count:
                raise MethodError(f"diffusion.channels[{at}] is {channels}; expected a multiple of diffusion.{name}, {count}")


def _common(card: DiffusionOptions) -> dict[str, Any]:
    """What Stable Diffusion 2 says of both networks (facts of its config as SeeSR's code has them); `attention_head_dim` counts heads."""
    return {
        "in_channels": card.latent,
        "down_block_types": tuple("CrossAttnDownBlock2D" if attends else "DownBlock2D" for attends in card.attention),
        "block_out_channels": card.channels,
        "layers_per_block": card.layers,
        "norm_num_groups": card.groups,
        "cross_attention_dim": card.text_width,
        "attention_head_dim": card.heads,
        "use_linear_projection": True,
    }


def _context(network: nn.Module, text: Tensor, image: Tensor | None) -> Tensor | Context:
    if attends_to_image(network) != (image is not None):
        state = "attends to image tokens, but none were given" if image is None else "does not attend to image tokens"
        raise MethodError(f"{type(network).__name__} {state}; see `image_attention` of make_unet")
    return text if image is None else Context(text, image)
