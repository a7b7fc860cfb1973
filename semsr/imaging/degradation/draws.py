"""All random choices of one picture, each from a stream of its own: none depends on how many others were drawn before it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from math import pi
from typing import Literal, TypeVar

import numpy as np

from semsr.imaging.degradation.kernels import Kernel
from semsr.imaging.degradation.parameters import KERNEL_KINDS, Parameters, ResizeMode, Stage

T = TypeVar("T")
SHARED = frozenset({"resize kind", "resize scale", "resize mode", "noise kind"})
"""What SeeSR draws once a batch."""


@dataclass(frozen=True)
class StageChoices:
    """What was drawn for one pass.

    Attributes:
        kernel: None: no blur.
        scale: of the resize; 1: none.
        mode: of the resize.
        noise: its kind.
        strength: standard deviation in grey levels of Gaussian noise, factor on Poisson noise.
        grey: the same noise in all channels.
        quality: of JPEG.
    """

    kernel: Kernel | None
    scale: float
    mode: ResizeMode
    noise: Literal["gaussian", "poisson"]
    strength: float
    grey: bool
    quality: int


@dataclass(frozen=True)
class Choices:
    """What was drawn for one picture.

    Attributes:
        first, second: the two passes.
        sinc: the last filter; None: none.
        mode: of the last resize.
        jpeg_last: the second JPEG comes after the last resize and filter, not before.
    """

    first: StageChoices
    second: StageChoices
    sinc: Kernel | None
    mode: ResizeMode
    jpeg_last: bool


@dataclass(frozen=True)
class Dice:
    """Random numbers by name.

    Attributes:
        stream: what all keys begin with: the recipe and its seed.
        image: the picture's id.
        group: what the shared choices are keyed by in the place of the picture; None: nothing is shared.
    """

    stream: str
    image: str
    group: int | None = None

    def generator(self, label: str) -> np.random.Generator:
        """A generator of its own for each label."""
        kind = label.partition(" ")[2]
        owner: list[str | int] = ["image", self.image]
        if self.group is not None and kind in SHARED:
            owner = ["group", self.group]
        key = hashlib.sha256(json.dumps([self.stream, *owner, label]).encode()).digest()
        return np.random.Generator(np.random.Philox(key=int.from_bytes(key[:16], "little")))

    def unit(self, label: str) -> float:
        """Uniform in [0, 1)."""
        return float(self.generator(label).random())

    def chance(self, label: str, probability: float) -> bool:
        """True with this probability."""
        return self.unit(label) < probability

    def between(self, label: str, low: float, high: float) -> float:
        """Uniform in [low, high)."""
        return low + (high - low) * self.unit(label)

    def one_of(self, label: str, options: Sequence[T], shares: Sequence[float] | None = None) -> T:
        """One of the options, with these probabilities or equal ones."""
        shares = shares or [1.0 / len(options)] * len(options)
        left = self.unit(label)
        for option, share in zip(options, shares, strict=True):
            left -= share
            if left < 0.0:
                return option
        return next(option for option, share in zip(reversed(options), reversed(shares), strict=True) if share > 0.0)


def draw(parameters: Parameters, dice: Dice) -> Choices:
    """Draw everything that is random about a picture's degradation except the noise itself (labels "first noise", "second noise")."""
    sinc = None
    if dice.chance("final sinc", parameters.final_sinc_prob):
        size = _size(dice, "final size", parameters.final_sinc_sizes)
        sinc = Kernel("sinc", size, cutoff=dice.between("final cutoff", pi / 3, pi))
    return Choices(
        first=_stage(parameters.first, parameters, dice, "first"),
        second=_stage(parameters.second, parameters, dice, "second"),
        sinc=sinc,
        mode=dice.one_of("final resize mode", parameters.resize_modes),
        jpeg_last=dice.chance("final order", parameters.jpeg_last_prob),
    )


def _stage(stage: Stage, parameters: Parameters, dice: Dice, name: str) -> StageChoices:
    kind = dice.one_of(f"{name} resize kind", ("up", "down", "keep"), stage.resize_prob)
    low, high = {"up": (1.0, stage.resize_range[1]), "down": (stage.resize_range[0], 1.0), "keep": (1.0, 1.0)}[kind]
    gaussian = dice.chance(f"{name} noise kind", stage.gaussian_prob)
    return StageChoices(
        kernel=_kernel(stage, dice, name) if dice.chance(f"{name} blur", stage.blur_prob) else None,
        scale=dice.between(f"{name} resize scale", low, high),
        mode=dice.one_of(f"{name} resize mode", parameters.resize_modes),
        noise="gaussian" if gaussian else "poisson",
        strength=dice.between(f"{name} strength", *(stage.noise if gaussian else stage.poisson)),
        grey=dice.chance(f"{name} grey", stage.grey_noise_prob),
        quality=round(dice.between(f"{name} quality", *stage.jpeg)),
    )


def _kernel(stage: Stage, dice: Dice, name: str) -> Kernel:
    size = _size(dice, f"{name} size", stage.kernel_sizes)
    if dice.chance(f"{name} sinc", stage.sinc_prob):
        lowest = pi / 3 if size < 13 else pi / 5
        return Kernel("sinc", size, cutoff=dice.between(f"{name} cutoff", lowest, pi))
    kind = dice.one_of(f"{name} kernel", KERNEL_KINDS, stage.kernel_prob)
    sigma = dice.between(f"{name} sigma", *stage.sigma)
    other, angle, beta = sigma, 0.0, 1.0
    if kind.endswith("aniso"):
        other = dice.between(f"{name} sigma across", *stage.sigma)
        angle = dice.between(f"{name} angle", -pi, pi)
    if kind not in ("iso", "aniso"):
        low, high = stage.beta_plateau if kind.startswith("plateau") else stage.beta_generalised
        below = dice.chance(f"{name} beta below 1", 0.5)
        beta = dice.between(f"{name} beta", low, 1.0) if below else dice.between(f"{name} beta", 1.0, high)
    return Kernel(kind, size, (sigma, other), angle, beta)


def _size(dice: Dice, label: str, sizes: tuple[int, int]) -> int:
    return dice.one_of(label, range(sizes[0], sizes[1] + 1, 2))
