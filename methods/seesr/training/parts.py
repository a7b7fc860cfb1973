"""What SeeSR gives to the training loop: its networks, one at a time, and what each is trained by."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

from torch import Tensor, nn

from semsr.cards.base import Card, parse_card
from semsr.errors import SemsrError, located
from semsr.training.objective import Objective
from semsr.training.parts import Parts
from semsr.training.perceptual import make_perceptual

from ..networks.agreement import check_agreement
from ..networks.autoencoder import make_autoencoder
from ..networks.controlled import train_only
from ..networks.loading import load_into, start_networks
from ..networks.scheduler import make_scheduler
from ..networks.text import make_text_encoder
from ..networks.unet import make_unet
from ..options import SeeSrOptions
from ..tagger import load_lora, lora_state, make_dape, make_tagger, start_dape
from .autoencoder import AutoencoderObjective, Autoencoding, PerceptualAutoencoderObjective
from .base import DiffusionObjective, TaggedDiffusionObjective, TextToImage
from .beginning import pass_on_colours
from .control import ControlObjective, Representation, TaggedControlObjective
from .dape import DapeObjective, DapeOptions
from .latents import Latents, Noising
from .options import AutoencoderLoss, ControlLoss, DiffusionLoss
from .words import Words

_KINDS: Mapping[str, tuple[str, type[Card]]] = {
    "autoencoder": ("autoencoder", AutoencoderLoss),
    "tagger": ("dape", DapeOptions),
    "diffusion": ("diffusion", DiffusionLoss),
    "controlled-diffusion": ("control", ControlLoss),
}
"""The objective of each network, and its options."""

_NEEDS: Mapping[str, tuple[str, ...]] = {
    "autoencoder": (),
    "tagger": ("tagger",),
    "diffusion": ("autoencoder", "tagger"),
    "controlled-diffusion": ("unet", "autoencoder", "tagger", "dape"),
}
"""Roles among the recipe's assets and trained variants, besides the text encoder's."""

L = TypeVar("L", bound=Card)


class SeesrParts(Parts):
    """Networks "autoencoder", "tagger" (LoRA alone is trained), "diffusion" (a text-to-image U-Net) and "controlled-diffusion" (stage two).

    `generator.options` are `SeeSrOptions`, whichever the network is; each is trained by one objective (`training/options.py`).

    Raises:
        SemsrError: an unknown network, objective or option, or files that the recipe does not name.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.network = self.generator_card.network
        if self.network not in _KINDS:
            raise SemsrError(f"generator.network: found {self.network!r}; allowed: {', '.join(_KINDS)}")
        self.card = parse_card(SeeSrOptions, self.generator_card.options, "generator.options")
        if "diffusion" in self.network:
            with located("generator.options"):
                check_agreement(self.card, image=self.network == "controlled-diffusion")
        kind, options = _KINDS[self.network]
        if self.objective_card is None or self.objective_card.kind != kind:
            found = self.objective_card.kind if self.objective_card else None
            raise SemsrError(f"objective.kind: found {found!r}; {self.network!r} is trained by {kind!r}")
        self.loss = parse_card(options, self.objective_card.options, "objective.options")
        needed = [*_NEEDS[self.network]]
        if isinstance(self.loss, AutoencoderLoss) and self.loss.perceptual is not None:
            needed.append("perceptual")
        if isinstance(self.loss, DiffusionLoss) and self.card.text.kind != "hashed":
            needed.append("text-encoder")
        if missing := [role for role in needed if role not in self.files]:
            raise SemsrError(
                f"{self.network!r} is trained with the role {missing[0]!r}, and the recipe names none; add it to 'assets' or 'trained'"
            )

    @property
    def reads_tags(self) -> bool:
        """Whether the words come from files beside the pictures; the recipe must then name `data.tags`."""
        return isinstance(self.loss, DiffusionLoss) and self.loss.words == "files"

    def generator(self) -> nn.Module:
        """See `Parts.generator`: what is trained, called by the objective alone."""
        if self.network == "tagger":
            return start_dape(self.card.tagger, self.files, recompute=self.recompute)
        if self.network == "autoencoder":
            made = Autoencoding(make_autoencoder(self.card.autoencoder, None), self._loss(AutoencoderLoss))
            if self.recompute:
                made.autoencoder.enable_gradient_checkpointing()
            return made
        if self.network == "diffusion":
            unet = make_unet(self.card.diffusion, False)
            if self.recompute:
                unet.enable_gradient_checkpointing()
            return TextToImage(unet, self._loss(DiffusionLoss))
        diffusion = start_networks(self.card.diffusion, self.files)
        if self._loss(ControlLoss).begin == "passing":
            pass_on_colours(diffusion.controlnet)
        train_only(diffusion, self._loss(ControlLoss).train)
        if self.recompute:
            diffusion.recompute()
        return diffusion

    def objective(self) -> Objective:
        """See `Parts.objective`."""
        if self.network == "tagger":
            return DapeObjective(make_tagger(self.card.tagger, self.files), self._loss(DapeOptions))
        if self.network == "autoencoder":
            autoencoding, shape = self._loss(AutoencoderLoss), self.card.autoencoder
            if autoencoding.perceptual is None:
                return AutoencoderObjective(autoencoding, (shape.latent, shape.factor))
            seen = make_perceptual(autoencoding.perceptual, self.files["perceptual"])
            return PerceptualAutoencoderObjective(autoencoding, (shape.latent, shape.factor), seen)
        loss = self._loss(DiffusionLoss)
        tagged = loss.words == "files"
        diffused = self._latents(), Noising(make_scheduler(self.card.scheduler).alphas_cumprod), self._words(loss)
        if self.network == "diffusion":
            return (TaggedDiffusionObjective if tagged else DiffusionObjective)(*diffused)
        control = TaggedControlObjective if tagged else ControlObjective
        return control(*diffused, Representation(make_dape(self.card.tagger, self.files), self.card.tagger.size))

    def multiple(self) -> int:
        """See `Parts.multiple`: the autoencoder's factor, times the U-Net's where one is trained."""
        if self.network == "tagger":
            return 1
        levels = len(self.card.diffusion.channels) - 1 if self.network != "autoencoder" else 0
        return self.card.autoencoder.factor << levels

    def export(self, generator: nn.Module) -> dict[str, Tensor]:
        """See `Parts.export`: LoRA alone of a tagger, stage two with `unet.` and `controlnet.`, the others under diffusers' names."""
        if self.network == "tagger":
            return dict(lora_state(generator))
        return dict(_inner(generator).state_dict())

    def load(self, generator: nn.Module, weights: Path, key: str | None = None) -> None:
        """See `Parts.load`. Raises: SemsrError: a key, since none of these files has groups."""
        if key is not None:
            raise SemsrError(f"start.key: found {key!r}; SeeSR's files have no groups, leave it out")
        if self.network == "tagger":
            load_lora(generator, weights)
        else:
            load_into(_inner(generator), weights)

    def options(self) -> dict[str, Any]:
        """See `Parts.options`: every option, those that the recipe leaves out too."""
        return {"generator": self.card.model_dump(mode="json"), "objective": self.loss.model_dump(mode="json")}

    def _loss(self, kind: type[L]) -> L:
        assert isinstance(self.loss, kind)
        return self.loss

    def _latents(self) -> Latents:
        card = self.card.autoencoder
        return Latents(make_autoencoder(card, self.files["autoencoder"]), card.scaling)

    def _words(self, loss: DiffusionLoss) -> Words:
        tagger = make_tagger(self.card.tagger, self.files) if loss.words == "tagger" else None
        return Words(make_text_encoder(self.card.text, self.files), tagger, loss.null_text)


def _inner(generator: nn.Module) -> nn.Module:
    """The network that files hold: without what it is called through."""
    if isinstance(generator, Autoencoding):
        return generator.autoencoder
    return generator.unet if isinstance(generator, TextToImage) else generator
