"""Train segmenters: the judges that a profile trains itself; continues where a killed run stopped."""

from __future__ import annotations

import importlib.metadata
import logging
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import semsr
from semsr.cards import ProfileCard, Recipe, SegmenterCard
from semsr.errors import CardError, SemsrError
from semsr.files import sha256_file
from semsr.fingerprint import fingerprint
from semsr.machine import note_machine
from semsr.plugins import load_plugin
from semsr.preparation.annotations import damage
from semsr.preparation.manifest import Prepared, open_prepared
from semsr.project import GENERATOR, Project
from semsr.restoration.python import choose_device
from semsr.restoration.weights import WeightsRecord
from semsr.stages.commit import git_commit
from semsr.stages.side_by_side import how_many_fit, run_side_by_side
from semsr.stages.training_data import training_pictures
from semsr.stages.training_folder import is_trained, train_into
from semsr.stages.training_job import assets_of, deciding, packages, training_code
from semsr.training.job import Job
from semsr.training.parts import Parts
from semsr.training.process import is_main

log = logging.getLogger(__name__)

SEED = 1
"""A judge is trained once: every row is measured by the same one."""

ROLE, ANNOTATIONS = "annotations", "annotations/panoptic.json"
"""The role under which `Parts` are given the annotations of the training pictures, and their file in a prepared data set's folder."""

_CODE = (
    "training",
    "imaging",
    "segmentation",
    "restoration/python.py",
    "restoration/seeding.py",
    "evaluation/semantic/annotations.py",
    "evaluation/semantic/resizing.py",
    "evaluation/semantic/truth.py",
)
"""What of the harness decides a segmenter's weights: the loop, its chance, pixels, and how annotations are read."""


def run(
    project: Project,
    profile: ProfileCard,
    segmenter: str,
    *,
    workers: int | None = None,
    stop_after: int | None = None,
) -> None:
    """Train one segmenter unless it is trained; under `accelerate launch`, each process calls this.

    Args:
        project: where the cards, the prepared data and the results are.
        profile: names the results folder; its `device` and `threads` count.
        segmenter: id of a segmenter that is trained here.
        workers: processes that read data; None: 0.
        stop_after: stop after this step with a checkpoint; the same command without it goes on.

    Raises:
        UnknownIdError: no such segmenter, or no such recipe.
        SemsrError: not trained here, the data set is not prepared or has no annotations, the recipe does not fit, the loss is no number.
    """
    if not _train(project, profile, project.segmenter(segmenter), workers, stop_after) and is_main():
        log.info("%s: stopped after step %s, as asked", segmenter, stop_after)


def run_all(project: Project, profile: ProfileCard, *, workers: int | None = None) -> None:
    """Train all segmenters that the profile trains; on a CPU side by side, as many as the cores have room for.

    Raises:
        SemsrError: the profile trains none; and as `run`.
    """
    ids = profile.segmenters.trained
    if not ids:
        raise SemsrError(
            f"{project.profile_file(profile.id)}: segmenters.trained: names none, so there is nothing to train; name some, or a method"
        )
    at_once = how_many_fit(profile, [project.segmenter_recipe(name) for name in ids])
    if at_once < 2:
        for name in ids:
            run(project, profile, name, workers=workers)
        return
    left = []
    for name in ids:
        if is_trained(project.trained_segmenter(profile.id, name), _gather(project, profile, project.segmenter(name)).mark):
            log.info("%s: nothing to do, it is trained", name)
        else:
            left.append(name)
    if left:
        run_side_by_side(train_one, [(project.root, profile, name, workers) for name in left], min(at_once, len(left)))


def train_one(root: Path, profile: ProfileCard, segmenter: str, workers: int | None) -> None:
    """One training, in a process of its own."""
    run(Project(root), profile, segmenter, workers=workers)


@dataclass(frozen=True)
class _Ingredients:
    """What a segmenter is made from; `mark` is the fingerprint of all of it."""

    recipe: Recipe
    prepared: Prepared
    files: dict[str, Path]
    record: WeightsRecord
    device: Literal["cpu", "cuda"]
    mark: str


def _train(project: Project, profile: ProfileCard, card: SegmenterCard, workers: int | None, stop_after: int | None) -> bool:
    """Whether it was trained to the end."""
    made = _gather(project, profile, card)
    folder = project.trained_segmenter(profile.id, card.id)
    return train_into(
        folder,
        made.mark,
        card.id,
        made.recipe.steps,
        _entry(project, card),
        lambda: _job(project, profile, card, made, folder, workers or 0, stop_after),
        lambda facts: _record(project, card, made, folder, facts),
    )


