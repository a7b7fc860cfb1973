"""Checkpoints: everything a training needs to go on as if it had never stopped, in files that are whole or not there.

A file is what torch.save writes, tensors and plain values only, followed by the SHA-256 of it: torch's reader does not check the bytes of
tensors. `torch.load` reads it as it is.
"""

from __future__ import annotations

import hashlib
import io
import json
import logging
import re
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

import torch

from semsr.errors import SemsrError
from semsr.files import atomic_writer, remove_partial, storage_errors

log = logging.getLogger(__name__)

FOLDER = "checkpoints"
KEEP = 2
"""The newest ones: where one is damaged (a disk, a copy), the other is gone on from."""
FORMAT = 1
_NAME = re.compile(r"step-(\d{8})\.pt")
_MARK = b"\nsemsr-sha256 "
_TRAILER = len(_MARK) + 64 + 1

State = dict[str, Any]


class Checkpoints:
    """The checkpoints of one training.

    Args:
        folder: of the training; they lie in `checkpoints/` below it.
        identity: what they must say to be gone on from, plain values; of several differences an error names the first in this order.
        name: of the training, for errors.
        writes: whether this process may change files; others only read.
    """

    def __init__(self, folder: Path, identity: Mapping[str, Any], name: str, *, writes: bool = True) -> None:
        self.folder, self._name, self._writes = folder / FOLDER, name, writes
        self._identity: dict[str, Any] = json.loads(json.dumps(dict(identity), default=str))
        self._good: list[Path] = []
        if writes:
            remove_partial(self.folder)

    def __bool__(self) -> bool:
        """Whether there are any."""
        return bool(self._files())

    @property
    def newest(self) -> Path | None:
        """The last one that was written or read here, and is whole."""
        return self._good[-1] if self._good else None

    def save(self, step: int, state: State) -> None:
        """Write one; older ones than the last two go. Raises: StorageError: what is there is kept."""
        path = self.folder / f"step-{step:08}.pt"
        with atomic_writer(path) as file:
            hashing = _Hashing(file)
            torch.save({"format": FORMAT, "identity": self._identity, "step": step, **state}, cast(IO[bytes], hashing))
            hashing.require_written()
            file.write(_MARK + hashing.digest.hexdigest().encode() + b"\n")
        self._good = [*(each for each in self._good if each != path), path][-KEEP:]
        # Whatever else is there is older, or was found damaged, or is of steps that were taken back with it.
        with storage_errors(path):
            for other in set(self._files()) - set(self._good):
                other.unlink(missing_ok=True)

    def finish(self, step: int, facts: Mapping[str, Any]) -> None:
        """Leave only a small one, which says that the training is finished and how it went. Raises: StorageError."""
        self._good = []
        self.save(step, {"finished": dict(facts)})

    def load(self) -> State | None:
        """The newest one that is whole; None where there is none at all.

        Raises:
            SemsrError: all are damaged, or the newest is another training's.
        """
        files = self._files()
        for path in reversed(files):
            try:
                state = _read(path)
            except _DamagedError as damage:
                if self._writes:
                    log.warning("%s: %s: damaged (%s); trying the one before", self._name, path, damage)
                continue
            self._require_ours(path, state)
            self._good = [path]
            return state
        if files:
            raise SemsrError(
                f"{self._name}: all checkpoints in {self.folder} are damaged; delete that folder to train from the beginning"
            )
        return None

    def _files(self) -> list[Path]:
        found = self.folder.iterdir() if self.folder.is_dir() else ()
        return sorted(path for path in found if _NAME.fullmatch(path.name))

    def _require_ours(self, path: Path, state: State) -> None:
        theirs = state["identity"]
        if theirs == self._identity:
            return
        key = next(key for key in (*self._identity, *theirs) if theirs.get(key) != self._identity.get(key))
        raise SemsrError(
            f"{path}: is of another training than {self._name}: {key} is {theirs.get(key)!r}, here {self._identity.get(key)!r}; "
            f"delete {path.parent.parent} to train anew, or train into another folder"
        )


class _DamagedError(Exception):
    pass


class _Hashing(io.RawIOBase):
    """Passes on what is written and hashes it on the way.

    The first error (a full disk) is kept and what comes after it dropped: raised inside torch's writer, it would come out as another one.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file, self.digest = file, hashlib.sha256()
        self._error: OSError | None = None

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self.digest.update(data)
        if self._error is None:
            try:
                self._file.write(data)
            except OSError as error:
                self._error = error
        return len(data)

    def require_written(self) -> None:
        """Raises: OSError: something was not."""
        if self._error is not None:
            raise self._error


def _read(path: Path) -> State:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise _DamagedError(str(error)) from None
    payload, trailer = memoryview(data)[:-_TRAILER], data[-_TRAILER:]
    if trailer != _MARK + hashlib.sha256(payload).hexdigest().encode() + b"\n":
        raise _DamagedError(f"its {len(data)} bytes are not those that were written")
    state: State = torch.load(io.BytesIO(payload), map_location="cpu", weights_only=True)
    if state.get("format") != FORMAT:
        raise SemsrError(f"{path}: written by another version (format {state.get('format')!r}, known: {FORMAT}); train anew")
    return state
