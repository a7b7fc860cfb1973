"""A prepared data set: data/<id>/{hr,lr}/*.png and manifest.parquet, which is written last and says what belongs there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from semsr.cards import DatasetCard
from semsr.cards.dataset import Split
from semsr.errors import SemsrError
from semsr.files import atomic_writer
from semsr.imaging.pictures import Rgb
from semsr.project import Project

MANIFEST = "manifest.parquet"
_ANNOTATED = b"annotations"
_ROWS = 4096
"""Rows handled as Python objects at a time."""
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
        lr: the LR file; None in a training set whose LR is made while training.
        hr: the HR file; None where the data set has no reference.
        lr_size: (H, W) of the LR picture, or None.
        hr_size: (H, W) of the HR picture, or None.
        lr_sha256: hash of the LR pixels (`pixel_sha256`), or None.
        hr_sha256: hash of the HR pixels, or None.
        split: "test", or "train" for pictures no table may be measured on.
    """

    name: str
    lr: Path | None
    hr: Path | None
    lr_size: tuple[int, int] | None
    hr_size: tuple[int, int] | None
    lr_sha256: str | None
    hr_sha256: str | None
    split: Split


@dataclass(frozen=True)
class Prepared:
    """A data set in the one form that every later stage reads.

    Attributes:
        card: the data set's card.
        folder: data/<id>.
        entries: all pictures, sorted by name.
        annotated: files that came with the pictures, by their path below `folder`: SHA-256 of their bytes.
    """

    card: DatasetCard
    folder: Path
    entries: tuple[Entry, ...]
    annotated: Mapping[str, str] = field(default_factory=dict)

    @property
    def annotations(self) -> dict[str, Path]:
        """The files that came with the pictures, by their path below `folder`."""
        return {file: self.folder / file for file in self.annotated}

    @property
    def test(self) -> tuple[Entry, ...]:
        """The pictures that tables are measured on."""
        return tuple(entry for entry in self.entries if entry.split == "test")

    @property
    def inputs(self) -> dict[str, tuple[Path, tuple[int, int]]]:
        """LR file and (H, W) of each test picture, by name. Raises: SemsrError where the data set is not for testing."""
        found = {entry.name: (entry.lr, entry.lr_size) for entry in self.test if entry.lr and entry.lr_size}
        if not found:
            raise SemsrError(f"data set {self.card.id!r} has no LR test pictures; it is for training only")
        return found

    @property
    def train(self) -> tuple[Entry, ...]:
        """The pictures that methods may be trained on."""
        return tuple(entry for entry in self.entries if entry.split == "train")

    @cached_property
    def sha256(self) -> str:
        """Hash of the manifest's content: names, sizes, pixels, splits, annotations; equal data give equal hashes on any machine."""
        digest = hashlib.sha256()
        rows = (row_of(entry, self.folder) for entry in sorted(self.entries, key=lambda entry: entry.name))
        # Piece by piece, the bytes of one JSON list: a set of 100,000 pictures must not lie there once more as text.
        for number, part in enumerate(chain(rows, [dict(self.annotated)] if self.annotated else [])):
            digest.update(("[" if number == 0 else ", ").encode() + json.dumps(part, sort_keys=True).encode())
        digest.update(b"]" if self.entries or self.annotated else b"[]")
        return digest.hexdigest()

    @property
    def as_published(self) -> bool | None:
        """Whether the pictures are, pixel for pixel, those the card knows as published; None where the card knows none."""
        known = self.card.pixels
        if known is None or (known.hr is None and known.lr is None):
            return None
        return (known.lr is None or set_sha256(entry.lr_sha256 or "" for entry in self.entries) == known.lr) and (
            known.hr is None or set_sha256(entry.hr_sha256 or "" for entry in self.entries) == known.hr
        )


def pixel_sha256(rgb: Rgb) -> str:
    """SHA-256 of a picture's pixels: the text "H W 3" and a line feed, then the bytes; the file format plays no part."""
    digest = hashlib.sha256(" ".join(str(side) for side in rgb.shape).encode() + b"\n")
    digest.update(rgb.tobytes())
    return digest.hexdigest()


