"""Controls without any pretrained network: the pixels themselves in the place of semantics, so that capacity stays as it was."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch.nn.functional as F
from torch import Tensor

from semsr.errors import SemsrError
from semsr.restoration.semantics.extractor import STRIDE, Extractor, Layer, repeat_channels

_RGB = 3


class HrPixels(Extractor):
    """The 16x16 pixels below each place as its channels, repeated in turn up to `channels`: D sees HR, but nothing learnt elsewhere.

    A control of ours, not published. With fewer channels than 768 = 3 * 16 * 16 the picture is averaged over 2x2, 4x4, ... first.

    Args:
        channels: how many; at least 3.
    """

    layers: ClassVar[Mapping[str, Layer]] = {"pixels": Layer(1024, STRIDE)}
    default = "pixels"
    pretrained = False

    def __init__(self, channels: int = 1024) -> None:
        super().__init__(channels=channels)
        self._pool = next(pool for pool in (1, 2, 4, 8, 16) if _RGB * (STRIDE // pool) ** 2 <= channels)

    @classmethod
    def plan(cls, layer: str | None = None, channels: int | None = None, **_: Any) -> Layer:
        """See `Extractor.plan`."""
        if channels is not None and channels < _RGB:
            raise SemsrError(f"{cls.__name__}: channels: found {channels}; must be at least {_RGB}")
        return Layer(channels or cls.layers[cls.default].channels, STRIDE)

    def maps(self, picture: Tensor) -> Tensor:
        """See `Extractor.maps`."""
        pooled = F.avg_pool2d(picture, self._pool) if self._pool > 1 else picture
        pixels = F.pixel_unshuffle(pooled, STRIDE // self._pool)
        return repeat_channels(pixels, self.channels)


class OwnPixels(HrPixels):
    """The same of the very picture that is judged: equal capacity, and no look at HR at all. A control of ours, not published."""

    looks_at = "own"
