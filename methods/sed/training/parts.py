"""What SeD gives to the training loop: generators, discriminators with or without semantics, and what sees HR for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from torch import Tensor, nn

from semsr.cards.base import parse_card
from semsr.cards.recipe import Network
from semsr.errors import SemsrError
from semsr.restoration.generators import export_state, load_state, make_generator
from semsr.restoration.semantics.extractor import STRIDE, Extractor
from semsr.restoration.semantics.extractors import extractor_kind, make_extractor, plan_extractor
from semsr.training.parts import Parts

from .image import ImageDiscriminator
from .options import ImageOptions, PatchOptions, PixelOptions, SemanticOptions
from .patch import KairPatchDiscriminator, PatchDiscriminator
from .pixel import UNetDiscriminator

ROLE = "extractor"
"""The role of the extractor's weights among a recipe's assets."""

_CARDS: Mapping[str, type[PatchOptions] | type[PixelOptions] | type[ImageOptions]] = {
    "patch": PatchOptions,
    "pixel": PixelOptions,
    "image": ImageOptions,
}


class SedParts(Parts):
    """Discriminators "patch" (P), "pixel" (U) and "image", each with or without `semantics`; generators of the harness.

    Raises:
        SemsrError: an unknown network or option, or semantics whose weights the recipe does not name.
    """

    def __init__(
        self, generator: Network, discriminator: Network | None, files: Mapping[str, Path], *more: Any, **named: Any
    ) -> None:
        super().__init__(generator, discriminator, files, *more, **named)
        self.card: PatchOptions | PixelOptions | ImageOptions | None = None
        if discriminator is None:
            return
        if discriminator.network not in _CARDS:
            raise SemsrError(f"discriminator.network: found {discriminator.network!r}; allowed: {', '.join(_CARDS)}")
        self.card = parse_card(_CARDS[discriminator.network], discriminator.options, "discriminator.options")
        semantics = self.card.semantics
        if semantics is None:
            return
        if isinstance(self.card, PatchOptions) and self.card.layout == "kair":
            raise SemsrError("discriminator.options: layout 'kair' has no place for semantics; take layout 'plain'")
        plan_extractor(semantics.extractor, **semantics.of_extractor())
        if extractor_kind(semantics.extractor).pretrained and ROLE not in files:
            raise SemsrError(
                f"discriminator.options.semantics: extractor {semantics.extractor!r} needs weights, and the recipe names none; "
                f"add the role {ROLE!r} to its assets"
            )

    def generator(self) -> nn.Module:
        """See `Parts.generator`."""
        return make_generator(self.generator_card.network, files=self.files, **self.generator_card.options)

    def discriminator(self) -> nn.Module:
        """See `Parts.discriminator`. Raises: SemsrError: semantics of so many channels can't be upscaled."""
        assert self.card is not None
        card, semantics = self.card, self.card.semantics
        channels = plan_extractor(semantics.extractor, **semantics.of_extractor()).channels if semantics else 0
        own: Callable[[Tensor], Tensor] | None = None
        if semantics and self._looks_at(semantics) == "own":
            own = self._extractor(semantics)
        if isinstance(card, PixelOptions):
            return UNetDiscriminator(card.width, semantics, channels, own, card.proj_out, card.position)
        if isinstance(card, ImageOptions):
            return ImageDiscriminator(card.width, semantics, channels, own, card.proj_out)
        if card.layout == "kair":
            return KairPatchDiscriminator(card.width)
        return PatchDiscriminator(card.width, semantics, channels, own, card.proj_out)

    def condition(self) -> nn.Module | None:
        """See `Parts.condition`: the extractor, in the mode its `batch_norm` says; none where D looks at no HR."""
        semantics = self.card.semantics if self.card else None
        return self._extractor(semantics) if semantics and self._looks_at(semantics) == "hr" else None

    def multiple(self) -> int:
        """See `Parts.multiple`: 16 with semantics."""
        if self.card is None:
            return 1
        if self.card.semantics is not None:
            return STRIDE
        return UNetDiscriminator.multiple if isinstance(self.card, PixelOptions) else 1

    def export(self, generator: nn.Module) -> dict[str, Tensor]:
        """See `Parts.export`."""
        return export_state(generator)

    def load(self, generator: nn.Module, weights: Path, key: str | None = None) -> None:
        """See `Parts.load`."""
        load_state(generator, weights, key)

    def options(self) -> dict[str, Any]:
        """See `Parts.options`: every option of the discriminator, those that the recipe leaves out too."""
        return {} if self.card is None else {"discriminator": self.card.model_dump()}

    def _extractor(self, semantics: SemanticOptions) -> Extractor:
        kind = extractor_kind(semantics.extractor)
        weights = self.files.get(ROLE) if kind.pretrained else None
        return make_extractor(semantics.extractor, weights=weights, **semantics.of_extractor())

    @staticmethod
    def _looks_at(semantics: SemanticOptions) -> str:
        return extractor_kind(semantics.extractor).looks_at
