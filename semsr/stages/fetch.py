"""The first stage: have a data set's original files here, from their official place or in a folder of the user's."""

from __future__ import annotations

import logging
from pathlib import Path

from rich.console import Console
from rich.progress import track

from semsr.assets.store import Store
from semsr.cards import DatasetCard
from semsr.cards.dataset import FileSource, PhotoSource
from semsr.errors import SemsrError
from semsr.files import sha256_file
from semsr.preparation.originals import Fetched, pairs_below, photographs_below, read_record, record_path, write_record
from semsr.project import Project

logger = logging.getLogger(__name__)


def run(project: Project, dataset_id: str, source: Path | None = None) -> Fetched:
    """Get a data set's files, check that all are there, and record what they are in data/fetched/<id>/record.json.

    Without `source`, a folder that an earlier run was given is kept as long as it is complete; delete the record to go back to
    the official files.

    Args:
        project: the project.
        dataset_id: the data set's id.
        source: the user's own copy (`--from`); default: the official place.

    Raises:
        UnknownIdError: no such data set.
        AssetError: no mirror gives the official files.
        PairingError: the copy is incomplete or laid out in no known way.
    """
    card = project.dataset(dataset_id)
    if source is None:
        before = read_record(project, card.id)
        if before is not None and before.folder is not None and Path(before.folder).is_dir():
            logger.info(
                "%s: keeping your copy in %s; delete %s to use the official files",
                card.id,
                before.folder,
                record_path(project, card.id),
            )
            source = Path(before.folder)
    record = _from_folder(project, card, source.expanduser().resolve()) if source else _from_assets(project, card)
    write_record(project, record)
    logger.info("%s: %d original files, %s", card.id, len(record.files), record.folder or "from their official place")
    return record


def originals(project: Project, card: DatasetCard, record: Fetched) -> tuple[list[Path], dict[str, Path]]:
    """Where the files of a record lie: the folders of a paired data set, and the photographs by asset id; one of the two is empty.

    Raises:
        SemsrError: the user's folder is gone, or has changed since it was fetched.
        AssetError: an asset can't be had any more.
    """
    if record.folder is not None:
        folder = Path(record.folder)
        if not folder.is_dir():
            raise SemsrError(
                f"{card.id}: your copy in {folder} is gone; run `semsr fetch {card.id}`, with --from DIR for another copy"
            )
        if _from_folder(project, card, folder) != record:
            raise SemsrError(
                f"{card.id}: your copy in {folder} has changed since; run `semsr fetch {card.id} --from {folder}` again"
            )
        if isinstance(card.source, FileSource):
            return [folder], {}
        return [], photographs_below(project, card, folder)
    store = Store()
    if isinstance(card.source, FileSource):
        return [store.unpacked(project.asset(name)) for name in asset_ids(card)], {}
    return [], {name: store.get(project.asset(name)) for name in asset_ids(card)}


def _from_folder(project: Project, card: DatasetCard, folder: Path) -> Fetched:
    if isinstance(card.source, FileSource):
        pairs = pairs_below(card, [folder])
        paths = {path.relative_to(folder).as_posix(): path for pair in pairs for path in (pair.hr, pair.lr) if path}
    else:
        paths = photographs_below(project, card, folder)
    files = {name: sha256_file(path) for name, path in sorted(paths.items())}
    return Fetched(dataset=card.id, kind="folder", files=files, folder=str(folder))


def _from_assets(project: Project, card: DatasetCard) -> Fetched:
    names = asset_ids(card)
    if not names:
        raise SemsrError(f"{card.id}: the card knows no official files; pass your own copy: `semsr fetch {card.id} --from DIR`")
    store = Store()
    console = Console(stderr=True)
    progress = track(names, description=f"fetch {card.id}", console=console, transient=True, disable=not console.is_terminal)
    files = {name: sha256_file(store.get(project.asset(name))) for name in progress}
    if isinstance(card.source, FileSource):
        pairs_below(card, [store.unpacked(project.asset(name)) for name in asset_ids(card)])
    return Fetched(dataset=card.id, kind="assets", files=files)


def asset_ids(card: DatasetCard) -> list[str]:
    """The assets that hold a data set's official files."""
    if isinstance(card.source, FileSource):
        return sorted(card.source.assets)
    if isinstance(card.source, PhotoSource):
        return sorted({photo.asset for photo in card.source.photos})
    return []
