"""Packing: decode every picture of a data set once and keep its raw pixels, so that training never decodes again."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from semsr.assets.locking import locked
from semsr.cores import available_cores
from semsr.errors import PictureError, StorageError
from semsr.files import atomic_writer, free_bytes, remove_partial
from semsr.imaging.pictures import read_rgb
from semsr.preparation.manifest import pixel_sha256
from semsr.training.index import Index, Kind
from semsr.training.pixels import is_packed, packed_bytes, packed_file, packed_size

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Packing:
    """What there is to do.

    Attributes:
        missing: (number, kind) of each picture that is not packed yet; pictures with equal pixels once.
        bytes: disk space that these will take.
        packed: how many are packed already.
    """

    missing: tuple[tuple[int, Kind], ...]
    bytes: int
    packed: int


def plan(index: Index, folder: Path, kinds: Sequence[Kind] = ("hr", "lr")) -> Packing:
    """See what is missing in `folder`, by file size; nothing is read or written. Pictures without LR are passed over."""
    seen: set[str] = set()
    missing: list[tuple[int, Kind]] = []
    size = packed = 0
    for kind in kinds:
        for at in range(len(index)):
            height, width = index.size(at, kind)
            sha256 = index.sha256(at, kind)
            if not height or sha256 in seen:
                continue
            seen.add(sha256)
            if is_packed(folder, index, at, kind):
                packed += 1
            else:
                missing.append((at, kind))
                size += packed_size(height, width)
    return Packing(tuple(missing), size, packed)


def pack(
    index: Index,
    folder: Path,
    kinds: Sequence[Kind] = ("hr", "lr"),
    *,
    threads: int | None = None,
    advance: Callable[[int], object] = lambda count: None,
) -> Packing:
    """Write the raw pixels of all pictures that are not packed yet. Each file appears complete or not at all; a second run continues.

    Args:
        index: the pictures.
        folder: where the files go (`pixels.packed_file`).
        kinds: which pictures of a pair.
        threads: pictures at a time; None: one a core. Decoding and hashing release Python's lock.
        advance: told of each picture done.

    Returns:
        What was missing before.

    Raises:
        StorageError: not enough disk space (said before anything is written), or not writable.
        PictureError: a picture is damaged, or its pixels are not those of the manifest.
    """
    with locked(
        folder / ".locks" / "pack", f"packing into {folder}"
    ):  # so that what a killed run left can be told from work in progress
        todo = plan(index, folder, kinds)
        free = free_bytes(folder)
        if todo.bytes > free:
            raise StorageError(
                f"{folder}: raw pixels of {len(todo.missing)} pictures need {todo.bytes / 1e9:.1f} GB, {free / 1e9:.1f} GB are free; "
                f"free some space, choose a folder on another disk, or train from the picture files"
            )
        for parent in {packed_file(folder, index.sha256(at, kind)).parent for at, kind in todo.missing}:
            if parent.is_dir():
                remove_partial(parent)

        def one(task: tuple[int, Kind]) -> None:
            _pack_one(index, folder, *task)
            advance(1)

        pool = ThreadPoolExecutor(threads or available_cores())
        try:
            for _ in pool.map(one, todo.missing):
                pass
        finally:
            pool.shutdown(cancel_futures=True)  # after an error the pictures still waiting are not begun
    logger.info("%s: %d pictures packed, %d were there already", folder, len(todo.missing), todo.packed)
    return todo


def verify(index: Index, folder: Path, kinds: Sequence[Kind] = ("hr", "lr"), *, threads: int | None = None) -> list[str]:
    """Read every packed picture and compare its pixels with the manifest's hash.

    Returns:
        One line for each file that is missing, damaged or of other pixels.
    """

    def one(task: tuple[int, Kind]) -> str | None:
        at, kind = task
        path = packed_file(folder, index.sha256(at, kind))
        if not is_packed(folder, index, at, kind):
            return f"{path}: missing or of the wrong size ({index.name(at)}); run `{index.pack_command(at)}`"
        try:
            same = pixel_sha256(np.load(path)) == index.sha256(at, kind)
        except ValueError:  # not NumPy's header
            same = False
        return (
            None
            if same
            else f"{path}: damaged, not the pixels of {index.name(at)}; delete it and run `{index.pack_command(at)}`"
        )

    tasks = [(at, kind) for kind in kinds for at in range(len(index)) if index.size(at, kind)[0]]
    with ThreadPoolExecutor(threads or available_cores()) as pool:
        return [line for line in pool.map(one, tasks) if line]


def _pack_one(index: Index, folder: Path, at: int, kind: Kind) -> None:
    path, sha256 = index.file(at, kind), index.sha256(at, kind)
    picture = read_rgb(path, grey="replicate" if index.replicates_grey(at) else "refuse")
    if pixel_sha256(picture) != sha256:
        raise PictureError(f"{path}: not the pixels that the manifest names ({index.name(at)}); prepare the data set again")
    with atomic_writer(packed_file(folder, sha256)) as file:
        for part in packed_bytes(picture):
            file.write(part)