def _gather(project: Project, profile: ProfileCard, card: SegmenterCard) -> _Ingredients:
    """Get everything that the training needs. Raises: SemsrError: not trained here, not prepared, no annotations."""
    folder = project.folders("segmenter")[card.id]
    if card.training is None:
        raise SemsrError(
            f"{card.id} is not trained here: its weights are {', '.join(card.weights) or 'its own matter'}; see {project.show(folder)}"
        )
    recipe = project.segmenter_recipe(card.id)
    _require_alone(_entry(project, card), recipe)
    prepared = open_prepared(project, recipe.data.dataset)
    if ANNOTATIONS not in prepared.annotated:
        raise SemsrError(
            f"{_entry(project, card)}: data.dataset: found {recipe.data.dataset!r}, which has no {ANNOTATIONS}; a segmenter is trained on "
            f"panoptic annotations: name a data set that has them"
        )
    if harmed := damage(prepared):
        raise SemsrError(f"{harmed[0]}; run `semsr prepare {prepared.card.id}` again")
    files, record = assets_of(project, recipe)
    device = choose_device(profile.device)
    package = Path(semsr.__file__).parent
    mark = fingerprint(
        project,
        [*training_code(folder), *(package / each for each in _CODE)],
        segmenter=card.id,
        parts=card.parts,
        recipe=deciding(recipe),
        # Of the annotations, too, for which the manifest has hashes.
        data=prepared.sha256,
        weights=[entry["sha256"] for entry in record],
        seed=SEED,
        device=device,
        threads=recipe.threads or profile.threads,
    )
    return _Ingredients(recipe, prepared, {**files, ROLE: prepared.folder / ANNOTATIONS}, record, device, mark)


def _require_alone(where: str, recipe: Recipe) -> None:
    """A segmenter's recipe has an objective and needs no other training. Raises: CardError."""
    for key, found in (("start", recipe.start), ("trained", recipe.trained or None)):
        if found is not None:
            raise CardError(f"{where}: {key}: a segmenter starts from no other training; leave it out")
    if recipe.objective is None:
        raise CardError(
            f"{where}: objective: is missing; plain losses compare pictures, a segmenter needs an objective of its own"
        )
    if ROLE in recipe.assets:
        raise CardError(f"{where}: assets.{ROLE}: that role is the data set's annotations; use another name")


def _entry(project: Project, card: SegmenterCard) -> str:
    return f"{project.show(project.folders('segmenter')[card.id] / 'recipes.yaml')}: {card.training}"


def _job(
    project: Project,
    profile: ProfileCard,
    card: SegmenterCard,
    made: _Ingredients,
    folder: Path,
    workers: int,
    stop_after: int | None,
) -> Job:
    recipe = made.recipe
    assert card.parts is not None
    kind = load_plugin(project, "segmenter", card.id, card.parts)
    if not (isinstance(kind, type) and issubclass(kind, Parts)):
        where = project.show(project.folders("segmenter")[card.id] / "segmenter.yaml")
        raise SemsrError(f"{where}: parts: {card.parts!r} is not a subclass of semsr.training.parts.Parts")
    return Job(
        name=card.id,
        recipe=recipe,
        parts=kind(recipe.generator, None, made.files, recipe.objective, recompute=recipe.recompute),
        data=training_pictures(project, recipe.data, made.prepared, SEED),
        folder=folder,
        identity={"segmenter": card.id, "seed": SEED, "fingerprint": made.mark},
        seed=SEED,
        device=made.device,
        threads=recipe.threads or profile.threads,
        workers=workers,
        stop_after=stop_after,
    )


def _record(project: Project, card: SegmenterCard, made: _Ingredients, folder: Path, facts: dict[str, Any]) -> dict[str, Any]:
    return {
        "segmenter": card.id,
        "title": card.title,
        "seed": SEED,
        "generator_sha256": sha256_file(folder / GENERATOR),
        "recipe": made.recipe.model_dump(mode="json"),
        "data": {made.recipe.data.dataset: made.prepared.sha256},
        "annotations": dict(made.prepared.annotated)[ANNOTATIONS],
        "assets": made.record,
        "device": made.device,
        **facts,
        "passport": note_machine(project),
        "packages": {**packages(), "pycocotools": importlib.metadata.version("pycocotools")},
        "fingerprint": made.mark,
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "semsr": semsr.__version__,
        "commit": git_commit(project.root),
    }
