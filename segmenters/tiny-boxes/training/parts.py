"""What the detector gives to the training loop."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from semsr.cards.base import parse_card
from semsr.errors import SemsrError
from semsr.evaluation.semantic.annotations import Annotations
from semsr.training.parts import Parts

from ..network import MULTIPLE, BoxNetwork
from .objective import BoxLoss, BoxObjective


class BoxParts(Parts):
    """The network "boxes", trained by the objective "boxes" on the pictures and annotated objects of a data set.

    The file "annotations" is a prepared data set's annotations/panoptic.json, which the stage gives; objects stand beside it.

    Raises:
        SemsrError: an unknown network, objective or option, or annotations without things. SemanticError: they can't be read.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        card, objective = self.generator_card, self.objective_card
        if card.network != "boxes":
            raise SemsrError(f"generator.network: found {card.network!r}; allowed: 'boxes'")
        if card.options:
            raise SemsrError(f"generator.options: found {', '.join(card.options)}; 'boxes' has none, leave it out")
        if objective is None or objective.kind != "boxes":
            raise SemsrError(f"objective.kind: found {objective and objective.kind!r}; allowed: 'boxes'")
        self.loss = parse_card(BoxLoss, objective.options, "objective.options")
        self.annotations = Annotations.read(self.files["annotations"].parents[1])
        self.things = [category for category in self.annotations.categories if category.thing]
        if not self.things:
            raise SemsrError(
                "data.dataset: its annotations have no things, only stuff; a detector needs objects: use another data set"
            )

    def generator(self) -> nn.Module:
        """See `Parts.generator`: pictures in, the two maps of `BoxNetwork` out."""
        return BoxNetwork([each.id for each in self.things])

    def objective(self) -> BoxObjective:
        """See `Parts.objective`."""
        return BoxObjective(self.annotations, self.loss)

    def multiple(self) -> int:
        """See `Parts.multiple`."""
        return MULTIPLE

    def options(self) -> dict[str, Any]:
        """See `Parts.options`: the classes it was trained on, its size, and every option."""
        with torch.device("meta"):  # counted without being drawn: chance belongs to the training
            size = sum(parameter.numel() for parameter in self.generator().parameters())
        classes = [{"id": each.id, "name": each.name} for each in self.things]
        return {"categories": classes, "parameters": size, "objective": self.loss.model_dump(mode="json")}
