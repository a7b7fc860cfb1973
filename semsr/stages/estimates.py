"""How many bytes a data set's downloads, unpacked archives and prepared form will take, each with how that is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from semsr.assets.archives import contents
from semsr.assets.sizes import show_bytes
from semsr.assets.store import Standing, Store
from semsr.cards import Asset, DatasetCard
from semsr.cards.dataset import DerivedSource, FileSource, GeneratedSource, PhotoSource
from semsr.errors import AssetError, SemsrError
from semsr.files import existing
from semsr.preparation.manifest import MANIFEST
from semsr.project import Project
from semsr.stages.sources import asset_ids, part_ids, pictures_below

Disk = Literal["assets", "data"]
UNPACKED = 1.1
"""Bytes unpacked for one of the archive: pictures hardly shrink when packed; a tenth is for what lies beside them."""
_PNG_BYTES_PER_PIXEL = 2.0
_JPEG_TO_PNG = 3.0
_LR_SHARE = 0.08  # 1/16 of the pixels, which compress less well than the large picture's


@dataclass(frozen=True)
class Need:
    """Bytes still needed on a disk for one step.

    Attributes:
        what: the step.
        subject: the asset's or data set's id.
        disk: where: the asset store, or the project's data.
        size: bytes; None where they can't be known before.
        how: how they are known.
        at_most: it may well be less, since other data sets come in the same archive; no reason to refuse.
    """

    what: Literal["download", "unpack", "prepare"]
    subject: str
    disk: Disk
    size: int | None
    how: str
    at_most: bool = False


def of_download(store: Store, asset: Asset) -> Need:
    """What is still to be downloaded of an asset."""
    standing = store.look(asset)
    size, how = asset.size, "size published with it"
    if standing.present:
        size, how = 0, "is here already"
    elif asset.size is None and asset.about is not None:
        size, how = max(asset.about - standing.partial, 0), "roughly; its size is not published"
    elif asset.size is None:
        how = "its size is not published"
    elif standing.partial:
        size, how = max(asset.size - standing.partial, 0), f"{show_bytes(standing.partial)} of it are here"
    return Need("download", asset.id, "assets", size, how)


def of_unpacking(store: Store, asset: Asset) -> Need:
    """What an archive's contents will take beside it."""
    standing = store.look(asset)
    size, how = _unpacked(store, asset, standing)
    return Need("unpack", asset.id, "assets", size, how)


def _unpacked(store: Store, asset: Asset, standing: Standing) -> tuple[int | None, str]:
    if standing.present and standing.unpacked:
        return 0, "is unpacked already"
    if standing.present:
        try:
            inside = contents(store.path(asset))
        except AssetError:
            inside = None  # getting it says what is wrong
        if inside is not None:
            return inside.size, f"{inside.files} files, as the archive says"
    size = standing.size if standing.present else asset.size
    if size is None:
        return None, "the archive's size is not published"
    return round(size * UNPACKED), "estimated: the archive and a tenth"


def of_preparing(project: Project, card: DatasetCard, folder: Path | None, steps: Sequence[Need]) -> Need:
    """What data/<id> will take.

    Args:
        project: the project.
        card: the data set's card.
        folder: the user's own copy; default: the official files.
        steps: what downloading and unpacking these needs.

    Raises:
        PairingError: the copy is incomplete or laid out in no known way.
    """
    size: int | None
    shared = False
    if (project.data / card.id / MANIFEST).is_file():
        size, how = 0, "is prepared already"
    elif isinstance(card.source, PhotoSource):
        boxes = [photo.box for photo in card.source.photos]
        pixels = sum((right - left) * (bottom - top) for left, top, right, bottom in boxes)
        size, how = _of_pixels(pixels, f"{len(boxes)} crops")
    elif isinstance(card.source, DerivedSource):
        size, how = _of_parts(project, card, card.source)
    elif isinstance(card.source, GeneratedSource):
        count, (height, width) = (card.count or 0) + card.source.train, card.source.size
        size, how = _of_pixels(count * height * width, f"{count} generated pictures of {width} x {height}")
    elif (pictures := _pictures_here(project, card, folder)) is not None:
        size, how = _of_pictures(project, card, pictures)
    else:
        size, how = _of_archives(project, card, card.source, steps)
        shared = _shared(project, card) or bool(card.annotations)
    if size and (here := _bytes_below(project.data / card.id)):
        size, how = max(size - here, 0), f"{how}; {show_bytes(here)} of it are here"
    if size and shared:
        how += "; less, since the archives hold other things, too"
    return Need("prepare", card.id, "data", size, how, at_most=bool(size) and shared)


