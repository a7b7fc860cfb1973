"""Recipes: how a variant is trained. One `recipes.yaml` beside a method's card, entry by entry, each on top of the one it extends."""

from __future__ import annotations

import re
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field, model_validator

from semsr.cards.base import Card, Id
from semsr.cards.method import Weights

Count = Annotated[int, Field(ge=1)]
Positive = Annotated[float, Field(gt=0)]
Share = Annotated[float, Field(ge=0, lt=1)]


def _is_free_folder(name: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9_][A-Za-z0-9_.-]*", name):
        raise ValueError("must be a folder's plain name: letters, digits, '_', '-' and '.', no path")
    if name in ("hr", "lr", "annotations"):
        raise ValueError("that folder is the data set's own; use another name")
    return name


Folder = Annotated[str, AfterValidator(_is_free_folder)]
"""The name of a folder of the user's inside a prepared data set's folder."""


class Network(Card):
    """A network by the name that the method's `Parts` know, and the options it is made with.

    `assets`: roles among the recipe's `assets` that the generator needs when it restores, too.
    """

    network: str
    options: dict[str, Any] = Field(default_factory=dict)
    assets: tuple[str, ...] = ()


class Start(Card):
    """Where the generator's first weights come from: another variant trained in this profile, or an asset (or its alternatives)."""

    variant: str | None = None
    weights: tuple[Weights, ...] = ()
    key: str | None = None

    @model_validator(mode="after")
    def _one_of_them(self) -> Start:
        if (self.variant is None) == (not self.weights):
            raise ValueError("name either 'variant' or 'weights'")
        return self


class Data(Card):
    """What is trained on; see docs/training-data.md.

    `patch` is the HR side in pixels. `lr` says where LR comes from: "paired" files, MATLAB "bicubic" while training, or one of
    Real-ESRGAN's degradations. `context`: side of the HR square that is degraded, of which the patch is cut. `target`: "sharpened"
    compares with the sharpened HR in the pixel and perceptual losses only (Real-ESRGAN), "plain" never. `ground_truth`: "sharpened" makes
    HR itself the sharpened picture wherever it is degraded (what SeeSR saves and trains on). `view`: "patch" cuts a square, "whole" brings
    the whole picture to a square of that size (DAPE). `lr`: "none" gives HR alone. `tags`: a folder inside the prepared data set's,
    data/<dataset>/<tags>/<picture>.txt, for objectives that read words from files. `shared_choices`: kinds of resizing and noise are
    drawn once for so many samples in a row (SeeSR: 10); None: for each.
    """

    dataset: Id
    patch: Count
    sub_images: tuple[Count, Count] | None = None
    view: Literal["patch", "whole"] = "patch"
    lr: Literal["paired", "bicubic", "full", "light", "pasd", "none"] = "paired"
    ground_truth: Literal["plain", "sharpened"] = "plain"
    context: Count | None = None
    small: Literal["refuse", "reflect"] = "refuse"
    flips: Literal["all", "horizontal", "none"] = "all"
    target: Literal["plain", "sharpened"] = "plain"
    tags: Folder | None = None
    shared_choices: Count | None = None


class Optimiser(Card):
    """Adam, or AdamW where `decay` is decoupled, or AdamW with 8-bit averages (needs the package bitsandbytes and a GPU).

    `clip`: gradients are scaled down to this norm, all parameters of the side together.
    """

    kind: Literal["adam", "adamw", "adamw-8bit"] = "adam"
    clip: Positive | None = None
    rate: Positive = 1e-4
    betas: tuple[Share, Share] = (0.9, 0.99)
    decay: Annotated[float, Field(ge=0)] = 0.0


class Schedule(Card):
    """The learning rate over the steps: multiplied by `factor` at each of `at`, or falling as a cosine to that share at the end.

    It rises linearly over the first `warmup` steps.
    """

    kind: Literal["steps", "cosine", "constant"] = "constant"
    at: tuple[Count, ...] = ()
    factor: Annotated[float, Field(ge=0, le=1)] = 0.5
    warmup: Annotated[int, Field(ge=0)] = 0


class PixelLoss(Card):
    """The difference of SR and HR, pixel by pixel."""

    kind: Literal["l1", "l2", "charbonnier"] = "l1"
    weight: Positive = 1.0


class PerceptualLoss(Card):
    """L1 of VGG features before ReLU, `layers` by torchvision's index in `features`, each with its weight; the sum times `weight`."""

    network: Literal["vgg19", "vgg16"] = "vgg19"
    layers: dict[int, float]
    weight: Positive = 1.0


