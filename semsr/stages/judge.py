"""Judge: what segmenters found in each row against the annotations, as numbers and as every bootstrap draw's numbers."""

from __future__ import annotations

import csv
import io
import json
import logging
from collections.abc import Iterable, Mapping
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import semsr
from semsr.assets.missing import from_plain
from semsr.assets.store import Store
from semsr.cards import ProfileCard, SegmenterCard
from semsr.cards.protocol import OBJECT_COLUMNS
from semsr.errors import SemsrError
from semsr.evaluation.semantic.annotations import Annotations
from semsr.evaluation.semantic.draws import draws
from semsr.evaluation.semantic.metric import Columns
from semsr.evaluation.semantic.objects import share_values
from semsr.evaluation.semantic.protocol import ResolvedSemanticProtocol, resolve
from semsr.evaluation.semantic.store import read_contributions, write_contributions
from semsr.evaluation.semantic.values import REFERENCE, JudgedValues, RowKey, values_path, write_values
from semsr.evaluation.session import progress_bar
from semsr.files import storage_errors, write_atomic
from semsr.fingerprint import fingerprint
from semsr.preparation.manifest import Prepared, open_prepared
from semsr.project import Project
from semsr.restoration.cell import FINGERPRINT, read_json
from semsr.stages.findings import Findings, row_folder, row_name
from semsr.stages.judge_pictures import LOST, OBJECTS, VANISHED, Bench, Folders, Pool, judge_row, load_metrics, pool
from semsr.stages.restored_rows import restored_rows
from semsr.stages.segment import LACKING, Subject, answer_sizes, protocols_of, still_the_weights, subjects
from semsr.stages.segment_pictures import found_fingerprint

log = logging.getLogger(__name__)

RESAMPLES = 1000
CLASSES = "classes.csv"
"""Beside the values: each metric class by class, of the data set itself."""
DONE = "row.json"
"""Beside a row's contributions: what they were made from, and which files they are."""
SHARES = {
    "omission": ("omitted", "seen_on_hr"),
    "hallucination": ("hallucinated", "sure_on_sr"),
    "improvement": ("improved", "lost_on_lr"),
}
"""Which counts a share is made of."""


