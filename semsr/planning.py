"""Which profile is in force, and the folders its pipeline stands in."""

from __future__ import annotations

import os

from semsr.cards import ProfileCard
from semsr.files import storage_errors
from semsr.project import Project


def use(project: Project, profile: str) -> ProfileCard:
    """Point `params.yaml`, which dvc.yaml is templated over, at another profile. Raises: UnknownIdError, StorageError."""
    card = project.profile(profile)
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
    folders = [results / "scores", *(results / "trained" / method for method in profile.training.methods)]
    for dataset in profile.training.datasets:
        folders += [project.data / dataset, project.data / "fetched" / dataset]
    for track in (profile.tracks.classical, profile.tracks.real):
        for dataset in track.datasets:
            folders += [project.data / dataset, project.data / "fetched" / dataset, results / "cells" / dataset]
    for folder in folders:
        with storage_errors(folder):
            folder.mkdir(parents=True, exist_ok=True)


def seeds_of(project: Project, profile: ProfileCard, method: str, variant: str) -> tuple[int, ...]:
    """The seeds a variant has cells for: the profile's where it is trained here (the first alone, if its recipe says `once`), else 0."""
    if project.method(method).variants[variant].training is None:
        return (0,)
    seeds = profile.training.seeds
    return seeds[:1] if project.recipe(method, variant).once else seeds


def start_seed(project: Project, profile: ProfileCard, method: str, start: str, seed: int) -> int:
    """The seed of the training that another one with `seed` starts from."""
    known = seeds_of(project, profile, method, start)
    return seed if seed in known else known[0]
