"""Representation cross-attention: what a picture's tokens tell, added after every attention to the text."""

from __future__ import annotations

from typing import Any, NamedTuple

from diffusers.models.transformers.transformer_2d import Transformer2DModel
from torch import Tensor, nn

BESIDE = "image_attentions"
"""A block's list of attentions to the image, beside its `attentions`; the name is the published weights'."""


class Context(NamedTuple):
    """What a block attends to; it travels in the place of the text alone, so that nothing is kept between calls or shared by threads.

    Attributes:
        text: (B, L, D).
        image: (B, N, E).
    """

    text: Tensor
    image: Tensor


class TextThenImage(Transformer2DModel):  # type: ignore[misc]
    """diffusers' attention to the text, followed by one to the image where a `Context` is given.

    The second is a module of its own in the block's `image_attentions`; it is known here, but not registered again, so that names stay the
    published ones.
    """

    beside: tuple[Transformer2DModel]

    def forward(self, hidden_states: Tensor, encoder_hidden_states: Any = None, **named: Any) -> Any:
        """(B, C, h, w) -> a 1-tuple of the same size, or what diffusers gives where no `Context` is given."""
        if not isinstance(encoder_hidden_states, Context):
            return super().forward(hidden_states, encoder_hidden_states=encoder_hidden_states, **named)
        (attended,) = super().forward(
            hidden_states, encoder_hidden_states=encoder_hidden_states.text, **{**named, "return_dict": False}
        )
        return self.beside[0](attended, encoder_hidden_states=encoder_hidden_states.image, return_dict=False)


def attend_to_image(network: nn.Module, width: int) -> None:
    """Give every block that attends to text an attention to image tokens behind each, freshly drawn from torch's generator.

    Each is a whole Transformer2DModel of one layer: group norm, self-attention, cross-attention, feed-forward, residual. There is no gate
    and no zero initialisation (SeeSR's code: the same).

    Args:
        network: a U-Net or ControlNet of diffusers.
        width: of the image tokens (E).
    """
    for block in list(network.modules()):
        attentions = getattr(block, "attentions", None)
        if not getattr(block, "has_cross_attention", False) or attentions is None or hasattr(block, BESIDE):
            continue
        block.add_module(BESIDE, nn.ModuleList(_beside(attention, width) for attention in attentions))
        for attention, image in zip(attentions, getattr(block, BESIDE), strict=True):
            attention.__class__ = TextThenImage  # the same weights under the same names, and one more step behind them
            attention.beside = (image,)


def attends_to_image(network: nn.Module) -> bool:
    """Whether `attend_to_image` was called; the middle block of these networks always attends to text."""
    return hasattr(network.mid_block, BESIDE)


def _beside(attention: Transformer2DModel, width: int) -> Transformer2DModel:
    like = {name: value for name, value in attention.config.items() if not name.startswith("_")}
    return Transformer2DModel(**{**like, "cross_attention_dim": width, "num_layers": 1})
