"""Semantics for a discriminator of your own, in one line a scale: fusion, concatenation and a spectral-norm convolution."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from semsr.restoration.semantics.fusion import WIDTH, Kind, make_fusion
from semsr.restoration.semantics.subpixel import Order

Beside = Literal["features-first", "fusion-first"]


def beside(features: Tensor, fused: Tensor, order: Beside) -> Tensor:
    """Features and what was fused from them, along the channels: (B, C, H, W) and (B, c, H, W) -> (B, C + c, H, W)."""
    return torch.cat([features, fused] if order == "features-first" else [fused, features], dim=1)


class SemanticBlock(nn.Module):
    """The paper's whole SeFB: features in, features of the same shape out, with an eye on the semantics of HR.

    Args:
        features: channels of the features.
        semantics: channels of the semantics, `extractor.channels`.
        up: features' grid over the semantics': 16 over the features' stride.
        fusion, width, order: see `semsr.restoration.semantics.fusion`.
        beside: which comes first in the concatenation.
        normalise: spectral norm on the convolution; False for a generator, or a discriminator without it.

    Raises:
        SemsrError: semantics' channels are no multiple of up * up.
    """

    def __init__(
        self,
        features: int,
        semantics: int = 1024,
        up: int = 4,
        *,
        fusion: Kind = "cross-attention",
        width: int = WIDTH,
        order: Order = "c-uw-uh",
        beside: Beside = "features-first",
        normalise: bool = True,
    ) -> None:
        super().__init__()
        self.beside = beside
        self.fusion = make_fusion(fusion, features, semantics, up, width=width, order=order)
        convolution = nn.Conv2d(features + self.fusion.channels, features, 3, padding=1)
        self.conv = spectral_norm(convolution) if normalise else convolution

    def forward(self, features: Tensor, semantics: Tensor) -> Tensor:
        """Features (B, features, H, W) and semantics (B, semantics, H / up, W / up) -> (B, features, H, W), no activation after it.

        Raises: SizeMismatchError: other channels or batches.
        """
        fused = self.fusion(semantics, features)
        # Where sides are no multiples of the semantics' grid, what is beyond the features is cut.
        fused = fused[:, :, : features.shape[2], : features.shape[3]]
        result: Tensor = self.conv(beside(features, fused, self.beside))
        return result
