"""The perceptual loss: what pictures look like to a VGG network trained on ImageNet, before its ReLUs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsr.cards import recipe
from semsr.errors import SemsrError, SizeMismatchError
from semsr.restoration.vgg_files import IMAGENET_MEAN, IMAGENET_STD, VggName, convolutions, read_vgg

Features = Sequence[Tensor]
"""One map (B, C, h, w) a layer wanted, in the order of the layers."""


class PerceptualFeatures(nn.Module):
    """VGG's convolutions up to the deepest layer wanted, frozen; built with empty weights, see `load_vgg`.

    State: `vgg_layers.{n}.weight`, `vgg_layers.{n}.bias` with torchvision's n, `mean`, `std`.

    Args:
        network: "vgg19" or "vgg16".
        layers: indices of convolutions; their output is taken before the ReLU.

    Raises: SemsrError: an index that is no convolution of the network, or none at all.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: VggName, layers: Iterable[int]) -> None:
        super().__init__()
        known = convolutions(network)
        self.network, self.layers = network, tuple(sorted(layers))
        wrong = next((index for index in self.layers if index not in known), None)
        if wrong is not None or not self.layers:
            found = "none" if wrong is None else wrong
            raise SemsrError(
                f"losses.perceptual.layers: found {found}; allowed, as convolutions of {network}: {', '.join(map(str, known))}"
            )
        self.vgg_layers = nn.Sequential(*(_layer(index, known, self.layers) for index in range(self.layers[-1] + 1)))
        self.smallest = 2 ** sum(isinstance(layer, nn.MaxPool2d) for layer in self.vgg_layers)
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))
        self.requires_grad_(False)
        # The fastest layout for convolutions on either kind of device; the values differ in the last bits of float32.
        cast(Any, self).to(memory_format=torch.channels_last)

    def forward(self, picture: Tensor) -> list[Tensor]:
        """RGB in [0, 1] (B, 3, H, W), not clipped -> the maps of the layers wanted; each pooling halves H and W, rounding down.

        Raises: SemsrError: nothing would be left of a picture so small.
        """
        if min(picture.shape[2:]) < self.smallest:
            size = "x".join(str(side) for side in picture.shape[2:])
            raise SemsrError(
                f"perceptual loss: pictures of {size} pixels leave nothing for layer {self.layers[-1]} of {self.network}; "
                f"it needs sides of at least {self.smallest}: enlarge data.patch or name other layers"
            )
        maps = (picture - self.mean) / self.std
        found = []
        for index, layer in enumerate(self.vgg_layers):
            maps = layer(maps)
            if index in self.layers:
                found.append(maps)
        return found


def _layer(index: int, known: Mapping[int, tuple[int, int]], wanted: Sequence[int]) -> nn.Module:
    if index in known:
        # Left empty: no random number is drawn for weights that come from a file.
        return cast(nn.Module, cast(Any, nn.utils.skip_init)(nn.Conv2d, *known[index], kernel_size=3, padding=1))
    # A map that is wanted must outlive the ReLU after it.
    return nn.ReLU(inplace=index - 1 not in wanted) if index - 1 in known else nn.MaxPool2d(2)


class Perceptual(nn.Module):
    """The sum over layers of (weight * mean |f(sr) - f(hr)|), f being VGG's maps before ReLU; the recipe's own weight is not in it.

    Source: Wang et al. 2018 (ESRGAN), section 3.3; SeD's layers and weights stand in its recipes.
    """

    def __init__(self, vgg: PerceptualFeatures, weights: Mapping[int, float]) -> None:
        super().__init__()
        self.vgg = vgg.eval()
        self.weights = tuple(weights[index] for index in vgg.layers)

    @torch.no_grad()
    def features(self, hr: Tensor) -> list[Tensor]:
        """The maps of HR pictures, to be given to `forward` in their place by whoever needs them more than once."""
        return self.vgg(hr)  # type: ignore[no-any-return]

    def forward(self, sr: Tensor, hr: Tensor | Features) -> Tensor:
        """Pictures in [0, 1] (B, 3, H, W), not clipped; HR as a picture or as its `features`. Gradients flow into `sr` alone.

        Returns: a scalar.

        Raises: SizeMismatchError: sr and hr differ in shape.
        """
        theirs = self.features(hr) if isinstance(hr, Tensor) else hr
        total = sr.new_zeros(())
        for weight, mine, other in zip(self.weights, self.vgg(sr), theirs, strict=True):
            if mine.shape != other.shape:
                raise SizeMismatchError(f"perceptual loss: maps of sr are {tuple(mine.shape)}, of hr {tuple(other.shape)}")
            total = total + weight * F.l1_loss(mine, other)
        return total


def make_perceptual(card: recipe.PerceptualLoss, file: Path) -> Perceptual:
    """The loss that a recipe describes, on the CPU in float32. Raises: SemsrError: a layer that is none; WeightsError: see `load_vgg`."""
    vgg = PerceptualFeatures(card.network, card.layers)
    load_vgg(vgg, file)
    return Perceptual(vgg, card.layers)


def load_vgg(vgg: PerceptualFeatures, file: Path) -> None:
    """Load torchvision's ImageNet weights as far as they are needed. Raises: WeightsError: see `read_vgg`."""
    state = read_vgg(vgg.network, file)
    own = {name: name.replace("vgg_layers", "features") for name in vgg.state_dict() if name.startswith("vgg_layers")}
    vgg.load_state_dict({name: state[theirs] for name, theirs in own.items()} | {"mean": vgg.mean, "std": vgg.std})
