"""Colours brought back to those of the LR picture after a generative model has had its way."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

ColourFix = Literal["adain", "wavelet", "none"]
LEVELS = 5
VARIANCE_FLOOR = 1e-5


def fix_colour(sr: Tensor, lr: Tensor, kind: ColourFix) -> Tensor:
    """Give SR the colours of LR.

    Args:
        sr: (B, 3, H, W) RGB in [0, 1].
        lr: the enlarged LR picture, of the same size.
        kind: "adain", "wavelet" or "none".

    Returns:
        (B, 3, H, W), not clipped.
    """
    if kind == "none":
        return sr
    return adain(sr, lr) if kind == "adain" else wavelet(sr, lr)


def adain(sr: Tensor, lr: Tensor) -> Tensor:
    """Mean and deviation of each channel over the whole picture become LR's. Unbiased variance, plus 1e-5, on both sides."""
    ours, own = _moments(sr)
    theirs, wanted = _moments(lr)
    return (sr - ours) / own * wanted + theirs


def wavelet(sr: Tensor, lr: Tensor) -> Tensor:
    """SR's details on LR's coarse colours: what five ever wider blurs take away of SR, plus what they leave of LR."""
    high = torch.zeros_like(sr)
    for level in range(LEVELS):
        low = blur(sr, level)
        high = high + (sr - low)
        sr = low
        lr = blur(lr, level)
    return high + lr


def blur(picture: Tensor, level: int) -> Tensor:
    """[1 2 1] by [1 2 1], over 16, its taps 2^level pixels apart, edges repeated; (B, C, H, W) -> the same."""
    radius, channels = 1 << level, picture.shape[1]
    line = picture.new_tensor([1.0, 2.0, 1.0])
    kernel = (torch.outer(line, line) / 16).expand(channels, 1, 3, 3)
    return F.conv2d(F.pad(picture, (radius,) * 4, mode="replicate"), kernel, groups=channels, dilation=radius)


def _moments(picture: Tensor) -> tuple[Tensor, Tensor]:
    mean = picture.mean(dim=(2, 3), keepdim=True)
    return mean, (picture.var(dim=(2, 3), keepdim=True, correction=1) + VARIANCE_FLOOR).sqrt()
