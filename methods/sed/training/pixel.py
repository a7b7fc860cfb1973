"""The pixel-wise discriminators, U and U+SeD: Real-ESRGAN's U-Net with spectral norm, with three fusion blocks."""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

from .base import Discriminator, ProjOut, normalised, start_projections
from .options import SemanticOptions
from .patch import SLOPE

Position = Literal["decoder", "encoder"]
_UPS = {1: 8, 2: 4, 3: 2}


class UNetDiscriminator(Discriminator):
    """U (4,376,897 parameters) and, with semantics, U+SeD (10,158,417 parameters, 130 tensors with CLIP's layer3).

    The code has one fusion block at the bottleneck and two in the decoder, after the additions; the paper draws all three in the
    encoder. Shapes are the same, so weights of one load into the other: `position` is what tells them apart. In the encoder, a fusion
    block follows its convolution and precedes the activation, as it does at the bottleneck (our reading of the drawing).

    U's weights are a part of U+SeD's, under Real-ESRGAN's names.

    Args:
        width: channels of the first layer; 64 is published.
        semantics, channels, own: see `Discriminator`.
        proj_out: how the fusion blocks' last projections start; from zero, the semantics are not looked at in the first step.
        position: of the fusion blocks.

    Source: lbc12345/SeD@311195f:models/sed.py (behaviour); xinntao/Real-ESRGAN, `UNetDiscriminatorSN` (structure of U).
    """

    multiple = 8

    def __init__(
        self,
        width: int = 64,
        semantics: SemanticOptions | None = None,
        channels: int = 1024,
        own: Callable[[Tensor], Tensor] | None = None,
        proj_out: ProjOut = "zero",
        position: Position = "decoder",
    ) -> None:
        super().__init__(semantics, channels, own)
        self.position = position
        self.lrelu = nn.LeakyReLU(SLOPE, inplace=True)
        self.conv0 = nn.Conv2d(3, width, 3, 1, 1)
        for at in (1, 2, 3):
            narrow, wide = 2 ** (at - 1) * width, 2**at * width
            self.add_module(f"conv{at}", normalised(narrow, wide, kernel=4, stride=2, bias=False))
        for at in (4, 5, 6):
            wide, narrow = 2 ** (7 - at) * width, 2 ** (6 - at) * width
            self.add_module(f"conv{at}", normalised(wide, narrow, kernel=3, bias=False))
        self.conv7 = normalised(width, width, kernel=3, bias=False)
        self.conv8 = normalised(width, width, kernel=3, bias=False)
        self.conv9 = nn.Conv2d(width, 1, 3, 1, 1)
        if semantics is not None:
            for at, up in _UPS.items():
                wide = 2**at * width
                fusion = self._fusion(wide, up)
                self.add_module(f"att{at}", fusion)
                self.add_module(f"conv{at}1", normalised(wide + fusion.channels, wide, kernel=3))
            start_projections(self, proj_out)

    def forward(self, image: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits of pixels, higher for real.

        Args:
            image: (B, 3, H, W) RGB in [0, 1], not clipped; H, W multiples of 8, with semantics of 16.
            condition: semantics of HR (B, channels, H/16, W/16); None for a plain discriminator, or where they are made of `image`.

        Returns:
            (B, 1, H, W).

        Raises:
            SizeMismatchError, MethodError: see `Discriminator`.
        """
        image, semantics = self._prepare(image, condition)
        early = semantics if self.position == "encoder" else None
        late = semantics if self.position == "decoder" else None
        first = self.lrelu(self.conv0(image))
        second = self.lrelu(self._fuse(1, self.get_submodule("conv1")(first), early))
        third = self.lrelu(self._fuse(2, self.get_submodule("conv2")(second), early))
        features = self.lrelu(self._fuse(3, self.get_submodule("conv3")(third), semantics))
        # No activation after the decoder's fusion blocks.
        features = self._fuse(2, self._finer(4, features) + third, late)
        features = self._fuse(1, self._finer(5, features) + second, late)
        features = self._finer(6, features) + first
        logits: Tensor = self.conv9(self.lrelu(self.conv8(self.lrelu(self.conv7(features)))))
        return logits

    def _fuse(self, at: int, features: Tensor, semantics: Tensor | None) -> Tensor:
        if semantics is None:
            return features
        fused = self.get_submodule(f"att{at}")(semantics, features)
        result: Tensor = self.get_submodule(f"conv{at}1")(self._beside(features, fused))
        return result

    def _finer(self, at: int, features: Tensor) -> Tensor:
        larger = F.interpolate(features, scale_factor=2, mode="bilinear", align_corners=False)
        result: Tensor = self.lrelu(self.get_submodule(f"conv{at}")(larger))
        return result
