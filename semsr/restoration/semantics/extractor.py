"""The contract of a semantic extractor: a frozen network that turns a picture into maps on a grid sixteen times as coarse."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from math import ceil
from pathlib import Path
from typing import Any, ClassVar, Literal, NamedTuple, Self

import torch.nn.functional as F
from torch import Tensor, nn

from semsr.errors import SemsrError, SizeMismatchError, WeightsError

STRIDE = 16
"""Pixels of the picture for one place of the semantic maps; every extractor is brought to it."""

BatchNorm = Literal["train", "eval"]


class Layer(NamedTuple):
    """What a layer gives: channels, and pixels of the picture for one place of its maps."""

    channels: int
    stride: int


class Extractor(nn.Module, ABC):
    """A frozen network: picture (B, 3, H, W), RGB in [0, 1] -> semantics (B, channels, H/16, W/16).

    An author sets the class attributes, builds the network in `__init__` and writes `maps` and `fill`. Layers of another stride than 16
    are averaged (shallower) or repeated (deeper); that is our reading, since only a layer of stride 16 is published.

    Class attributes:
        layers: layers that can be chosen, by name.
        default: the one taken without a choice.
        pretrained: it has weights, which must be given.
        normalises: it has batch normalisation.
        looks_at: "hr": the discriminator is given what this sees in HR; "own": in the very picture it judges.

    Args:
        layer: one of `layers`; None: `default`.
        batch_norm: "train" normalises by the batch's own statistics, so that a picture's semantics depend on the others of its batch
            (and running statistics drift unused); "eval" by the stored ones. It holds whatever `train()` and `eval()` are called on:
            SeD's extractor is never switched (lbc12345/SeD@311195f), so "train" is the default.
        channels: as many as these, the layer's own repeated in turn: for equal capacity, or a number that can be upscaled. None: its own.

    Raises:
        SemsrError: no such layer, another value of `batch_norm`, or fewer channels than the layer has.
    """

    layers: ClassVar[Mapping[str, Layer]]
    default: ClassVar[str]
    pretrained: ClassVar[bool] = True
    normalises: ClassVar[bool] = False
    looks_at: ClassVar[Literal["hr", "own"]] = "hr"

    def __init__(self, layer: str | None = None, batch_norm: BatchNorm = "train", channels: int | None = None) -> None:
        super().__init__()
        self.channels, self._own_stride = self.plan(layer=layer, channels=channels)
        self.layer, self.stride = layer or self.default, STRIDE
        if batch_norm not in ("train", "eval"):
            raise SemsrError(f"{type(self).__name__}: batch_norm: found {batch_norm!r}; allowed: 'train', 'eval'")
        self.batch_norm = batch_norm

    @classmethod
    def plan(cls, layer: str | None = None, channels: int | None = None, **_: Any) -> Layer:
        """What the extractor will give, from the options of `__init__`, without building it. Raises: SemsrError: see the class."""
        if (layer or cls.default) not in cls.layers:
            raise SemsrError(f"{cls.__name__}: layer: found {layer!r}; allowed: {', '.join(cls.layers)}")
        own = cls.layers[layer or cls.default]
        if channels is not None and channels < own.channels:
            raise SemsrError(
                f"{cls.__name__}: channels: found {channels}; {layer or cls.default} has {own.channels}, give as many or more"
            )
        return own if channels is None else own._replace(channels=channels)

    @abstractmethod
    def maps(self, picture: Tensor) -> Tensor:
        """The chosen layer of pictures as they come, (B, 3, H, W) in [0, 1] -> (B, its own channels, H/s, W/s), s its own stride."""

    def fill(self, weights: Path) -> None:
        """Load verified weights, strictly. Raises: WeightsError: they are another network's."""
        raise WeightsError(f"{weights}: {type(self).__name__} takes no weights")

    def on_path(self, name: str) -> bool:
        """Whether the parameter of that name has a part in the chosen layer."""
        return True

    def used_parameters(self) -> int:
        """How many parameters have a part in the chosen layer."""
        return sum(parameter.numel() for name, parameter in self.named_parameters() if self.on_path(name))

    def train(self, mode: bool = True) -> Self:
        """Stays as `batch_norm` says, whatever the network it is part of is switched to."""
        return super().train(self.normalises and self.batch_norm == "train")

    def freeze(self) -> Self:
        """No gradients for its parameters, and the mode that `batch_norm` says."""
        return self.requires_grad_(False).train()

    def forward(self, picture: Tensor) -> Tensor:
        """Semantics of pictures.

        Args:
            picture: (B, 3, H, W) RGB in [0, 1] (or beyond, where it is not clipped); H, W multiples of 16.

        Returns:
            (B, channels, H/16, W/16).

        Raises:
            SizeMismatchError: sides are no multiples of 16, or too small for batch statistics (one value a channel).
        """
        batch, _, height, width = picture.shape
        if height % STRIDE or width % STRIDE:
            raise SizeMismatchError(
                f"semantics of a picture of {height}x{width}: sides must be multiples of {STRIDE}; set data.patch"
            )
        places = batch * ceil(height / self._own_stride) * ceil(width / self._own_stride)
        if self.training and places < 2:
            raise SizeMismatchError(
                f"semantics of {batch} picture of {height}x{width}: batch statistics of {self.layer!r} need more than one value a "
                "channel; raise batch or data.patch, or set semantics.batch_norm: eval"
            )
        return repeat_channels(to_stride(self.maps(picture), (height // STRIDE, width // STRIDE)), self.channels)


def repeat_channels(maps: Tensor, channels: int) -> Tensor:
    """The channels in turn, again and again, up to so many: (B, C, h, w) -> (B, channels, h, w)."""
    times = -(-channels // maps.shape[1])
    return maps if channels == maps.shape[1] else maps.repeat(1, times, 1, 1)[:, :channels]


def to_stride(maps: Tensor, size: tuple[int, int]) -> Tensor:
    """Bring maps to `size`: finer ones are averaged over squares, coarser ones repeated (nearest). Our reading; see `Extractor`.

    Args:
        maps: (B, C, h, w).
        size: (H, W); where maps are finer, a divisor of theirs.
    """
    height, width = maps.shape[2:]
    if (height, width) == size:
        return maps
    if height >= size[0] and width >= size[1]:
        return F.avg_pool2d(maps, (height // size[0], width // size[1]))
    return F.interpolate(maps, size, mode="nearest")
