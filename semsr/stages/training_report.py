"""Writes a page on the trainings of a profile: curves, samples, what discriminators tell apart and what semantic tokens attend to."""

from __future__ import annotations

import contextlib
import logging
import os
import re
from collections.abc import Sequence
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from semsr.cards import ProfileCard
from semsr.errors import SemsrError
from semsr.files import write_atomic
from semsr.preparation.manifest import Entry, open_prepared
from semsr.project import DISCRIMINATOR, Project
from semsr.reporting.places import check_page, page_errors
from semsr.reporting.training.curves import draw_curves
from semsr.reporting.training.page import PICTURES, Group, render
from semsr.reporting.training.read import Training, read_trainings
from semsr.reporting.training.samples import make_samples

logger = logging.getLogger(__name__)

PAGE = "index.html"
PER_CLASS = 24
"""Pictures a class: enough for neighbours, few enough for a CPU."""

_OURS = re.compile(r"(samples|attention)/[^/]+\.png")


def run(
    project: Project,
    profile: ProfileCard,
    out: Path | None = None,
    pictures: Path | None = None,
    *,
    layer: str | None = None,
    per_class: int = PER_CLASS,
) -> Path:
    """Write the page and, beside it, a folder with its pictures.

    What is not there (no training yet, no discriminator, too few pictures) is said on the page.

    Args:
        project: the project.
        profile: whose trainings.
        out: the page's folder; default: results/<profile>/training-report.
        pictures: a folder with a subfolder of pictures a class; default: patches of the profile's data sets.
        layer: the module of discriminators whose output is taken as features; default: the map before the logits.
        per_class: pictures a class at most.

    Returns:
        The page's path.

    Raises:
        StorageError: the page can't be written.
        SemsrError: `pictures` is no folder with classes.
    """
    folder = out if out is not None else project.results(profile.id) / "training-report"
    check_page(folder / PAGE)
    if pictures is not None and not pictures.is_dir():
        raise SemsrError(f"--pictures {pictures}: no such folder; name one with a subfolder a class")
    with page_errors(folder):
        _write(project, profile, groups := _groups(project, profile), folder, pictures, layer, per_class)
    count = sum(len(group.trainings) for group in groups)
    logger.info("%d training%s; written: %s", count, "s" * (count != 1), project.show(folder / PAGE))
    return folder / PAGE


def _groups(project: Project, profile: ProfileCard) -> list[Group]:
    groups = []
    for (method, dataset), mine in groupby(read_trainings(project, profile.id), lambda its: (its.method, its.dataset)):
        trainings = list(mine)
        group = Group(method, dataset, trainings, draw_curves(trainings))
        group.say("trainings", *(line for training in trainings for line in training.problems))
        groups.append(group)
    return groups


def _write(
    project: Project,
    profile: ProfileCard,
    groups: Sequence[Group],
    folder: Path,
    pictures: Path | None,
    layer: str | None,
    per_class: int,
) -> None:
    shown = folder / PICTURES
    for group in groups:
        entries = _validation_entries(project, group)
        variants = {name: [its for its in group.trainings if its.variant == name] for name in group.labels}
        group.samples, wrong = make_samples(variants, entries, shown)
        group.say("samples", *wrong)
        _look(project, profile, group, shown, pictures, layer, per_class)
    made = datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC")
    page = render(groups, profile.id, profile.title, made).replace(f"{project.root}{os.sep}", "")
    write_atomic(folder / PAGE, page)
    _sweep(shown, page)


def _validation_entries(project: Project, group: Group) -> dict[str, Entry]:
    """Pictures of the data sets that trainings were validated on, by name."""
    entries: dict[str, Entry] = {}
    for name in _datasets(group.trainings, validation=True):
        try:
            entries |= {entry.name: entry for entry in open_prepared(project, name).entries}
        except SemsrError as error:
            group.say("samples", f"LR and HR can't be shown: {error}")
    return entries


def _datasets(trainings: Sequence[Training], *, validation: bool) -> list[str]:
    recipes = [training.recipe for training in trainings if training.recipe is not None]
    if validation:
        return list(dict.fromkeys(its.validation.dataset for its in recipes if its.validation is not None))
    return list(dict.fromkeys(its.data.dataset for its in recipes))


def _look(
    project: Project,
    profile: ProfileCard,
    group: Group,
    shown: Path,
    pictures: Path | None,
    layer: str | None,
    per_class: int,
) -> None:
    """What needs the discriminators themselves; torch is loaded only where there is one."""
    having = [its for its in group.trainings if its.ended and (its.folder / DISCRIMINATOR).is_file()]
    for training in group.trainings:
        if training.ended and training.recipe is None:
            group.say("classes", f"{training.name}: its train.json holds no recipe that this version reads")
        elif training.ended and training.recipe and training.recipe.discriminator and training not in having:
            group.say("classes", f"{training.name}: there is no {DISCRIMINATOR}")
    having = [its for its in having if its.recipe is not None and its.recipe.discriminator is not None]
    if not having:
        group.say("classes", "No finished training left a discriminator.")
        group.say("attention", "No finished training left a discriminator.")
        return
    from semsr.stages import looking_inside

    looking_inside.run(project, profile, group, having, shown, pictures, layer=layer, per_class=per_class)


def _sweep(folder: Path, page: str) -> None:
    """Delete pictures that only an earlier page showed; nothing that is not ours."""
    for path in folder.glob("*/*"):
        file = path.relative_to(folder).as_posix()
        if _OURS.fullmatch(file) and quote(f"{PICTURES}/{file}") not in page:
            path.unlink(missing_ok=True)
    for inner in folder.glob("*/"):
        with contextlib.suppress(OSError):
            inner.rmdir()  # only where it is empty
