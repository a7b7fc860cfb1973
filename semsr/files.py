"""Writing files whole or not at all, and hashing them."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import os
import shutil
import uuid
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import BinaryIO

from semsr.errors import StorageError

PARTIAL = ".partial"
"""Marks a file that is still being written; leftovers of a killed process end so, too."""


@contextlib.contextmanager
def atomic_writer(path: Path, *, durable: bool = True) -> Iterator[BinaryIO]:
    """Open `path` for writing such that it appears under its name complete, or not at all.

    The bytes go to a file beside it, are flushed to the disk and renamed. On any error nothing is left behind.

    Args:
        path: the file.
        durable: wait for the disk, so that the file is whole after a power cut, too. Without it ten thousand small files are written
            in half the time, and the caller must be able to tell whether one survived.

    Raises:
        StorageError: the folder is read-only, the disk is full, or `path` is a device or a pipe, whose place the file would take.
    """
    if path.exists() and not path.is_file() and not path.is_dir():
        raise StorageError(f"{path}: can't be written: a device or pipe, not an ordinary file; name another")
    partial = path.with_name(f".{path.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}{PARTIAL}")
    try:
        with storage_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            with partial.open("wb") as file:
                yield file
                file.flush()
                if durable:
                    os.fsync(file.fileno())
            partial.replace(path)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


def write_atomic(path: Path, data: bytes | str, *, durable: bool = True) -> None:
    """Write `data` (text as UTF-8) to `path`, whole or not at all; `durable` as in `atomic_writer`. Raises: StorageError."""
    with atomic_writer(path, durable=durable) as file:
        file.write(data.encode() if isinstance(data, str) else data)


def remove_partial(folder: Path) -> None:
    """Delete what a killed process left half-written in `folder`."""
    for leftover in folder.glob(f".*{PARTIAL}"):
        leftover.unlink(missing_ok=True)


@contextlib.contextmanager
def storage_errors(path: Path) -> Iterator[None]:
    """Turn the operating system's refusals to write into one clear line."""
    reasons = {
        errno.ENOSPC: "no space left on the disk; free some and start again, finished work is kept",
        errno.EDQUOT: "your disk quota is used up; free some space and start again, finished work is kept",
        errno.EROFS: "the file system is read-only; choose a folder you can write to",
        errno.EACCES: "permission denied; choose a folder you can write to",
        errno.EPERM: "not permitted; choose a folder you can write to",
        errno.ENOTDIR: "a file stands where a folder is needed; move it away",
    }
    try:
        yield
    except OSError as error:
        if error.errno in reasons:
            raise StorageError(f"{path}: can't be written: {reasons[error.errno]}") from error
        raise


def existing(folder: Path) -> Path:
    """The folder, or the nearest one above it that is there."""
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())


def free_bytes(folder: Path) -> int:
    """What is free on the disk that a folder lies on, or will lie on."""
    return shutil.disk_usage(existing(folder)).free


def sha256_file(path: Path) -> str:
    """SHA-256 of a file's bytes, as 64 hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_tree(paths: Iterable[Path], root: Path) -> str:
    """One SHA-256 over files and folders: their paths below `root` and their bytes; caches and hidden files do not count."""
    digest = hashlib.sha256()
    for path in sorted(set(_files(paths))):
        digest.update(f"{path.relative_to(root).as_posix()}\0{sha256_file(path)}\n".encode())
    return digest.hexdigest()


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from (
                file
                for file in path.rglob("*")
                if file.is_file() and "__pycache__" not in file.parts and not file.name.startswith(".")
            )
        elif path.exists():
            yield path
