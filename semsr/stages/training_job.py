"""What one training needs, resolved: data, assets, start, networks; and the fingerprint of all of it."""

from __future__ import annotations

import importlib.metadata
import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import semsr
from semsr.assets.store import Store
from semsr.cards import MethodCard, ProfileCard, Recipe
from semsr.cards.recipe import Data
from semsr.errors import SemsrError
from semsr.files import sha256_file
from semsr.fingerprint import fingerprint
from semsr.imaging.degradation.parameters import PARAMETERS
from semsr.imaging.degradation.recipe import Recipe as Degradation
from semsr.planning import needed
from semsr.plugins import load_plugin
from semsr.preparation.manifest import Prepared, open_prepared
from semsr.project import GENERATOR, TRAINED, Project, seeded
from semsr.restoration.python import choose_device
from semsr.restoration.weights import TRAINED_HERE, NotTrainedError, WeightsRecord, get_alternatives
from semsr.training.crops import Patch, Resized
from semsr.training.index import Index, Source
from semsr.training.job import Job
from semsr.training.lowres import BicubicLr, DegradedLr, LowRes, PairedLr
from semsr.training.packing import pack, plan
from semsr.training.parts import Parts
from semsr.training.patches import TrainingPictures
from semsr.training.process import is_main, wait_for_all
from semsr.training.subimages import SubImages
from semsr.training.validation import Validator

log = logging.getLogger(__name__)

PACKED_ALONE = 4 * 2**30
"""Bytes of raw pixels up to which training packs a data set without being asked (`semsr pack`); decoding is slower by far."""

GPU_WORKERS = 4


@dataclass(frozen=True)
class Ingredients:
    """What a training is made from, beside its recipe.

    Attributes:
        prepared: the data set.
        files: by the role that the recipe gives them.
        record: their ids and hashes, and `start_record` that of the start.
        start: the generator's first weights, if any.
        fingerprint: of everything that decides a weight.
    """

    prepared: Prepared
    data_sha256: str
    files: dict[str, Path]
    record: WeightsRecord
    start: Path | None
    start_record: WeightsRecord
    device: Literal["cpu", "cuda"]
    fingerprint: str


def gather(project: Project, profile: ProfileCard, card: MethodCard, variant: str, seed: int) -> Ingredients:
    """Get everything that one training needs; weights are downloaded here.

    Raises:
        SemsrError: not prepared, an asset can't be had, or the start is not trained yet.
    """
    recipe = project.recipe(card.id, variant)
    prepared = open_prepared(project, recipe.data.dataset)
    device = choose_device(profile.device)
    files, record = assets_of(project, recipe)
    start, start_record = _start(project, recipe)
    for role, (name, each) in needed(project, profile, card.id, variant, seed).items():
        weights, entry = _trained_before(project, profile, card, name, each)
        if role == "start":
            start, start_record = weights, [entry]
        else:
            files[role] = weights
            record = [*record, entry]
    package = Path(semsr.__file__).parent
    folder = project.folders("method")[card.id]
    method = [path for path in folder.iterdir() if path.suffix in ("", ".py") and path.name[0] not in "._"]
    mark = fingerprint(
        project,
        [*sorted(method), package / "training", package / "restoration", package / "imaging"],
        method=card.id,
        parts=card.parts,
        # What is only said about a recipe, or watched while it runs, changes no weight.
        recipe=recipe.model_dump(mode="json", exclude={"notes", "reading", "once", "validation", "log", "save"}),
        data=prepared.sha256,
        weights=[entry["sha256"] for entry in (*record, *start_record)],
        seed=seed,
        device=device,
        threads=recipe.threads or profile.threads,
    )
    return Ingredients(prepared, prepared.sha256, files, record, start, start_record, device, mark)


def assets_of(project: Project, recipe: Recipe) -> tuple[dict[str, Path], WeightsRecord]:
    """The recipe's assets as files by role, and their record. Raises: AssetError: one can't be had."""
    files: dict[str, Path] = {}
    record: WeightsRecord = []
    for role, alternatives in sorted(recipe.assets.items()):
        found = get_alternatives(project, alternatives, Store())
        files[role] = next(iter(found.files.values()))
        record += found.record
    return files, record


def _start(project: Project, recipe: Recipe) -> tuple[Path | None, WeightsRecord]:
    if recipe.start is None or recipe.start.variant is not None:
        return None, []
    found = get_alternatives(project, recipe.start.weights, Store())
    return next(iter(found.files.values())), found.record


