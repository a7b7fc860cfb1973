"""What SeD's discriminators have in common: where semantics come from, what sizes can be judged, how weights are initialised."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn.utils import spectral_norm

from semsr.errors import MethodError, SizeMismatchError
from semsr.restoration.semantics.block import Beside, beside
from semsr.restoration.semantics.extractor import STRIDE
from semsr.restoration.semantics.fusion import ConcatenationFusion, SemanticFusion, make_fusion

from .options import SemanticOptions

ProjOut = Literal["normal", "zero"]
Fusion = SemanticFusion | ConcatenationFusion
_SPREAD = 0.02


class Discriminator(nn.Module):
    """A discriminator with or without semantics.

    Args:
        semantics: how they are fused; None: a plain discriminator.
        channels: of the semantics.
        own: what makes semantics of the judged picture itself, for the control that never looks at HR; it has no weights.
    """

    multiple: int = 1
    smallest: int = 1

    def __init__(self, semantics: SemanticOptions | None, channels: int, own: Callable[[Tensor], Tensor] | None) -> None:
        super().__init__()
        self.options, self.channels = semantics, channels
        # Not a child: its buffers are no part of the discriminator's weights.
        self._own = (own,)

    def _fusion(self, features: int, up: int, *, last: bool = False) -> Fusion:
        options = self._semantic_options()
        return make_fusion(options.fusion, features, self.channels, up, last=last, width=options.width, order=options.sub_pixel)

    def _beside(self, features: Tensor, fused: Tensor) -> Tensor:
        order: Beside = self._semantic_options().beside
        return beside(features, fused, order)

    def _semantic_options(self) -> SemanticOptions:
        assert self.options is not None
        return self.options

    def _prepare(self, image: Tensor, condition: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """The picture in the memory layout that is quickest, and the semantics it is judged with.

        Raises:
            SizeMismatchError: a picture or semantics of a size that can't be used.
            MethodError: no semantics are given, or some to a plain discriminator.
        """
        height, width = image.shape[2:]
        needed = STRIDE if self.options else self.multiple
        if height % needed or width % needed or min(height, width) < self.smallest:
            least = f" and at least {self.smallest}" if self.smallest > needed else ""
            raise SizeMismatchError(
                f"{type(self).__name__}: found a picture of {height}x{width}; sides must be multiples of {needed}{least}: set data.patch"
            )
        semantics = self._own[0](image) if self.options and self._own[0] else condition
        if (semantics is None) != (self.options is None):
            found = "no semantics were given" if semantics is None else "semantics were given to a plain discriminator"
            raise MethodError(f"{type(self).__name__}: {found}; pass what Parts.condition() makes of HR")
        if semantics is not None:
            wanted = (image.shape[0], self.channels, height // STRIDE, width // STRIDE)
            if tuple(semantics.shape) != wanted:
                raise SizeMismatchError(
                    f"{type(self).__name__}: a picture of {height}x{width} needs semantics of {wanted}, found {tuple(semantics.shape)}"
                )
        # On a CPU, convolutions and bilinear upscaling are quicker with channels last (benchmarks/discriminator.py).
        layout = torch.channels_last if image.device.type == "cpu" else torch.preserve_format
        return image.contiguous(memory_format=layout) if layout is torch.channels_last else image, semantics


def normalised(narrow: int, wide: int, *, kernel: int, stride: int = 1, padding: int = 1, bias: bool = True) -> nn.Conv2d:
    """A convolution with spectral norm: weight_orig, weight_u, weight_v.

    torch's old spectral norm, as upstream: it iterates once a forward pass in training mode, and in another order than the new one.
    """
    convolution = nn.Conv2d(narrow, wide, kernel, stride, padding, bias=bias)
    wrapped: Any = spectral_norm(convolution)
    return wrapped  # type: ignore[no-any-return]


@torch.no_grad()
def draw_normal(module: nn.Module) -> None:
    """Weights of convolutions and linear layers from N(0, 0.02), biases zero; for `Module.apply`."""
    if isinstance(module, nn.Conv2d | nn.Linear):
        # What spectral norm calls the weight it starts from; the normalised one is made at the next forward pass.
        weight = getattr(module, "weight_orig", module.weight)
        nn.init.normal_(weight, 0.0, _SPREAD)
        if module.bias is not None:
            nn.init.zeros_(module.bias)


@torch.no_grad()
def start_projections(network: nn.Module, proj_out: ProjOut) -> None:
    """Start every fusion block's last projection at zero (what is fused says nothing at first) or from N(0, 0.02)."""
    for module in network.modules():
        if isinstance(module, SemanticFusion | ConcatenationFusion):
            draw_normal(module.proj_out)
            if proj_out == "zero":
                nn.init.zeros_(module.proj_out.weight)