def run(project: Project, profile: ProfileCard, dataset: str) -> None:
    """Judge every row of the semantic track by each of its protocols and of the profile's judges.

    Writes results/<profile>/judged/<dataset>/<judge>/<protocol>/: `values.parquet`, `classes.csv`, and a folder a row with what each
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
        for name in protocols_of(project, profile):
            protocol = resolve(project, name)
            for judge in profile.segmenters.judges:
                path = values_path(project.judged(profile.id, dataset, protocol.id, judge))
                sitting = _Sitting(project, profile, prepared, annotations, protocol, project.segmenter(judge))
                write_values(path, sitting.judge(processes))
                log.info("%s on %s: judged: %s", judge, dataset, project.show(path))


class _Sitting:
    """One judge on one data set by one protocol."""

    def __init__(
        self,
        project: Project,
        profile: ProfileCard,
        prepared: Prepared,
        annotations: Annotations,
        protocol: ResolvedSemanticProtocol,
        card: SegmenterCard,
    ) -> None:
        self.project, self.profile, self.prepared, self.card = project, profile, prepared, card
        self.annotations, self.protocol, self.dataset = annotations, protocol, prepared.card.id
        self.found, self.judged = (
            place(profile.id, self.dataset, protocol.id, card.id) for place in (project.segmented, project.judged)
        )
        self.names = sorted(entry.name for entry in prepared.test)
        ids = tuple(dict.fromkeys(column.metric.id for column in protocol.columns))
        self.metrics = load_metrics(project, ids, annotations)
        self.usable = tuple(name for name in ids if set(self.metrics[name].needs) <= set(card.gives))
        self.columns = [column for column in protocol.columns if column.metric.id in self.usable]
        matching = protocol.card.objects if protocol.card.objects.by in card.gives else None
        sizes = answer_sizes(prepared, annotations, protocol.card)
        self.bench = Bench(project.root, prepared.folder, sizes, self.usable, matching)
        self.weights = draws(len(self.names), RESAMPLES)

    def judge(self, processes: Pool) -> JudgedValues:
        """Everything that tables need. Raises: SemsrError, SemanticError."""
        if lacking := from_plain(read_json(self.found / LACKING).get("files")):
            return JudgedValues(len(self.names), (), {}, lacking, {}, self._facts())
        rows = {each.key: each for each in subjects(self.project, self.profile, self.prepared, self.found)}
        records = {key: self._record(subject) for key, subject in rows.items()}
        self._contribute(rows, processes)
        of = {key: self._values(key) for key in rows}
        write_atomic(self.judged / CLASSES, self._classes(rows))
        missing = {
            (entry["method"], entry["variant"]): from_plain(entry["files"])
            for entry in restored_rows(self.project, self.profile, self.dataset, (self.profile.tracks.semantic,)).missing
        }
        gone, _ = self._read(REFERENCE, VANISHED)
        facts = {
            **self._facts(),
            "weights": records[REFERENCE]["weights"],
            "vanished": {what: int(gone[what].sum()) for what in LOST},
            "found": {row_name(key): record[FINGERPRINT] for key, record in records.items()},
        }
        if self.bench.matching is not None and self._floor(rows) is None:
            floor = self.protocol.card.floor
            facts["columns_without"]["improvement"] = f"zoomed LR ({floor.method}/{floor.variant}) is not restored"
        told = tuple(column.name for column in self.columns) + (OBJECT_COLUMNS if self.bench.matching is not None else ())
        return JudgedValues(len(self.names), told, of, (), missing, facts)

    def _facts(self) -> dict[str, Any]:
        def lacks(metric: str) -> str:
            return " and no ".join(answer for answer in self.metrics[metric].needs if answer not in self.card.gives)

        return {
            "protocol": self.protocol.id,
            "protocol_hash": self.protocol.hash,
            "segmenter": self.card.id,
            "manifest_sha256": self.prepared.sha256,
            "metric_versions": {column.name: column.metric.version for column in self.protocol.columns},
            "columns_without": {
                column.name: f"{self.card.id} gives no {lacks(column.metric.id)}"
                for column in self.protocol.columns
                if column.metric.id not in self.usable
            },
            "weights": [],
        }

    def _record(self, subject: Subject) -> dict[str, Any]:
        """The record of a row that was segmented, all of it, from the pictures and by the judge that are here now. Raises: SemsrError."""
        findings = Findings(subject.folder)
        record = findings.made_by()
        again = f"run `semsr segment {self.card.id} --dataset {self.dataset}`"
        if not record:
            raise SemsrError(f"{self.card.id} has not been through {subject.name} on {self.dataset} yet; {again}")
        if record.get("pictures_made_by") != subject.mark or not findings.is_complete(str(record.get(FINGERPRINT)), self.names):
            raise SemsrError(
                f"{self.card.id} went through other pictures of {subject.name} on {self.dataset} than are there now; {again}"
            )
        weights, device = record.get("weights", []), str(record.get("device"))
        categories, sizes = self.annotations.categories, self.bench.sizes
        mark = found_fingerprint(self.project, self.card, self.protocol.card, categories, subject.mark, sizes, weights, device)
        if record[FINGERPRINT] != mark or not still_the_weights(self.project, self.profile, self.card, weights, Store()):
            raise SemsrError(
                f"{self.card.id} went through {subject.name} on {self.dataset} with another code, weights, options or thresholds "
                f"than it has now; {again}"
            )
        return record

    def _floor(self, rows: Mapping[RowKey, Subject]) -> Path | None:
        """Where what was found in zoomed LR lies: of several seeds in the first."""
        floor = self.protocol.card.floor
        return next((row_folder(self.found, *key) for key in sorted(rows) if key[:2] == (floor.method, floor.variant)), None)

    def _contribute(self, rows: Mapping[RowKey, Subject], processes: Pool) -> None:
        hr, lr = row_folder(self.found, *REFERENCE), self._floor(rows)
        with progress_bar(f"{self.card.id} judges {self.dataset}", len(rows) * len(self.names)) as progress:
            for key, subject in rows.items():
                folders, place = Folders(subject.folder, hr, lr), row_folder(self.judged, *key)
                mark, done = self._mark(folders), read_json(place / DONE)
                if done.get(FINGERPRINT) == mark and all((place / str(file)).is_file() for file in done.get("files", [])):
                    progress(len(self.names))
                    continue
                each = judge_row(self.bench, folders, self.names, processes, progress)
                files = {f"{name}.parquet": [one[name] for one in each] for name in each[0]}
                with storage_errors(place):
                    (place / DONE).unlink(missing_ok=True)
                for file, contributed in files.items():
                    write_contributions(place / file, self.names, contributed)
                write_atomic(place / DONE, json.dumps({FINGERPRINT: mark, "files": sorted(files)}, indent=2) + "\n")

    def _mark(self, folders: Folders) -> str:
        """The hash of everything that decides what a row contributes."""
        package = Path(semsr.__file__).parent
        code = [
            *(
                self.project.folders("metric")[family]
                for family in sorted({*map(self.project.metric_family, self.bench.metrics)})
            ),
            package / "evaluation" / "semantic",
            package / "segmentation",
            Path(__file__).with_name("judge_pictures.py"),
        ]
        return fingerprint(
            self.project,
            code,
            found=[Findings(folder).made_by().get(FINGERPRINT) for folder in (folders.row, folders.hr, folders.lr) if folder],
            dataset=self.prepared.sha256,
            sizes=sorted(self.bench.sizes.items()),
            metrics=self.bench.metrics,
            matching=self.bench.matching.model_dump() if self.bench.matching else None,
        )

    def _read(self, key: RowKey, what: str) -> tuple[Columns, NDArray[np.int64]]:
        return read_contributions(row_folder(self.judged, *key) / f"{what}.parquet", self.names, f"semsr judge {self.dataset}")

    def _values(self, key: RowKey) -> dict[str, NDArray[np.float64]]:
        """Every column of a row, draw by draw."""
        made = {
            column.name: self.metrics[column.metric.id].values(*self._read(key, column.metric.id), self.weights, column.options)
            for column in self.columns
        }
        return made if self.bench.matching is None else made | self._objects(key)

    def _objects(self, key: RowKey) -> dict[str, NDArray[np.float64]]:
        if key == REFERENCE:  # what is lost and won is counted from here
            return {name: np.full(len(self.weights), np.nan) for name in OBJECT_COLUMNS}
        counts, _ = self._read(key, OBJECTS)
        return {name: share_values(counts[above], counts[below], self.weights) for name, (above, below) in SHARES.items()}

    def _classes(self, rows: Iterable[RowKey]) -> str:
        """CSV: each column of the protocol class by class, where a class counts."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(["method", "variant", "seed", "column", "category_id", "category", "value"])
        unit = np.ones((1, len(self.names)), np.int64)
        for key, column in product(rows, self.columns):
            metric = self.metrics[column.metric.id]
            values = metric.each_class(*self._read(key, column.metric.id), unit, column.options)[0]
            for category, value in zip(self.annotations.categories, values, strict=True):
                if not np.isnan(value):
                    writer.writerow([*key, column.name, category.id, category.name, f"{value:.10g}"])
        return text.getvalue()
