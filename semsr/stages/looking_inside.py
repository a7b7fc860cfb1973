"""The part of the page on training that runs the trained networks: features by class, and what semantic tokens attend to."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from semsr.assets.progress import count_bar
from semsr.cards import ProfileCard
from semsr.errors import SemsrError
from semsr.preparation.manifest import Prepared, open_prepared
from semsr.project import Project
from semsr.reporting.training.attention_maps import PatchPair, cut_pairs
from semsr.reporting.training.class_pictures import ClassPictures, from_folders, from_photographs
from semsr.reporting.training.looking import look_at_classes, look_at_tokens
from semsr.reporting.training.page import Group
from semsr.reporting.training.read import Training
from semsr.restoration.python import choose_device, make_deterministic
from semsr.stages.rebuilt import Rebuilt


def run(
    project: Project,
    profile: ProfileCard,
    group: Group,
    trainings: Sequence[Training],
    folder: Path,
    pictures: Path | None,
    *,
    layer: str | None,
    per_class: int,
) -> None:
    """Fill in what the page says of a group's discriminators; what can't be looked at is said there.

    Args:
        project, profile: where the data sets are, and the device.
        group: filled in.
        trainings: finished ones whose discriminators are there.
        folder: the page's folder of pictures.
        pictures: the user's folder of classes, if any.
        layer: the module whose output is taken; None: the map before the logits.
        per_class: pictures a class at most.

    Raises:
        StorageError: the folder can't be written.
    """
    make_deterministic(profile.threads)
    device = torch.device(choose_device(profile.device))
    subjects: list[Rebuilt] = []
    for variant in dict.fromkeys(its.variant for its in trainings):
        try:
            subjects.append(Rebuilt(project, [its for its in trainings if its.variant == variant]))
        except SemsrError as error:
            group.say("classes", f"{group.labels[variant]}: {error}")
            group.say("attention", f"{group.labels[variant]}: {error}")
    if not subjects:
        return
    # One size for all, so that all see the same pictures.
    side = min(subject.recipe.data.patch for subject in subjects)
    multiple = math.lcm(*(subject.parts.multiple() for subject in subjects))
    try:
        group.shown = _class_pictures(project, profile, subjects, pictures, side, per_class, multiple)
    except SemsrError as error:
        group.say("classes", f"There are no pictures in classes: {error}.")
    else:
        with count_bar("discriminators by class", sum(len(subject.seeds) for subject in subjects)) as advance:
            group.classes = look_at_classes(subjects, group.shown, device, group.key, layer=layer, advance=advance)
    _attention(project, profile, group, subjects, folder, device)


def _class_pictures(
    project: Project,
    profile: ProfileCard,
    subjects: Sequence[Rebuilt],
    pictures: Path | None,
    side: int,
    most: int,
    multiple: int,
) -> ClassPictures:
    """Of the user's folder; else of the first data set that has enough test photographs, or training ones. Raises: SemsrError."""
    if pictures is not None:
        return from_folders(pictures, side, most)
    reasons: list[str] = []
    for prepared in _prepared(project, profile, subjects, reasons):
        for entries, what in ((prepared.test, "test"), (prepared.train, "training")):
            try:
                return from_photographs(entries, side, most, f"{what} photographs of {prepared.card.id}", multiple=multiple)
            except SemsrError as error:
                reasons.append(str(error))
    raise SemsrError("; ".join(reasons) or "the profile names no data set")


def _attention(
    project: Project, profile: ProfileCard, group: Group, subjects: Sequence[Rebuilt], folder: Path, device: torch.device
) -> None:
    for subject in subjects:
        reasons: list[str] = []
        pairs = _pairs(project, profile, subject, reasons)
        if not pairs:
            group.say("attention", f"{subject.label}: no photograph with LR is large enough for a patch. {'; '.join(reasons)}")
            continue
        looks = look_at_tokens(subject, pairs, device, folder, f"{group.method}-{group.dataset}-{subject.variant}")
        if looks is None:
            group.say("attention", f"{subject.label}: its discriminator has no cross-attention with semantics.")
        else:
            group.looks.append(looks)


def _pairs(project: Project, profile: ProfileCard, subject: Rebuilt, reasons: list[str]) -> list[PatchPair]:
    """Patches as large as in training, of the first data set that has some."""
    for prepared in _prepared(project, profile, [subject], reasons):
        for entries in (prepared.test, prepared.train):
            pairs, problems = cut_pairs(entries, subject.recipe.data.patch, prepared.card.scale)
            reasons += problems
            if pairs:
                return pairs
    return []


def _prepared(project: Project, profile: ProfileCard, subjects: Sequence[Rebuilt], reasons: list[str]) -> Iterator[Prepared]:
    """Data sets that may give pictures: those validated on, those of the profile, those trained on; why others can't goes to `reasons`."""
    recipes = [subject.recipe for subject in subjects]
    names = [recipe.validation.dataset for recipe in recipes if recipe.validation is not None]
    names += [*(name for track in profile.tracks.all for name in track.datasets), *(recipe.data.dataset for recipe in recipes)]
    for name in dict.fromkeys(names):
        try:
            yield open_prepared(project, name)
        except SemsrError as error:
            reasons.append(str(error))
