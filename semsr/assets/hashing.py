"""Checksums of many files at once: on every core, with a bar, and remembered for as long as a file is not touched."""

from __future__ import annotations

import contextlib
import hashlib
import json
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

from semsr.assets.progress import count_bar
from semsr.cores import available_cores
from semsr.errors import StorageError
from semsr.files import write_atomic

_CHUNK = 1 << 20
_CLOCK_TICK = 2_000_000_000
"""Nanoseconds within which some file systems give two versions of a file the same time; so young a file is not remembered."""


@dataclass(frozen=True)
class Checksums:
    """Of one file, in hexadecimal; MD5 only where it was asked for."""

    sha256: str
    md5: str | None = None


class Memory:
    """What files were when they were read last, in a JSON file of this machine; one that can't be read or written is no error.

    A file counts as untouched while its size, its time of change and its inode's time of change (which renaming another file over it
    or setting its time back alters) stay the same.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._known: dict[str, tuple[list[int], Checksums]] = {}
        self._asked: set[str] = set()
        self._changed = False
        with contextlib.suppress(OSError, ValueError, TypeError, AttributeError):
            stored = json.loads(path.read_bytes())
            self._known = {name: (state, Checksums(**sums)) for name, (state, sums) in stored.items()}

    def recall(self, path: Path, *, md5: bool) -> Checksums | None:
        """The file's checksums, where they are known and it has not been touched since. Raises: OSError where it is gone."""
        name = str(path)
        self._asked.add(name)
        state, sums = self._known.get(name, (None, None))
        return sums if state == _state(path)[0] and sums is not None and (sums.md5 or not md5) else None

    def note(self, path: Path, state: list[int], sums: Checksums) -> None:
        """Remember what a file was in this state."""
        self._asked.add(str(path))
        self._known[str(path)] = state, sums
        self._changed = True

    def save(self) -> None:
        """Write what was asked for since; other files are forgotten."""
        kept = {name: (state, asdict(sums)) for name, (state, sums) in self._known.items() if name in self._asked}
        if self._changed or kept.keys() != self._known.keys():
            with contextlib.suppress(StorageError, OSError):
                write_atomic(self.path, json.dumps(kept, sort_keys=True))


def checksums(
    paths: Iterable[Path], *, label: str, md5: bool = False, memory: Memory | None = None, threads: int | None = None
) -> dict[Path, Checksums]:
    """SHA-256 of files, and MD5 from the same reading.

    Args:
        paths: the files.
        label: what the progress bar calls them.
        md5: whether MD5 is wanted, which is the slower of the two.
        memory: files that it knows and that were not touched since are not read; saved at the end, also when interrupted.
        threads: default: one a core; hashing and reading leave the interpreter to the others.

    Returns:
        In the order of `paths`.

    Raises:
        OSError: a file is gone or can't be read.
    """
    wanted = list(dict.fromkeys(paths))
    known = {path: memory.recall(path, md5=md5) for path in wanted} if memory else {}
    rest = [path for path in wanted if known.get(path) is None]
    found = {path: sums for path, sums in known.items() if sums is not None}
    pool = ThreadPoolExecutor(threads or available_cores())
    try:
        with count_bar(label, len(rest)) as advance:
            for path, (state, sums, settled) in zip(rest, pool.map(partial(_read, md5=md5), rest), strict=True):
                found[path] = sums
                if memory is not None and settled:
                    memory.note(path, state, sums)
                advance(1)
    finally:
        pool.shutdown(cancel_futures=True)
        if memory is not None:
            memory.save()
    return {path: found[path] for path in wanted}


def _read(path: Path, *, md5: bool) -> tuple[list[int], Checksums, bool]:
    state, settled = _state(path)
    wanted = [hashlib.sha256(), hashlib.md5(usedforsecurity=False)] if md5 else [hashlib.sha256()]
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            for sum_ in wanted:
                sum_.update(chunk)
    return state, Checksums(*(sum_.hexdigest() for sum_ in wanted)), settled


def _state(path: Path) -> tuple[list[int], bool]:
    """How a file looks from outside, and whether that is old enough to be told from a later state."""
    found = path.stat()
    settled = time.time_ns() - max(found.st_mtime_ns, found.st_ctime_ns) > _CLOCK_TICK
    return [found.st_size, found.st_mtime_ns, found.st_ctime_ns], settled
