"""Contributions of one row, a Parquet file a metric: what intervals and paired tests of set metrics are made of."""

from __future__ import annotations

import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from semsr.errors import SemsrError
from semsr.evaluation.semantic.metric import Columns
from semsr.files import write_atomic

PICTURE = "picture"
"""The column that says which picture a contribution is of; the others are the metric's own."""


def write_contributions(path: Path, names: Sequence[str], each: Sequence[Columns]) -> None:
    """Write what pictures contribute, whole or not at all; equal contributions give equal bytes.

    Args:
        path: the file.
        names: the pictures'.
        each: of every picture, in their order: arrays of one length and of the same names and types throughout.

    Raises:
        StorageError: can't be written.
    """
    columns = {name: np.concatenate([one[name] for one in each]) for name in (each[0] if each else ())}
    lengths = [len(next(iter(one.values()))) for one in each]
    pictures = pa.DictionaryArray.from_arrays(
        pa.array(np.repeat(np.arange(len(names), dtype=np.int32), lengths)), pa.array(list(names), pa.string())
    )
    table = pa.table({PICTURE: pictures, **{name: pa.array(values) for name, values in columns.items()}})
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    write_atomic(path, buffer.getvalue())


def read_contributions(path: Path, names: Sequence[str], again: str) -> tuple[Columns, NDArray[np.int64]]:
    """Read them back.

    Args:
        path: the file.
        names: the data set's pictures; numbers are places in this list.
        again: the command that makes the file.

    Returns:
        the metric's columns, and for each row the number of its picture.

    Raises:
        SemsrError: no such file, damaged, or of a picture that is not among `names`.
    """
    try:
        table = pq.read_table(path, partitioning=None)
        place = {name: number for number, name in enumerate(names)}
        pictures = np.array([place[name] for name in table[PICTURE].to_pylist()], np.int64)
        columns = {name: table[name].to_numpy() for name in table.column_names if name != PICTURE}
    except (OSError, KeyError, pa.ArrowException) as error:
        raise SemsrError(
            f"{path}: not the contributions of this data set's pictures ({' '.join(str(error).split())}); delete it and run `{again}`"
        ) from None
    return columns, pictures
