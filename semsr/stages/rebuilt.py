"""The networks of finished trainings, made again from their records and files, for looking into them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from semsr.assets.tensors import load_tensors
from semsr.errors import SemsrError, WeightsError
from semsr.plugins import load_plugin
from semsr.project import DISCRIMINATOR, GENERATOR, Project
from semsr.reporting.training.read import Training
from semsr.stages.training_job import assets_of
from semsr.training.parts import Parts


class Rebuilt:
    """One variant and its finished trainings; see `semsr.reporting.training.looking.Subject`.

    Args:
        project: knows the method and its assets.
        trainings: finished ones of one variant, by seed; their records hold the recipe they were trained by.

    Raises:
        SemsrError: the method is gone or gives no parts, an asset can't be had, the recipe is not one that its parts know.
    """

    def __init__(self, project: Project, trainings: Sequence[Training]) -> None:
        first = trainings[0]
        if first.recipe is None:
            raise SemsrError(f"{first.name}: its train.json holds no recipe that this version reads")
        self.recipe, self.variant, self.label = first.recipe, first.variant, first.label
        self.folders = {training.seed: training.folder for training in trainings}
        self.seeds: Sequence[int] = tuple(self.folders)
        card = project.method(first.method)
        if card.parts is None:
            raise SemsrError(f"methods/{card.id}/method.yaml: names no parts, so that its networks can't be made again")
        made = load_plugin(project, "method", card.id, card.parts)
        self.parts: Parts = made(self.recipe.generator, self.recipe.discriminator, assets_of(project, self.recipe)[0])

    def condition(self) -> nn.Module | None:
        """What the discriminator is told of HR, in the mode that training used it in."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            return self.parts.condition()

    def discriminator(self, seed: int | None) -> nn.Module:
        """As trained with a seed; None: as freshly initialised, always the same. Raises: SemsrError."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(0)
            network = self.parts.discriminator()
        if seed is None:
            return network
        path = self.folders[seed] / DISCRIMINATOR
        try:
            network.load_state_dict(load_tensors(path))
        except RuntimeError as error:
            said = " ".join(str(error).split())
            raise WeightsError(f"{path}: not the weights of this variant's discriminator ({said[:300]})") from None
        return network

    def generator(self, seed: int) -> nn.Module:
        """As trained with a seed, in evaluation mode. Raises: SemsrError."""
        path = self.folders[seed] / GENERATOR
        if not path.is_file():
            raise WeightsError(f"{path}: not there")
        with torch.random.fork_rng(devices=[]):
            network = self.parts.generator()
        self.parts.load(network, path)
        return network.eval()
