"""Judge: what segmenters found in each row against the annotations, as numbers and as every bootstrap draw's numbers."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import semsr
from semsr.assets.missing import MissingFile, from_plain
from semsr.cards import ProfileCard
from semsr.errors import SemsrError
from semsr.evaluation.semantic.annotations import Annotations
from semsr.evaluation.semantic.draws import draws
from semsr.evaluation.semantic.metric import SemanticMetric
from semsr.evaluation.semantic.objects import share_values
from semsr.evaluation.semantic.protocol import ResolvedSemanticProtocol, resolve
from semsr.evaluation.semantic.store import read_contributions, write_contributions
from semsr.evaluation.semantic.values import OBJECT_COLUMNS, REFERENCE, JudgedValues, RowKey, values_path, write_values
from semsr.evaluation.session import progress_bar
from semsr.files import write_atomic
from semsr.fingerprint import fingerprint
from semsr.preparation.manifest import Prepared, open_prepared
from semsr.project import Project
from semsr.restoration.cell import FINGERPRINT, read_json
from semsr.stages.findings import Findings
from semsr.stages.judge_pictures import LOST, OBJECTS, VANISHED, Bench, Folders, Pool, judge_row, load_metrics, pool
from semsr.stages.restored_rows import restored_rows
from semsr.stages.segment import LACKING, Subject, answer_sizes, row_folder, subjects

log = logging.getLogger(__name__)

RESAMPLES = 1000
CLASSES = "classes.csv"
"""Beside the values: each metric class by class, of the data set itself."""


def run(project: Project, profile: ProfileCard, dataset: str) -> None:
    """Judge every row of the semantic track by each of its protocols and of the profile's judges.

    Writes results/<profile>/judged/<dataset>/<protocol>/<segmenter>/: `values.parquet`, `classes.csv`, and a folder a row with what each
    picture contributes. A row whose contributions are there and still hold is not compared again.

    Args:
        project: the project.
        profile: its track `semantic` and its `segmenters` count.
        dataset: a prepared data set's id, with annotations.

    Raises:
        SemsrError: nothing is segmented, or what is was made from other pictures. SemanticError: what was found is damaged.
    """
    prepared = open_prepared(project, dataset)
    if not profile.segmenters.judges:
        raise SemsrError(f"profile {profile.id}: segmenters.judges: found none; name at least one (`semsr list segmenters`)")
    annotations = Annotations.read(prepared.folder)
    with pool(profile.threads, len(prepared.test)) as processes:
        for name in profile.tracks.semantic.protocols:
            protocol = resolve(project, name)
            for judge in profile.segmenters.judges:
                path = values_path(project.judged(profile.id, dataset, protocol.id, judge))
                write_values(path, _judge(project, profile, prepared, annotations, protocol, judge, processes))
                log.info("%s on %s: judged: %s", judge, dataset, project.show(path))


def _judge(
    project: Project,
    profile: ProfileCard,
    prepared: Prepared,
    annotations: Annotations,
    protocol: ResolvedSemanticProtocol,
    judge: str,
    processes: Pool,
) -> JudgedValues:
    dataset, card = prepared.card.id, project.segmenter(judge)
    found, judged = (place(profile.id, dataset, protocol.id, judge) for place in (project.segmented, project.judged))
    names = sorted(entry.name for entry in prepared.test)
    facts: dict[str, Any] = {
        "protocol": protocol.id,
        "protocol_hash": protocol.hash,
        "segmenter": judge,
        "manifest_sha256": prepared.sha256,
        "metric_versions": {column.name: column.metric.version for column in protocol.columns},
        "columns_without": {},
        "weights": [],
    }
    if lacking := from_plain(read_json(found / LACKING).get("files")):
        return JudgedValues(len(names), (), {}, lacking, {}, facts)
    rows = {_key(found, subject): subject for subject in subjects(project, profile, prepared, found)}
    for key, subject in rows.items():
        _require_found(subject, judge, dataset, names)
        facts["weights"] = Findings(row_folder(found, *key)).made_by()["weights"]
    ids = tuple(dict.fromkeys(column.metric.id for column in protocol.columns))
    metrics = load_metrics(project, ids, annotations)
    usable = tuple(name for name in ids if set(metrics[name].needs) <= set(card.gives))
    columns = [column for column in protocol.columns if column.metric.id in usable]
    facts["columns_without"] = {
        column.name: f"{judge} gives no {' and no '.join(answer for answer in metrics[column.metric.id].needs if answer not in card.gives)}"
        for column in protocol.columns
        if column.metric.id not in usable
    }
    matching = protocol.card.objects if protocol.card.objects.by in card.gives else None
    sizes = answer_sizes(prepared, annotations, protocol.card)
    bench = Bench(project.root, prepared.folder, sizes, usable, matching)
    floor: RowKey = (protocol.card.floor.method, protocol.card.floor.variant, 0)
    hr, lr = row_folder(found, *REFERENCE), row_folder(found, *floor) if floor in rows else None
    with progress_bar(f"{judge} judges {dataset}", len(rows) * len(names)) as progress:
        for key, subject in rows.items():
            folders = Folders(subject.folder, hr, None if key == REFERENCE else lr)
            mark = _mark(project, prepared, bench, folders)
            place = row_folder(judged, *key)
            if read_json(place / "row.json").get(FINGERPRINT) == mark:
                progress(len(names))
                continue
            each = judge_row(bench, folders, names, processes, progress)
            for name in each[0] if each else ():
                write_contributions(place / f"{name}.parquet", names, [one[name] for one in each])
            write_atomic(place / "row.json", json.dumps({FINGERPRINT: mark}, indent=2) + "\n")
    weights = draws(len(names), RESAMPLES)
    counted = matching is not None and lr is not None
    of: dict[RowKey, dict[str, NDArray[np.float64]]] = {}
    for key in rows:
        place = row_folder(judged, *key)
        of[key] = {}
        for name in usable:
            contributed = read_contributions(place / f"{name}.parquet", names, f"semsr judge {dataset}")
            for column in columns:
                if column.metric.id == name:
                    of[key][column.name] = metrics[name].values(*contributed, weights, column.options)
        if counted:
            of[key] |= _objects(place, names, dataset, weights, is_hr=key == REFERENCE)
    gone, _ = read_contributions(row_folder(judged, *REFERENCE) / f"{VANISHED}.parquet", names, f"semsr judge {dataset}")
    facts["vanished"] = {what: int(gone[what].sum()) for what in LOST}
    write_atomic(judged / CLASSES, _classes(protocol, metrics, usable, judged, rows, names, annotations))
    missing: dict[tuple[str, str], tuple[MissingFile, ...]] = {}
    for entry in restored_rows(project, profile, dataset, (profile.tracks.semantic,)).missing:
        missing[entry["method"], entry["variant"]] = from_plain(entry["files"])
    told = tuple(column.name for column in columns) + (OBJECT_COLUMNS if counted else ())
    return JudgedValues(len(names), told, of, (), missing, facts)


def _key(found: Path, subject: Subject) -> RowKey:
    if subject.folder == row_folder(found, *REFERENCE):
        return REFERENCE
    variant, _, seed = subject.folder.name.partition("@")
    return subject.folder.parent.name, variant, int(seed or 0)


def _require_found(subject: Subject, judge: str, dataset: str, names: Sequence[str]) -> None:
    """Make sure that a row was segmented, all of it, from the pictures that are there now."""
    findings = Findings(subject.folder)
    record = findings.made_by()
    again = f"run `semsr segment {judge} --dataset {dataset}`"
    if not record:
        raise SemsrError(f"{judge} has not been through {subject.name} on {dataset} yet; {again}")
    if record.get("pictures_made_by") != subject.mark or not findings.is_complete(str(record.get(FINGERPRINT)), names):
        raise SemsrError(f"{judge} went through other pictures of {subject.name} on {dataset} than are there now; {again}")


def _mark(project: Project, prepared: Prepared, bench: Bench, folders: Folders) -> str:
    """The hash of everything that decides what a row contributes."""
    package = Path(semsr.__file__).parent
    families = {project.metric_family(name) for name in bench.metrics}
    code = [
        *(project.folders("metric")[family] for family in sorted(families)),
        package / "evaluation" / "semantic",
        package / "segmentation",
        Path(__file__).with_name("judge_pictures.py"),
    ]
    return fingerprint(
        project,
        code,
        found=[str(Findings(folder).made_by().get(FINGERPRINT)) for folder in (folders.row, folders.hr, folders.lr) if folder],
        dataset=prepared.sha256,
        sizes=sorted(bench.sizes.items()),
        metrics=bench.metrics,
        matching=bench.matching.model_dump() if bench.matching else None,
    )


def _objects(
    place: Path, names: Sequence[str], dataset: str, weights: NDArray[np.int64], *, is_hr: bool
) -> dict[str, NDArray[np.float64]]:
    if is_hr:  # what is lost and won is counted from here
        return {name: np.full(len(weights), np.nan) for name in OBJECT_COLUMNS}
    counts, _ = read_contributions(place / f"{OBJECTS}.parquet", names, f"semsr judge {dataset}")
    pairs = {
        "omission": ("omitted", "seen_on_hr"),
        "hallucination": ("hallucinated", "sure_on_sr"),
        "improvement": ("improved", "lost_on_lr"),
    }
    return {name: share_values(counts[above], counts[below], weights) for name, (above, below) in pairs.items()}


def _classes(
    protocol: ResolvedSemanticProtocol,
    metrics: Mapping[str, SemanticMetric],
    usable: Sequence[str],
    judged: Path,
    rows: Mapping[RowKey, Subject],
    names: Sequence[str],
    annotations: Annotations,
) -> str:
    """CSV: each column of the protocol class by class, where a class counts."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["method", "variant", "seed", "column", "category_id", "category", "value"])
    unit = np.ones((1, len(names)), np.int64)
    for key in rows:
        for name in usable:
            contributed = read_contributions(row_folder(judged, *key) / f"{name}.parquet", names, "semsr judge")
            for column in protocol.columns:
                if column.metric.id != name:
                    continue
                values = metrics[name].each_class(*contributed, unit, column.options)[0]
                for category, value in zip(annotations.categories, values, strict=True):
                    if not np.isnan(value):
                        writer.writerow([*key, column.name, category.id, category.name, f"{value:.10g}"])
    return text.getvalue()