def _trained_before(
    project: Project, profile: ProfileCard, card: MethodCard, variant: str, seed: int
) -> tuple[Path, dict[str, str]]:
    folder = project.trained(profile.id, card.id, variant, seed)
    name = f"{card.id}/{seeded(variant, seed)}"
    if not (folder / TRAINED).is_file():
        raise NotTrainedError(
            f"{name} is not trained yet, others start from it; run `semsr train {card.id} --variant {variant}`"
        )
    return folder / GENERATOR, {"asset": f"{TRAINED_HERE}{name}", "sha256": sha256_file(folder / GENERATOR)}


def make_job(
    project: Project,
    profile: ProfileCard,
    card: MethodCard,
    variant: str,
    seed: int,
    folder: Path,
    ingredients: Ingredients,
    *,
    workers: int | None,
    stop_after: int | None,
) -> Job:
    """One training, ready to run. Raises: SemsrError: the recipe does not fit the data or the networks."""
    recipe = project.recipe(card.id, variant)
    name = f"{card.id}/{seeded(variant, seed)}"
    assert card.parts is not None
    made = load_plugin(project, "method", card.id, card.parts)
    if not (isinstance(made, type) and issubclass(made, Parts)):
        raise SemsrError(
            f"methods/{card.id}/method.yaml: parts: {card.parts!r} is not a subclass of semsr.training.parts.Parts"
        )
    view = recipe.validation
    validate = None
    if view is not None:
        validate = Validator(
            project, view.dataset, view.protocol, view.columns, folder, samples=view.samples, device=ingredients.device
        )
    return Job(
        name=name,
        recipe=recipe,
        parts=made(recipe.generator, recipe.discriminator, ingredients.files, recipe.objective, recompute=recipe.recompute),
        data=training_pictures(project, recipe.data, ingredients.prepared, seed),
        folder=folder,
        identity={"method": card.id, "variant": variant, "seed": seed, "fingerprint": ingredients.fingerprint},
        seed=seed,
        start=ingredients.start,
        start_key=recipe.start.key if recipe.start else None,
        device=ingredients.device,
        threads=recipe.threads or profile.threads,
        workers=workers if workers is not None else (GPU_WORKERS if ingredients.device == "cuda" else 0),
        validate=validate,
        stop_after=stop_after,
    )


def training_pictures(project: Project, data: Data, prepared: Prepared, seed: int) -> TrainingPictures:
    """The recipe's data as samples, read from packed pixels where they are there or small. Raises: SemsrError."""
    source = Source(prepared)
    packed = project.data / "pixels"
    index = Index([source])
    todo = plan(index, packed)
    if todo.missing and todo.bytes <= PACKED_ALONE:
        if is_main():
            pack(index, packed)
        wait_for_all()
    elif todo.missing:
        log.warning(
            "%s: pixels are decoded anew for every patch; `semsr pack %s` (%.0f GB) makes that tens of times faster",
            data.dataset,
            data.dataset,
            todo.bytes / 1e9,
        )
    whole = not plan(index, packed).missing
    cut = SubImages(*data.sub_images) if data.sub_images else None
    view = Resized(data.patch) if data.view == "whole" else Patch(data.patch, small=data.small, cut=cut)
    return TrainingPictures(
        [source],
        view,
        lr=low_resolution(data),
        flips=data.flips,
        packed=packed if whole else None,
        seed=seed,
        target=data.target,
    )


def low_resolution(data: Data) -> LowRes | None:
    """Where LR comes from, as the recipe says it. Raises: SemsrError: a context without a degradation."""
    if data.lr in PARAMETERS:
        return DegradedLr(Degradation(PARAMETERS[data.lr], ground_truth=data.ground_truth), context=data.context)
    if data.context is not None:
        raise SemsrError(
            f"recipe: data.context: found {data.context}; allowed only with a degradation (full, light, pasd), not {data.lr!r}"
        )
    if data.ground_truth != "plain":
        raise SemsrError(
            f"recipe: data.ground_truth: found {data.ground_truth!r}; allowed only with a degradation (full, light, pasd), not {data.lr!r}"
        )
    if data.lr == "none":
        return None
    return PairedLr() if data.lr == "paired" else BicubicLr()


def packages() -> dict[str, Any]:
    """Versions of what computed the weights."""
    return {
        name: importlib.metadata.version(name)
        for name in ("torch", "spandrel", "accelerate", "open_clip_torch", "timm", "diffusers", "transformers", "numpy")
    }
