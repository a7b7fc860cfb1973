"""diffusers' AutoencoderKL on pictures too large for it at once: the same numbers, worked off window by window.

Feature maps are kept whole, on any device; only windows of them are computed on. Each group normalisation takes its statistics over the
whole map first, each convolution sees as much beyond its window as it reaches (one place), and the attention of the middle block, at
the latents' size, sees all of them. So the result is that of the autoencoder at once, to rounding. The published code does the
same in another way (tiles of 1024 pixels with 32 around them, 224 latents with 11, each carried through all layers): its
statistics are exact, too, but what a tile sees beyond its margin, and its middle attention, are not, and no weights were at hand to say
how far the two results lie apart.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

Layer = Callable[[Tensor], Tensor]
ENCODER_TILE, DECODER_TILE = 1024, 224
"""Published sides: pixels of a picture, places of latents."""


@dataclass(frozen=True)
class TiledVae:
    """An autoencoder in windows.

    Attributes:
        vae: diffusers' AutoencoderKL in eval mode.
        encoder_tile: pixels; pictures with no side above it are encoded at once. None: always at once.
        decoder_tile: latents; the same.
        store: where whole feature maps are kept; None: where they are computed. A CPU's memory is larger than a GPU's.
    """

    vae: Any
    encoder_tile: int | None = ENCODER_TILE
    decoder_tile: int | None = DECODER_TILE
    store: torch.device | None = None

    def moments(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and deviation of the latents' distribution, (B, C, h, w) each, not scaled, of a picture (B, 3, H, W) in [-1, 1]."""
        if self.encoder_tile is None or max(picture.shape[-2:]) <= self.encoder_tile:
            found = self.vae.encode(picture).latent_dist
            return found.mean, found.std
        encoder, maps = self.vae.encoder, _Maps(self.encoder_tile, picture.device, self.store)
        x = maps.run(picture, encoder.conv_in, reach=1)
        for block in encoder.down_blocks:
            for resnet in block.resnets:
                x = maps.resnet(x, resnet)
            for layer in block.downsamplers or ():
                x = maps.halve(x, layer)
                maps = maps.of(maps.tile // 2)
        x = maps.middle(x, encoder.mid_block)
        x = maps.normed(x, encoder.conv_norm_out, lambda window: encoder.conv_out(encoder.conv_act(window)))
        x = x.to(picture.device)
        mean, log_variance = (x if self.vae.quant_conv is None else self.vae.quant_conv(x)).chunk(2, dim=1)
        return mean, torch.exp(0.5 * log_variance.clamp(-30.0, 20.0))

    def decode(self, latents: Tensor) -> Tensor:
        """Picture (B, 3, H, W), about [-1, 1], of latents (B, C, h, w), not scaled."""
        if self.decoder_tile is None or max(latents.shape[-2:]) <= self.decoder_tile:
            picture: Tensor = self.vae.decode(latents).sample
            return picture
        decoder, maps = self.vae.decoder, _Maps(self.decoder_tile, latents.device, self.store)
        x = latents if self.vae.post_quant_conv is None else self.vae.post_quant_conv(latents)
        x = maps.run(x, decoder.conv_in, reach=1)
        x = maps.middle(x, decoder.mid_block)
        for block in decoder.up_blocks:
            for resnet in block.resnets:
                x = maps.resnet(x, resnet)
            for layer in block.upsamplers or ():
                x = maps.run(x, layer, reach=1, times=2)
        return maps.normed(x, decoder.conv_norm_out, lambda window: decoder.conv_out(decoder.conv_act(window))).to(
            latents.device
        )


@dataclass(frozen=True)
class _Maps:
    """Works on whole feature maps through windows of side `tile`."""

    tile: int
    device: torch.device
    store: torch.device | None

    def of(self, tile: int) -> _Maps:
        return _Maps(max(tile, 8), self.device, self.store)

    def run(self, x: Tensor, layer: Layer, *, reach: int, times: int = 1) -> Tensor:
        """A layer whose result at a place depends on `reach` places around it; it pads with zeros at edges, and enlarges `times`."""
        out: Tensor | None = None
        for top, bottom, left, right in self._windows(x):
            above, before = min(reach, top), min(reach, left)
            window = x[..., top - above : bottom + reach, left - before : right + reach].to(self.device)
            done = layer(window)[
                ..., above * times : (above + bottom - top) * times, before * times : (before + right - left) * times
            ]
            if out is None:
                out = self._empty(done, x.shape[-2] * times, x.shape[-1] * times)
            out[..., top * times : bottom * times, left * times : right * times] = done
        assert out is not None
        return out

    def halve(self, x: Tensor, layer: Layer) -> Tensor:
        """A convolution of stride 2 and width 3 that is padded on the right and below alone: sides are even."""
        out: Tensor | None = None
        for top, bottom, left, right in self._windows(x):
            done = layer(x[..., top : bottom + 1, left : right + 1].to(self.device))
            if out is None:
                out = self._empty(done, x.shape[-2] // 2, x.shape[-1] // 2)
            # A window with a place beyond it is padded once more by the layer, which makes no further result: sides are even.
            out[..., top // 2 : bottom // 2, left // 2 : right // 2] = done[..., : (bottom - top) // 2, : (right - left) // 2]
        assert out is not None
        return out

    def resnet(self, x: Tensor, block: Any) -> Tensor:
        """A residual block without a time: norm, activation, convolution, twice; the result of all is divided by its factor."""
        y = self.normed(x, block.norm1, lambda window: block.conv1(block.nonlinearity(window)))
        y = self.normed(y, block.norm2, lambda window: block.conv2(block.nonlinearity(window)))
        for top, bottom, left, right in self._windows(x):
            place = (..., slice(top, bottom), slice(left, right))
            shortcut = x[place].to(self.device)
            if block.conv_shortcut is not None:
                shortcut = block.conv_shortcut(shortcut)
            y[place] = ((shortcut + y[place].to(self.device)) / block.output_scale_factor).to(y.device)
        return y

    def middle(self, x: Tensor, block: Any) -> Tensor:
        """Residual blocks with attention between them, which sees the whole map."""
        x = self.resnet(x, block.resnets[0])
        for attention, resnet in zip(block.attentions, block.resnets[1:], strict=True):
            if attention is not None:
                x = attention(x.to(self.device), temb=None).to(x.device)
            x = self.resnet(x, resnet)
        return x

    def normed(self, x: Tensor, norm: nn.GroupNorm, layer: Layer) -> Tensor:
        """A group normalisation with the statistics of the whole map, then a layer that reaches one place."""
        batch, channels, groups = x.shape[0], x.shape[1], norm.num_groups
        count = x.shape[-2] * x.shape[-1] * (channels // groups)
        total = torch.zeros(batch, groups, dtype=torch.float64, device=self.device)
        for window in self._grouped(x, groups):
            total += window.sum(-1)
        mean = (total / count)[..., None]
        total = torch.zeros_like(total)
        for window in self._grouped(x, groups):
            total += (window - mean).square().sum(-1)
        scale = (total / count + norm.eps).rsqrt().repeat_interleave(channels // groups, dim=1)
        centre = mean[..., 0].repeat_interleave(channels // groups, dim=1)
        if norm.affine:
            weight, bias = norm.weight.double() * scale, norm.bias.double() - centre * norm.weight.double() * scale
        else:
            weight, bias = scale, -centre * scale
        kept = torch.promote_types(x.dtype, torch.float32)
        weight, bias = weight[..., None, None].to(kept), bias[..., None, None].to(kept)
        return self.run(x, lambda window: layer((window * weight + bias).to(window.dtype)), reach=1)

    def _grouped(self, x: Tensor, groups: int) -> Iterator[Tensor]:
        for top, bottom, left, right in self._windows(x):
            window = x[..., top:bottom, left:right].to(self.device).double()
            yield window.reshape(x.shape[0], groups, -1)

    def _windows(self, x: Tensor) -> Iterator[tuple[int, int, int, int]]:
        """(top, bottom, left, right) of windows that cover a map once; all begin at even places."""
        height, width, side = x.shape[-2], x.shape[-1], self.tile + self.tile % 2
        for top in range(0, height, side):
            for left in range(0, width, side):
                yield top, min(top + side, height), left, min(left + side, width)

    def _empty(self, like: Tensor, height: int, width: int) -> Tensor:
        return like.new_empty(*like.shape[:2], height, width, device=self.store or self.device)
