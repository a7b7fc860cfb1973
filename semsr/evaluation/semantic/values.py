"""What the stage `judge` leaves for tables: each row's numbers, of the data set itself and of every bootstrap draw of its pictures."""

from __future__ import annotations

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from semsr.assets.missing import MissingFile, from_plain, to_plain
from semsr.errors import SemsrError
from semsr.files import write_atomic

RowKey = tuple[str, str, int]
"""Method, variant and seed."""
REFERENCE: RowKey = ("reference", "hr", 0)
"""Stands for HR, the ceiling."""
_FACTS = b"semsr.judged"
_SCHEMA = pa.schema(
    [
        ("method", pa.string()),
        ("variant", pa.string()),
        ("seed", pa.int64()),
        ("column", pa.string()),
        ("draws", pa.list_(pa.float64())),
    ]
)


@dataclass(frozen=True)
class JudgedValues:
    """One judge's numbers on one data set by one protocol.

    Attributes:
        pictures: how many the data set has.
        columns: the protocol's, then those of objects; a column that the judge has no answer for is not among them.
        of: by row, then by column: (R + 1,) in percent. [0] is the value; the others are those of draws of the pictures, the same draws for
            every row, column and judge, so that differences may be formed draw by draw. NaN where there is nothing to be measured.
        lacking: files from outside that the judge itself could not be had for; then there is no row.
        missing: the same of rows that could not be restored, by (method, variant).
        facts: `protocol`, `protocol_hash`, `segmenter`, `weights` (ids and hashes), `metric_versions` (by column), `manifest_sha256`,
            `columns_without` (why, by column that is not there), `vanished` (how many annotated segments and objects have no pixel left
            at the size of comparison), `found` (by row, the fingerprint of what was found).
    """

    pictures: int
    columns: tuple[str, ...]
    of: Mapping[RowKey, Mapping[str, NDArray[np.float64]]]
    lacking: tuple[MissingFile, ...] = ()
    missing: Mapping[tuple[str, str], tuple[MissingFile, ...]] = field(default_factory=dict)
    facts: Mapping[str, Any] = field(default_factory=dict)


def values_path(judged: Path) -> Path:
    """The file of values in the folder of one judge (`Project.judged`)."""
    return judged / "values.parquet"


def write_values(path: Path, values: JudgedValues) -> None:
    """Write them, whole or not at all; equal values give equal bytes. Raises: StorageError."""
    records = [
        {
            "method": method,
            "variant": variant,
            "seed": seed,
            "column": column,
            "draws": values.of[method, variant, seed][column],
        }
        for method, variant, seed in sorted(values.of)
        for column in values.columns
    ]
    told = {
        "pictures": values.pictures,
        "columns": values.columns,
        "lacking": to_plain(values.lacking),
        "missing": [
            {"method": method, "variant": variant, "files": to_plain(files)}
            for (method, variant), files in sorted(values.missing.items())
        ],
        "facts": values.facts,
    }
    table = pa.Table.from_pylist(records, schema=_SCHEMA.with_metadata({_FACTS: json.dumps(told, sort_keys=True)}))
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    write_atomic(path, buffer.getvalue())


def read_values(path: Path, name: str, again: str) -> JudgedValues:
    """Read them back.

    Args:
        path: the file.
        name: what errors call it.
        again: the command that makes it.

    Raises:
        SemsrError: no such file, or not one that `semsr judge` wrote.
    """
    if not path.is_file():
        raise SemsrError(f"{name}: no such file; run `{again}`, or `dvc repro` for everything")
    try:
        table = pq.read_table(path, partitioning=None)
        told = json.loads((table.schema.metadata or {})[_FACTS])
        of: dict[RowKey, dict[str, NDArray[np.float64]]] = {}
        for entry in table.to_pylist():
            key = entry["method"], entry["variant"], entry["seed"]
            of.setdefault(key, {})[entry["column"]] = np.asarray(entry["draws"], np.float64)
        return JudgedValues(
            pictures=told["pictures"],
            columns=tuple(told["columns"]),
            of=of,
            lacking=from_plain(told["lacking"]),
            missing={(entry["method"], entry["variant"]): from_plain(entry["files"]) for entry in told["missing"]},
            facts=told["facts"],
        )
    except (OSError, ValueError, KeyError, TypeError, RecursionError, pa.ArrowException) as error:
        reason = " ".join(str(error).split())
        raise SemsrError(
            f"{name}: not a file of judged values of this version ({reason}); delete it and run `{again}`"
        ) from None
