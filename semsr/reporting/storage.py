"""What data sets take up on this machine's disk, and what is known about the files they come from."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from semsr.assets.mirrors import describe
from semsr.assets.store import Store
from semsr.cards import Asset, DatasetCard
from semsr.cards.dataset import FileSource, PhotoSource
from semsr.project import Project


@dataclass(frozen=True)
class Size:
    """What lies below a folder.

    Attributes:
        files: how many.
        bytes: their lengths together.
        shared: bytes of files that have a second name elsewhere (another data set's, an unpacked archive's) and take up space once.
    """

    files: int = 0
    bytes: int = 0
    shared: int = 0

    def __add__(self, other: Size) -> Size:
        return Size(self.files + other.files, self.bytes + other.bytes, self.shared + other.shared)


@dataclass(frozen=True)
class AssetState:
    """A file from outside: what its card says and what of it is here.

    Attributes:
        asset: its card.
        here: the whole file lies in the store (its checksum was verified when it came).
        downloaded: the file, or the part of it that has come so far.
        unpacked: the folder it was unpacked to.
        pinned: by whom its bytes are fixed: the card, the first download on this machine, or nobody.
        checksum: what proves that it is the right file, in words.
        mirrors: where it can be had, in words, in the order tried.
    """

    asset: Asset
    here: bool
    downloaded: Size
    unpacked: Size
    pinned: Literal["card", "here", "nobody"]
    checksum: str
    mirrors: tuple[str, ...]


def size_below(folder: Path) -> Size:
    """Sizes of all files below a folder; links are not followed; nothing where there is no folder."""
    files = total = shared = 0
    for state in _states(folder):
        files += 1
        total += state.st_size
        shared += state.st_size if state.st_nlink > 1 else 0
    return Size(files, total, shared)


def asset_names(card: DatasetCard) -> list[str]:
    """The assets a data set is made from, in the card's order; none for derived sets and those the user must supply."""
    if isinstance(card.source, FileSource):
        return list(card.source.assets)
    if isinstance(card.source, PhotoSource):
        return list(dict.fromkeys(photo.asset for photo in card.source.photos))
    return []


def asset_states(project: Project, card: DatasetCard, store: Store) -> tuple[AssetState, ...]:
    """The state of each asset of a data set. Raises: UnknownIdError where the card names one that no card describes."""
    return tuple(_state(project.asset(name), store) for name in asset_names(card))


def _state(asset: Asset, store: Store) -> AssetState:
    path = store.path(asset)
    # The store keeps the file, parts of it and notes directly in this folder, unpacked contents in folders within.
    downloaded, unpacked = Size(), Size()
    if path.parent.is_dir():
        for child in path.parent.iterdir():
            if child.is_dir() and not child.is_symlink():
                unpacked += size_below(child)
            elif child.name.endswith(asset.file) or child.name.startswith(f".{asset.file}."):
                downloaded += Size(1, child.stat().st_size)
    return AssetState(
        asset, path.is_file(), downloaded, unpacked, *_checksum(asset, store), tuple(map(describe, asset.mirrors))
    )


def _checksum(asset: Asset, store: Store) -> tuple[Literal["card", "here", "nobody"], str]:
    if asset.sha256 is not None:
        return "card", f"pinned by the card: SHA-256 {asset.sha256[:12]}…"
    try:
        seen = store.pin(asset)
    except (OSError, UnicodeDecodeError):
        seen = None
    parts = [f"pinned by the card: MD5 {asset.md5[:12]}…"] if asset.md5 else []
    if seen is not None:
        parts.append(f"pinned by the first download on this machine: SHA-256 {seen[:12]}…")
    pinned: Literal["card", "here", "nobody"] = "card" if asset.md5 else "here" if seen is not None else "nobody"
    return pinned, "; ".join(parts) or f"not pinned: {asset.unpinned}"


def _states(folder: Path) -> Iterator[os.stat_result]:
    try:
        entries = list(os.scandir(folder))
    except (FileNotFoundError, NotADirectoryError):
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _states(Path(entry.path))
        elif entry.is_file():
            yield entry.stat()