def set_sha256(hashes: Iterable[str]) -> str:
    """One SHA-256 over the pixel hashes of a set, whatever its pictures are called: the hashes sorted, a line each."""
    return hashlib.sha256("".join(f"{value}\n" for value in sorted(hashes)).encode()).hexdigest()


def write_manifest(folder: Path, entries: Sequence[Entry], annotated: Mapping[str, str] | None = None) -> None:
    """Write manifest.parquet, whole or not at all; from then on the folder counts as prepared. Raises: StorageError."""
    schema = _SCHEMA
    if annotated:
        schema = schema.with_metadata({_ANNOTATED: json.dumps(dict(annotated), sort_keys=True).encode()})
    ordered = sorted(entries, key=lambda entry: entry.name)
    with atomic_writer(folder / MANIFEST) as file, pq.ParquetWriter(file, schema) as writer:
        for start in range(0, len(ordered), _ROWS):
            rows = [row_of(entry, folder) for entry in ordered[start : start + _ROWS]]
            writer.write_table(pa.Table.from_pylist(rows, schema=schema))


def read_manifest(card: DatasetCard, folder: Path) -> Prepared:
    """Read a prepared folder's manifest. Raises: SemsrError where it is not a manifest of ours; FileNotFoundError where absent."""
    path = folder / MANIFEST
    try:
        # Not from a Python file: threads of Arrow that give one back while Python ends abort the process, rarely.
        table = pq.ParquetFile(pa.BufferReader(path.read_bytes())).read(use_threads=False)
        missing = sorted(set(_SCHEMA.names) - set(table.column_names))
        if missing:
            raise ValueError(f"no column {', '.join(missing)}")
        batches = table.to_batches(max_chunksize=_ROWS)
        entries = tuple(entry_of(folder, row) for batch in batches for row in batch.to_pylist())
        annotated = json.loads((table.schema.metadata or {}).get(_ANNOTATED, b"{}"))
    except (FileNotFoundError, NotADirectoryError):
        raise FileNotFoundError(path) from None
    except PermissionError:
        raise SemsrError(f"{path}: can't be read; mend its permissions") from None
    except (pa.ArrowInvalid, OSError, ValueError, KeyError, TypeError) as error:
        reason = " ".join(str(error).split())
        raise SemsrError(f"{path}: not a manifest ({reason}); delete {folder} and run `semsr prepare {card.id}`") from None
    return Prepared(card, folder, entries, annotated)


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
    named = [path for entry in prepared.entries for path in (entry.lr, entry.hr) if path is not None]
    for path in (*named, *prepared.annotations.values()):
        if not path.is_file():
            raise SemsrError(
                f"{project.show(path)}: the manifest names it, but it is gone; run `semsr prepare {card.id}` again"
            )
    return prepared


def row_of(entry: Entry, folder: Path) -> dict[str, Any]:
    """A picture as a row of the manifest: plain values, paths below `folder`."""
    return {
        "id": entry.name,
        "hr": entry.hr.relative_to(folder).as_posix() if entry.hr else None,
        "lr": entry.lr.relative_to(folder).as_posix() if entry.lr else None,
        "hr_height": entry.hr_size[0] if entry.hr_size else None,
        "hr_width": entry.hr_size[1] if entry.hr_size else None,
        "lr_height": entry.lr_size[0] if entry.lr_size else None,
        "lr_width": entry.lr_size[1] if entry.lr_size else None,
        "hr_sha256": entry.hr_sha256,
        "lr_sha256": entry.lr_sha256,
        "split": entry.split,
    }


def entry_of(folder: Path, row: Mapping[str, Any]) -> Entry:
    """The picture that a row of the manifest describes."""
    return Entry(
        name=row["id"],
        lr=folder / row["lr"] if row["lr"] else None,
        hr=folder / row["hr"] if row["hr"] else None,
        lr_size=(row["lr_height"], row["lr_width"]) if row["lr"] else None,
        hr_size=(row["hr_height"], row["hr_width"]) if row["hr"] else None,
        lr_sha256=row["lr_sha256"],
        hr_sha256=row["hr_sha256"],
        split=row["split"],
    )
