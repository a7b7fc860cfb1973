"""What is trained before what: trainings in levels, each made of what can be trained once the levels before it are."""

from __future__ import annotations

from collections.abc import Iterator

from semsr.cards import MethodCard, ProfileCard
from semsr.errors import CardError, SemsrError, UnknownIdError
from semsr.planning import needed, rows_of, seeds_of
from semsr.project import Project

Training = tuple[str, int]
"""A variant and a seed."""


def levels(
    project: Project, profile: ProfileCard, card: MethodCard, variant: str | None, dataset: str | None, seed: int | None
) -> list[list[Training]]:
    """The trainings asked for, each once, with whatever they need before them.

    Args:
        project, profile, card: whose variants and seeds.
        variant: only this one; None: the profile's rows that are trained here.
        dataset: only variants that train on this data set; what they are made from may have been trained on another.
        seed: only this one of the profile's seeds.

    Raises:
        UnknownIdError: no such variant or seed. CardError: a training needs one that is none, or itself.
        SemsrError: the variant is not trained here.
    """
    if variant is not None and variant not in card.variants:
        raise UnknownIdError("variant", f"{card.id}/{variant}", [f"{card.id}/{known}" for known in card.variants])
    depths: dict[Training, int] = {}
    for name in (variant,) if variant is not None else rows_of(project, profile, card.id):
        if card.variants[name].training is None:
            if variant is not None:
                raise SemsrError(
                    f"{card.id}/{name} is not trained here: its weights are {', '.join(card.variants[name].weights) or 'none'}"
                )
            continue
        if dataset not in (None, project.recipe(card.id, name).data.dataset):
            continue
        known = seeds_of(project, profile, card.id, name)
        if seed is not None and variant is not None and seed not in known:
            raise UnknownIdError("seed", f"{card.id}/{name}@{seed}", [f"{card.id}/{name}@{other}" for other in known])
        for each in known if seed is None else sorted({*known} & {seed}):
            _depth(project, profile, card, (name, each), (), depths)
    return [[pair for pair, depth in depths.items() if depth == level] for level in range(max(depths.values(), default=-1) + 1)]


def _depth(
    project: Project,
    profile: ProfileCard,
    card: MethodCard,
    training: Training,
    below: tuple[str, ...],
    depths: dict[Training, int],
) -> int:
    if training not in depths:
        before = [
            _depth(project, profile, card, each, (*below, training[0]), depths)
            for each in _needed(project, profile, card, training, below)
        ]
        depths[training] = max(before, default=-1) + 1
    return depths[training]


def _needed(
    project: Project, profile: ProfileCard, card: MethodCard, training: Training, below: tuple[str, ...]
) -> Iterator[Training]:
    variant, seed = training
    recipe = project.recipe(card.id, variant)
    for role, name in {**recipe.trained, "start.variant": recipe.start.variant if recipe.start else None}.items():
        if name is None:
            continue
        where = (
            f"methods/{card.id}/recipes.yaml: {card.variants[variant].training}.{role if '.' in role else f'trained.{role}'}"
        )
        if name not in card.variants or card.variants[name].training is None:
            trained = [known for known, row in card.variants.items() if row.training]
            raise CardError(f"{where}: found {name!r}; allowed, as trained here: {', '.join(trained)}")
        if name in (*below, variant):
            raise CardError(f"{where}: {' needs '.join((*below, variant, name))}; a training can't start from itself")
    yield from needed(project, profile, card.id, variant, seed).values()
