"""SeeSR's U-Net and ControlNet written out over a state dict: convolutions, norms and matrix products only, in float64 where given so."""

from __future__ import annotations

import math
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

State = dict[str, Tensor]


class Plain:
    """Both networks, for the sizes of `card`; names are those of the published weights."""

    def __init__(self, card: Any) -> None:
        self.card = card

    def unet(self, state: State, x: Tensor, t: Tensor, text: Tensor, tokens: Tensor | None, added: Any = None) -> Tensor:
        """The noise; `added` are the ControlNet's results."""
        middle, skips = self.way_down(state, x, t, text, tokens)
        if added is not None:
            skips = [skip + more for skip, more in zip(skips, added[0], strict=True)]
            middle = middle + added[1]
        x, time = middle, self.time(state, t)
        for level in range(len(self.card.channels)):
            heads = self.card.heads[::-1][level]
            for at in range(self.card.layers + 1):
                x = self.resnet(state, f"up_blocks.{level}.resnets.{at}.", torch.cat([x, skips.pop()], 1), time)
                x = self.attend(state, f"up_blocks.{level}.", at, x, text, tokens, heads)
            name = f"up_blocks.{level}.upsamplers.0.conv."
            if name + "weight" in state:
                x = conv(state, name, x.repeat_interleave(2, 2).repeat_interleave(2, 3))
        return conv(state, "conv_out.", F.silu(self.norm(state, "conv_norm_out.", x, 1e-5)))

    def controlnet(self, state: State, x: Tensor, t: Tensor, text: Tensor, tokens: Tensor, image: Tensor) -> Any:
        """What is added to the U-Net's ways across, and to its middle."""
        name = "controlnet_cond_embedding."
        seen = F.silu(conv(state, name + "conv_in.", image))
        for at in range(2 * (len(self.card.condition) - 1)):
            seen = F.silu(conv(state, f"{name}blocks.{at}.", seen, stride=1 + at % 2))
        middle, skips = self.way_down(state, x, t, text, tokens, conv(state, name + "conv_out.", seen))
        across = [conv(state, f"controlnet_down_blocks.{at}.", skip, pad=0) for at, skip in enumerate(skips)]
        return across, conv(state, "controlnet_mid_block.", middle, pad=0)

    def way_down(self, state: State, x: Tensor, t: Tensor, text: Tensor, tokens: Any, seen: Tensor | None = None) -> Any:
        time = self.time(state, t)
        x = conv(state, "conv_in.", x)
        x = x if seen is None else x + seen
        skips = [x]
        for level, heads in enumerate(self.card.heads):
            for at in range(self.card.layers):
                x = self.resnet(state, f"down_blocks.{level}.resnets.{at}.", x, time)
                x = self.attend(state, f"down_blocks.{level}.", at, x, text, tokens, heads)
                skips.append(x)
            name = f"down_blocks.{level}.downsamplers.0.conv."
            if name + "weight" in state:
                x = conv(state, name, x, stride=2)
                skips.append(x)
        x = self.resnet(state, "mid_block.resnets.0.", x, time)
        x = self.attend(state, "mid_block.", 0, x, text, tokens, self.card.heads[-1])
        return self.resnet(state, "mid_block.resnets.1.", x, time), skips

    def attend(self, state: State, block: str, at: int, x: Tensor, text: Tensor, tokens: Tensor | None, heads: int) -> Tensor:
        """To the text, then to the image."""
        for name, context in (("attentions", text), ("image_attentions", tokens)):
            full = f"{block}{name}.{at}."
            if full + "norm.weight" in state:
                assert context is not None
                x = self.transformer(state, full, x, context, heads)
        return x

    def transformer(self, state: State, name: str, x: Tensor, context: Tensor, heads: int) -> Tensor:
        batch, channels, height, width = x.shape
        tokens = self.norm(state, name + "norm.", x, 1e-6).flatten(2).mT
        tokens = linear(state, name + "proj_in.", tokens)
        block = name + "transformer_blocks.0."
        normed = layer_norm(state, block + "norm1.", tokens)
        tokens = tokens + attention(state, block + "attn1.", normed, normed, heads)
        tokens = tokens + attention(state, block + "attn2.", layer_norm(state, block + "norm2.", tokens), context, heads)
        value, gate = linear(state, block + "ff.net.0.proj.", layer_norm(state, block + "norm3.", tokens)).chunk(2, -1)
        tokens = tokens + linear(state, block + "ff.net.2.", value * F.gelu(gate))
        return x + linear(state, name + "proj_out.", tokens).mT.reshape(batch, channels, height, width)

    def resnet(self, state: State, name: str, x: Tensor, time: Tensor) -> Tensor:
        y = conv(state, name + "conv1.", F.silu(self.norm(state, name + "norm1.", x, 1e-5)))
        y = y + linear(state, name + "time_emb_proj.", F.silu(time))[:, :, None, None]
        y = conv(state, name + "conv2.", F.silu(self.norm(state, name + "norm2.", y, 1e-5)))
        return y + (conv(state, name + "conv_shortcut.", x, pad=0) if name + "conv_shortcut.weight" in state else x)

    def time(self, state: State, t: Tensor) -> Tensor:
        half = self.card.channels[0] // 2
        # diffusers makes the angles in float32
        rates = torch.exp(-math.log(10000) * torch.arange(half, dtype=torch.float32) / half)
        angles = t[:, None].float() * rates
        waves = torch.cat([angles.cos(), angles.sin()], 1).to(state["conv_in.weight"].dtype)
        return linear(state, "time_embedding.linear_2.", F.silu(linear(state, "time_embedding.linear_1.", waves)))

    def norm(self, state: State, name: str, x: Tensor, eps: float) -> Tensor:
        groups = x.view(len(x), self.card.groups, -1)
        spread, mean = torch.var_mean(groups, 2, correction=0, keepdim=True)
        normed = ((groups - mean) / (spread + eps).sqrt()).view_as(x)
        return normed * state[name + "weight"][:, None, None] + state[name + "bias"][:, None, None]


def conv(state: State, name: str, x: Tensor, stride: int = 1, pad: int = 1) -> Tensor:
    return F.conv2d(x, state[name + "weight"], state[name + "bias"], stride, pad)


def linear(state: State, name: str, x: Tensor) -> Tensor:
    y = x @ state[name + "weight"].mT
    return y + state[name + "bias"] if name + "bias" in state else y


def layer_norm(state: State, name: str, x: Tensor) -> Tensor:
    spread, mean = torch.var_mean(x, -1, correction=0, keepdim=True)
    return (x - mean) / (spread + 1e-5).sqrt() * state[name + "weight"] + state[name + "bias"]


def attention(state: State, name: str, x: Tensor, context: Tensor, heads: int) -> Tensor:
    q, k, v = (
        linear(state, f"{name}to_{part}.", given).unflatten(-1, (heads, -1)).transpose(1, 2)
        for part, given in (("q", x), ("k", context), ("v", context))
    )
    weights = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1)
    return linear(state, name + "to_out.0.", (weights @ v).transpose(1, 2).flatten(2))
