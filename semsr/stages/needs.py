"""What a data set costs before it is had: bytes to download, to unpack and to prepare, each with how it is known, against the free disk."""

from __future__ import annotations

import shutil
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from semsr.assets.archives import contents, is_archive
from semsr.assets.store import Store
from semsr.cards import Asset, DatasetCard
from semsr.cards.dataset import DerivedSource, FileSource, PhotoSource
from semsr.errors import AssetError, SemsrError, StorageError
from semsr.preparation.manifest import MANIFEST
from semsr.preparation.originals import pairs_below
from semsr.project import Project

Disk = Literal["assets", "data"]
UNPACKED = 1.1
"""Bytes unpacked for one of the archive: pictures hardly shrink when packed; a tenth is for what lies beside them."""
_PNG_BYTES_PER_PIXEL = 2.0
_JPEG_TO_PNG = 6.0
_LR_SHARE = 0.08  # 1/16 of the pixels, which compress less well than the large picture's


@dataclass(frozen=True)
class Need:
    """Bytes still needed on a disk for one step; None where that can't be known before."""

    what: Literal["download", "unpack", "prepare"]
    disk: Disk
    size: int | None
    how: str


def asset_ids(card: DatasetCard) -> list[str]:
    """The assets that hold a data set's official files; none where it is made of others, or where only the user can have it."""
    if isinstance(card.source, FileSource):
        return sorted(card.source.assets)
    if isinstance(card.source, PhotoSource):
        return sorted({photo.asset for photo in card.source.photos})
    return []


def part_ids(card: DatasetCard) -> list[str]:
    """The data sets that a derived one is made from, each once."""
    return sorted({part.dataset for part in card.source.parts}) if isinstance(card.source, DerivedSource) else []


def needs(project: Project, card: DatasetCard, folder: Path | None = None, *, prepare: bool = True) -> list[Need]:
    """What one data set needs, without that of its parts; nothing is read but directories.

    Args:
        project: the project.
        card: the data set's card.
        folder: the user's own copy; default: the official files.
        prepare: count the prepared form, too.

    Raises:
        PairingError: the copy is incomplete or laid out in no known way.
    """
    found: list[Need] = []
    if folder is None:
        store = Store()
        for name in asset_ids(card):
            asset = project.asset(name)
            found.append(_download(store, asset))
            if isinstance(card.source, FileSource) and is_archive(asset.file):
                found.append(_unpack(store, asset))
    if prepare:
        found.append(_prepare(project, card, folder, found))
    return found


def require_space(project: Project, card: DatasetCard, folder: Path | None = None, *, prepare: bool = True) -> None:
    """Refuse before anything is downloaded or written, where the disks can't hold what is needed as far as that is known.

    Raises:
        StorageError: names disk, bytes needed and bytes free.
        PairingError: as `needs`.
    """
    wanted = [need for need in needs(project, card, folder, prepare=prepare) if need.size]
    for place, steps in by_disk(project, wanted):
        needed, free = sum(step.size or 0 for step in steps), free_bytes(place)
        if needed > free:
            listed = ", ".join(f"{step.what} {show_bytes(step.size)}" for step in steps)
            raise StorageError(
                f"{place}: no space left on the disk for {card.id}: {show_bytes(needed)} are needed ({listed}), {show_bytes(free)} are "
                f"free; free some, or {_way_out(steps)}"
            )


def by_disk(project: Project, steps: Sequence[Need]) -> list[tuple[Path, list[Need]]]:
    """The steps by the folder whose disk they need; one group where the asset store and the project's data share a disk."""
    groups: dict[int, tuple[Path, list[Need]]] = {}
    for step in steps:
        place = _existing(folder_of(project, step.disk))
        groups.setdefault(place.stat().st_dev, (place, []))[1].append(step)
    return list(groups.values())


def folder_of(project: Project, disk: Disk) -> Path:
    """The folder that a step writes to."""
    return Store().folder if disk == "assets" else project.data


def free_bytes(folder: Path) -> int:
    """What is free on the disk that a folder lies on, or will lie on."""
    return shutil.disk_usage(_existing(folder)).free


def show_bytes(size: int | None) -> str:
    """A number of bytes as a person reads it (decimal units), or "not known"."""
    if size is None:
        return "not known"
    value = float(size)
    for unit in ("bytes", "kB", "MB", "GB"):
        if value < 1000:
            return f"{value:.0f} {unit}" if unit == "bytes" else f"{value:.1f} {unit}"
        value /= 1000
    return f"{value:.2f} TB"


def _existing(folder: Path) -> Path:
    return next(place for place in (folder, *folder.absolute().parents) if place.exists())


def _way_out(steps: Iterable[Need]) -> str:
    if any(step.disk == "assets" for step in steps):
        return "set SEMSR_ASSETS to a folder on a larger disk"
    return "make data/ a link to a folder on a larger disk"


def _download(store: Store, asset: Asset) -> Need:
    standing = store.look(asset)
    if standing.present:
        return Need("download", "assets", 0, "is here already")
    if asset.size is None:
        return Need("download", "assets", None, "its size is not published")
    if standing.partial:
        return Need(
            "download", "assets", max(asset.size - standing.partial, 0), f"{show_bytes(standing.partial)} of it are here"
        )
    return Need("download", "assets", asset.size, "size published with it")