class AdversarialLoss(Card):
    """The generator's loss is times `weight`; the discriminator's is the sum (relativistic: the mean) of real and fake, unweighted."""

    kind: Literal["vanilla", "lsgan", "relativistic"] = "vanilla"
    weight: Positive


class Losses(Card):
    """What the generator is trained by. `extra`: weights of losses that the method's `Parts` bring, by name."""

    pixel: PixelLoss | None = None
    perceptual: PerceptualLoss | None = None
    adversarial: AdversarialLoss | None = None
    extra: dict[str, Positive] = Field(default_factory=dict)


class Objective(Card):
    """What a network other than a plain generator is trained by: an objective that the method's `Parts` know, and its options."""

    kind: Id
    options: dict[str, Any] = Field(default_factory=dict)


class Validation(Card):
    """Every `every` steps: `columns` of `protocol` on the test pictures of `dataset`, and the first `samples` as pictures.

    It is never used to choose weights.
    """

    every: Count
    dataset: Id
    protocol: Id
    columns: Annotated[tuple[Id, ...], Field(min_length=1)] = ("psnr",)
    samples: Annotated[int, Field(ge=0)] = 2


class Recipe(Card):
    """One way to train a generator, with or without a discriminator.

    Attributes:
        once: trained with the profile's first seed alone, as the common start of others.
        assets: files the method's `Parts` need, by the role they know: alternatives, the first that can be had. "perceptual" is the VGG's.
        batch: samples a step, over all processes and accumulated parts together.
        trained: other variants of the method by the role their weights have here: they are trained first, with the profile's seed that
            `start` would take, and stand among the files as assets do.
        objective: of what is no plain generator (a tagger, an autoencoder, a diffusion model), in the place of `losses`.
        recompute: forget activations and compute them again in the backward pass: less memory, the same numbers.
        accumulate: parts that a step's batch is worked off in.
        precision: of the networks' forward passes; "fp32" is the reference, "fp64" for tests.
        ema: decay of the generator's moving average, which is then what is kept.
        log, save: every how many steps a line is logged, and a checkpoint kept.
        threads: CPU threads; None: the profile's. Small networks are faster with one, and several trainings then run side by side.
    """

    notes: str = ""
    reading: str = ""
    once: bool = False
    generator: Network
    discriminator: Network | None = None
    start: Start | None = None
    assets: dict[str, Annotated[tuple[Weights, ...], Field(min_length=1)]] = Field(default_factory=dict)
    trained: dict[str, Id] = Field(default_factory=dict)
    data: Data
    batch: Count
    recompute: bool = False
    accumulate: Count = 1
    steps: Count
    precision: Literal["fp32", "bf16", "fp16", "fp64"] = "fp32"
    ema: Share | None = None
    generator_optimiser: Optimiser = Optimiser()
    discriminator_optimiser: Optimiser = Optimiser()
    schedule: Schedule = Schedule()
    losses: Losses = Losses()
    objective: Objective | None = None
    validation: Validation | None = None
    log: Count = 100
    save: Count = 5000
    threads: Count | None = None

    @model_validator(mode="after")
    def _whole(self) -> Recipe:
        if self.objective is not None:
            if self.losses != Losses() or self.discriminator is not None:
                raise ValueError("an objective stands in the place of losses and discriminator: give it, or them")
            if self.validation is not None:
                raise ValueError(
                    "validation: only a plain generator restores pictures while it is trained; leave it out beside 'objective'"
                )
        elif (self.discriminator is None) != (self.losses.adversarial is None):
            raise ValueError("a discriminator and an adversarial loss go together: give both or neither")
        if (
            self.objective is None
            and self.losses.pixel is None
            and self.losses.perceptual is None
            and self.losses.adversarial is None
        ):
            raise ValueError("losses: name at least one of 'pixel', 'perceptual', 'adversarial'")
        if self.data.tags is not None and self.objective is None:
            raise ValueError("data.tags: plain losses read no tags; leave it out, or train by an objective that does")
        if self.losses.perceptual is not None and "perceptual" not in self.assets:
            raise ValueError("a perceptual loss needs the asset 'perceptual'")
        known = {**self.assets, **self.trained}
        if twice := sorted(set(self.assets) & set(self.trained)):
            raise ValueError(f"role {twice[0]!r} stands in 'assets' and in 'trained'; keep one")
        if unknown := sorted({*self.generator.assets, *(self.discriminator.assets if self.discriminator else ())} - set(known)):
            raise ValueError(
                f"the networks need the asset {unknown[0]!r}, but 'assets' and 'trained' have only: {', '.join(known) or 'none'}"
            )
        if self.batch % self.accumulate:
            raise ValueError(f"batch: found {self.batch}; must be a multiple of accumulate, {self.accumulate}")
        return self
