"""Segment: what a segmenter finds in the pictures of every row of a data set, and in HR; continues where a killed run stopped."""

from __future__ import annotations

import importlib.metadata
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import semsr
from semsr.assets.missing import missing_file, summary, to_plain
from semsr.assets.store import Store
from semsr.cards import ProfileCard, SegmenterCard, SemanticProtocolCard
from semsr.errors import MissingAssetsError, SegmenterError, SemsrError, UnknownIdError, located
from semsr.evaluation.pairing import Size
from semsr.evaluation.semantic.annotations import Annotations
from semsr.evaluation.semantic.values import REFERENCE, RowKey
from semsr.evaluation.session import progress_bar
from semsr.files import storage_errors, write_atomic
from semsr.machine import note_machine
from semsr.preparation.manifest import Prepared, open_prepared
from semsr.project import Project, seeded
from semsr.restoration.cell import FINGERPRINT, Cell, read_json
from semsr.restoration.weights import still_declared
from semsr.segmentation.found import Category
from semsr.segmentation.stored import write_found
from semsr.stages import segmenter_weights
from semsr.stages.cell_facts import devices
from semsr.stages.commit import git_commit
from semsr.stages.findings import Findings, row_folder
from semsr.stages.restored_rows import pictures_of, restored_rows
from semsr.stages.score import reference_of
from semsr.stages.segment_pictures import Finder, device_of, found_fingerprint

log = logging.getLogger(__name__)

LACKING = "missing.json"
"""In a judge's folder: which files from outside it could not be had for."""


@dataclass(frozen=True)
class Subject:
    """One row's pictures: `mark` says what made them, `folder` is where what is found in them goes."""

    key: RowKey
    name: str
    folder: Path
    pictures: Mapping[str, Path]
    mark: str


def run(project: Project, profile: ProfileCard, dataset: str, segmenter: str, *, keep_going: bool = False) -> None:
    """Segment HR and every restored row, once for each semantic protocol of the profile.

    What is finished and unchanged is left alone, and needs no weights.

    Args:
        project: where the cards, the prepared data and the results are.
        profile: its track `semantic` says which rows and protocols; its `device` and `threads` count.
        dataset: id of a prepared data set with annotations.
        segmenter: id of a segmenter.
        keep_going: weights that can't be had are written down, and are no error.

    Raises:
        SemsrError: nothing is prepared or restored, the weights can't be had, the segmenter broke its contract, the disk is full.
    """
    card = project.segmenter(segmenter)
    prepared = open_prepared(project, dataset)
    annotations = Annotations.read(prepared.folder)
    if card.classes is not None and card.classes not in (len(annotations.categories), len(_things(annotations.categories))):
        raise SegmenterError(
            f"segmenters/{card.id}/segmenter.yaml: classes: found {card.classes}; data set {dataset} has {len(annotations.categories)} "
            f"categories, {len(_things(annotations.categories))} of them things; judge it by another segmenter"
        )
    store = Store(ask_once=True)
    for name in protocols_of(project, profile):
        protocol = project.semantic_protocol(name)
        folder = project.segmented(profile.id, dataset, protocol.id, card.id)
        try:
            _segment(project, profile, prepared, annotations, card, protocol, folder, store)
        except MissingAssetsError as error:
            if not (keep_going and error.reasons):
                raise
            files = [missing_file(project.asset(asset), reason) for asset, reason in error.reasons.items()]
            write_atomic(folder / LACKING, json.dumps({"files": to_plain(files)}, indent=2) + "\n")
            log.warning("%s on %s: judges nothing, needs %s; see segmenters/%s", card.id, dataset, summary(files), card.id)


def protocols_of(project: Project, profile: ProfileCard) -> tuple[str, ...]:
    """The semantic protocols of a profile. Raises: SemsrError: it has none; UnknownIdError: one is unknown, or its floor's method is."""
    names = profile.tracks.semantic.protocols
    if not names:
        known = ", ".join(project.semantic_protocols) or "none is there"
        raise SemsrError(f"profile {profile.id}: tracks.semantic.protocols: found none; allowed: {known}")
    for name in names:
        with located(f"profile {profile.id}: tracks.semantic.protocols"):
            floor = project.semantic_protocol(name).floor
        with located(f"metrics/protocols/{name}.yaml: floor"):
            if floor.variant not in project.method(floor.method).rows:
                raise UnknownIdError("variant", f"{floor.method}/{floor.variant}", project.method(floor.method).rows)
    return names


