"""Stable Diffusion's autoencoder: pictures to latents, eight times smaller at the published size, and back."""

from __future__ import annotations

from pathlib import Path

from diffusers import AutoencoderKL
from torch import Tensor

from semsr.errors import MethodError

from ..options import AutoencoderOptions
from .fitting import fit, on_meta, read

RENAMED = {"query": "to_q", "key": "to_k", "value": "to_v", "proj_attn": "to_out.0"}
"""Attention's layers as older files of diffusers call them, and as they are called now."""


def make_autoencoder(card: AutoencoderOptions, path: Path | None = None) -> AutoencoderKL:
    """diffusers' AutoencoderKL.

    Args:
        card: its sizes.
        path: its weights, under diffusers' names, older ones of attention layers included; None: freshly drawn, to be trained.

    Returns:
        with weights: frozen, in evaluation mode, float32; otherwise ready for training.

    Raises:
        MethodError: sizes that do not go together.
        WeightsError: the file does not fit strictly.
    """
    wrong = next((channels for channels in card.channels if channels % card.groups), None)
    if wrong is not None:
        raise MethodError(f"autoencoder.channels has {wrong}; expected multiples of autoencoder.groups, {card.groups}")
    if path is None:
        return _make(card)
    autoencoder = on_meta(lambda: _make(card))
    fit(autoencoder, _renamed(read(path)), path, "an autoencoder")
    return autoencoder.eval().requires_grad_(False)


def _make(card: AutoencoderOptions) -> AutoencoderKL:
    levels = len(card.channels)
    return AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * levels,
        up_block_types=("UpDecoderBlock2D",) * levels,
        block_out_channels=card.channels,
        layers_per_block=card.layers,
        latent_channels=card.latent,
        norm_num_groups=card.groups,
        mid_block_add_attention=card.attention,
        scaling_factor=card.scaling,
    )


def _renamed(state: dict[str, Tensor]) -> dict[str, Tensor]:
    """Older files: other names, and weights that may be 1x1 convolutions'."""
    new = {}
    for name, tensor in state.items():
        front, _, last = name.rpartition(".")
        front, _, layer = front.rpartition(".")
        if ".attentions." in name and layer in RENAMED:
            name, tensor = f"{front}.{RENAMED[layer]}.{last}", tensor[..., 0, 0] if tensor.ndim == 4 else tensor
        new[name] = tensor
    return new
