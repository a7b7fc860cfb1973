"""What `semsr fetch` and `semsr prepare` would do: bytes, files, mirrors, licences, disk and what only the user can do. Changes nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from semsr.assets.archives import contents, is_archive
from semsr.assets.mirrors import describe, own_copy_at
from semsr.assets.store import Store
from semsr.cards import Asset, DatasetCard
from semsr.cards.asset import PypiMirror
from semsr.cards.dataset import DerivedSource, FileSource, GeneratedSource
from semsr.errors import AssetError
from semsr.files import existing, free_bytes
from semsr.preparation.manifest import MANIFEST
from semsr.preparation.originals import photographs_below
from semsr.project import Project
from semsr.stages.estimates import Need
from semsr.stages.needs import all_needs, by_disk, needs, total
from semsr.stages.sources import asset_ids, copy_of, own_copy, part_ids, pictures_below, source_of_part

State = Literal["here", "in part", "absent", "wrong size"]


@dataclass(frozen=True)
class AssetPlan:
    """One official file.

    Attributes:
        size: bytes; None where they are not published and it is not here.
        about: roughly how many, as far as the card knows, where `size` is None.
        files: how many files an archive holds; None where it is not here, or can't be told without unpacking.
        state: "here" means there with the size that the card says, not read; the checksum is verified when it is used.
        arrived: bytes of it that are here.
        checked_by: "sha256", "md5", or "first download": nothing is published, and what comes first is pinned.
        mirrors: in the order in which they are tried.
        manual: how to supply it by hand.
        place: where it lies or would lie.
        own_copy: the user's own copy that a mirror of the card names and that is there.
    """

    id: str
    file: str
    title: str
    licence: str
    size: int | None
    about: int | None
    files: int | None
    state: State
    arrived: int
    unpacked: bool
    checked_by: str
    mirrors: tuple[str, ...]
    whole_packages: bool
    manual: str
    place: str
    own_copy: str | None


@dataclass(frozen=True)
class DiskPlan:
    """One disk: what is needed of it as far as that is known, and what is free."""

    folder: str
    needed: int
    free: int
    enough: bool
    not_known: tuple[str, ...]


@dataclass(frozen=True)
class Plan:
    """What fetching, or fetching and preparing, a data set takes.

    Attributes:
        pictures: how many; None where the card does not know (`pictures_unknown` says why).
        copy: the user's folder, where one was given now or before.
        copied: how many files of it are this data set's, and their bytes.
        prepared: data/<id> is there.
        by_hand: what only the user can do; None where nothing.
        needs: each step with its bytes, this data set's alone.
        disks: with that of the parts.
        parts: the data sets that this one is made of.
    """

    id: str
    title: str
    licence: str
    split: str
    pictures: int | None
    pictures_unknown: str | None
    comparable: str
    source: str
    copy: str | None
    copied: tuple[int, int] | None
    prepared: bool
    assets: tuple[AssetPlan, ...]
    by_hand: str | None
    needs: tuple[Need, ...]
    disks: tuple[DiskPlan, ...]
    parts: tuple[Plan, ...]


def run(project: Project, dataset_id: str, source: Path | None = None, *, prepare: bool = False) -> Plan:
    """The plan of one data set. Nothing is downloaded, locked or written; of the files here only directories are read.

    Args:
        project: the project.
        dataset_id: the data set's id.
        source: the user's own copy (`--from`).
        prepare: with the prepared form.

    Raises:
        UnknownIdError: no such data set.
        PairingError: the copy is incomplete or laid out in no known way.
        CardError: a data set is made from itself.
    """
    card = project.dataset(dataset_id)
    folder = own_copy(project, card, source_of_part(card, source))
    steps = all_needs(project, card, folder, prepare=prepare)
    return _plan(project, card, folder, prepare=prepare, disks=_disks(project, steps))


def _plan(project: Project, card: DatasetCard, folder: Path | None, *, prepare: bool, disks: tuple[DiskPlan, ...] = ()) -> Plan:
    parts = part_ids(card)
    given = {name: folder if folder and len(parts) == 1 else copy_of(project, name) for name in parts}
    mine = None if parts else folder
    return Plan(
        id=card.id,
        title=card.title,
        licence=card.licence,
        split=card.split,
        pictures=card.count,
        pictures_unknown=card.count_unknown,
        comparable=card.comparable,
        source=_described(card),
        copy=str(mine) if mine else None,
        copied=_copied(project, card, mine) if mine else None,
        prepared=(project.data / card.id / MANIFEST).is_file(),
        assets=() if mine else tuple(asset_plan(Store(), project.asset(name)) for name in asset_ids(card)),
        by_hand=_by_hand(project, card, mine),
        needs=tuple(needs(project, card, mine, prepare=prepare)),
        disks=disks,
        parts=tuple(_plan(project, project.dataset(name), given[name], prepare=prepare) for name in parts),
    )


def _copied(project: Project, card: DatasetCard, folder: Path) -> tuple[int, int]:
    """Files and bytes of the user's copy; an incomplete one is said now."""
    if isinstance(card.source, FileSource):
        pairs = pictures_below(project, card, [folder])
        paths = [path for pair in pairs for path in (pair.hr, pair.lr) if path]
    else:
        paths = list(photographs_below(project, card, folder).values())
    return len(paths), sum(path.stat().st_size for path in paths)


