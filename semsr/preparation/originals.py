"""What was fetched for a data set and where it lies: data/fetched/<id>/record.json, a small file that says the same on every run."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Literal

from semsr.cards import Card, DatasetCard, parse_card
from semsr.cards.dataset import FileSource, PhotoSource
from semsr.errors import CardError, PairingError
from semsr.files import sha256_file, write_atomic
from semsr.preparation.pairing import Pair, files_below, find_pairs, gaps, listed
from semsr.project import Project


class Fetched(Card):
    """The record of one fetch.

    Attributes:
        dataset: the data set's id.
        kind: "assets" where the official files were taken, "folder" where a user's copy was, "derived" where it is made of others.
        files: SHA-256 of each original file, by its asset's id or by its path in the folder; of a derived data set the `sha256` of
            each part's record, by the part's id.
        folder: the user's folder, or None.
    """

    dataset: str
    kind: Literal["assets", "folder", "derived"]
    files: dict[str, str]
    folder: str | None = None

    @property
    def sha256(self) -> str:
        """One hash over all original files; where they lie plays no part."""
        return hashlib.sha256(json.dumps(self.files, sort_keys=True).encode()).hexdigest()


def record_path(project: Project, dataset: str) -> Path:
    """Where the record of a fetch lies."""
    return project.data / "fetched" / dataset / "record.json"


def scratch_path(project: Project, dataset: str) -> Path:
    """Where archives inside the originals are unpacked: not beside the record, whose folder the pipeline hashes. May be deleted."""
    return project.data / "unpacked" / dataset


def read_record(project: Project, dataset: str) -> Fetched | None:
    """The record of the last fetch; None where there is none, or none that can be read."""
    path = record_path(project, dataset)
    try:
        return parse_card(Fetched, json.loads(path.read_bytes()), project.show(path))
    except (FileNotFoundError, ValueError, CardError):
        return None


def write_record(project: Project, record: Fetched) -> None:
    """Write the record, whole or not at all. Raises: StorageError."""
    text = json.dumps(record.model_dump(mode="json"), indent=1, sort_keys=True)
    write_atomic(record_path(project, record.dataset), text + "\n")


def pairs_below(card: DatasetCard, folders: Sequence[Path], published: Collection[str] = ()) -> tuple[Pair, ...]:
    """The pictures of a data set of files below folders, as many as the card says; only the first by name where it says so.

    Args:
        card: the data set's card.
        folders: the user's folder, or the unpacked archives.
        published: the names of all pictures, where they are known: to say which are missing.

    Raises:
        PairingError: as `find_pairs`; or more or fewer pictures than the card says, naming what is missing or too many; without
            `published` as far as numbering tells.
    """
    assert isinstance(card.source, FileSource)
    pairs = find_pairs(folders, card.source.layouts, dataset=card.id, makes_lr=card.degradation is not None)
    pairs = pairs[: card.source.first]
    names = {pair.name for pair in pairs}
    where = ", ".join(map(str, folders))
    missing, hint = gaps(names), ""
    if names & set(published):
        missing, unknown = sorted(set(published) - names), sorted(names - set(published))
        hint = f"; {listed(unknown)} {'does' if len(unknown) == 1 else 'do'} not belong to it" if unknown else ""
    if missing:
        told = "" if names & set(published) else "by their numbers "
        hint = f"; {told}{listed(missing)} {'is' if len(missing) == 1 else 'are'} missing{hint}"
    if card.source.first is not None and missing:
        raise PairingError(
            f"{card.id}: the first {len(pairs)} pictures by name in {where} are not the data set's{hint}. Complete the folder"
        )
    if card.count is not None and len(pairs) != card.count:
        raise PairingError(
            f"{card.id}: {len(pairs)} pictures in {where} ({listed(names)}), but the data set has {card.count}{hint}. "
            f"Complete the folder, or fetch the official copy: `semsr fetch {card.id}`"
        )
    return pairs


def photographs_below(project: Project, card: DatasetCard, folder: Path) -> dict[str, Path]:
    """The photographs of a data set in a user's folder, by asset id; found by file name, checked against the card's checksums.

    Raises:
        PairingError: no such folder, or a photograph is missing or differs.
    """
    assert isinstance(card.source, PhotoSource)
    if not folder.is_dir():
        raise PairingError(f"{card.id}: {folder}: no such folder")
    there = {path.name: path for _, path in files_below(folder)}
    found: dict[str, Path] = {}
    for name in sorted({photo.asset for photo in card.source.photos}):
        asset = project.asset(name)
        path = there.get(asset.file)
        if path is None:
            raise PairingError(f"{card.id}: {asset.file} ({asset.title}) is not in {folder}; add it: {asset.manual}")
        if asset.sha256 is not None and (sha := sha256_file(path)) != asset.sha256:
            raise PairingError(f"{card.id}: {path}: sha256 does not match (expected {asset.sha256}, found {sha})")
        found[name] = path
    return found
