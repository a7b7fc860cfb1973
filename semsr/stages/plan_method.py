"""What restoring with a method's variants takes: files from outside, data sets and trainings, and what of that is here. Changes nothing."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from semsr.assets.store import Store
from semsr.cards import MethodCard, ProfileCard, Recipe
from semsr.cards.method import Resources
from semsr.errors import UnknownIdError
from semsr.files import existing, free_bytes
from semsr.planning import needed
from semsr.preparation.manifest import MANIFEST
from semsr.project import TRAINED, Project, seeded
from semsr.stages.plan import AssetPlan, asset_plan
from semsr.stages.training_order import levels

Standing = Literal["ready", "files missing", "to be trained"]


@dataclass(frozen=True)
class TrainingPlan:
    """One training with one seed.

    Attributes:
        name: variant and seed.
        dataset, prepared: what it is trained on, and whether that is prepared here.
        before: trainings that must come first.
        files: ids of the assets it needs.
        finished: it has been trained in this profile.
    """

    name: str
    dataset: str
    prepared: bool
    before: tuple[str, ...]
    files: tuple[str, ...]
    finished: bool


@dataclass(frozen=True)
class VariantPlan:
    """One row, or a part that others are trained from.

    Attributes:
        alternatives: ways to have the weights, each as ids of assets; the first that can be had is used. Empty without weights, and for
            what is trained here.
        trainings: those of a variant that is trained here, in an order in which they can be done.
        standing: "ready": all is here that restoring takes; else what comes first.
        absent: ids of files that are not here, of the first alternative or of unfinished trainings and of restoring.
        to_come: their bytes as far as known, roughly where `roughly`; `unknown`: ids of those with no size at all.
    """

    id: str
    label: str
    trust: str
    part: bool
    alternatives: tuple[tuple[str, ...], ...]
    trainings: tuple[TrainingPlan, ...]
    standing: Standing
    absent: tuple[str, ...]
    to_come: int
    roughly: bool
    unknown: tuple[str, ...]


@dataclass(frozen=True)
class MethodPlan:
    """The whole: variants, every file once, and the disk of the asset store.

    `to_come`, `unknown`: bytes of all absent files together, each once, and ids of those whose size nobody says.
    """

    id: str
    title: str
    licence: str
    profile: str
    resources: Resources
    variants: tuple[VariantPlan, ...]
    files: tuple[AssetPlan, ...]
    to_come: int
    unknown: tuple[str, ...]
    folder: str
    free: int
    enough: bool


def run(project: Project, profile: ProfileCard, method: str, variant: str | None = None) -> MethodPlan:
    """The plan of a method. Nothing is downloaded, locked, read or written but directories.

    Args:
        project: the project.
        profile: whose seeds and trainings count.
        method: the method's id.
        variant: only this one, a row or a part; None: all rows.

    Raises:
        UnknownIdError: no such method, variant, recipe or asset. CardError: a training needs itself.
    """
    card = project.method(method)
    if variant is not None and variant not in card.variants:
        raise UnknownIdError("variant", f"{method}/{variant}", [f"{method}/{known}" for known in card.variants])
    store = Store()
    files: dict[str, AssetPlan] = {}

    def look(ids: Iterable[str]) -> None:
        for name in ids:
            if name not in files:
                files[name] = asset_plan(store, project.asset(name))

    names = (variant,) if variant is not None else card.rows
    variants = []
    for name in names:
        alternatives = tuple(tuple(way.split("+")) for way in card.variants[name].weights)
        trainings = tuple(_trainings(project, profile, card, name)) if card.variants[name].training else ()
        look(each for way in alternatives for each in way)
        look(each for training in trainings for each in training.files)
        variants.append(_variant(project, card, name, alternatives, trainings, files))
    absent = dict.fromkeys(each for plan in variants for each in plan.absent)
    to_come = sum(_bytes(files[name]) or 0 for name in absent)
    free = free_bytes(store.folder)
    return MethodPlan(
        id=card.id,
        title=card.title,
        licence=card.licence,
        profile=profile.id,
        resources=card.resources,
        variants=tuple(variants),
        files=tuple(files.values()),
        to_come=to_come,
        unknown=tuple(name for name in absent if _bytes(files[name]) is None),
        folder=str(existing(store.folder)),
        free=free,
        enough=to_come <= free,
    )


def _variant(
    project: Project,
    card: MethodCard,
    name: str,
    alternatives: tuple[tuple[str, ...], ...],
    trainings: tuple[TrainingPlan, ...],
    files: dict[str, AssetPlan],
) -> VariantPlan:
    row = card.variants[name]
    if trainings:
        wanted = [each for training in trainings if not training.finished for each in training.files]
        wanted += _restoring(project.recipe(card.id, name))
    else:
        wanted = list(next((way for way in alternatives if all(_is_here(files[each]) for each in way)), (*alternatives, ())[0]))
    absent = tuple(dict.fromkeys(each for each in wanted if not _is_here(files[each])))
    standing: Standing = "ready"
    if not all(training.finished for training in trainings):
        standing = "to be trained"
    elif absent:
        standing = "files missing"
    return VariantPlan(
        id=name,
        label=row.label,
        trust=row.trust,
        part=row.part,
        alternatives=alternatives,
        trainings=trainings,
        standing=standing,
        absent=absent,
        to_come=sum(_bytes(files[each]) or 0 for each in absent),
        roughly=any(files[each].size is None for each in absent),
        unknown=tuple(each for each in absent if _bytes(files[each]) is None),
    )


def _trainings(project: Project, profile: ProfileCard, card: MethodCard, variant: str) -> Iterable[TrainingPlan]:
    for level in levels(project, profile, card, variant, None, None):
        for name, seed in level:
            recipe = project.recipe(card.id, name)
            yield TrainingPlan(
                name=seeded(name, seed),
                dataset=recipe.data.dataset,
                prepared=(project.data / recipe.data.dataset / MANIFEST).is_file(),
                before=tuple(seeded(*each) for each in needed(project, profile, card.id, name, seed).values()),
                files=tuple(dict.fromkeys(_first(way for way in (*recipe.assets.values(), *_start(recipe))))),
                finished=(project.trained(profile.id, card.id, name, seed) / TRAINED).is_file(),
            )


def _start(recipe: Recipe) -> tuple[tuple[str, ...], ...]:
    return (recipe.start.weights,) if recipe.start is not None and recipe.start.weights else ()


def _restoring(recipe: Recipe) -> list[str]:
    """Assets that a trained generator needs to restore."""
    return _first(recipe.assets[role] for role in recipe.generator.assets if role in recipe.assets)


def _first(ways: Iterable[Sequence[str]]) -> list[str]:
    """The ids of the first alternative of each role."""
    return [each for way in ways for each in way[0].split("+")]


def _is_here(file: AssetPlan) -> bool:
    return file.state == "here" or file.own_copy is not None


def _bytes(file: AssetPlan) -> int | None:
    """Bytes still to come of a file that is not here; None where nobody says."""
    size = file.size if file.size is not None and file.state != "wrong size" else file.about
    return None if size is None else max(size - file.arrived, 0)
