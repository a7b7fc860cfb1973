"""The image-wise discriminator: one logit a picture. Our reading: the paper names it, but no definition of it is published."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from .base import ProjOut, draw_normal, start_projections
from .options import SemanticOptions
from .patch import PatchTrunk


class ImageDiscriminator(PatchTrunk):
    """P's (or P+SeD's) features averaged over the picture, then two linear layers. Our reading, no published definition.

    Args:
        width, semantics, channels, own, proj_out: see `PatchDiscriminator`.
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
        self.head = nn.Sequential(nn.Linear(8 * width, 8 * width), self.lrelu, nn.Linear(8 * width, 1))
        self.apply(draw_normal)
        start_projections(self, proj_out)

    def forward(self, image: Tensor, condition: Tensor | None = None) -> Tensor:
        """One logit a picture, higher for real: (B, 3, H, W) -> (B, 1). Arguments and errors as in `PatchDiscriminator.forward`."""
        logits: Tensor = self.head(self.trunk(image, condition).mean(dim=(2, 3)))
        return logits
