"""What one training needs, resolved: data, assets, start, networks; and the fingerprint of all of it."""

from __future__ import annotations

import importlib.metadata
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import semsr
from semsr.assets.store import Store
from semsr.cards import MethodCard, ProfileCard, Recipe
from semsr.errors import SemsrError
from semsr.files import sha256_file
from semsr.fingerprint import fingerprint
from semsr.planning import needed
from semsr.plugins import load_plugin
from semsr.preparation.manifest import Prepared, open_prepared
from semsr.project import GENERATOR, TRAINED, Project, seeded
from semsr.restoration.python import choose_device
from semsr.restoration.weights import TRAINED_HERE, NotTrainedError, WeightsRecord, get_alternatives
from semsr.stages.training_data import require_tags, source_of, tags_sha256, training_pictures
from semsr.training.job import Job
from semsr.training.parts import Parts
from semsr.training.validation import Validator

GPU_WORKERS = 4


@dataclass(frozen=True)
class Ingredients:
    """What a training is made from, beside its recipe.

    Attributes:
        prepared: the data set.
        files: by the role that the recipe gives them.
        record: their ids and hashes, and `start_record` that of the start.
        start: the generator's first weights, if any.
        tags_sha256: of the training pictures' tags, where the recipe names some.
        fingerprint: of everything that decides a weight.
    """

    prepared: Prepared
    data_sha256: str
    files: dict[str, Path]
    record: WeightsRecord
    start: Path | None
    start_record: WeightsRecord
    device: Literal["cpu", "cuda"]
    tags_sha256: str | None
    fingerprint: str


def gather(project: Project, profile: ProfileCard, card: MethodCard, variant: str, seed: int) -> Ingredients:
    """Get everything that one training needs; weights are downloaded here.

    Raises:
        SemsrError: not prepared, tags are missing, an asset can't be had, or the start is not trained yet.
    """
    recipe = project.recipe(card.id, variant)
    prepared = open_prepared(project, recipe.data.dataset)
    tags = tags_sha256(source_of(recipe.data, prepared))
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
    mark = fingerprint(
        project,
        [*training_code(folder), package / "training", package / "restoration", package / "imaging"],
        method=card.id,
        parts=card.parts,
        recipe=deciding(recipe),
        data=prepared.sha256,
        weights=[entry["sha256"] for entry in (*record, *start_record)],
        seed=seed,
        device=device,
        threads=recipe.threads or profile.threads,
        **({} if tags is None else {"tags": tags}),
    )
    return Ingredients(prepared, prepared.sha256, files, record, start, start_record, device, tags, mark)


def training_code(folder: Path) -> list[Path]:
    """What of a plugin's folder decides a weight: its code, not its cards and README."""
    return sorted(path for path in folder.iterdir() if path.suffix in ("", ".py") and path.name[0] not in "._")


def deciding(recipe: Recipe) -> dict[str, Any]:
    """What of a recipe decides a weight, as plain values; keys that came later are left out where they are not set, so that fingerprints of
    before still hold."""
    # What is only said about a recipe, or watched while it runs, changes no weight.
    found = recipe.model_dump(mode="json", exclude={"notes", "reading", "once", "validation", "log", "save"})
    later = {key: found["data"].pop(key) for key in ("tags", "shared_choices")}
    found["data"] |= {key: value for key, value in later.items() if value is not None}
    return found


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


def recipe_entry(project: Project, card: MethodCard, variant: str) -> str:
    """What errors call the recipe of a variant: its file and name."""
    return project.entry(card.id, "recipes.yaml", str(card.variants[variant].training))


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
    parts = made(recipe.generator, recipe.discriminator, ingredients.files, recipe.objective, recompute=recipe.recompute)
    require_tags(recipe_entry(project, card, variant), recipe.data, parts)
    view = recipe.validation
    validate = None
    if view is not None:
        validate = Validator(
            project, view.dataset, view.protocol, view.columns, folder, samples=view.samples, device=ingredients.device
        )
    return Job(
        name=name,
        recipe=recipe,
        parts=parts,
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


def packages() -> dict[str, Any]:
    """Versions of what computed the weights."""
    return {
        name: importlib.metadata.version(name)
        for name in ("torch", "spandrel", "accelerate", "open_clip_torch", "timm", "diffusers", "transformers", "numpy")
    }