def _unpack(store: Store, asset: Asset) -> Need:
    standing = store.look(asset)
    if standing.present and standing.unpacked:
        return Need("unpack", "assets", 0, "is unpacked already")
    if standing.present:
        try:
            inside = contents(store.path(asset))
        except AssetError:
            inside = None  # getting it says what is wrong
        if inside is not None:
            return Need("unpack", "assets", inside.size, f"{inside.files} files, as the archive says")
    size = standing.size if standing.present else asset.size
    if size is None:
        return Need("unpack", "assets", None, "the archive's size is not published")
    return Need("unpack", "assets", round(size * UNPACKED), "estimated: the archive and a tenth")


def _prepare(project: Project, card: DatasetCard, folder: Path | None, steps: Sequence[Need]) -> Need:
    if (project.data / card.id / MANIFEST).is_file():
        return Need("prepare", "data", 0, "is prepared already")
    if isinstance(card.source, PhotoSource):
        pixels = sum(
            (right - left) * (bottom - top) for left, top, right, bottom in (photo.box for photo in card.source.photos)
        )
        return _from_pixels(pixels, f"{len(card.source.photos)} crops")
    if isinstance(card.source, DerivedSource):
        return _prepare_derived(project, card, card.source)
    return _prepare_files(project, card, card.source, folder, steps)


def _from_pixels(pixels: int, what: str) -> Need:
    size = round(pixels * _PNG_BYTES_PER_PIXEL * (1 + _LR_SHARE))
    return Need("prepare", "data", size, f"estimated: {what} at {_PNG_BYTES_PER_PIXEL:.0f} bytes a pixel, and LR")


def _prepare_derived(project: Project, card: DatasetCard, source: DerivedSource) -> Need:
    if source.crops is not None:
        count = source.crops.count or card.count
        if count is None:
            return Need("prepare", "data", None, "the number of crops is not known")
        return _from_pixels(count * source.crops.size**2, f"{count} crops of {source.crops.size} x {source.crops.size}")
    if card.split == "train" and card.crop_to_multiple == 1:
        return Need("prepare", "data", 0, "links to its parts' pictures, no copies")
    total = 0
    for name in part_ids(card):
        inside = project.data / name
        if not (inside / MANIFEST).is_file():
            return Need("prepare", "data", None, f"its part {name} is not prepared yet")
        total += sum(path.stat().st_size for path in inside.rglob("*") if path.is_file())
    return Need("prepare", "data", total, "estimated: as large as its parts")


def _prepare_files(project: Project, card: DatasetCard, source: FileSource, folder: Path | None, steps: Sequence[Need]) -> Need:
    store = Store()
    assets = [project.asset(name) for name in asset_ids(card)]
    folders = [folder] if folder else [opened for asset in assets if (opened := store.folder_of(asset)) is not None]
    known = folder is not None or (bool(assets) and len(folders) == len(assets))
    if known and folders:
        try:
            pairs = pairs_below(card, folders)
        except SemsrError:
            if folder is not None:
                raise
            known = False  # the archives are to be unpacked again; what is wrong is said then
        else:
            paths = [path for pair in pairs for path in (pair.hr, pair.lr) if path]
            linked = card.split == "train" and _same_disk(folders[0], project.data)
            made = card.degradation is not None and any(pair.lr is None for pair in pairs)
            return _of_pictures(card, sum(path.stat().st_size for path in paths), paths[0].suffix, linked=linked, made=made)
    if not assets:
        return Need("prepare", "data", None, "there are no official files to tell")
    inside = [need.size for need in steps if need.what == "unpack"]
    if not inside or None in inside:
        return Need("prepare", "data", None, "the archives' size is not published")
    packed = sum(size or 0 for size in inside)
    linked = card.split == "train" and _same_disk(store.folder, project.data)
    suffix = Path(source.layouts[0].hr or source.layouts[0].lr or "").suffix
    made = card.degradation is not None and source.layouts[0].lr is None
    need = _of_pictures(card, packed, suffix, linked=linked, made=made)
    return Need(
        "prepare", "data", need.size, f"{need.how}, if all in the archives is this data set's" if need.size else need.how
    )


def _of_pictures(card: DatasetCard, size: int, suffix: str, *, linked: bool, made: bool) -> Need:
    """From the bytes of the original pictures."""
    if card.crop_to_multiple > 1 or card.split == "test":
        linked = False
    if linked and not made:
        return Need("prepare", "data", 0, "links to the originals on the same disk, no copies")
    jpeg = suffix.lower() in (".jpg", ".jpeg") and not (card.split == "train" and card.crop_to_multiple == 1)
    large = 0.0 if linked else size * (_JPEG_TO_PNG if jpeg else 1.0)
    lr = size * (_JPEG_TO_PNG if jpeg else 1.0) * _LR_SHARE if made else 0.0
    how = "estimated: JPEG pictures become PNG of six times the bytes" if jpeg else "estimated: as large as the originals"
    return Need("prepare", "data", round(large + lr), how + (", and LR" if made else ""))


def _same_disk(one: Path, other: Path) -> bool:
    return _existing(one).stat().st_dev == _existing(other).stat().st_dev
