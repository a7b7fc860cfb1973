"""The tagger's pieces place by place in numpy, from the papers' formulas; nothing here knows of rolling, masks or batches."""

from __future__ import annotations

from collections.abc import Mapping
from math import erf

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
State = Mapping[str, Array]


def linear(x: Array, state: State, name: str) -> Array:
    return x @ state[f"{name}.weight"].T + state[f"{name}.bias"]


def layer_norm(x: Array, state: State, name: str, epsilon: float = 1e-5) -> Array:
    spread = x - x.mean(-1, keepdims=True)
    return spread / np.sqrt((spread**2).mean(-1, keepdims=True) + epsilon) * state[f"{name}.weight"] + state[f"{name}.bias"]


def gelu(x: Array) -> Array:
    return np.vectorize(lambda value: value * 0.5 * (1 + erf(value / 2**0.5)))(x)


def softmax(x: Array) -> Array:
    powers = np.exp(x - x.max())
    return powers / powers.sum()


def swin_block(grid: Array, state: State, heads: int, window: int, shift: int) -> Array:
    """(side, side, C): each place looks at those of its window; windows begin at `shift`, those at the borders are cut by the border."""
    side, _, width = grid.shape
    qkv = linear(layer_norm(grid, state, "norm1"), state, "attn.qkv").reshape(side, side, 3, heads, width // heads)
    table = state["attn.relative_position_bias_table"]
    every = [(row, column) for row in range(side) for column in range(side)]
    mixed = np.zeros((side, side, heads, width // heads))
    for row, column in every:
        near = [
            at
            for at in every
            if all((a - shift) // window == (b - shift) // window for a, b in zip(at, (row, column), strict=True))
        ]
        for head in range(heads):
            query = qkv[row, column, 0, head] / (width // heads) ** 0.5
            scores = [
                query @ qkv[at[0], at[1], 1, head]
                + table[(row - at[0] + window - 1) * (2 * window - 1) + column - at[1] + window - 1, head]
                for at in near
            ]
            mixed[row, column, head] = softmax(np.array(scores)) @ np.array([qkv[at[0], at[1], 2, head] for at in near])
    grid = grid + linear(mixed.reshape(side, side, width), state, "attn.proj")
    return grid + linear(gelu(linear(layer_norm(grid, state, "norm2"), state, "mlp.fc1")), state, "mlp.fc2")


def tagging_layer(tags: Array, tokens: Array, state: State, heads: int) -> Array:
    """tags (K, hidden) ask tokens (n, width)."""
    ask = "crossattention.self."
    query, key, value = (
        linear(tags, state, ask + "query"),
        linear(tokens, state, ask + "key"),
        linear(tokens, state, ask + "value"),
    )
    each = tags.shape[1] // heads
    found = np.zeros_like(tags)
    for tag in range(len(tags)):
        for part in (slice(head * each, (head + 1) * each) for head in range(heads)):
            found[tag, part] = softmax(key[:, part] @ query[tag, part] / each**0.5) @ value[:, part]
    tags = layer_norm(
        linear(found, state, "crossattention.output.dense") + tags, state, "crossattention.output.LayerNorm", 1e-12
    )
    wide = gelu(linear(tags, state, "intermediate.dense"))
    return layer_norm(linear(wide, state, "output.dense") + tags, state, "output.LayerNorm", 1e-12)


def below(state: Mapping[str, object], prefix: str) -> dict[str, Array]:
    """The tensors under a prefix, without it, as numpy."""
    return {name.removeprefix(prefix): np.asarray(tensor) for name, tensor in state.items() if name.startswith(prefix)}
