"""One step of training, with or without a discriminator: the algorithm, and nothing else.

Order (SeD, ESRGAN, Real-ESRGAN and LDL alike): the generator's half, in which the discriminator is frozen, then the discriminator's,
real before fake, where fake is what the generator gave *before* its update. Source of the order: SeD's, see methods/sed/README.md.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from semsr.cards.recipe import Losses
from semsr.training.averaging import Averaged
from semsr.training.losses import AdversarialLoss, PixelLoss
from semsr.training.parts import ExtraLoss
from semsr.training.precision import Precision
from semsr.training.side import Side

Terms = dict[str, Tensor]
"""Scalars by name, on the device; see docs/training.md for what each is."""


@dataclass(frozen=True)
class View:
    """What a step sees of one part of its batch.

    Attributes:
        lr: (B, 3, h, w). hr: (B, 3, H, W), what the discriminator is shown as real.
        target: what the pixel and perceptual losses compare with: hr, or hr sharpened.
        condition: what the discriminator is told about hr; None without one.
    """

    lr: Tensor
    hr: Tensor
    target: Tensor
    condition: Any


@dataclass(frozen=True)
class GeneratorLosses:
    """The losses of the generator but the adversarial one, as far as the recipe has them."""

    pixel: PixelLoss | None
    perceptual: nn.Module | None
    extra: Mapping[str, ExtraLoss]


class Step:
    """Takes steps. A step's batch is worked off in parts, whose gradients are the mean of the parts'.

    Args:
        card: the recipe's losses.
        generator: its side. discriminator: its side; None: none is trained.
        losses: of the generator.
        condition: the frozen network that looks at HR for the discriminator.
        average: the generator's moving average.
        precision: of the networks.
    """

    def __init__(
        self,
        card: Losses,
        generator: Side,
        discriminator: Side | None,
        losses: GeneratorLosses,
        condition: nn.Module | None,
        average: Averaged | None,
        precision: Precision,
    ) -> None:
        self.card, self.generator, self.discriminator = card, generator, discriminator
        self.losses, self.condition, self.average, self.precision = losses, condition, average, precision
        self.adversarial = AdversarialLoss(card.adversarial.kind) if card.adversarial else None

    wants = ("lr", "hr")

    @property
    def columns(self) -> tuple[str, ...]:
        """What a step finds, in the order it finds it."""
        card = self.card
        generator = [name for name in ("pixel", "perceptual") if getattr(card, name) is not None]
        columns = [*generator, *card.extra, *(["adversarial"] if self.discriminator else []), "norm_generator"]
        if self.discriminator is not None:
            columns += ["discriminator", "logit_real", "logit_fake", "norm_discriminator"]
        return tuple(columns)

    def __call__(self, parts: Sequence[Mapping[str, Tensor]]) -> Terms:
        """One step. `parts`: batches with `lr`, `hr` and, where the recipe sharpens, `target`; on the device."""
        views = [self._look(part) for part in parts]
        terms: Terms = {}
        fakes = self._train_generator(views, terms)
        if self.discriminator is not None:
            self._train_discriminator(self.discriminator, views, fakes, terms)
        return terms

    def _look(self, part: Mapping[str, Tensor]) -> View:
        """HR is looked at once a step; the generator's half and both pictures of the discriminator's share what was found."""
        condition = None
        if self.condition is not None:
            with torch.no_grad(), self.precision.autocast():
                condition = self.condition(part["hr"])
        return View(part["lr"], part["hr"], part.get("target", part["hr"]), condition)

    def _train_generator(self, views: Sequence[View], terms: Terms) -> list[Tensor]:
        fakes = []
        with self.discriminator.frozen() if self.discriminator else nullcontext():
            for view in views:
                sr = self.generator(view.lr)  # not clipped
                losses = self._compare(sr, view)
                if self.discriminator is not None:
                    losses["adversarial"] = self._deceive(self.discriminator, sr, view)
                self._backward(self.generator, losses, views, terms)
                fakes.append(sr.detach())
        terms["norm_generator"] = self.generator.update()
        if self.average is not None:
            self.average.update(self.generator.network)
        return fakes

    def _compare(self, sr: Tensor, view: View) -> Terms:
        """The generator's losses against the target, each times its weight."""
        losses: Terms = {}
        if self.losses.pixel is not None and self.card.pixel is not None:
            losses["pixel"] = self.card.pixel.weight * self.losses.pixel(sr, view.target)
        if self.losses.perceptual is not None and self.card.perceptual is not None:
            with self.precision.autocast():
                losses["perceptual"] = self.card.perceptual.weight * self.losses.perceptual(sr, view.target)
        for name, weight in self.card.extra.items():
            losses[name] = weight * self.losses.extra[name](sr, view.hr)
        return losses

    def _deceive(self, discriminator: Side, sr: Tensor, view: View) -> Tensor:
        """The adversarial loss of the generator, times its weight."""
        assert self.adversarial is not None and self.card.adversarial is not None
        real = None
        if self.adversarial.needs_real:
            with torch.no_grad():
                real = discriminator(view.hr, view.condition)
        return self.card.adversarial.weight * self.adversarial.generator(discriminator(sr, view.condition), real)

    def _train_discriminator(self, side: Side, views: Sequence[View], fakes: list[Tensor], terms: Terms) -> None:
        assert self.adversarial is not None
        for view, fake in zip(views, fakes, strict=True):
            on_real = side(view.hr, view.condition)
            on_fake = side(fake, view.condition)
            self._backward(side, {"discriminator": self.adversarial.discriminator(on_real, on_fake)}, views, terms)
            for name, logits in (("logit_real", on_real), ("logit_fake", on_fake)):
                _add(terms, name, logits.detach().mean() / len(views))
        terms["norm_discriminator"] = side.update()

    def _backward(self, side: Side, losses: Terms, views: Sequence[View], terms: Terms) -> None:
        shares = {name: loss / len(views) for name, loss in losses.items()}
        side.backward(torch.stack([share.to(self.precision.dtype) for share in shares.values()]).sum())
        for name, share in shares.items():
            _add(terms, name, share.detach())


def _add(terms: Terms, name: str, value: Tensor) -> None:
    terms[name] = terms[name] + value if name in terms else value
