"""`scores.parquet`: the long form in which every score is kept, one row an image and metric."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from semsr.assets.missing import IN_SCORES
from semsr.errors import SemsrError
from semsr.evaluation.protocol import ResolvedProtocol
from semsr.evaluation.scoring import Scores
from semsr.evaluation.workbench import Workbench
from semsr.files import write_atomic

WHOLE_SET = "*"
"""Stands in the column `image` for a metric of the whole set."""

SCHEMA = pa.schema(
    [
        ("image", pa.string()),
        ("metric", pa.string()),
        ("value", pa.float64()),
        ("dataset", pa.string()),
        ("method", pa.string()),
        ("variant", pa.string()),
        ("seed", pa.int64()),
        ("manifest", pa.string()),
        ("cell", pa.string()),
        ("picture", pa.string()),
        ("protocol", pa.string()),
        ("protocol_hash", pa.string()),
        ("metric_id", pa.string()),
        ("metric_version", pa.int64()),
        ("weights", pa.string()),
        ("unavailable", pa.string()),
    ]
)
_ORDER = ("method", "variant", "seed", "protocol", "metric", "image")


@dataclass(frozen=True)
class ScoredRow:
    """One subject's scores, and the protocols they are to be reported under.

    `cell`: the fingerprint in the `run.json` of the cell; "" where there is none. HR, which nobody restored, has its manifest's hash.
    """

    scores: Scores
    protocols: tuple[ResolvedProtocol, ...]
    cell: str = ""


def long_form(
    rows: Iterable[ScoredRow], names: Sequence[str], dataset: str, bench: Workbench, manifest: str = ""
) -> list[dict[str, Any]]:
    """Every score as one record, sorted; a metric that is not available has its rows, too, with NaN and the reason.

    Args:
        rows: scores and their protocols.
        names: the pictures' names.
        dataset: the data set's id, "" where there is none.
        bench: what the scores were made with.
        manifest: SHA-256 of the prepared data set's manifest; "" where the pictures are those of a folder.
    """
    records = []
    for row in rows:
        of_set = set_of_files(row.scores.files)
        for protocol in row.protocols:
            for column in protocol.columns:
                fixed = {
                    "metric": column.name,
                    "dataset": dataset,
                    "method": row.scores.subject.method,
                    "variant": row.scores.subject.variant,
                    "seed": row.scores.subject.seed,
                    "manifest": manifest,
                    "cell": row.cell,
                    "protocol": protocol.id,
                    "protocol_hash": protocol.hash,
                    "metric_id": column.metric.id,
                    "metric_version": column.metric.version,
                    "weights": bench.weights.get(column.key, ""),
                }
                absent = bench.unavailable.get(column.key, "")
                values: Mapping[str, float] = row.scores.images.get(column.key, {})
                if column.of_set:
                    values = {WHOLE_SET: row.scores.sets[column.key]} if column.key in row.scores.sets else {}
                for image in (WHOLE_SET,) if column.of_set else names:
                    value = float("nan") if absent else values[image]
                    reason = absent or row.scores.reasons.get((column.key, image), "")
                    picture = of_set if column.of_set else row.scores.files[image]
                    records.append({"image": image, "value": value, "unavailable": reason, "picture": picture, **fixed})
    return sorted(records, key=lambda record: tuple(record[name] for name in _ORDER))


def set_of_files(files: Mapping[str, str]) -> str:
    """What stands for the pictures of a whole set: one SHA-256 over the files' own, by name, a line each."""
    return hashlib.sha256("".join(f"{name} {files[name]}\n" for name in sorted(files)).encode()).hexdigest()


def write_scores(path: Path, records: Sequence[Mapping[str, Any]], missing: Sequence[Mapping[str, Any]] = ()) -> None:
    """Write records as parquet, whole or not at all; the same records always give the same bytes.

    `missing`: rows that files from outside stood in the way of, kept in the file's metadata: {method, variant, seed, files}.
    Raises: StorageError.
    """
    table = pa.Table.from_pylist([dict(record) for record in records], schema=SCHEMA)
    if missing:
        table = table.replace_schema_metadata({IN_SCORES: json.dumps(list(missing))})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    write_atomic(path, buffer.getvalue())


def read_scores(path: Path) -> list[dict[str, Any]]:
    """Read the records back.

    Raises:
        SemsrError: no such file, not a file of scores, or one that another version made.
    """
    try:
        table = pq.read_table(path, partitioning=None)
    except (OSError, pa.ArrowException) as error:
        raise SemsrError(f"{path}: not a file of scores ({error}); run `semsr score` again") from None
    if missing := [name for name in SCHEMA.names if name not in table.column_names]:
        raise SemsrError(
            f"{path}: made by another version of semsr: no column {', '.join(missing)}; delete it and run `semsr score` again"
        )
    records: list[dict[str, Any]] = table.select(SCHEMA.names).to_pylist()
    return records
