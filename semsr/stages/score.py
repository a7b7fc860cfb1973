"""Score: all rows of a prepared data set, by the profile's protocols, into one scores.parquet."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semsr.assets.missing import summary, to_plain
from semsr.cards.profile import ProfileCard
from semsr.errors import PairingError, SemsrError
from semsr.evaluation.cores import pick_device
from semsr.evaluation.journal import Journal
from semsr.evaluation.pairing import Size, check_names, check_sizes
from semsr.evaluation.protocol import ResolvedProtocol, resolve
from semsr.evaluation.scores import ScoredRow, long_form, write_scores
from semsr.evaluation.scoring import Subject, score
from semsr.evaluation.session import measuring_fingerprint, progress_bar
from semsr.evaluation.workbench import build, unavailable_columns
from semsr.imaging.pictures import picture_files
from semsr.planning import rows_of, seeds_of
from semsr.preparation.manifest import Prepared, open_prepared
from semsr.project import Project, seeded
from semsr.restoration.cell import Cell

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Row:
    method: str
    variant: str
    seed: int
    protocols: tuple[ResolvedProtocol, ...]


@dataclass(frozen=True)
class _Found:
    """What is there to be scored, and which rows files from outside stood in the way of."""

    rows: list[_Row]
    missing: list[dict[str, Any]]


def run(project: Project, profile: ProfileCard, dataset: str) -> Path:
    """Measure every row of the profile that has been restored on a data set; continues where a killed run stopped.

    A row whose weights could not be had is left out; the scores say which files it lacks.

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
    found = _restored(project, profile, dataset)
    rows = found.rows
    path = project.results(profile.id) / "scores" / f"{dataset}.parquet"
    if not rows:
        write_scores(path, [], found.missing)
        log.warning("%s: no row scored, %d lack their weights: %s", dataset, len(found.missing), project.show(path))
        return path
    reference, sizes = reference_of(prepared)
    subjects = [
        Subject(
            row.method,
            row.variant,
            _pictures(project, profile.id, dataset, row, sizes, "its HR picture" if reference else "its LR picture, enlarged,"),
            frozenset(column.key for protocol in row.protocols for column in protocol.columns),
            row.seed,
        )
        for row in rows
    ]
    protocols = tuple({protocol.id: protocol for row in rows for protocol in row.protocols}.values())
    device = pick_device(profile.device)
    bench = build(project, protocols, device=device, has_reference=reference is not None)
    for name, reason in unavailable_columns(bench, protocols).items():
        log.warning("%s: %s is not available, because %s", dataset, name, reason)
    results = project.results(profile.id)
    journal = Journal(results / "journals" / f"{dataset}.jsonl", measuring_fingerprint(project, device))
    with journal, progress_bar(f"score {dataset}", len(subjects) * len(sizes)) as progress:
        scores = score(subjects, reference, sizes, bench, journal=journal, threads=profile.threads, progress=progress)
        scored = [ScoredRow(each, row.protocols) for each, row in zip(scores, rows, strict=True)]
        write_scores(path, long_form(scored, sorted(sizes), dataset, bench), found.missing)
    log.info("%s: %d rows of %d pictures scored: %s", dataset, len(rows), len(sizes), project.show(path))
    return path


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


def _restored(project: Project, profile: ProfileCard, dataset: str) -> _Found:
    """Rows of the profile on this data set that have a cell, each seed of a variant by itself; those that have none yet are said."""
    tracks = [track for track in (profile.tracks.classical, profile.tracks.real) if dataset in track.datasets]
    if not tracks:
        known = sorted({name for track in (profile.tracks.classical, profile.tracks.real) for name in track.datasets})
        raise SemsrError(f"profile {profile.id!r} does not have data set {dataset!r}; it has: {', '.join(known) or 'none'}")
    wanted: dict[tuple[str, str, int], list[str]] = {}
    for track in tracks:
        for method in track.entrants:
            for variant in rows_of(project, profile, method):
                for seed in seeds_of(project, profile, method, variant):
                    wanted.setdefault((method, variant, seed), []).extend(track.protocols)
    protocols = {name: resolve(project, name) for names in wanted.values() for name in names}
    if not protocols:
        raise SemsrError(
            f"profile {profile.id!r} has no protocols (or no methods) for data set {dataset!r}; add some to its track"
        )
    found: list[_Row] = []
    missing: list[dict[str, Any]] = []
    for (method, variant, seed), names in sorted(wanted.items()):
        cell = Cell(project.cell(profile.id, dataset, method, variant, seed))
        if files := cell.lacking():
            missing.append({"method": method, "variant": variant, "seed": seed, "files": to_plain(files)})
            old = "; its pictures are of an earlier state and do not count" if cell.done() else ""
            log.warning(
                "%s: %s/%s is left out, needs %s%s; see `semsr plan %s --variant %s`",
                dataset, method, seeded(variant, seed), summary(files), old, method, variant,
            )  # fmt: skip
            continue
        if next(cell.images.glob("*.png"), None) is not None:
            found.append(_Row(method, variant, seed, tuple(protocols[name] for name in dict.fromkeys(names))))
            continue
        trained = project.method(method).variants[variant].training is not None
        first = f"`semsr train {method} --variant {variant} --seed {seed}`, then " if trained else ""
        log.warning(
            "%s: %s/%s is not restored yet: run %s`semsr infer %s --dataset %s`",
            dataset, method, seeded(variant, seed), first, method, dataset,
        )  # fmt: skip
    if not found and not missing:
        raise SemsrError(
            f"{dataset}: no method of profile {profile.id!r} has been restored yet; run `semsr infer METHOD --dataset {dataset}`"
        )
    return _Found(found, missing)


def _pictures(
    project: Project, profile: str, dataset: str, row: _Row, sizes: Mapping[str, Size], what: str
) -> Mapping[str, Path]:
    folder = project.cell(profile, dataset, row.method, row.variant, row.seed) / "images"
    pictures = picture_files(folder)
    again = f"data set {dataset!r} (run `semsr infer {row.method} --dataset {dataset}` to complete the row)"
    check_names(pictures, sizes, project.show(folder), again)
    check_sizes(pictures, sizes, what)
    return pictures
