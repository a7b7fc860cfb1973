"""Swin transformer with the names of tensors under which its weights are published; Liu et al. 2021, arXiv 2103.14030.

The library's own Swin has other names since its fifth version. Positions are (row, column), sequences run row by row.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.utils.checkpoint import checkpoint

from semsr.errors import SemsrError

from ..options import SwinOptions

_APART = -100.0
"""Added to the attention of places that only rolling the picture made neighbours."""


class DropPath(nn.Module):
    """In training, a sample's branch is left out with probability `rate`, and the others scaled so that the mean stays."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, branch: Tensor) -> Tensor:
        """(B, ...) -> the same shape."""
        if not self.training or self.rate == 0:
            return branch
        kept = torch.full((branch.shape[0], *[1] * (branch.ndim - 1)), 1 - self.rate, device=branch.device, dtype=branch.dtype)
        return branch * torch.bernoulli(kept) / (1 - self.rate)


class WindowAttention(nn.Module):
    """Self-attention inside windows, with a learnt bias for each relative position."""

    relative_position_index: Tensor

    def __init__(self, width: int, window: int, heads: int) -> None:
        super().__init__()
        self.heads, self.scale = heads, (width // heads) ** -0.5
        self.relative_position_bias_table = nn.Parameter(torch.empty((2 * window - 1) ** 2, heads))
        nn.init.trunc_normal_(self.relative_position_bias_table, std=0.02)
        self.register_buffer("relative_position_index", relative_positions(window), persistent=False)
        self.qkv = nn.Linear(width, 3 * width)
        self.proj = nn.Linear(width, width)

    def forward(self, windows: Tensor, mask: Tensor | None) -> Tensor:
        """(B * W, n, C), with (W, n, n) to be added to the attention of each of a picture's W windows -> (B * W, n, C)."""
        count, places, width = windows.shape
        query, key, value = self.qkv(windows).view(count, places, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        bias = self.relative_position_bias_table[self.relative_position_index].permute(2, 0, 1)
        weights = (query * self.scale) @ key.transpose(-2, -1) + bias
        if mask is not None:
            weights = (weights.view(-1, len(mask), self.heads, places, places) + mask[:, None]).view(weights.shape)
        mixed = weights.softmax(-1).to(value.dtype) @ value
        found: Tensor = self.proj(mixed.transpose(1, 2).reshape(count, places, width))
        return found


class Mlp(nn.Module):
    """Two linear layers, four times as wide between them."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.fc1, self.act, self.fc2 = nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)

    def forward(self, places: Tensor) -> Tensor:
        """(B, n, C) -> (B, n, C)."""
        found: Tensor = self.fc2(self.act(self.fc1(places)))
        return found


class Block(nn.Module):
    """Attention inside windows, rolled by half a window where `rolled`, and an MLP, each added to what came in.

    Where the map is no larger than a window, that is one window, and nothing is rolled.
    """

    attn_mask: Tensor | None

    def __init__(self, width: int, side: int, window: int, heads: int, *, rolled: bool, drop_path: float) -> None:
        super().__init__()
        self.side, self.window = side, min(window, side)
        self.shift = window // 2 if rolled and side > window else 0
        if side % self.window:
            raise SemsrError(
                f"swin: a map of {side}x{side} does not divide into windows of {self.window}; choose size, patch, window"
            )
        self.norm1 = nn.LayerNorm(width)
        self.attn = WindowAttention(width, self.window, heads)
        self.drop_path = DropPath(drop_path)
        self.norm2 = nn.LayerNorm(width)
        self.mlp = Mlp(width)
        self.register_buffer("attn_mask", apart(side, self.window, self.shift) if self.shift else None, persistent=False)

    def forward(self, places: Tensor) -> Tensor:
        """(B, side * side, C) -> the same shape."""
        batch, _, width = places.shape
        grid, each, step = self.side // self.window, self.window, self.shift
        seen = self.norm1(places).view(batch, self.side, self.side, width)
        if step:
            seen = seen.roll((-step, -step), (1, 2))
        seen = seen.view(batch, grid, each, grid, each, width).transpose(2, 3).reshape(-1, each * each, width)
        seen = self.attn(seen, self.attn_mask)
        seen = seen.view(batch, grid, grid, each, each, width).transpose(2, 3).reshape(batch, self.side, self.side, width)
        if step:
            seen = seen.roll((step, step), (1, 2))
        places = places + self.drop_path(seen.reshape(batch, -1, width))
        found: Tensor = places + self.drop_path(self.mlp(self.norm2(places)))
        return found


class PatchMerging(nn.Module):
    """Four neighbours become one place of twice the width."""

    def __init__(self, width: int, side: int) -> None:
        super().__init__()
        if side % 2:
            raise SemsrError(f"swin: a map of {side}x{side} can't be halved; choose size, patch and depths")
        self.side = side
        self.reduction = nn.Linear(4 * width, 2 * width, bias=False)
        self.norm = nn.LayerNorm(4 * width)

    def forward(self, places: Tensor) -> Tensor:
        """(B, side * side, C) -> (B, side * side / 4, 2 * C)."""
        grid = places.view(len(places), self.side, self.side, -1)
        corners = [grid[:, row::2, column::2] for column in (0, 1) for row in (0, 1)]
        found: Tensor = self.reduction(self.norm(torch.cat(corners, dim=-1).flatten(1, 2)))
        return found


class Stage(nn.Module):
    """Blocks of one size, every other one rolled, then the merging of neighbours but in the last stage."""

    def __init__(self, width: int, side: int, window: int, heads: int, drop_paths: list[float], *, last: bool) -> None:
        super().__init__()
        self.blocks = nn.ModuleList(
            Block(width, side, window, heads, rolled=at % 2 == 1, drop_path=rate) for at, rate in enumerate(drop_paths)
        )
        self.downsample = None if last else PatchMerging(width, side)

    def forward(self, places: Tensor, *, recompute: bool = False) -> Tensor:
        """(B, side * side, C) -> (B, side * side / 4, 2 * C), or of the last stage the same shape."""
        for block in self.blocks:
            places = checkpoint(block, places, use_reentrant=False) if recompute else block(places)
        return places if self.downsample is None else self.downsample(places)


class PatchEmbed(nn.Module):
    """Squares of pixels become places."""

    def __init__(self, patch: int, width: int) -> None:
        super().__init__()
        self.proj = nn.Conv2d(3, width, patch, patch)
        self.norm = nn.LayerNorm(width)

    def forward(self, pictures: Tensor) -> Tensor:
        """(B, 3, H, W) -> (B, H * W / patch^2, C)."""
        found: Tensor = self.norm(self.proj(pictures).flatten(2).transpose(1, 2))
        return found


class Swin(nn.Module):
    """Pictures (B, 3, size, size), normalised -> places (B, n, width) after the last normalisation.

    Args:
        card: sizes.
        size: of a picture's side.
        recompute: forget activations of blocks and compute them again in the backward pass.

    Raises:
        SemsrError: maps that don't divide into windows, or as many heads as stages are not given.
    """

    def __init__(self, card: SwinOptions, size: int, *, recompute: bool = False) -> None:
        super().__init__()
        if len(card.heads) != len(card.depths):
            raise SemsrError(f"swin: heads: found {len(card.heads)}, but depths: {len(card.depths)}; give one for each stage")
        if size % card.patch:
            raise SemsrError(f"swin: size {size} is no multiple of patch {card.patch}")
        self.recompute = recompute
        self.patch_embed = PatchEmbed(card.patch, card.embed)
        blocks = sum(card.depths)
        rates = [card.drop_path * at / max(1, blocks - 1) for at in range(blocks)]
        stages = []
        for at, (depth, heads) in enumerate(zip(card.depths, card.heads, strict=True)):
            own, rates = rates[:depth], rates[depth:]
            side, last = size // card.patch >> at, at == len(card.depths) - 1
            stages.append(Stage(card.embed << at, side, card.window, heads, own, last=last))
        self.layers = nn.ModuleList(stages)
        self.width = card.embed << len(card.depths) - 1
        self.norm = nn.LayerNorm(self.width)

    def forward(self, pictures: Tensor) -> Tensor:
        """See the class."""
        places: Tensor = self.patch_embed(pictures)
        for stage in self.layers:
            places = stage(places, recompute=self.recompute and self.training)
        return self.norm(places)  # type: ignore[no-any-return]


def relative_positions(window: int) -> Tensor:
    """Which entry of the table each pair of a window's places has: (n, n), n = window^2."""
    rows = torch.arange(window).repeat_interleave(window)
    columns = torch.arange(window).repeat(window)
    down, right = rows[:, None] - rows[None], columns[:, None] - columns[None]
    return (down + window - 1) * (2 * window - 1) + right + window - 1


def apart(side: int, window: int, shift: int) -> Tensor:
    """What to add to the attention inside windows of a rolled map: 0 between old neighbours, else -100; (windows, n, n)."""
    at = torch.arange(side)
    # Of a rolled map, the last window of a row holds two strips: one from the end of the row, one from its beginning.
    strip = (at >= side - window).long() + (at >= side - shift).long()
    region = 3 * strip[:, None] + strip[None]
    grid = side // window
    inside = region.view(grid, window, grid, window).transpose(1, 2).reshape(grid * grid, window * window)
    return (inside[:, :, None] != inside[:, None]).to(torch.get_default_dtype()) * _APART