def _of_pixels(pixels: int, what: str) -> tuple[int, str]:
    size = round(pixels * _PNG_BYTES_PER_PIXEL * (1 + _LR_SHARE))
    return size, f"estimated: {what} at {_PNG_BYTES_PER_PIXEL:.0f} bytes a pixel, and LR"


def _of_parts(project: Project, card: DatasetCard, source: DerivedSource) -> tuple[int | None, str]:
    if source.crops is not None:
        count = source.crops.count or card.count
        if count is None:
            return None, "the number of crops is not known"
        return _of_pixels(count * source.crops.size**2, f"{count} crops of {source.crops.size} x {source.crops.size}")
    if card.split == "train" and card.crop_to_multiple == 1:
        return 0, "links to its parts' pictures, no copies"
    total = 0
    for name in part_ids(card):
        inside = project.data / name
        if not (inside / MANIFEST).is_file():
            return None, f"its part {name} is not prepared yet"
        total += _bytes_below(inside)
    return total, "estimated: as large as its parts"


@dataclass(frozen=True)
class _Pictures:
    """The original pictures: bytes in all, how they are called, where they lie, and whether LR is to be made."""

    size: int
    suffix: str
    folder: Path
    makes_lr: bool


def _pictures_here(project: Project, card: DatasetCard, folder: Path | None) -> _Pictures | None:
    """Of a copy, or of archives that are unpacked already; None where they are not here yet."""
    store = Store()
    opened = [store.folder_of(project.asset(name)) for name in asset_ids(card)]
    folders = [folder] if folder else [place for place in opened if place is not None]
    if not folders or (folder is None and len(folders) < len(opened)):
        return None
    try:
        pairs = pictures_below(project, card, folders)
    except SemsrError:
        if folder is not None:
            raise
        return None  # fetching says what is wrong
    paths = [path for pair in pairs for path in (pair.hr, pair.lr) if path]
    makes_lr = card.degradation is not None and any(pair.lr is None for pair in pairs)
    return _Pictures(sum(path.stat().st_size for path in paths), paths[0].suffix, folders[0], makes_lr)


def _of_archives(project: Project, card: DatasetCard, source: FileSource, steps: Sequence[Need]) -> tuple[int | None, str]:
    inside = [step.size for step in steps if step.what == "unpack"]
    if not source.assets:
        return None, "there are no official files to tell"
    if not inside or None in inside:
        return None, "the archives' size is not published"
    store = Store()
    # An archive that is unpacked, but not whole, counts with what it was.
    size = sum(size or project.asset(name).size or 0 for name, size in zip(asset_ids(card), inside, strict=False))
    first = source.layouts[0]
    suffix = Path(first.hr or first.lr or "").suffix
    makes_lr = card.degradation is not None and first.lr is None
    return _of_pictures(project, card, _Pictures(size, suffix, store.folder, makes_lr))


def _of_pictures(project: Project, card: DatasetCard, pictures: _Pictures) -> tuple[int, str]:
    if card.resize is not None and card.count is not None:
        height, width = card.resize.size
        return _of_pixels(card.count * height * width, f"{card.count} pictures of {width} x {height}")
    keeps = card.split == "train" and card.crop_to_multiple == 1
    linked = keeps and _same_disk(pictures.folder, project.data)
    if linked and not pictures.makes_lr:
        return 0, "links to the originals on the same disk, no copies"
    if pictures.suffix.lower() in (".jpg", ".jpeg") and not keeps:
        large, how = pictures.size * _JPEG_TO_PNG, f"estimated: JPEG pictures become PNG of {_JPEG_TO_PNG:.0f} times the bytes"
    else:
        large, how = float(pictures.size), "estimated: as large as the originals"
    lr = large * _LR_SHARE if pictures.makes_lr else 0.0
    return round((0.0 if linked else large) + lr), how + (", and LR" if pictures.makes_lr else "")


def _bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def _shared(project: Project, card: DatasetCard) -> bool:
    mine = set(asset_ids(card))
    return any(mine & set(asset_ids(other)) for other in project.datasets.values() if other.id != card.id)


def _same_disk(one: Path, other: Path) -> bool:
    return existing(one).stat().st_dev == existing(other).stat().st_dev
