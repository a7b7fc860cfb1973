"""Which profile is in force, and the folders its pipeline stands in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from typing import Literal

from semsr.cards import ProfileCard
from semsr.errors import CardError, UnknownIdError, located
from semsr.files import storage_errors
from semsr.project import Project

Named = Literal["method", "dataset", "table", "protocol", "segmenter"]
"""Kinds of cards that a profile names."""


def chosen_profile(project: Project, name: str | None = None) -> ProfileCard:
    """A profile that names only what there is; without a name, the one in force.

    Raises:
        UnknownIdError: no such profile, or it names a card that is not there.
        CardError: the profile is wrong in another way.
    """
    card, where = project.profile(name), project.profile_file(name)
    for key, kind, names in _named(card):
        for each in names:
            _require(project, f"{where}: {key}", kind, each)
    for method in card.variants:
        with located(f"{where}: variants.{method}"):
            rows_of(project, card, method)
    for method in card.descriptions.methods:
        if not project.method(method).descriptions:
            able = [each for each, its in project.methods.items() if its.descriptions]
            raise CardError(
                f"{where}: descriptions.methods: found {method!r}, which puts nothing into words; allowed: {', '.join(able) or 'none'}"
            )
    return card


def _named(card: ProfileCard) -> Iterator[tuple[str, Named, Iterable[str]]]:
    """(key, kind of card, ids) wherever a profile names cards."""
    for name in ("classical", "real", "semantic"):
        track = getattr(card.tracks, name)
        yield f"tracks.{name}.datasets", "dataset", track.datasets
        yield f"tracks.{name}.methods", "method", track.methods
        yield f"tracks.{name}.trained", "method", track.trained
        yield f"tracks.{name}.protocols", "protocol", track.protocols
    yield "training.methods", "method", card.training.methods
    yield "training.datasets", "dataset", card.training.datasets
    yield "descriptions.methods", "method", card.descriptions.methods
    yield "segmenters.judges", "segmenter", card.segmenters.judges
    yield "segmenters.datasets", "dataset", card.segmenters.datasets
    yield "variants", "method", card.variants
    yield "draws", "method", card.draws
    yield "tables", "table", card.tables


def _require(project: Project, where: str, kind: Named, name: str) -> None:
    """Make sure that a card is there. Raises: UnknownIdError."""
    if kind == "protocol":
        folder = project.root / "metrics" / "protocols"
        if (folder / f"{name}.yaml").is_file():
            return
        known = [path.stem for path in folder.glob("*.yaml")]
    else:
        # The project's own first: looking for installed plugins takes 20 ms a kind.
        if (project.root / f"{kind}s" / name / f"{kind}.yaml").is_file():
            return
        known = [*project.folders(kind)]
        if name in known:
            return
    with located(where):
        raise UnknownIdError(kind, name, known)


def use(project: Project, profile: str) -> ProfileCard:
    """Point `params.yaml`, which dvc.yaml is templated over, at another profile.

    Raises:
        UnknownIdError, CardError: no such profile, or one that names what is not there; the one in force stays.
        StorageError: the link can't be written.
    """
    card = chosen_profile(project, profile)
    link = project.root / "params.yaml"
    with storage_errors(link):
        fresh = link.with_name(f".params.{os.getpid()}.partial")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(f"profiles/{card.id}.yaml")
        fresh.replace(link)
    make_folders(project, card)
    return card


def make_folders(project: Project, profile: ProfileCard) -> None:
    """Make the empty folders that stages of `profile` read from and earlier stages fill.

    `dvc repro --dry` hashes every dependency, also those that an earlier stage would make, and fails on a folder that is not there yet;
    with these it lists the stages of a profile that has never run. Raises: StorageError.
    """
    results = project.results(profile.id)
    trained = dict.fromkeys((*profile.training.methods, *profile.descriptions.methods))
    folders = [results / name for name in ("cells", "scores", "lints", "explained", "descriptions", "judged", "segmenters")]
    folders += [project.root / "results" / "tables", *(results / "trained" / method for method in trained)]
    for dataset in profile.training.datasets:
        folders += [project.data / dataset, project.data / "fetched" / dataset]
    for track in profile.tracks.all:
        for dataset in track.datasets:
            folders += [project.data / dataset, project.data / "fetched" / dataset, results / "cells" / dataset]
    folders += [results / "segmented" / dataset for dataset in profile.tracks.semantic.datasets]
    for folder in folders:
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)


def seeds_of(project: Project, profile: ProfileCard, method: str, variant: str) -> tuple[int, ...]:
    """The seeds a variant has cells for.

    The profile's for training where it is trained here (the first alone, if its recipe says `once`); else 0, and one for every further draw
    that the profile asks for of a method whose results are random.
    """
    if project.method(method).variants[variant].training is None:
        return tuple(range(profile.draws.get(method, 1)))
    seeds = profile.training.seeds
    return seeds[:1] if project.recipe(method, variant).once else seeds


def start_seed(project: Project, profile: ProfileCard, method: str, start: str, seed: int) -> int:
    """The seed of the training that another one with `seed` starts from."""
    known = seeds_of(project, profile, method, start)
    return seed if seed in known else known[0]


def needed(project: Project, profile: ProfileCard, method: str, variant: str, seed: int) -> dict[str, tuple[str, int]]:
    """What is trained before one training: (variant, seed) by what the recipe calls it, its start as `start`."""
    recipe = project.recipe(method, variant)
    wanted = dict(recipe.trained)
    if recipe.start is not None and recipe.start.variant is not None:
        wanted["start"] = recipe.start.variant
    return {role: (name, start_seed(project, profile, method, name, seed)) for role, name in wanted.items()}


def rows_of(project: Project, profile: ProfileCard, method: str) -> tuple[str, ...]:
    """The variants of a method that are rows of a profile. Raises: UnknownIdError: it names one that the card does not have."""
    card = project.method(method)
    chosen = profile.variants.get(method, card.rows)
    for name in chosen:
        if name not in card.rows:
            raise UnknownIdError("variant", f"{method}/{name}", [f"{method}/{known}" for known in card.rows])
    return chosen
