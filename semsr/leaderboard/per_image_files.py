"""Per-image values of the site as data files, which the viewer and the plots share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from semsr.files import write_atomic
from semsr.leaderboard.data import data_script
from semsr.leaderboard.model import PerImage, Site, SiteColumn, SiteRow

EXTRA_DIGITS = 2
"""How many digits beyond those printed a value keeps: enough for a plot, and a third of the bytes."""


@dataclass(frozen=True)
class PerImageFile:
    """Data files of per-image values: one that says what there is, and one for each column, since few of them are looked at.

    `key` is what a page asks for, `src` where the script lies, below the site; those of column n end in `-n`.
    """

    key: str
    src: str
    values: PerImage

    @property
    def reference(self) -> dict[str, str]:
        """What a page's own data says of it."""
        return {"key": self.key, "src": self.src}

    def column(self, number: int) -> tuple[str, str]:
        """Key and place of a column's values."""
        return f"{self.key}-{number}", f"data/{self.key}-{number}.js"


def per_image_files(site: Site) -> tuple[PerImageFile, ...]:
    """Which file holds which values; numbered, since data sets and protocols may be called anything."""
    return tuple(
        PerImageFile(f"images-{number}", f"data/images-{number}.js", values)
        for number, values in enumerate(site.per_image, start=1)
    )


def write_per_image(site: Site, out: Path) -> tuple[PerImageFile, ...]:
    """Write the files that are not there yet below `out`, a fresh folder. Raises: StorageError."""
    files = per_image_files(site)
    labels = row_labels(site)
    for file in files:
        path = out / file.src
        if path.exists():
            continue
        rows = list(dict.fromkeys(key for column in file.values.columns for key in file.values.values.get(column.key, {})))
        for number in range(len(file.values.columns)):
            key, src = file.column(number)
            write_atomic(out / src, data_script(key, _column(file.values, number, rows)), durable=False)
        write_atomic(path, data_script(file.key, _content(file, rows, labels)), durable=False)
    return files


def row_labels(site: Site) -> dict[str, str]:
    """What rows are called, by their keys: as in tables, else as under their pictures."""
    labels = {key: label for viewable in site.viewables for key, (label, _) in viewable.rows.items()}
    return labels | {row.key: row.label for row in _rows(site)}


def _rows(site: Site) -> Iterator[SiteRow]:
    return (row for table in site.tables for block in table.blocks for row in block.rows)


def _content(file: PerImageFile, rows: Sequence[str], labels: Mapping[str, str]) -> dict[str, object]:
    values = file.values
    return {
        "dataset": values.dataset,
        "protocol": values.protocol,
        "images": values.images,
        "rows": [{"key": key, "label": labels.get(key, key)} for key in rows],
        "columns": [
            {**column_data(column), "values": dict(zip(("key", "src"), file.column(number), strict=True))}
            for number, column in enumerate(values.columns)
        ],
    }


def column_data(column: SiteColumn) -> dict[str, object]:
    """What scripts that show values of a column know of it."""
    return {
        "key": column.key,
        "title": column.title,
        "unit": column.unit,
        "direction": column.direction,
        "decimals": column.decimals,
        "how": column.how,
    }


def _column(values: PerImage, number: int, rows: Sequence[str]) -> list[list[float]]:
    """(rows, images); nothing for a row that was not measured."""
    column = values.columns[number]
    given = values.values.get(column.key, {})
    digits = column.decimals + EXTRA_DIGITS
    return [np.round(given.get(row, ()), digits).tolist() for row in rows]
