"""What the segmenter gives to the training loop."""

from __future__ import annotations

from typing import Any

import torch
from torch import nn

from semsr.cards.base import parse_card
from semsr.errors import SemsrError
from semsr.evaluation.semantic.annotations import Annotations
from semsr.training.parts import Parts

from ..network import MULTIPLE, PanopticNetwork
from .objective import PanopticLoss, PanopticObjective


class PanopticParts(Parts):
    """The network "panoptic", trained by the objective "panoptic" on the pictures and annotations of a data set.

    The file "annotations" is a prepared data set's annotations/panoptic.json, which the stage gives.

    Raises:
        SemsrError: an unknown network, objective or option. SemanticError: the annotations can't be read.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        card, objective = self.generator_card, self.objective_card
        if card.network != "panoptic":
            raise SemsrError(f"generator.network: found {card.network!r}; allowed: 'panoptic'")
        if card.options:
            raise SemsrError(f"generator.options: found {', '.join(card.options)}; 'panoptic' has none, leave it out")
        if objective is None or objective.kind != "panoptic":
            raise SemsrError(f"objective.kind: found {objective and objective.kind!r}; allowed: 'panoptic'")
        self.loss = parse_card(PanopticLoss, objective.options, "objective.options")
        self.annotations = Annotations.read(self.files["annotations"].parents[1])

    def generator(self) -> nn.Module:
        """See `Parts.generator`: pictures in, the three maps of `PanopticNetwork` out."""
        categories = self.annotations.categories
        return PanopticNetwork([each.id for each in categories], [each.thing for each in categories])

    def objective(self) -> PanopticObjective:
        """See `Parts.objective`."""
        return PanopticObjective(self.annotations, self.loss)

    def multiple(self) -> int:
        """See `Parts.multiple`."""
        return MULTIPLE

    def options(self) -> dict[str, Any]:
        """See `Parts.options`: the classes it was trained on, its size, and every option."""
        classes = [{"id": each.id, "name": each.name, "thing": each.thing} for each in self.annotations.categories]
        with torch.device("meta"):  # counted without being drawn: chance belongs to the training
            size = sum(parameter.numel() for parameter in self.generator().parameters())
        return {"categories": classes, "parameters": size, "objective": self.loss.model_dump(mode="json")}
