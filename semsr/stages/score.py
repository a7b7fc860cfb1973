"""Score: all rows of a prepared data set, by the profile's protocols, into one scores.parquet."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path

from semsr.cards.profile import ProfileCard
from semsr.errors import PairingError, SemsrError
from semsr.evaluation.cores import pick_device
from semsr.evaluation.journal import Journal
from semsr.evaluation.lints.looking import RowPictures, Sources
from semsr.evaluation.pairing import Size
from semsr.evaluation.protocol import resolve
from semsr.evaluation.scores import ScoredRow, long_form, write_scores
from semsr.evaluation.scoring import Subject, score
from semsr.evaluation.session import measuring_fingerprint, progress_bar
from semsr.evaluation.workbench import build, unavailable_columns
from semsr.machine import note_machine
from semsr.preparation.manifest import Prepared, open_prepared
from semsr.project import Project
from semsr.reproduction.sanity import REFERENCE
from semsr.restoration.cell import FINGERPRINT, Cell, read_json
from semsr.stages.lint_rows import lint_scored
from semsr.stages.restored_rows import RestoredRow, pictures_of, restored_rows

log = logging.getLogger(__name__)


def run(project: Project, profile: ProfileCard, dataset: str) -> Path:
    """Measure every row of the profile that has been restored on a data set, and HR itself; continues where a killed run stopped.

    The rows are looked at first: what looks wrong is logged, and written to results/<profile>/lints/<dataset>.json. A row whose weights
    could not be had is left out; the scores say which files it lacks.

    Args:
        project: the project.
        profile: says which methods and protocols belong to the data set.
        dataset: a prepared data set's id.

    Returns:
        results/<profile>/scores/<dataset>.parquet.

    Raises:
        SemsrError: the profile does not have the data set, or nothing has been restored yet.
        PairingError: a row misses a picture or has one too many. SizeMismatchError: a picture has the wrong size.
        PictureError: a picture is damaged. MetricError: a metric broke its contract.
    """
    prepared = open_prepared(project, dataset)
    found = restored_rows(project, profile, dataset, (profile.tracks.classical, profile.tracks.real))
    rows = found.rows
    resolved = {name: resolve(project, name) for name in dict.fromkeys(name for row in rows for name in row.protocols)}
    path = project.results(profile.id) / "scores" / f"{dataset}.parquet"
    if not rows:
        write_scores(path, [], found.missing)
        lint_scored(project, profile, dataset, [], Sources({}, {}, {}))
        log.warning("%s: no row scored, %d lack their weights: %s", dataset, len(found.missing), project.show(path))
        return path
    reference, sizes = reference_of(prepared)
    subjects = [
        Subject(
            row.method,
            row.variant,
            pictures_of(
                project, profile.id, dataset, row, sizes, "its HR picture" if reference else "its LR picture, enlarged,"
            ),
            frozenset(column.key for name in row.protocols for column in resolved[name].columns),
            row.seed,
        )
        for row in rows
    ]
    looked_at = [RowPictures((each.method, each.variant, each.seed), each.pictures) for each in subjects]
    sources = Sources(reference or {}, {name: lr for name, (lr, _) in prepared.inputs.items()}, sizes)
    lint_scored(project, profile, dataset, looked_at, sources)
    protocols = tuple(resolved.values())
    if reference is not None:  # which must come out perfect: a row that checks the set-up
        subjects.append(Subject(*REFERENCE, reference, frozenset(column.key for each in protocols for column in each.columns)))
    device = pick_device(profile.device)
    bench = build(project, protocols, device=device, has_reference=reference is not None)
    for name, reason in unavailable_columns(bench, protocols).items():
        log.warning("%s: %s is not available, because %s", dataset, name, reason)
    results = project.results(profile.id)
    journal = Journal(results / "journals" / f"{dataset}.jsonl", measuring_fingerprint(project, device))
    with journal, progress_bar(f"score {dataset}", len(subjects) * len(sizes)) as progress:
        scores = score(subjects, reference, sizes, bench, journal=journal, threads=profile.threads, progress=progress)
        scored = [
            ScoredRow(each, tuple(resolved[name] for name in row.protocols), _made_by(project, profile, dataset, row))
            for each, row in zip(scores, rows, strict=False)
        ]
        # Nobody restored HR: what decides its pictures is the data.
        scored += [ScoredRow(each, protocols, prepared.sha256) for each in scores[len(rows) :]]
        write_scores(path, long_form(scored, sorted(sizes), dataset, bench, prepared.sha256), found.missing)
    note_machine(project)
    log.info("%s: %d rows of %d pictures scored: %s", dataset, len(rows), len(sizes), project.show(path))
    return path


def _made_by(project: Project, profile: ProfileCard, dataset: str, row: RestoredRow) -> str:
    """The fingerprint of what made a row's pictures; "" where nothing says it (pictures put there by hand, an unfinished cell)."""
    cell = Cell(project.cell(profile.id, dataset, row.method, row.variant, row.seed))
    return str(read_json(cell.record).get(FINGERPRINT, ""))


def reference_of(prepared: Prepared) -> tuple[Mapping[str, Path] | None, Mapping[str, Size]]:
    """HR files by name (None where the data set has none), and the size each SR picture must have."""
    entries = prepared.test
    if not entries:
        raise SemsrError(f"{prepared.card.id}: no pictures in its split 'test'; there is nothing to score")
    scale = prepared.card.scale
    hr = {entry.name: entry.hr for entry in entries if entry.hr is not None}
    if hr and len(hr) < len(entries):
        missing = next(entry.name for entry in entries if entry.hr is None)
        raise PairingError(
            f"{prepared.card.id}: {missing!r} has no HR picture, others do; run `semsr prepare {prepared.card.id}` again"
        )
    sizes = {name: (height * scale, width * scale) for name, (_, (height, width)) in prepared.inputs.items()}
    return hr or None, sizes
