"""Train: the variants of a method that are trained here, with every seed, starts first; continues where a killed run stopped."""

from __future__ import annotations

import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import semsr
from semsr.cards import MethodCard, ProfileCard, Recipe
from semsr.errors import SemsrError
from semsr.files import sha256_file
from semsr.machine import note_machine
from semsr.project import GENERATOR, Project, seeded
from semsr.stages.commit import git_commit
from semsr.stages.side_by_side import how_many_fit, run_side_by_side
from semsr.stages.training_folder import is_trained, train_into
from semsr.stages.training_job import Ingredients, gather, make_job, packages, recipe_entry
from semsr.stages.training_order import levels
from semsr.training.process import is_main

log = logging.getLogger(__name__)


def run(
    project: Project,
    profile: ProfileCard,
    method: str,
    variant: str | None = None,
    *,
    dataset: str | None = None,
    seed: int | None = None,
    workers: int | None = None,
    stop_after: int | None = None,
) -> None:
    """Train what is not trained yet; under `accelerate launch`, each process calls this.

    Args:
        project: where the cards, the prepared data and the results are.
        profile: names the results folder; its `variants`, `training`, `device` and `threads` count.
        method: id of a method.
        variant: only this one, and the variant it starts from; None: those the profile names for the method, or all.
        dataset: only variants that train on this data set; None: on any.
        seed: only this one of the profile's seeds.
        workers: processes that read data; None: 0 on a CPU, 4 on a GPU.
        stop_after: stop after this step of a training with a checkpoint; the same command without it goes on.

    Raises:
        SemsrError: the data set is not prepared, weights can't be had, the recipe does not fit, the loss is not a number.
    """
    card = project.method(method)
    todo = levels(project, profile, card, variant, dataset, seed)
    if not todo:
        where = f" on data set {dataset!r}" if dataset else ""
        raise SemsrError(
            f"{method}: profile {profile.id!r} has no variant of it that is trained here{where}; see methods/{method}/method.yaml"
        )
    for level in todo:
        recipes = [project.recipe(method, name) for name, _ in level]
        at_once = how_many_fit(profile, recipes) if stop_after is None else 1
        if at_once > 1:
            left = [pair for pair in level if not _is_finished(project, profile, card, *pair)]
            run_side_by_side(
                train_one, [(project.root, profile, method, *pair, workers) for pair in left], min(at_once, len(left) or 1)
            )
            continue
        for name, each in level:
            if not _train(project, profile, card, name, each, workers, stop_after):
                if is_main():
                    log.info("%s/%s: stopped after step %s, as asked", method, seeded(name, each), stop_after)
                return


def train_one(root: Path, profile: ProfileCard, method: str, variant: str, seed: int, workers: int | None) -> None:
    """One training, what it starts from being there; in a process of its own."""
    project = Project(root)
    _train(project, profile, project.method(method), variant, seed, workers, None)


def _train(
    project: Project,
    profile: ProfileCard,
    card: MethodCard,
    variant: str,
    seed: int,
    workers: int | None,
    stop_after: int | None,
) -> bool:
    """Whether it was trained to the end."""
    recipe = project.recipe(card.id, variant)
    folder = project.trained(profile.id, card.id, variant, seed)
    ingredients = gather(project, profile, card, variant, seed)
    return train_into(
        folder,
        ingredients.fingerprint,
        f"{card.id}/{seeded(variant, seed)}",
        recipe.steps,
        recipe_entry(project, card, variant),
        lambda: make_job(project, profile, card, variant, seed, folder, ingredients, workers=workers, stop_after=stop_after),
        lambda facts: _record(project, card, variant, seed, recipe, ingredients, folder, facts),
    )


def _is_finished(project: Project, profile: ProfileCard, card: MethodCard, variant: str, seed: int) -> bool:
    folder = project.trained(profile.id, card.id, variant, seed)
    if not is_trained(folder, gather(project, profile, card, variant, seed).fingerprint):
        return False
    log.info("%s/%s: nothing to do, it is trained", card.id, seeded(variant, seed))
    return True


def _record(
    project: Project,
    card: MethodCard,
    variant: str,
    seed: int,
    recipe: Recipe,
    ingredients: Ingredients,
    folder: Path,
    facts: dict[str, Any],
) -> dict[str, Any]:
    return {
        "method": card.id,
        "variant": variant,
        "seed": seed,
        "label": card.variants[variant].label,
        "generator_sha256": sha256_file(folder / GENERATOR),
        "recipe": recipe.model_dump(mode="json"),
        "data": {recipe.data.dataset: ingredients.data_sha256},
        **({} if ingredients.tags_sha256 is None else {"tags_sha256": ingredients.tags_sha256}),
        "assets": ingredients.record,
        "start": ingredients.start_record,
        "device": ingredients.device,
        **facts,
        "passport": note_machine(project),
        "packages": packages(),
        "fingerprint": ingredients.fingerprint,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "semsr": semsr.__version__,
        "commit": git_commit(project.root),
    }