def _described(card: DatasetCard) -> str:
    if isinstance(card.source, GeneratedSource):
        drawn = ", ".join(part.dataset for part in card.source.parts)
        return "drawn here by the data set's own code" + (f", with pictures of {drawn}" if drawn else "")
    if not isinstance(card.source, DerivedSource):
        count = len(asset_ids(card))
        return f"{count} official file{'s' if count > 1 else ''}" if count else "no official files: your own copy"
    parts = [f"the first {part.first} of {part.dataset}" if part.first else part.dataset for part in card.source.parts]
    crops = card.source.crops
    cut = ""
    if crops is not None:
        what = f"{crops.count} random crops" if crops.count else "centre crops"
        cut = f"{what} of {crops.size} x {crops.size} of "
    return f"made here: {cut}{' and '.join(parts)}"


def asset_plan(store: Store, asset: Asset) -> AssetPlan:
    """How one file from outside stands; nothing is asked for."""
    standing = store.look(asset)
    state: State = "here" if standing.present else "wrong size" if standing.size is not None else "absent"
    if state == "absent" and standing.partial:
        state = "in part"
    return AssetPlan(
        id=asset.id,
        file=asset.file,
        title=asset.title,
        licence=asset.licence,
        size=asset.size if asset.size is not None else standing.size,
        about=asset.about if standing.size is None else None,
        files=_files_in(store, asset) if standing.present else None,
        state=state,
        arrived=(standing.size or 0) if standing.present else standing.partial,
        unpacked=standing.unpacked,
        checked_by="sha256" if asset.sha256 else "md5" if asset.md5 else "first download",
        mirrors=tuple(describe(mirror) for mirror in asset.mirrors),
        whole_packages=isinstance(asset.mirrors[0], PypiMirror),
        manual=" ".join(asset.manual.split()),
        place=str(store.path(asset)),
        own_copy=next((str(path) for mirror in asset.mirrors if (path := own_copy_at(mirror))), None),
    )


def _files_in(store: Store, asset: Asset) -> int | None:
    if not is_archive(asset.file):
        return 1
    try:
        inside = contents(store.path(asset))
    except AssetError:
        return None
    return inside.files if inside else None


def _by_hand(project: Project, card: DatasetCard, folder: Path | None) -> str | None:
    if folder is not None or isinstance(card.source, DerivedSource | GeneratedSource) or asset_ids(card):
        return None
    assert isinstance(card.source, FileSource)  # photographs always are assets
    layouts = " or ".join(" + ".join(part for part in (layout.hr, layout.lr) if part) for layout in card.source.layouts[:3])
    return (
        f"nothing can be downloaded: get the pictures yourself ({project.show(project.folders('dataset')[card.id])}/README.md says "
        f"where), then `semsr fetch {card.id} --from DIR`, where DIR holds {layouts}"
    )


def _disks(project: Project, steps: Sequence[Need]) -> tuple[DiskPlan, ...]:
    found = []
    for place, here in by_disk(project, steps):
        needed, free = total(here), free_bytes(place)
        unknown = tuple(f"{step.what} {step.subject}" for step in here if step.size is None)
        found.append(DiskPlan(str(existing(place)), needed, free, needed <= free, unknown))
    return tuple(found)
