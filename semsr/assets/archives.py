"""Archives, unpacked without ever writing outside their folder."""

from __future__ import annotations

import lzma
import os
import shutil
import stat
import tarfile
import uuid
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import IO, Any

from semsr.errors import AssetError, StorageError
from semsr.files import PARTIAL, storage_errors

SUFFIXES = (".zip", ".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
"""How files that are archives end; every other file is taken as it is."""

MAX_ENTRIES = 2_000_000
_CHUNK = 1 << 20
_MAX_PADDING = 16 << 20
_DAMAGE = (zipfile.BadZipFile, tarfile.TarError, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, OSError)


@dataclass(frozen=True)
class _Entry:
    """One member: its name as written, whether it is a folder, its declared size, and its bytes."""

    name: str
    is_folder: bool
    size: int
    stream: IO[bytes] | None


def unpack(archive: Path, folder: Path, limit: int | None = None) -> None:
    """Unpack a zip or tar file (plain, gz, bz2, xz) into a new folder, whole or not at all.

    Args:
        archive: the file; its kind is told by its contents.
        folder: must not exist, or be empty; appears complete.
        limit: bytes it may unpack to; None: whatever the disk holds.

    Raises:
        AssetError: damaged; or a member has an absolute path, `..`, is a link or device, stands there twice, or leads elsewhere;
            or more would be written than allowed.
        StorageError: can't be written, or the disk is too small for it.
    """
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise AssetError(f"{folder}: is there already; delete it to unpack {archive.name} again")
    partial = folder.with_name(f".{folder.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}{PARTIAL}")
    try:
        with storage_errors(folder):
            partial.mkdir(parents=True)
            _write_all(archive, partial, limit, shutil.disk_usage(partial).free)
            if folder.exists():
                folder.rmdir()
            partial.replace(folder)
    except _DAMAGE as error:
        raise _damaged(archive, error) from None
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def is_archive(name: str) -> bool:
    """Whether a file of this name is one that `unpack` opens."""
    return name.lower().endswith(SUFFIXES)


@dataclass(frozen=True)
class Contents:
    """What an archive holds: how many files, and how many bytes they take when unpacked."""

    files: int
    size: int


def contents(archive: Path) -> Contents | None:
    """What an archive says it holds, read from its directory; None where only unpacking could tell (compressed tar files).

    Raises:
        AssetError: damaged, or not an archive.
    """
    try:
        with archive.open("rb") as file:
            start = file.read(262)
        if start.startswith(b"PK"):
            with zipfile.ZipFile(archive) as packed:
                sizes = [info.file_size for info in packed.infolist() if not info.is_dir()]
        elif start[257:] == b"ustar":
            sizes = [entry.size for entry in _tar_entries(archive) if not entry.is_folder]
        else:
            return None
    except _DAMAGE as error:
        raise _damaged(archive, error) from None
    return Contents(len(sizes), sum(sizes))


def cut_off(path: Path) -> str | None:
    """What is wrong with an archive as far as its directory tells, read to its end without writing anything; None if nothing."""
    try:
        for _ in _entries(path):
            pass
    except AssetError:
        return None  # whole, but not to be unpacked; `unpack` says why
    except _DAMAGE as error:
        return f"damaged or cut off ({_reason(error)})"
    return None


def _damaged(archive: Path, error: Exception) -> AssetError:
    return AssetError(f"{archive}: damaged or not an archive ({_reason(error)}); delete it and fetch it again")


def _reason(error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        raise error  # the machine's trouble; gzip and bz2 say "damaged" by an OSError without a number
    return (str(error).splitlines() or [type(error).__name__])[0]


def _write_all(archive: Path, folder: Path, limit: int | None, free: int) -> None:
    root = folder.resolve()
    written: set[PurePosixPath] = set()
    total = 0
    for number, entry in enumerate(_entries(archive), 1):
        name = _safe_name(archive, entry.name)
        target = folder / name
        total += entry.size
        if (limit is not None and total > limit) or number > MAX_ENTRIES:
            raise AssetError(f"{archive}: would unpack to more than {limit} bytes or {MAX_ENTRIES} files; not unpacked")
        if total > free:
            raise StorageError(
                f"{folder.parent}: no space left on the disk to unpack {archive.name}: more than {total} bytes are needed, "
                f"{free} are free; free some, or set SEMSR_ASSETS to a folder on a larger disk"
            )
        if not target.resolve().is_relative_to(root):
            raise AssetError(f"{archive}: {entry.name!r} leads outside the folder; not unpacked")
        if entry.is_folder:
            if target.exists() and not target.is_dir():
                raise AssetError(f"{archive}: {entry.name!r} is a file and a folder; not unpacked")
            target.mkdir(parents=True, exist_ok=True)
            continue
        if name in written or target.exists():
            raise AssetError(f"{archive}: {entry.name!r} stands there twice; not unpacked")
        if any(parent in written for parent in name.parents):
            raise AssetError(f"{archive}: {entry.name!r} lies below a file; not unpacked")
        written.add(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        _write(archive, entry, target)


def _write(archive: Path, entry: _Entry, target: Path) -> None:
    count = 0
    assert entry.stream is not None  # only folders have none
    with target.open("xb") as file:
        while chunk := entry.stream.read(_CHUNK):
            count += len(chunk)
            if count > entry.size:
                break
            file.write(chunk)
    if count != entry.size:
        raise AssetError(f"{archive}: {entry.name!r} is not as long as it says; not unpacked")


def _safe_name(archive: Path, name: str) -> PurePosixPath:
    """The member's path below the folder. Raises: AssetError for anything but a plain relative path."""
    path = PurePosixPath(name)
    parts = name.replace("\\", "/").split("/")
    if path.is_absolute() or name.startswith("\\") or (len(name) > 1 and name[1] == ":"):
        raise AssetError(f"{archive}: {name!r} is an absolute path; not unpacked")
    if ".." in parts:
        raise AssetError(f"{archive}: {name!r} leads outside the folder; not unpacked")
    if "\\" in name or "\0" in name or not name:
        raise AssetError(f"{archive}: {name!r} is not a usable file name; not unpacked")
    return path


def _entries(archive: Path) -> Iterator[_Entry]:
    with archive.open("rb") as file:
        is_zip = file.read(2) == b"PK"
    yield from _zip_entries(archive) if is_zip else _tar_entries(archive)


def _zip_entries(archive: Path) -> Iterator[_Entry]:
    with zipfile.ZipFile(archive) as packed:
        for info in packed.infolist():
            kind = stat.S_IFMT(info.external_attr >> 16)
            if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise AssetError(f"{archive}: {info.filename!r} is a link or a device; not unpacked")
            if info.flag_bits & 1:
                raise AssetError(f"{archive}: {info.filename!r} is encrypted; not unpacked")
            if info.is_dir():
                yield _Entry(info.filename, True, 0, None)
            else:
                with packed.open(info) as stream:
                    yield _Entry(info.filename, False, info.file_size, stream)


def _tar_entries(archive: Path) -> Iterator[_Entry]:
    with tarfile.open(archive) as tape:
        for info in tape:
            if info.isdir():
                yield _Entry(info.name, True, 0, None)
            elif info.isreg():
                stream = tape.extractfile(info)
                assert stream is not None  # a regular file has one
                with stream:
                    yield _Entry(info.name, False, info.size, stream)
            else:
                raise AssetError(f"{archive}: {info.name!r} is a link or a device; not unpacked")
        _require_end(tape)


def _require_end(tape: tarfile.TarFile) -> None:
    """Only padding may follow the last member: tarfile takes a damaged header for the end. Reading on also checks gzip's checksum."""
    rest: Any = tape.fileobj
    rest.seek(tape.offset)
    for _ in range(_MAX_PADDING // _CHUNK):
        chunk = rest.read(_CHUNK)
        if chunk.strip(b"\0"):
            raise tarfile.ReadError(f"no header at byte {tape.offset}")
        if not chunk:
            return
