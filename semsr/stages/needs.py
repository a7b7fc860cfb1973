"""What a data set needs of the disks, compared with what is free, before anything is downloaded or written."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from semsr.assets.archives import is_archive
from semsr.assets.sizes import show_bytes
from semsr.assets.store import Store
from semsr.cards import DatasetCard
from semsr.cards.dataset import FileSource
from semsr.errors import StorageError
from semsr.files import existing, free_bytes
from semsr.project import Project
from semsr.stages.estimates import Disk, Need, of_download, of_preparing, of_unpacking
from semsr.stages.sources import asset_ids, copy_of, parts_below


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
            found.append(of_download(store, asset))
            if isinstance(card.source, FileSource) and is_archive(asset.file):
                found.append(of_unpacking(store, asset))
    if prepare:
        found.append(of_preparing(project, card, folder, found))
    return found


def all_needs(project: Project, card: DatasetCard, folder: Path | None = None, *, prepare: bool = True) -> list[Need]:
    """The same with that of the data sets that it is made of; what several of them share is counted once.

    `folder` is passed on to the part where there is only one, as `semsr fetch --from` does.
    Raises:
        PairingError: as `needs`.
        CardError: a data set is made from itself.
    """
    parts = parts_below(project, card)
    steps = needs(project, card, None if parts else folder, prepare=prepare)
    for name in parts:
        given = folder if folder and len(parts) == 1 else copy_of(project, name)
        steps += needs(project, project.dataset(name), given, prepare=prepare)
    return list({(step.what, step.subject): step for step in steps}.values())


def require_space(project: Project, card: DatasetCard, folder: Path | None = None, *, prepare: bool = True) -> None:
    """Refuse where the disks can't hold what is needed, as far as that is known.

    Args:
        project: the project.
        card: the data set's card.
        folder: the user's own copy; default: the official files.
        prepare: count the prepared form, too.

    Raises:
        StorageError: names disk, bytes needed and bytes free.
        PairingError, CardError: as `all_needs`.
    """
    wanted = [step for step in all_needs(project, card, folder, prepare=prepare) if step.size and not step.at_most]
    for place, steps in by_disk(project, wanted):
        needed, free = total(steps), free_bytes(place)
        if needed > free:
            listed = ", ".join(f"{step.what} {step.subject} {show_bytes(step.size)}" for step in steps)
            raise StorageError(
                f"{place}: no space left on the disk for {card.id}: {show_bytes(needed)} are needed ({listed}), {show_bytes(free)} are "
                f"free; free some, or {_way_out(steps)}"
            )


def by_disk(project: Project, steps: Sequence[Need]) -> list[tuple[Path, list[Need]]]:
    """The steps by the folder whose disk they need; one group where the asset store and the project's data share a disk."""
    groups: dict[int, tuple[Path, list[Need]]] = {}
    for step in steps:
        place = existing(folder_of(project, step.disk))
        groups.setdefault(place.stat().st_dev, (place, []))[1].append(step)
    return list(groups.values())


def folder_of(project: Project, disk: Disk) -> Path:
    """The folder that a step writes to."""
    return Store().folder if disk == "assets" else project.data


def total(steps: Iterable[Need]) -> int:
    """The bytes that are known."""
    return sum(step.size or 0 for step in steps)


def _way_out(steps: Iterable[Need]) -> str:
    if any(step.disk == "assets" for step in steps):
        return "set SEMSR_ASSETS to a folder on a larger disk"
    return "make data/ a link to a folder on a larger disk"
