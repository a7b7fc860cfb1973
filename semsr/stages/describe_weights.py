"""What a description is made with: options and weights, and whether a finished one was made with the same."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import product
from typing import Any

from semsr.assets.store import Store
from semsr.cards import MethodCard, ProfileCard, Variant
from semsr.errors import CardError
from semsr.files import sha256_file
from semsr.planning import needed, seeds_of
from semsr.project import GENERATOR, TRAINED, Project, seeded
from semsr.restoration.weights import TRAINED_HERE, WeightsFiles, WeightsRecord, get_trained, get_weights, still_declared
from semsr.stages.training_order import levels


@dataclass(frozen=True)
class Chosen:
    """One description of a card.

    Attributes:
        options: what its describer is made with.
        variant, seed: the training whose weights it has; None and 0 where they are published.
    """

    name: str
    entry: Variant
    options: Mapping[str, Any]
    variant: str | None
    seed: int


def choose(project: Project, profile: ProfileCard, card: MethodCard, name: str) -> Chosen:
    """What the card says of a description; one with a recipe has the weights of the card's variant that the same recipe trains.

    Raises:
        CardError: the recipe trains no variant of the card.
    """
    entry = card.descriptions[name]
    if entry.training is None:
        return Chosen(name, entry, entry.options, None, 0)
    variant = next((each for each, found in card.variants.items() if found.training == entry.training), None)
    if variant is None:
        trained = [found.training for found in card.variants.values() if found.training]
        raise CardError(
            f"methods/{card.id}/method.yaml: descriptions.{name}.training: found {entry.training!r}; "
            f"must train one of the variants: {', '.join(trained) or 'none is trained'}"
        )
    # One training is described, the profile's first: tables of descriptions have no spread over seeds.
    seed = seeds_of(project, profile, card.id, variant)[0]
    options = {**entry.options, "generator": project.recipe(card.id, variant).generator.model_dump()}
    return Chosen(name, entry, options, variant, seed)


def get(
    project: Project, profile: ProfileCard, card: MethodCard, chosen: Chosen, store: Store, prefer: WeightsRecord | None
) -> WeightsFiles:
    """The weights as files; of published ones, those of `prefer` are tried first.

    Raises:
        MissingAssetsError: a file from outside can't be had.
        NotTrainedError: the training has not been done.
    """
    if chosen.variant is None:
        return get_weights(project, chosen.entry, store, prefer=prefer)
    parts = needed(project, profile, card.id, chosen.variant, chosen.seed)
    return get_trained(project, profile.id, card.id, chosen.variant, chosen.seed, store, parts)


def still_the_weights(project: Project, profile: ProfileCard, card: MethodCard, chosen: Chosen, record: WeightsRecord) -> bool:
    """Whether the weights of a finished description are those it would be made with now; no file from outside is needed to tell.

    What is trained here is compared file by file, what is from outside by what the cards declare.
    """
    if chosen.variant is None:
        return still_declared(project, chosen.entry.weights, record)
    recipe = project.recipe(card.id, chosen.variant)
    parts = needed(project, profile, card.id, chosen.variant, chosen.seed)
    roles = recipe.generator.assets
    trainings = [(chosen.variant, chosen.seed), *(parts[role] for role in roles if role in recipe.trained)]
    expected = [_left_by(project, profile, card.id, *each) for each in trainings]
    trained = [entry for entry in record if entry["asset"].startswith(TRAINED_HERE)]
    ways = product(*(recipe.assets[role] for role in roles if role not in recipe.trained))
    outside = ["+".join(way) for way in ways if way]
    return trained == expected and still_declared(project, outside, [entry for entry in record if entry not in trained])


def _left_by(project: Project, profile: ProfileCard, method: str, variant: str, seed: int) -> dict[str, str] | None:
    """How a record names what one training left; None where it has left nothing."""
    folder = project.trained(profile.id, method, variant, seed)
    if not (folder / TRAINED).is_file() or not (folder / GENERATOR).is_file():
        return None
    return {"asset": f"{TRAINED_HERE}{method}/{seeded(variant, seed)}", "sha256": sha256_file(folder / GENERATOR)}


def trains(project: Project, profile: ProfileCard, card: MethodCard, chosen: Chosen) -> bool:
    """Whether the profile's pipeline makes the training that a description needs.

    Raises: CardError, UnknownIdError: from the cards of what the profile trains.
    """
    return card.id in profile.training.methods and any(
        (chosen.variant, chosen.seed) in level
        for dataset in profile.training.datasets
        for level in levels(project, profile, card, None, dataset, None)
    )
