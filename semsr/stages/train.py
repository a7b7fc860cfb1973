"""Train: the variants of a method that are trained here, with every seed, starts first; continues where a killed run stopped."""

from __future__ import annotations

import json
import logging
import shutil
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import semsr
from semsr.cards import MethodCard, ProfileCard, Recipe
from semsr.cores import available_cores
from semsr.errors import SemsrError, located
from semsr.files import sha256_file, storage_errors, write_atomic
from semsr.project import GENERATOR, TRAINED, Project, seeded
from semsr.restoration.cell import read_json
from semsr.restoration.python import choose_device
from semsr.stages.commit import git_commit
from semsr.stages.side_by_side import run_side_by_side
from semsr.stages.training_job import Ingredients, gather, make_job, packages, recipe_entry
from semsr.stages.training_order import levels
from semsr.training.process import is_main, launched, wait_for_all
from semsr.training.run import train

log = logging.getLogger(__name__)

UNFINISHED = "train.partial.json"
"""What is being trained; gone when `train.json` is there."""


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
        at_once = _at_once(project, profile, method, level) if stop_after is None else 1
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


def _at_once(project: Project, profile: ProfileCard, method: str, todo: list[tuple[str, int]]) -> int:
    """How many trainings fit beside each other: on a CPU, as often as the most threads of one go into the profile's."""
    if len(todo) < 2 or launched() > 1 or choose_device(profile.device) != "cpu":
        return 1
    cores = profile.threads or available_cores()
    return max(1, cores // max(project.recipe(method, name).threads or cores for name, _ in todo))


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
    name = f"{card.id}/{seeded(variant, seed)}"
    recipe = project.recipe(card.id, variant)
    folder = project.trained(profile.id, card.id, variant, seed)
    ingredients = gather(project, profile, card, variant, seed)
    unfinished = folder / UNFINISHED
    if _left(folder, ingredients):
        wait_for_all()
        log.info("%s: nothing to do, all %d steps are trained", name, recipe.steps)
        return True
    wait_for_all()  # every process has looked before the first one changes anything
    if is_main():
        _begin(folder, ingredients)
    wait_for_all()
    # Networks are made when the training begins, so that it is not the job alone that may not like its recipe.
    with located(recipe_entry(project, card, variant), name, str(folder)):
        job = make_job(project, profile, card, variant, seed, folder, ingredients, workers=workers, stop_after=stop_after)
        facts = train(job)
    if is_main() and not facts.get("stopped"):
        record = _record(project, card, variant, seed, recipe, ingredients, folder, facts)
        write_atomic(folder / TRAINED, json.dumps(record, indent=2, default=str) + "\n")
        with storage_errors(unfinished):
            unfinished.unlink(missing_ok=True)
    wait_for_all()
    return not facts.get("stopped")


def _is_finished(project: Project, profile: ProfileCard, card: MethodCard, variant: str, seed: int) -> bool:
    folder = project.trained(profile.id, card.id, variant, seed)
    if not _left(folder, gather(project, profile, card, variant, seed)):
        return False
    log.info("%s/%s: nothing to do, it is trained", card.id, seeded(variant, seed))
    return True


def _left(folder: Path, ingredients: Ingredients) -> bool:
    """Whether an earlier run left the whole result of just this training, unharmed."""
    finished, weights = read_json(folder / TRAINED), folder / GENERATOR
    return (
        finished.get("fingerprint") == ingredients.fingerprint
        and weights.is_file()
        and sha256_file(weights) == finished.get("generator_sha256")
    )


def _begin(folder: Path, ingredients: Ingredients) -> None:
    """Keep what a killed run of the same fingerprint left, or start from an empty folder."""
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        left = read_json(folder / UNFINISHED) or read_json(folder / TRAINED)
        # A finished training whose weights were harmed has no checkpoint to go on from.
        if left.get("fingerprint") != ingredients.fingerprint or (folder / TRAINED).is_file():
            (folder / TRAINED).unlink(missing_ok=True)
            shutil.rmtree(folder)
            folder.mkdir()
        write_atomic(folder / UNFINISHED, json.dumps({"fingerprint": ingredients.fingerprint}, indent=2) + "\n")


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
        "packages": packages(),
        "fingerprint": ingredients.fingerprint,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "semsr": semsr.__version__,
        "commit": git_commit(project.root),
    }
