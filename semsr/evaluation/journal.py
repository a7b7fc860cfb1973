"""What has been measured so far, kept so that a killed run continues where it stopped.

One line a batch, appended and flushed as soon as it is measured. A line stands for the bytes of its pictures, not for their names: its key
is made of the files' SHA-256, so that an entry can't be used for pictures that have changed. The first line holds the fingerprint of
everything else a value depends on (code, packages); where it differs, the journal starts anew.
"""

from __future__ import annotations

import base64
import hashlib
import json
import logging
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np
from filelock import FileLock, Timeout
from numpy.typing import NDArray

from semsr.errors import StorageError
from semsr.files import atomic_writer, storage_errors

log = logging.getLogger(__name__)

FORMAT = 1
Numbers = NDArray[np.float64]
"""(B,) values or (B, D) features of a batch."""


@dataclass(frozen=True)
class Entry:
    """What one batch of pictures gave, by metric."""

    key: str
    results: Mapping[str, Numbers]


def batch_key(names: Iterable[str], *hashes: Iterable[str]) -> str:
    """The name under which a batch is kept: SHA-256 over its pictures' names and the hashes of their files, in order."""
    return hashlib.sha256(json.dumps([list(names), *map(list, hashes)]).encode()).hexdigest()


class Journal:
    """An append-only file of entries; a context manager that holds a lock, so that two runs never write to one journal.

    Later entries of a key add to earlier ones (a metric added afterwards).
    """

    def __init__(self, path: Path, fingerprint: str) -> None:
        self.path = path
        self.fingerprint = fingerprint
        self.entries: dict[str, dict[str, Numbers]] = {}
        self._file: BinaryIO | None = None
        self._lock = FileLock(path.with_name(f"{path.name}.lock"))

    def __enter__(self) -> Journal:
        """Read what is there and open for appending.

        Raises:
            StorageError: another process uses this journal, or the folder can't be written to.
        """
        with storage_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                raise StorageError(f"{self.path}: in use by another run; wait until that one has finished") from None
            try:
                self._open()
            except BaseException:
                self._lock.release()
                raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        self._lock.release()

    def get(self, key: str) -> Mapping[str, Numbers]:
        """What is known of a batch, by metric; empty where nothing is."""
        return self.entries.get(key, {})

    def add(self, entry: Entry) -> None:
        """Append one entry; it survives the death of this process once this returns. Raises: StorageError."""
        assert self._file is not None, "the journal is not open"
        with storage_errors(self.path):
            self._file.write(_line(_encode(entry)))
            self._file.flush()
            os.fsync(self._file.fileno())
        self.entries.setdefault(entry.key, {}).update(entry.results)

    def keep_only(self, keys: Iterable[str]) -> None:
        """Rewrite the journal with these batches alone; those of pictures that have since changed go. Raises: StorageError."""
        kept = {key: self.entries[key] for key in sorted(set(keys)) if key in self.entries}
        with atomic_writer(self.path) as file:
            file.write(_line(self._header()))
            for key, results in kept.items():
                file.write(_line(_encode(Entry(key, results))))
        self.entries = kept
        self._reopen(self.path.stat().st_size)

    def delete(self) -> None:
        """Remove the file and its lock; nothing can be added afterwards."""
        if self._file is not None:
            self._file.close()
            self._file = None
        for path in (self.path, Path(self._lock.lock_file)):
            path.unlink(missing_ok=True)

    def _header(self) -> dict[str, Any]:
        return {"journal": FORMAT, "fingerprint": self.fingerprint}

    def _open(self) -> None:
        data = self.path.read_bytes() if self.path.exists() else b""
        records, sound = _read(data)
        if not records or records[0] != self._header():
            if records:
                log.info("%s: made by other code or packages; measuring everything again", self.path)
            with atomic_writer(self.path) as file:
                file.write(_line(self._header()))
            self._reopen(self.path.stat().st_size)
            return
        for record in records[1:]:
            entry = _decode(record)
            self.entries.setdefault(entry.key, {}).update(entry.results)
        if sound < len(data):
            log.info("%s: the last %d bytes are from an interrupted write and are dropped", self.path, len(data) - sound)
        self._reopen(sound)

    def _reopen(self, size: int) -> None:
        if self._file is not None:
            self._file.close()
        self._file = self.path.open("r+b")
        self._file.truncate(size)
        self._file.seek(size)


def _line(record: Mapping[str, Any]) -> bytes:
    text = json.dumps(record, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(text).hexdigest()[:16].encode() + b" " + text + b"\n"


def _read(data: bytes) -> tuple[list[dict[str, Any]], int]:
    """The records up to the first line that is torn or damaged, and how many bytes they take."""
    records: list[dict[str, Any]] = []
    sound = 0
    for line in data.splitlines(keepends=True):
        checksum, _, text = line[:-1].partition(b" ")
        if not line.endswith(b"\n") or hashlib.sha256(text).hexdigest()[:16].encode() != checksum:
            break
        records.append(json.loads(text))
        sound += len(line)
    return records, sound


def _encode(entry: Entry) -> dict[str, Any]:
    return {"key": entry.key, "results": {metric: _encode_one(found) for metric, found in entry.results.items()}}


def _encode_one(found: Numbers) -> Any:
    if found.ndim == 1:
        return found.tolist()
    # Features are long: 2048 numbers a picture. Little-endian float64 is exact and a quarter of the size of decimal digits.
    return {"shape": found.shape, "float64": base64.b64encode(found.astype("<f8").tobytes()).decode()}


def _decode(record: Mapping[str, Any]) -> Entry:
    return Entry(record["key"], {metric: _decode_one(found) for metric, found in record["results"].items()})


def _decode_one(found: Any) -> Numbers:
    if isinstance(found, list):
        return np.asarray(found, dtype=np.float64)
    return np.frombuffer(base64.b64decode(found["float64"]), dtype="<f8").reshape(found["shape"]).astype(np.float64)
