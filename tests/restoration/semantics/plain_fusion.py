"""Convolution, normalisation, attention and fusion written out plainly, apart from the project's code: sums over explicit matrices."""

from __future__ import annotations

import torch
from torch import Tensor

State = dict[str, Tensor]


def convolve(x: Tensor, weight: Tensor, bias: Tensor | None = None, stride: int = 1, padding: int = 0) -> Tensor:
    """Tap by tap."""
    batch, _, height, width = x.shape
    out, _, rows, columns = weight.shape
    padded = x.new_zeros(batch, x.shape[1], height + 2 * padding, width + 2 * padding)
    padded[:, :, padding : padding + height, padding : padding + width] = x
    tall, wide = (height + 2 * padding - rows) // stride + 1, (width + 2 * padding - columns) // stride + 1
    found = x.new_zeros(batch, out, tall, wide)
    for i in range(rows):
        for j in range(columns):
            seen = padded[:, :, i : i + stride * (tall - 1) + 1 : stride, j : j + stride * (wide - 1) + 1 : stride]
            found = found + torch.einsum("oc,bchw->bohw", weight[:, :, i, j], seen)
    return found if bias is None else found + bias[None, :, None, None]


def group_norm(x: Tensor, groups: int, weight: Tensor, bias: Tensor, eps: float) -> Tensor:
    parts = x.reshape(x.shape[0], groups, -1)
    mean = parts.mean(dim=2, keepdim=True)
    variance = ((parts - mean) ** 2).mean(dim=2, keepdim=True)
    normed = ((parts - mean) / (variance + eps) ** 0.5).reshape(x.shape)
    return normed * weight[None, :, None, None] + bias[None, :, None, None]


def layer_norm(x: Tensor, state: State, name: str) -> Tensor:
    mean = x.mean(dim=-1, keepdim=True)
    variance = ((x - mean) ** 2).mean(dim=-1, keepdim=True)
    return (x - mean) / (variance + 1e-5) ** 0.5 * state[f"{name}.weight"] + state[f"{name}.bias"]


def attention(x: Tensor, seen: Tensor, state: State, name: str) -> Tensor:
    """One picture: (N, d) looks at (M, d), by a matrix of N x M weights."""
    q, k, v = x @ state[f"{name}.to_q.weight"].T, seen @ state[f"{name}.to_k.weight"].T, seen @ state[f"{name}.to_v.weight"].T
    scores = q @ k.T / q.shape[1] ** 0.5
    powers = torch.exp(scores - scores.max(dim=1, keepdim=True).values)
    weights = powers / powers.sum(dim=1, keepdim=True)
    return weights @ v @ state[f"{name}.to_out.0.weight"].T + state[f"{name}.to_out.0.bias"]


def gelu(x: Tensor) -> Tensor:
    return 0.5 * x * (1 + torch.erf(x / 2**0.5))


def feed_forward(x: Tensor, state: State, name: str) -> Tensor:
    both = x @ state[f"{name}.net.0.proj.weight"].T + state[f"{name}.net.0.proj.bias"]
    half = both.shape[1] // 2
    return (both[:, :half] * gelu(both[:, half:])) @ state[f"{name}.net.2.weight"].T + state[f"{name}.net.2.bias"]


def sub_pixels(maps: Tensor, up: int, order: str) -> Tensor:
    """Channel (c, uw, uh), or (c, uh, uw) as torch has it, to row h * up + uh and column w * up + uw."""
    batch, channels, height, width = maps.shape
    fine = maps.new_zeros(batch, channels // up**2, height * up, width * up)
    for channel in range(channels):
        c, rest = divmod(channel, up * up)
        first, second = divmod(rest, up)
        row, column = (second, first) if order == "c-uw-uh" else (first, second)
        fine[:, c, row::up, column::up] = maps[:, channel]
    return fine


def grid(tokens: list[Tensor], height: int, width: int) -> Tensor:
    return torch.stack([token.T.reshape(-1, height, width) for token in tokens])


def fuse(state: State, semantics: Tensor, features: Tensor, *, groups: int, up: int, order: str = "c-uw-uh") -> Tensor:
    """The core of SeFB; with state of the ablation, concatenation's."""
    height, width = semantics.shape[2:]
    normed = group_norm(semantics, groups, state["norm.weight"], state["norm.bias"], 1e-6)
    inner = convolve(normed, state["proj_in.weight"], state["proj_in.bias"])
    block = "transformer_blocks.0"
    if f"{block}.norm1.weight" in state:
        seen = convolve(features, state["proj_context.weight"], state["proj_context.bias"])
        answers = []
        for picture, context in zip(inner, seen, strict=True):
            tokens = layer_norm(picture.flatten(1).T, state, f"{block}.norm1")
            tokens = attention(tokens, tokens, state, f"{block}.attn1")
            tokens = attention(layer_norm(tokens, state, f"{block}.norm2"), context.flatten(1).T, state, f"{block}.attn2")
            answers.append(feed_forward(layer_norm(tokens, state, f"{block}.norm3"), state, f"{block}.ff"))
        inner = grid(answers, height, width)
    else:
        inner = gelu(inner)
    wide = convolve(inner, state["proj_out.weight"], state["proj_out.bias"])
    return convolve(sub_pixels(wide, up, order), state["conv_out.weight"], state["conv_out.bias"], padding=1)
