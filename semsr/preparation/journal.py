"""What of a data set is prepared already: data/<id>.prepared.jsonl, beside the folder, a line a picture.

A killed run leaves a journal without its last line; the next run goes on with the pictures that are not in it. Afterwards it tells,
by size and time of the files, whether anything was touched since, without decoding ten thousand pictures.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from semsr.files import storage_errors
from semsr.preparation.manifest import Entry, entry_of, row_of

Stamp = tuple[int, int]
"""Size in bytes and modification time in nanoseconds."""


@dataclass(frozen=True)
class Noted:
    """A picture that is done, and how its files looked then (by path below the folder).

    `labels`: of a generated picture what `semsr.preparation.labels.Labels.facts` says of it.
    """

    entry: Entry
    stamps: dict[str, Stamp]
    labels: dict[str, Any] | None = None


def noted(entry: Entry, folder: Path, labels: dict[str, Any] | None = None) -> Noted:
    """A picture as it lies there now. Raises: FileNotFoundError."""
    paths = [path for path in (entry.hr, entry.lr) if path is not None]
    return Noted(entry, {path.relative_to(folder).as_posix(): stamp(path) for path in paths}, labels)


def stamp(path: Path) -> Stamp:
    """How a file looks from outside. Raises: FileNotFoundError."""
    state = path.stat()
    return state.st_size, state.st_mtime_ns


class Journal:
    """The journal of one data set, made by one recipe; another recipe starts over.

    Attributes:
        recipe: hash of all that the prepared pictures depend on.
        pictures: what is done, by name.
        finished: the hash of the manifest that was written at the end, or None.
    """

    def __init__(self, path: Path, recipe: str, folder: Path) -> None:
        self.path, self.recipe, self._folder = path, recipe, folder
        self.pictures: dict[str, Noted] = {}
        self.finished: str | None = None
        self._stack = ExitStack()
        self._fresh = not self._read()

    def _read(self) -> bool:
        """Whether there is a journal of this recipe; damaged lines (a killed process, a full disk) do not count."""
        if not self.path.is_file():
            return False
        with self.path.open("rb") as file:
            if _parsed(next(file, b"")).get("recipe") != self.recipe:
                return False
            for line in file:
                found = _parsed(line)
                if "manifest" in found:
                    self.finished = str(found["manifest"])
                elif "row" in found and "files" in found:
                    try:
                        stamps = {name: (int(size), int(time)) for name, (size, time) in found["files"].items()}
                        done = Noted(entry_of(self._folder, found["row"]), stamps, found.get("labels"))
                    except (KeyError, TypeError, ValueError, AttributeError):
                        continue
                    self.pictures[done.entry.name] = done
        return True

    def untouched(self, name: str) -> bool:
        """Whether a picture is done and its files look as they did then."""
        done = self.pictures.get(name)
        try:
            return done is not None and all(stamp(self._folder / file) == was for file, was in done.stamps.items())
        except OSError:
            return False

    def __enter__(self) -> Journal:
        with storage_errors(self.path):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self._stack.enter_context(self.path.open("wb" if self._fresh else "ab"))
            # After a torn last line a new one must not be glued to it.
            self._write({"recipe": self.recipe} if self._fresh else None)
        self.finished = None
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None) -> None:
        self._stack.close()

    def add(self, done: Noted) -> None:
        """Note that a picture is done. Raises: StorageError."""
        self.pictures[done.entry.name] = done
        line = {"row": row_of(done.entry, self._folder), "files": done.stamps}
        self._write(line if done.labels is None else {**line, "labels": done.labels})

    def forget(self, name: str) -> None:
        """Have a picture made again, if it is done at all."""
        self.pictures.pop(name, None)

    def finish(self, manifest: str) -> None:
        """Note that the manifest is written. Raises: StorageError."""
        self.finished = manifest
        self._write({"manifest": manifest})
        with storage_errors(self.path):
            os.fsync(self._file.fileno())

    def _write(self, line: dict[str, Any] | None) -> None:
        with storage_errors(self.path):
            self._file.write((json.dumps(line) if line is not None else "").encode() + b"\n")
            self._file.flush()


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found = json.loads(line)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def leftovers(folder: Path, entries: Iterable[Entry]) -> list[Path]:
    """Files in `hr/` and `lr/` that belong to none of the pictures."""
    known = {path for entry in entries for path in (entry.hr, entry.lr)}
    return [
        path
        for part in ("hr", "lr")
        if (folder / part).is_dir()
        for path in sorted((folder / part).iterdir())
        if path not in known and path.is_file()
    ]
