"""A degradation by name and options, and what it makes of a picture."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from functools import cached_property, partial
from typing import Final, Literal, get_args

import numpy as np
import torch
from torch import Tensor

from semsr.errors import CardError, PictureError, SizeMismatchError
from semsr.imaging.degradation.blur import blur
from semsr.imaging.degradation.draws import Choices, Dice, StageChoices, draw
from semsr.imaging.degradation.jpeg import compress
from semsr.imaging.degradation.kernels import Kernel
from semsr.imaging.degradation.noise import add_gaussian, add_poisson
from semsr.imaging.degradation.parameters import Parameters
from semsr.imaging.degradation.resize import resize_by, resize_to
from semsr.imaging.degradation.sharpen import sharpen
from semsr.imaging.pictures import Rgb

VERSION: Final = 1
"""Raised whenever a picture's result changes."""

GroundTruth = Literal["plain", "sharpened"]
Step = tuple[str, Callable[[Tensor], Tensor]]


@dataclass(frozen=True)
class Recipe:
    """Everything that, with a picture and its id, decides the result.

    Attributes:
        parameters: the ranges and probabilities.
        seed: another seed, other pictures.
        ground_truth: "plain": the HR picture is given back as it came (Real-ESRGAN's GAN loss, StableSR); "sharpened": as it was
            degraded, after unsharp masking (what SeeSR saves and trains on). Does not change the LR picture.
        shared_choices: resize kinds, scales, modes and noise kinds are drawn once for so many pictures in a row (SeeSR: 10);
            None: for each picture.
        scale: HR over LR side.

    Raises:
        CardError: an option is not allowed.
    """

    parameters: Parameters
    seed: int = 0
    ground_truth: GroundTruth = "plain"
    shared_choices: int | None = None
    scale: int = 4

    def __post_init__(self) -> None:
        if self.ground_truth not in get_args(GroundTruth):
            raise CardError(f"degradation: ground_truth: found {self.ground_truth!r}; allowed: plain, sharpened")
        if self.shared_choices is not None and self.shared_choices < 1:
            raise CardError(f"degradation: shared_choices: found {self.shared_choices}; allowed: 1 or more, or null")
        if self.scale < 1:
            raise CardError(f"degradation: scale: found {self.scale}; allowed: 1 or more")

    @cached_property
    def id(self) -> str:
        """A hash of all options, the seed and the version of the code; 16 hexadecimal digits."""
        options = asdict(self)
        del options["parameters"]["name"]
        text = json.dumps({"version": VERSION, **options}, sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def dice(self, image: str, place: int = 0) -> Dice:
        """The random numbers of a picture. The ground truth's kind has no part in them, so that both kinds get the same LR picture."""
        stream = replace(self, ground_truth="plain").id
        return Dice(stream, image, None if self.shared_choices is None else place // self.shared_choices)


@dataclass(frozen=True)
class Degraded:
    """A pair: (H, W, 3) and (H/scale, W/scale, 3), uint8."""

    hr: Rgb
    lr: Rgb


def degrade(hr: Rgb, recipe: Recipe, image: str, *, place: int = 0, device: str = "cpu") -> Degraded:
    """Degrade one picture. The result depends on the arguments before the star and nothing else (on `place` only with shared choices).

    Args:
        hr: (H, W, 3) uint8; sides are multiples of the recipe's scale.
        recipe: what is done.
        image: the picture's id; other ids get other degradations.
        place: the picture's number in its data set; with shared choices, pictures place // shared_choices alike share them.
        device: where the filters run. Random numbers and JPEG are always the host's.

    Raises:
        PictureError: not an 8-bit RGB picture.
        SizeMismatchError: a side is not a multiple of the scale.
    """
    _check(hr, recipe, image)
    size = hr.shape[0] // recipe.scale, hr.shape[1] // recipe.scale
    dice = recipe.dice(image, place)
    with torch.inference_mode():
        planes = torch.from_numpy(np.ascontiguousarray(hr.transpose(2, 0, 1))).to(device).to(torch.float64)
        sharp = sharpen(planes)
        lr = sharp
        for _, step in steps(draw(recipe.parameters, dice), dice, size):
            lr = step(lr)
        return Degraded(hr if recipe.ground_truth == "plain" else _pixels(sharp), _pixels(lr))


def degrade_batch(
    pictures: Sequence[Rgb],
    recipe: Recipe,
    images: Sequence[str],
    places: Sequence[int] | None = None,
    *,
    device: str = "cpu",
    threads: int = 1,
) -> list[Degraded]:
    """Degrade several pictures, of any sizes, `threads` at a time with one torch thread each; each result is that of `degrade`.

    Raises:
        ValueError: pictures, images and places differ in number.
        PictureError, SizeMismatchError: as `degrade`.
    """
    places = range(len(pictures)) if places is None else places
    work = list(zip(pictures, images, places, strict=True))
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        with ThreadPoolExecutor(max(threads, 1)) as pool:
            return list(pool.map(lambda each: degrade(each[0], recipe, each[1], place=each[2], device=device), work))
    finally:
        torch.set_num_threads(before)


def steps(choices: Choices, dice: Dice, size: tuple[int, int]) -> list[Step]:
    """The operations in their order, by name, each (3, H, W) to (3, H', W').

    Args:
        choices: what was drawn.
        dice: where the noise comes from.
        size: (H, W) of the LR picture.
    """
    first, second = choices.first, choices.second
    order: list[Step] = [
        *_blurs("blur1", first.kernel),
        ("resize1", partial(resize_by, scale=first.scale, mode=first.mode)),
        ("noise1", partial(_add_noise, stage=first, random=dice.generator("first noise"))),
        ("jpeg1", partial(compress, quality=first.quality)),
        *_blurs("blur2", second.kernel),
        ("resize2", partial(resize_to, size=_scaled(size, second.scale), mode=second.mode)),
        ("noise2", partial(_add_noise, stage=second, random=dice.generator("second noise"))),
    ]
    back: list[Step] = [("resize-back", partial(resize_to, size=size, mode=choices.mode)), *_blurs("sinc", choices.sinc)]
    jpeg: Step = ("jpeg2", partial(compress, quality=second.quality))
    return order + ([*back, jpeg] if choices.jpeg_last else [jpeg, *back])


def _blurs(name: str, kernel: Kernel | None) -> list[Step]:
    return [] if kernel is None else [(name, partial(blur, kernel=kernel.values()))]


def _add_noise(picture: Tensor, stage: StageChoices, random: np.random.Generator) -> Tensor:
    add = add_gaussian if stage.noise == "gaussian" else add_poisson
    return add(picture, stage.strength, stage.grey, random)


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(1, int(size[0] * scale)), max(1, int(size[1] * scale))


def _pixels(picture: Tensor) -> Rgb:
    whole = picture.round().clamp_(0.0, 255.0).to(device="cpu", dtype=torch.uint8)
    return np.ascontiguousarray(whole.numpy().transpose(1, 2, 0))


def _check(hr: Rgb, recipe: Recipe, image: str) -> None:
    if hr.ndim != 3 or hr.shape[2] != 3 or hr.dtype != np.uint8 or 0 in hr.shape:
        raise PictureError(f"{image}: found an array of shape {hr.shape}, {hr.dtype}; allowed: (H, W, 3), uint8")
    if hr.shape[0] % recipe.scale or hr.shape[1] % recipe.scale:
        raise SizeMismatchError(
            f"{image}: {hr.shape[1]} x {hr.shape[0]} pixels; both sides must be multiples of {recipe.scale}: crop the picture first"
        )
