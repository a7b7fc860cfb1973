"""Writes a page on what the judges of a profile see: the numbers, and the same scenes on HR, zoomed LR and every restoration."""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from urllib.parse import quote

from semsr.cards import ProfileCard
from semsr.errors import SemsrError
from semsr.evaluation.semantic.annotations import Annotations
from semsr.evaluation.semantic.values import REFERENCE, RowKey
from semsr.files import write_atomic
from semsr.imaging.pictures import read_rgb
from semsr.preparation.manifest import Prepared, open_prepared
from semsr.project import Project
from semsr.reporting.places import check_page, page_errors
from semsr.reporting.semantic.colours import class_colours
from semsr.reporting.semantic.page import render
from semsr.reporting.semantic.scene import PICTURES, Scene, Seen, make_scene
from semsr.segmentation.found import Found
from semsr.segmentation.stored import read_found
from semsr.stages.findings import Findings, row_folder
from semsr.stages.segment import Subject, answer_sizes, subjects
from semsr.stages.semantic_choice import choose, ranges, rule
from semsr.stages.semantic_judged import Judged, read_judged
from semsr.stages.semantic_numbers import label_of, role_of
from semsr.stages.semantic_scenes import (
    Looks,
    Sight,
    found_areas,
    found_marks,
    plain_marks,
    truth_areas,
    truth_marks,
)

log = logging.getLogger(__name__)

PAGE = "index.html"

_OURS = re.compile(r"(picture|masks)-[0-9a-f]{16}\.png")


def run(project: Project, profile: ProfileCard, dataset: str, out: Path | None = None, *, samples: int = 6) -> Path:
    """Write the page and, beside it, a folder with its pictures. Equal results give equal bytes.

    What is not there (a judge that lacks its weights, pictures that are gone) is said on the page.

    Args:
        project: the project.
        profile: its judges, and the protocols of its semantic track.
        dataset: a prepared data set's id.
        out: the page's folder; default: results/<profile>/semantic-report/<dataset>.
        samples: how many scenes are shown.

    Returns:
        The page's path.

    Raises:
        SemsrError: the profile judges nothing on the data set, or nothing has been judged yet.
        StorageError: the page can't be written.
    """
    folder = out if out is not None else project.results(profile.id) / "semantic-report" / dataset
    check_page(folder / PAGE)
    track = profile.tracks.semantic
    if dataset not in track.datasets:
        known = ", ".join(track.datasets) or "none"
        raise SemsrError(f"profile {profile.id}: tracks.semantic.datasets: found {known}; {dataset!r} is not among them")
    if not (profile.segmenters.judges and track.protocols):
        raise SemsrError(
            f"profile {profile.id}: needs at least one of segmenters.judges (`semsr list segmenters`) and of tracks.semantic.protocols"
        )
    prepared = open_prepared(project, dataset)
    judged = read_judged(project, profile, prepared)
    names = sorted(entry.name for entry in prepared.test)
    chosen = choose(judged, names, dataset, samples)
    said = rule(len(chosen), len(names), counted=any(each.counts_objects for each in judged))
    with page_errors(folder):
        if any(each.values is not None and each.values.of for each in judged):
            _show(project, profile, prepared, judged, chosen, folder / PICTURES)
        page = render([each.section for each in judged], dataset, profile.id, rule=said)
        page = page.replace(f"{project.root}{os.sep}", "")
        write_atomic(folder / PAGE, page)
        for path in (folder / PICTURES).glob("*.png"):
            if _OURS.fullmatch(path.name) and quote(f"{PICTURES}/{path.name}") not in page:
                path.unlink(missing_ok=True)
    log.info("%s: %d scenes; written: %s", dataset, len(chosen), project.show(folder / PAGE))
    return folder / PAGE


def _show(
    project: Project,
    profile: ProfileCard,
    prepared: Prepared,
    judged: Sequence[Judged],
    chosen: Sequence[str],
    pictures: Path,
) -> None:
    try:
        annotations = Annotations.read(prepared.folder)
        there = {subject.key: subject for subject in subjects(project, profile, prepared, Path())}
    except SemsrError as error:
        for each in judged:
            each.section.problems.append(f"no scenes: {error}")
        return
    names = sorted(entry.name for entry in prepared.test)
    categories = {category.id: category for category in annotations.categories}
    looks = Looks(categories, class_colours(annotations.categories))
    for each in judged:
        try:
            differing = ranges(each, names, prepared.card.id)
        except SemsrError:
            differing = {}  # said when scenes were chosen
        for name in chosen if each.rows else ():
            why = ""
            if name in differing:
                (least, most), (fewest, many) = differing[name]
                why = f"a row loses {_span(least, most)} objects and brings back {_span(fewest, many)}"
            try:
                each.section.scenes.append(
                    _scene(project, profile, prepared, annotations, looks, each, there, name, pictures, why)
                )
            except SemsrError as error:
                each.section.problems.append(f"{name} can't be shown: {error}")


def _span(low: int, high: int) -> str:
    return str(low) if low == high else f"{low} to {high}"


def _scene(
    project: Project,
    profile: ProfileCard,
    prepared: Prepared,
    annotations: Annotations,
    looks: Looks,
    each: Judged,
    there: Mapping[RowKey, Subject],
    name: str,
    pictures: Path,
    why: str,
) -> Scene:
    card, dataset = project.segmenter(each.judge), prepared.card.id
    size = answer_sizes(prepared, annotations, each.protocol.card)[name]
    truth = annotations.truth(name, size)
    found: dict[RowKey, Found] = {}
    for key in each.rows:
        folder = row_folder(project.segmented(profile.id, dataset, each.protocol.id, each.judge), *key)
        if key not in there or Findings(folder).made_by().get("pictures_made_by") != there[key].mark:
            raise SemsrError(
                f"{each.judge} went through other pictures of {label_of(project, key[:2])} than are there now; run "
                f"`semsr segment {each.judge} --dataset {dataset}` and `semsr judge {dataset}`"
            )
        found[key] = read_found(folder, name, annotations.categories, size)
    matching, hr = each.protocol.card.objects, found[REFERENCE]
    rgb = read_rgb(there[REFERENCE].pictures[name])
    seen = [Seen("Annotations, on HR", rgb, size, truth_marks(truth, looks), truth_areas(truth, looks))]
    lr = found.get((*each.floor, 0))
    for key, here in found.items():
        silent = 0
        if matching.by in card.gives:
            marks, silent = found_marks(truth, Sight(hr, lr, here), matching, looks)
        else:
            marks = plain_marks(here, looks, matching.score)
        role = role_of(key[:2], each.floor)
        label = label_of(project, key[:2]) + {"ceiling": "", "floor": " (zoomed LR)", "": ""}[role]
        label += f", seed {key[2]}" if each.values and sum(other[:2] == key[:2] for other in each.values.of) > 1 else ""
        seen.append(
            Seen(
                label,
                rgb if key == REFERENCE else read_rgb(there[key].pictures[name]),
                size,
                marks,
                found_areas(here, looks, matching.score),
                on_hr=key == REFERENCE,
                more=f"{silent} more on crowds or on objects already counted" if silent else "",
            )
        )
    return make_scene(name, seen, each.section.judge, pictures, why)
