"""A prepared data set: data/<id>/{hr,lr}/*.png and manifest.parquet, which is written last and says what belongs there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import pyarrow as pa
import pyarrow.parquet as pq

from semsr.cards import DatasetCard
from semsr.errors import SemsrError
from semsr.files import atomic_writer
from semsr.imaging.pictures import Rgb
from semsr.project import Project

MANIFEST = "manifest.parquet"
Split = Literal["test", "train"]
_SCHEMA = pa.schema(
    [
        ("id", pa.string()),
        ("hr", pa.string()),
        ("lr", pa.string()),
        ("hr_height", pa.int32()),
        ("hr_width", pa.int32()),
        ("lr_height", pa.int32()),
        ("lr_width", pa.int32()),
        ("hr_sha256", pa.string()),
        ("lr_sha256", pa.string()),
        ("split", pa.string()),
    ]
)


@dataclass(frozen=True)
class Entry:
    """One picture of a prepared data set.

    Attributes:
        name: the picture's id, also its file stem in `hr/` and `lr/`.
        lr: the LR file.
        hr: the HR file; None where the data set has no reference.
        lr_size: (H, W) of the LR picture.
        hr_size: (H, W) of the HR picture, or None.
        lr_sha256: hash of the LR pixels (`pixel_sha256`).
        hr_sha256: hash of the HR pixels, or None.
        split: "test", or "train" for pictures no table may be measured on.
    """

    name: str
    lr: Path
    hr: Path | None
    lr_size: tuple[int, int]
    hr_size: tuple[int, int] | None
    lr_sha256: str
    hr_sha256: str | None
    split: Split


@dataclass(frozen=True)
class Prepared:
    """A data set in the one form that every later stage reads.

    Attributes:
        card: the data set's card.
        folder: data/<id>.
        entries: all pictures, sorted by name.
    """

    card: DatasetCard
    folder: Path
    entries: tuple[Entry, ...]

    @property
    def test(self) -> tuple[Entry, ...]:
        """The pictures that tables are measured on."""
        return tuple(entry for entry in self.entries if entry.split == "test")

    @property
    def train(self) -> tuple[Entry, ...]:
        """The pictures that methods may be trained on."""
        return tuple(entry for entry in self.entries if entry.split == "train")

    @cached_property
    def sha256(self) -> str:
        """Hash of the manifest's content: names, sizes, pixels and splits; equal pictures give equal hashes on any machine."""
        return hashlib.sha256(json.dumps(_rows(self.entries, self.folder), sort_keys=True).encode()).hexdigest()

    @property
    def as_published(self) -> bool | None:
        """Whether the test pictures are, pixel for pixel, those the card knows as published; None where the card knows none."""
        if self.card.pixels is None:
            return None
        return (
            set_sha256(entry.lr_sha256 for entry in self.test) == self.card.pixels.lr
            and set_sha256(entry.hr_sha256 or "" for entry in self.test) == self.card.pixels.hr
        )


def pixel_sha256(rgb: Rgb) -> str:
    """SHA-256 of a picture's pixels: the text "H W 3" and a line feed, then the bytes; the file format plays no part."""
    digest = hashlib.sha256(" ".join(str(side) for side in rgb.shape).encode() + b"\n")
    digest.update(rgb.tobytes())
    return digest.hexdigest()


def set_sha256(hashes: Iterable[str]) -> str:
    """One SHA-256 over the pixel hashes of a set, whatever its pictures are called: the hashes sorted, a line each."""
    return hashlib.sha256("".join(f"{value}\n" for value in sorted(hashes)).encode()).hexdigest()


def write_manifest(folder: Path, entries: Sequence[Entry]) -> None:
    """Write manifest.parquet, whole or not at all; from then on the folder counts as prepared. Raises: StorageError."""
    table = pa.Table.from_pylist(_rows(entries, folder), schema=_SCHEMA)
    with atomic_writer(folder / MANIFEST) as file:
        pq.write_table(table, file)


def read_manifest(card: DatasetCard, folder: Path) -> Prepared:
    """Read a prepared folder's manifest. Raises: SemsrError where it is not a manifest of ours; FileNotFoundError where absent."""
    path = folder / MANIFEST
    try:
        with path.open("rb") as file:
            table = pq.ParquetFile(file).read()
        missing = sorted(set(_SCHEMA.names) - set(table.column_names))
        if missing:
            raise ValueError(f"no column {', '.join(missing)}")
        entries = tuple(_entry(folder, row) for row in table.to_pylist())
    except (pa.ArrowInvalid, ValueError, KeyError, TypeError) as error:
        raise SemsrError(f"{path}: not a manifest ({error}); delete {folder} and run `semsr prepare {card.id}`") from None
    return Prepared(card, folder, entries)


def open_prepared(project: Project, dataset_id: str) -> Prepared:
    """A data set that `semsr prepare` has made.

    Raises:
        UnknownIdError: no such data set.
        SemsrError: not prepared yet, or its manifest names files that are gone.
    """
    card = project.dataset(dataset_id)
    folder = project.data / card.id
    try:
        prepared = read_manifest(card, folder)
    except FileNotFoundError:
        raise SemsrError(f"data set {card.id!r} is not prepared; run `semsr prepare {card.id}`") from None
    for entry in prepared.entries:
        for path in (entry.lr, entry.hr):
            if path is not None and not path.is_file():
                raise SemsrError(
                    f"{project.show(path)}: the manifest names it, but it is gone; run `semsr prepare {card.id}` again"
                )
    return prepared


def _rows(entries: Iterable[Entry], folder: Path) -> list[dict[str, Any]]:
    return [
        {
            "id": entry.name,
            "hr": entry.hr.relative_to(folder).as_posix() if entry.hr else None,
            "lr": entry.lr.relative_to(folder).as_posix(),
            "hr_height": entry.hr_size[0] if entry.hr_size else None,
            "hr_width": entry.hr_size[1] if entry.hr_size else None,
            "lr_height": entry.lr_size[0],
            "lr_width": entry.lr_size[1],
            "hr_sha256": entry.hr_sha256,
            "lr_sha256": entry.lr_sha256,
            "split": entry.split,
        }
        for entry in sorted(entries, key=lambda entry: entry.name)
    ]


def _entry(folder: Path, row: dict[str, Any]) -> Entry:
    return Entry(
        name=row["id"],
        lr=folder / row["lr"],
        hr=folder / row["hr"] if row["hr"] else None,
        lr_size=(row["lr_height"], row["lr_width"]),
        hr_size=(row["hr_height"], row["hr_width"]) if row["hr"] else None,
        lr_sha256=row["lr_sha256"],
        hr_sha256=row["hr_sha256"],
        split=row["split"],
    )