def subjects(project: Project, profile: ProfileCard, prepared: Prepared, folder: Path) -> list[Subject]:
    """HR and every restored row of the semantic track. Raises: SemsrError."""
    dataset = prepared.card.id
    reference, sizes = reference_of(prepared)
    if reference is None:
        raise SemsrError(f"data set {dataset!r} has no HR pictures; without them there is no ceiling to judge against")
    found = [Subject(REFERENCE, "HR", row_folder(folder, *REFERENCE), reference, prepared.sha256)]
    for row in restored_rows(project, profile, dataset, (profile.tracks.semantic,)).rows:
        cell = Cell(project.cell(profile.id, dataset, row.method, row.variant, row.seed))
        name = f"{row.method}/{seeded(row.variant, row.seed)}"
        if not cell.record.is_file():
            raise SemsrError(
                f"{name} on {dataset}: not restored to the end; run `semsr infer {row.method} --dataset {dataset}`"
            )
        pictures = pictures_of(project, profile.id, dataset, row, sizes, "its HR picture")
        if not isinstance(mark := read_json(cell.record).get(FINGERPRINT), str):
            raise SemsrError(
                f"{project.show(cell.record)}: damaged (no {FINGERPRINT!r} in it); run `semsr infer {row.method} --dataset {dataset}`"
            )
        key = row.method, row.variant, row.seed
        found.append(Subject(key, name, row_folder(folder, *key), pictures, mark))
    return found


def answer_sizes(prepared: Prepared, annotations: Annotations, protocol: SemanticProtocolCard) -> dict[str, Size]:
    """(H, W) at which everything is compared, by picture: its own, or that of its annotations."""
    _, sizes = reference_of(prepared)
    if protocol.annotations == "resized":
        return dict(sizes)
    return {name: annotations.size(name) for name in sizes}


def _segment(
    project: Project,
    profile: ProfileCard,
    prepared: Prepared,
    annotations: Annotations,
    card: SegmenterCard,
    protocol: SemanticProtocolCard,
    folder: Path,
    store: Store,
) -> None:
    sizes = answer_sizes(prepared, annotations, protocol)
    todo = []
    for subject in subjects(project, profile, prepared, folder):
        record = Findings(subject.folder).made_by()
        device, weights = record.get("device"), record.get("weights", [])
        if (
            device in devices(profile.device)
            and still_the_weights(project, profile, card, weights, store)
            and Findings(subject.folder).is_complete(
                found_fingerprint(project, card, protocol, annotations.categories, subject.mark, sizes, weights, str(device)),
                sizes,
            )
        ):
            log.info(
                "%s: %s on %s: nothing to do, all %d pictures are there", card.id, subject.name, prepared.card.id, len(sizes)
            )
            continue
        todo.append(subject)
    if todo:
        _look_through(annotations, sizes, prepared.card.id)
        weights_files = segmenter_weights.get(project, profile, card, store)
        device = device_of(card, profile)
        finder = Finder(project, profile, card, protocol, annotations.categories, weights_files, device)
        for subject in todo:
            mark = found_fingerprint(
                project, card, protocol, annotations.categories, subject.mark, sizes, weights_files.record, device
            )
            _fill(project, prepared, card, finder, subject, sizes, mark)
    with storage_errors(folder):
        (folder / LACKING).unlink(missing_ok=True)


def _look_through(annotations: Annotations, sizes: Mapping[str, Size], dataset: str) -> None:
    """Read every picture's annotations, before hours are spent on what could not be judged. Raises: SemanticError."""
    with progress_bar(f"annotations of {dataset}", len(sizes)) as progress:
        for name, size in sizes.items():
            annotations.truth(name, size)
            progress(1)


def still_the_weights(
    project: Project, profile: ProfileCard, card: SegmenterCard, record: list[dict[str, str]], store: Store
) -> bool:
    """Whether what is finished was found with the weights that would be used now; published ones are not asked for."""
    if card.training is None:
        return still_declared(project, card.weights, record)
    return segmenter_weights.get(project, profile, card, store).record == record


def _fill(
    project: Project,
    prepared: Prepared,
    card: SegmenterCard,
    finder: Finder,
    subject: Subject,
    sizes: Mapping[str, Size],
    mark: str,
) -> None:
    findings = Findings(subject.folder)
    done = findings.kept(mark)
    left = {name: subject.pictures[name] for name in sorted(sizes) if name not in done}
    what = f"{card.id}: {subject.name} on {prepared.card.id}"
    if done:
        log.info("%s: going on, %d of %d pictures are there", what, len(done), len(sizes))
    with progress_bar(what, len(sizes)) as progress:
        progress(len(done))
        answers = finder.find(left, sizes)
        first = [next(answers)] if left else []
        findings.begin(mark)  # only now: a judge that can't answer must not cost what an earlier one found
        for found in chain(first, answers):
            write_found(subject.folder, found)
            progress(1)
    findings.finish(
        {
            "segmenter": card.id,
            "weights": finder.weights.record,
            "pictures": len(sizes),
            "pictures_made_by": subject.mark,
            "device": finder.device,
            "passport": note_machine(project),
            "packages": {name: importlib.metadata.version(name) for name in ("torch", "transformers", "numpy", "pycocotools")},
            "fingerprint": mark,
            "created": datetime.now(UTC).isoformat(timespec="seconds"),
            "semsr": semsr.__version__,
            "commit": git_commit(project.root),
        }
    )
    log.info("%s: %d pictures", what, len(sizes))


def _things(categories: Sequence[Category]) -> list[Category]:
    return [category for category in categories if category.thing]
