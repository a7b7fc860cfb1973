"""The first stage: have a data set's original files here, from their official place or in a folder of the user's."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import track

from semsr.assets.hashing import Memory, checksums
from semsr.assets.store import Store, default_folder
from semsr.assets.verification import digest
from semsr.cards import DatasetCard
from semsr.cards.dataset import DerivedSource, FileSource, GeneratedSource
from semsr.errors import SemsrError
from semsr.preparation.annotations import find as find_annotations
from semsr.preparation.originals import Fetched, photographs_below, record_path, scratch_path, write_record
from semsr.preparation.pairing import Pair
from semsr.project import Project
from semsr.stages.checksums import require_published
from semsr.stages.needs import require_space
from semsr.stages.sources import asset_ids, own_copy, part_ids, pictures_below, source_of_part

logger = logging.getLogger(__name__)


def run(project: Project, dataset_id: str, source: Path | None = None) -> Fetched:
    """Get a data set's files, check that all are there, and record what they are in data/fetched/<id>/record.json.

    Without `source`, a folder that an earlier run was given is kept as long as it is there; delete the record to go back to the
    official files. Of a data set that is made of others, these are fetched.

    Args:
        project: the project.
        dataset_id: the data set's id.
        source: the user's own copy (`--from`); default: the official place.

    Raises:
        UnknownIdError: no such data set.
        AssetError: no mirror gives the official files.
        PairingError: the copy is incomplete, laid out in no known way, or differs from the checksums published with it.
        StorageError: the disk is too small, said before anything is downloaded.
        CardError: a data set is made from itself.
    """
    card = project.dataset(dataset_id)
    require_space(project, card, own_copy(project, card, source_of_part(card, source)), prepare=False)
    return _run(project, card, source)


def _run(project: Project, card: DatasetCard, source: Path | None) -> Fetched:
    if isinstance(card.source, DerivedSource | GeneratedSource):
        record = _from_parts(project, card, source)
    elif (folder := own_copy(project, card, source)) is not None:
        if source is None:
            place = record_path(project, card.id)
            logger.info("%s: keeping your copy in %s; delete %s to use the official files", card.id, folder, place)
        record = _from_folder(project, card, folder)
    else:
        record = _from_assets(project, card)
    write_record(project, record)
    logger.info("%s: %d %s", card.id, len(record.files), _whence(record))
    return record


def originals(project: Project, card: DatasetCard, record: Fetched) -> tuple[list[Path], dict[str, Path]]:
    """Where the files of a record lie: the folders of a data set of files, or the photographs by asset id; the other one is empty.

    Both are empty for a data set that is made of others: it is made from their prepared form.

    Raises:
        SemsrError: the user's folder is gone, or has changed since it was fetched.
        AssetError: an asset can't be had any more.
    """
    if isinstance(card.source, DerivedSource | GeneratedSource):
        return [], {}
    if record.folder is not None:
        folder = Path(record.folder)
        if not folder.is_dir():
            raise SemsrError(
                f"{card.id}: your copy in {folder} is gone; run `semsr fetch {card.id}`, with --from DIR for another copy"
            )
        paths = copied(project, card, folder)
        if record_of(card, folder, paths) != record:
            raise SemsrError(
                f"{card.id}: your copy in {folder} has changed since; run `semsr fetch {card.id} --from {folder}` again"
            )
        return ([folder], {}) if isinstance(card.source, FileSource) else ([], paths)
    store = Store()
    if isinstance(card.source, FileSource):
        return [store.opened(project.asset(name)) for name in asset_ids(card)], {}
    return [], {name: store.get(project.asset(name)) for name in asset_ids(card)}


def copied(project: Project, card: DatasetCard, folder: Path) -> dict[str, Path]:
    """The files of a user's copy that belong to a data set, by the name they have in the record.

    These are paths below the folder; asset ids for photographs; the prepared path for annotations packed in an archive of the copy.
    Raises: PairingError.
    """
    if not isinstance(card.source, FileSource):
        return photographs_below(project, card, folder)
    pairs = pictures_below(project, card, [folder])
    notes = _annotations(project, card, [folder], pairs)
    found = {path.relative_to(folder).as_posix(): path for path in _files(pairs)}
    return found | {
        path.relative_to(folder).as_posix() if path.is_relative_to(folder) else name: path for name, path in notes.items()
    }


def record_of(card: DatasetCard, folder: Path, paths: dict[str, Path], *, md5: dict[Path, str] | None = None) -> Fetched:
    """The record of a user's copy.

    Args:
        card: the data set's card.
        folder: the copy.
        paths: its files, as `copied` gives them.
        md5: filled with the MD5 of each file, where given.

    Raises:
        OSError: a file is gone or can't be read.
    """
    sums = checksums(paths.values(), label=f"check {card.id}", md5=md5 is not None, memory=_memory(card, folder))
    if md5 is not None:
        md5 |= {path: found.md5 or "" for path, found in sums.items()}
    files = {name: sums[path].sha256 for name, path in sorted(paths.items())}
    return Fetched(dataset=card.id, kind="folder", files=files, folder=str(folder))


def _memory(card: DatasetCard, folder: Path) -> Memory:
    # In the store, not in data/: that a file's time has changed must not look like new data to later stages.
    key = hashlib.sha256(str(folder).encode()).hexdigest()[:12]
    return Memory(default_folder() / "hashes" / f"{card.id}-{key}.json")


def _from_folder(project: Project, card: DatasetCard, folder: Path) -> Fetched:
    paths = copied(project, card, folder)
    if not isinstance(card.source, FileSource) or card.source.checksums is None:
        return record_of(card, folder, paths)
    md5: dict[Path, str] = {}
    record = record_of(card, folder, paths, md5=md5)
    require_published(card, [folder], {path: md5[path] for path in _files(pictures_below(project, card, [folder]))})
    return record


def _from_assets(project: Project, card: DatasetCard) -> Fetched:
    names = asset_ids(card)
    if not names:
        raise SemsrError(f"{card.id}: the card knows no official files; pass your own copy: `semsr fetch {card.id} --from DIR`")
    store = Store()
    console = Console(stderr=True)
    progress = track(names, description=f"fetch {card.id}", console=console, transient=True, disable=not console.is_terminal)
    files = {name: digest(store.get(project.asset(name))) for name in progress}
    if isinstance(card.source, FileSource):
        folders = [store.opened(project.asset(name)) for name in names]
        pairs = pictures_below(project, card, folders)
        _annotations(project, card, folders, pairs)
        if card.source.checksums is not None:
            sums = checksums(_files(pairs), label=f"check {card.id}", md5=True)
            require_published(card, folders, {path: found.md5 or "" for path, found in sums.items()})
    return Fetched(dataset=card.id, kind="assets", files=files)


def _from_parts(project: Project, card: DatasetCard, source: Path | None) -> Fetched:
    source = source_of_part(card, source)
    files = {name: _run(project, project.dataset(name), source).sha256 for name in part_ids(card)}
    return Fetched(dataset=card.id, kind="derived", files=files)


def _annotations(project: Project, card: DatasetCard, folders: Sequence[Path], pairs: Sequence[Pair]) -> dict[str, Path]:
    if not card.annotations:
        return {}
    scratch = scratch_path(project, card.id)
    return find_annotations(card, folders, [pair.name for pair in pairs], scratch)


def _files(pairs: Sequence[Pair]) -> list[Path]:
    return [path for pair in pairs for path in (pair.hr, pair.lr) if path is not None]


def _whence(record: Fetched) -> str:
    if record.kind == "derived":
        return f"data sets that it is made of: {', '.join(record.files)}"
    return f"original files, {record.folder or 'from their official place'}"
