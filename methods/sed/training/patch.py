"""The patch-wise discriminators, P and P+SeD: the 70x70 PatchGAN with spectral norm, and a fusion block after each middle layer."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from .base import Discriminator, ProjOut, draw_normal, normalised, start_projections
from .options import SemanticOptions

SLOPE = 0.2


class PatchTrunk(Discriminator):
    """All of P but its last layer: (B, 3, H, W) -> (B, 8 * width, H/8 - 1, W/8 - 1)."""

    smallest = 32

    def __init__(
        self,
        width: int = 64,
        semantics: SemanticOptions | None = None,
        channels: int = 1024,
        own: Callable[[Tensor], Tensor] | None = None,
    ) -> None:
        super().__init__(semantics, channels, own)
        self.lrelu = nn.LeakyReLU(SLOPE, inplace=True)
        self.conv_first = nn.Conv2d(3, width, 4, 2, 1)
        wide = width
        for at, (stride, up) in enumerate(((2, 4), (2, 2), (1, 2)), start=1):
            narrow, wide, last = wide, 2 * wide, at == 3
            self.add_module(f"conv{at}", normalised(narrow, wide, kernel=4, stride=stride))
            if semantics is not None:
                fusion = self._fusion(wide, up, last=last)
                self.add_module(f"att{at}", fusion)
                self.add_module(f"conv{at}1", normalised(wide + fusion.channels, wide, kernel=3))

    def trunk(self, image: Tensor, condition: Tensor | None) -> Tensor:
        """Features of a picture, and of the semantics it is judged with. Raises: SizeMismatchError, MethodError."""
        image, semantics = self._prepare(image, condition)
        features: Tensor = self.lrelu(self.conv_first(image))
        for at in (1, 2, 3):
            features = self.get_submodule(f"conv{at}")(features)
            if semantics is not None:
                # No activation between the two: the fusion block looks at what the convolution gives.
                fused = self.get_submodule(f"att{at}")(semantics, features)
                features = self.get_submodule(f"conv{at}1")(self._beside(features, fused))
            features = self.lrelu(features)
        return features


class PatchDiscriminator(PatchTrunk):
    """P (2,764,737 parameters) and, with semantics, P+SeD (10,090,433 parameters, 118 tensors with CLIP's layer3).

    Weights start from N(0, 0.02), biases at zero, as upstream's; that overwrites the zeros of `proj_out`, unless told otherwise.
    P itself is not released: it is P+SeD without its fusion blocks, which comments there suggest, and whose keys are a part of it.

    Args:
        width: channels of the first layer; 64 is published.
        semantics, channels, own: see `Discriminator`.
        proj_out: how the fusion blocks' last projections start.

    Source: lbc12345/SeD@311195f:models/sed.py (behaviour).
    """

    def __init__(
        self,
        width: int = 64,
        semantics: SemanticOptions | None = None,
        channels: int = 1024,
        own: Callable[[Tensor], Tensor] | None = None,
        proj_out: ProjOut = "normal",
    ) -> None:
        super().__init__(width, semantics, channels, own)
        self.conv_last = nn.Conv2d(8 * width, 1, 4, 1, 1)
        self.apply(draw_normal)
        start_projections(self, proj_out)

    def forward(self, image: Tensor, condition: Tensor | None = None) -> Tensor:
        """Logits of patches, higher for real.

        Args:
            image: (B, 3, H, W) RGB in [0, 1], not clipped; H, W at least 32 and, with semantics, multiples of 16.
            condition: semantics of HR (B, channels, H/16, W/16); None for a plain discriminator, or where they are made of `image`.

        Returns:
            (B, 1, H/8 - 2, W/8 - 2); 30x30 for 256x256.

        Raises:
            SizeMismatchError, MethodError: see `Discriminator`.
        """
        logits: Tensor = self.conv_last(self.trunk(image, condition))
        return logits


class KairPatchDiscriminator(Discriminator):
    """P as KAIR has it: padding 2 (35x35 logits for 256x256), spectral norm on the first and last layer, too. No semantics.

    Source: cszn/KAIR@fc1732f, as measured; parameters as P, 2,764,737. Its names are ours.
    """

    def __init__(self, width: int = 64) -> None:
        super().__init__(None, 0, None)
        self.lrelu = nn.LeakyReLU(SLOPE, inplace=True)
        widths = ((3, 1, 2), (1, 2, 2), (2, 4, 2), (4, 8, 1))
        convolutions = [
            normalised(narrow if at == 0 else narrow * width, wide * width, kernel=4, stride=stride, padding=2)
            for at, (narrow, wide, stride) in enumerate(widths)
        ]
        self.convs = nn.ModuleList([*convolutions, normalised(8 * width, 1, kernel=4, padding=2)])
        self.apply(draw_normal)

    def forward(self, image: Tensor, condition: Tensor | None = None) -> Tensor:
        """(B, 3, H, W) -> logits of patches, (B, 1, H/8 + 3, W/8 + 3). Raises: see `Discriminator`."""
        features, _ = self._prepare(image, condition)
        *convolutions, last = self.convs
        for convolution in convolutions:
            features = self.lrelu(convolution(features))
        logits: Tensor = last(features)
        return logits
