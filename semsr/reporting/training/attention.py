"""What semantic tokens look at: the weights of a discriminator's cross-attention, computed again from the fusion block's own tensors.

Fused attention never writes its weights down, and a block may fold its projections. So the block is computed here a second time, step by
step in float64, from what went into it and from its parameters under their published names; that these are the weights in force is
checked by comparing the output that they lead to with the block's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from math import isqrt
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

CROSS = "transformer_blocks.0.attn2.to_q.weight"
"""By this parameter a fusion block with cross-attention is known (queries: semantics; keys and values: the picture's features)."""
_EPSILON = 1e-6
_BLOCK = "transformer_blocks.0"


@dataclass(frozen=True)
class Attention:
    """Cross-attention of one fusion block for a batch of pictures.

    Attributes:
        block: its name in the discriminator, such as `att1`.
        weights: (B, semantic tokens, pixels), float64, mean over heads; each row sums to 1. Tokens and pixels are numbered row by row.
        tokens, pixels: (H, W) of both.
        error: largest difference between the block's own output and the one that these weights lead to, as a share of the largest output.
    """

    block: str
    weights: Tensor
    tokens: tuple[int, int]
    pixels: tuple[int, int]
    error: float

    @property
    def entropy(self) -> Tensor:
        """(B, tokens): entropy as a share of the largest possible; 1: looks at all pixels alike."""
        largest = torch.log(torch.tensor(float(self.weights.shape[-1]), dtype=torch.float64))
        return -torch.xlogy(self.weights, self.weights).sum(dim=-1) / largest


def fusion_blocks(network: nn.Module) -> dict[str, nn.Module]:
    """All fusion blocks with cross-attention, by name, in the network's order; none where it sees no semantics, or fuses otherwise."""
    return {
        name.removesuffix(f".{CROSS}"): network.get_submodule(name.removesuffix(f".{CROSS}"))
        for name, _ in network.named_parameters()
        if name.endswith(f".{CROSS}")
    }


def attentions(discriminator: nn.Module, image: Tensor, condition: Any) -> list[Attention]:
    """The cross-attention weights of every fusion block for a batch.

    Args:
        discriminator: in evaluation mode.
        image: (B, 3, H, W).
        condition: as in `semsr.training.parts.Parts.discriminator`.
    """
    passed: dict[str, tuple[Tensor, Tensor, Tensor]] = {}

    def keep(name: str, _: nn.Module, given: tuple[Tensor, ...], named: dict[str, Tensor], out: Tensor) -> None:
        semantics, features = (*given, *named.values())
        passed[name] = semantics.detach(), features.detach(), out.detach()

    blocks = fusion_blocks(discriminator)
    with torch.no_grad(), ExitStack() as hooks:
        for name, block in blocks.items():
            hooks.callback(block.register_forward_hook(partial(keep, name), with_kwargs=True).remove)
        discriminator(image, condition)
    return [_again(name, blocks[name], *tensors) for name, tensors in passed.items()]


def attend(queries: Tensor, keys: Tensor, heads: int) -> Tensor:
    """softmax(Q K^T / sqrt(d)) with d = inner / heads.

    Args:
        queries: (B, N, inner).
        keys: (B, M, inner).
        heads: parts that `inner` is divided into, in order.

    Returns:
        (B, heads, N, M), in the precision of the arguments.
    """
    q, k = _split(queries, heads), _split(keys, heads)
    return torch.softmax(q @ k.transpose(-1, -2) * q.shape[-1] ** -0.5, dim=-1)


def mixed(weights: Tensor, values: Tensor) -> Tensor:
    """What weights (B, heads, N, M) make of values (B, M, inner), before the output's projection: (B, N, inner)."""
    return (weights @ _split(values, weights.shape[1])).transpose(1, 2).flatten(2)


def fused(
    state: Mapping[str, Tensor], semantics: Tensor, features: Tensor, *, heads: int = 1, groups: int = 32
) -> tuple[Tensor, Tensor]:
    """One fusion block, written out.

    Args:
        state: the block's parameters under their published names.
        semantics: (B, S, h, w).
        features: (B, C, H, W).
        heads: of both attentions.
        groups: of the first normalisation.

    Returns:
        Cross-attention weights (B, heads, h w, H W), and the block's output.

    Source: the facts of CVPR 2024 SeD's released block: no residuals, queries from semantics, sub-pixels in the order width, height.
    """

    def linear(x: Tensor, name: str) -> Tensor:
        return functional.linear(x, state[f"{name}.weight"], state.get(f"{name}.bias"))

    def norm(x: Tensor, name: str) -> Tensor:
        return functional.layer_norm(x, x.shape[-1:], state[f"{_BLOCK}.{name}.weight"], state[f"{_BLOCK}.{name}.bias"])

    def conv(x: Tensor, name: str, padding: int = 0) -> Tensor:
        return functional.conv2d(x, state[f"{name}.weight"], state[f"{name}.bias"], padding=padding)

    def attention(x: Tensor, context: Tensor, name: str) -> tuple[Tensor, Tensor]:
        q, k, v = (linear(source, f"{_BLOCK}.{name}.to_{part}") for source, part in ((x, "q"), (context, "k"), (context, "v")))
        weights = attend(q, k, heads)
        return linear(mixed(weights, v), f"{_BLOCK}.{name}.to_out.0"), weights

    height, width = semantics.shape[-2:]
    x = conv(functional.group_norm(semantics, groups, state["norm.weight"], state["norm.bias"], _EPSILON), "proj_in")
    x = x.flatten(2).transpose(1, 2)
    context = conv(features, "proj_context").flatten(2).transpose(1, 2)
    x, _ = attention(first := norm(x, "norm1"), first, "attn1")
    x, weights = attention(norm(x, "norm2"), context, "attn2")
    value, gate = linear(norm(x, "norm3"), f"{_BLOCK}.ff.net.0.proj").chunk(2, dim=-1)
    x = linear(value * functional.gelu(gate), f"{_BLOCK}.ff.net.2")
    x = conv(x.transpose(1, 2).reshape(len(x), -1, height, width), "proj_out")
    up = isqrt(x.shape[1] // state["conv_out.weight"].shape[1])
    # Channels count (c, width, height): the other way round than in pixel_shuffle.
    x = x.reshape(len(x), -1, up, up, height, width).permute(0, 1, 4, 3, 5, 2).reshape(len(x), -1, height * up, width * up)
    return weights, conv(x, "conv_out", padding=1)


def _again(name: str, block: nn.Module, semantics: Tensor, features: Tensor, output: Tensor) -> Attention:
    state = {key: value.detach().double() for key, value in block.named_parameters()}
    norm = block.get_submodule("norm")
    groups = norm.num_groups if isinstance(norm, nn.GroupNorm) else 32
    with torch.no_grad():
        weights, ours = fused(
            state, semantics.double(), features.double(), heads=int(getattr(block, "heads", 1)), groups=groups
        )
    error = float((ours - output.double()).abs().max() / output.double().abs().max().clamp_min(1e-12))
    sizes = [(int(tensor.shape[-2]), int(tensor.shape[-1])) for tensor in (semantics, features)]
    return Attention(name, weights.mean(dim=1).cpu(), sizes[0], sizes[1], error)


def _split(tensor: Tensor, heads: int) -> Tensor:
    """(B, N, heads * d) -> (B, heads, N, d)."""
    return tensor.reshape(*tensor.shape[:2], heads, -1).transpose(1, 2)
