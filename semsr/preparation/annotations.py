"""Annotations that come with a data set: found among the originals, checked against the pictures, copied beside them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from semsr.assets.archives import unpack
from semsr.assets.mirrors import link_or_copy
from semsr.cards import DatasetCard
from semsr.cards.dataset import Annotation
from semsr.errors import PairingError, SemsrError
from semsr.files import PARTIAL, sha256_file, storage_errors
from semsr.preparation.manifest import Prepared
from semsr.preparation.pairing import files_below, listed, matches


def find(card: DatasetCard, folders: Sequence[Path], names: Iterable[str], scratch: Path) -> dict[str, Path]:
    """The annotations of a data set below folders.

    Args:
        card: the data set's card.
        folders: the user's folder, or the unpacked archives.
        names: of the pictures, all of which must be annotated.
        scratch: where an archive inside the originals is unpacked, once.

    Returns:
        Path below the prepared folder -> original file.

    Raises:
        PairingError: one is missing or there twice; or does not speak of every picture.
        AssetError: an archive inside is damaged. StorageError: `scratch` can't be written.
    """
    names = sorted(names)
    found: dict[str, Path] = {}
    if not card.annotations:
        return found
    files = [file for folder in folders for file in files_below(folder)]
    for annotation in card.annotations:
        here = _candidates(annotation, files)
        if not here and annotation.archive is not None:
            here = _candidates(annotation, _inside(card, annotation, files, scratch))
        if annotation.per_picture:
            found |= _one_each(card, annotation, here, names)
        else:
            found[annotation.file] = _only(card, annotation, here.get("", []))
        if annotation.images:
            _check_images(card, found[annotation.file], names)
    return found


def place(found: Mapping[str, Path], folder: Path) -> dict[str, str]:
    """Put annotations into the prepared folder, whole or not at all, and remove others.

    Returns:
        Path below `folder` -> SHA-256 of the file's bytes.

    Raises:
        StorageError: can't be written.
    """
    hashes = {}
    for name, source in sorted(found.items()):
        target = folder / name
        hashes[name] = sha256_file(source)
        if not target.is_file() or sha256_file(target) != hashes[name]:
            partial = target.with_name(f".{target.name}{PARTIAL}")
            with storage_errors(target):
                target.parent.mkdir(parents=True, exist_ok=True)
                link_or_copy(source, partial)
                partial.replace(target)
    with storage_errors(folder):
        for path in sorted((folder / "annotations").rglob("*")):
            if path.is_file() and path.relative_to(folder).as_posix() not in found:
                path.unlink()
    return hashes


def damage(prepared: Prepared) -> list[str]:
    """What is wrong with a prepared folder's annotations: files that are gone or have changed."""
    found = []
    for name, sha in prepared.annotated.items():
        path = prepared.folder / name
        if not path.is_file():
            found.append(f"{path}: missing")
        elif sha256_file(path) != sha:
            found.append(f"{path}: other bytes than the manifest says")
    return found


def _candidates(annotation: Annotation, files: Sequence[tuple[str, Path]]) -> dict[str, list[Path]]:
    """By picture ("" where the file is for all): the files that the first fitting pattern finds."""
    for pattern in annotation.patterns:
        if here := matches(files, pattern):
            return here
    return {}


def _inside(
    card: DatasetCard, annotation: Annotation, files: Sequence[tuple[str, Path]], scratch: Path
) -> list[tuple[str, Path]]:
    assert annotation.archive is not None
    archives = [path for paths in matches(files, annotation.archive).values() for path in paths]
    if not archives:
        return []
    archive = _only(card, annotation, archives)
    folder = scratch / f"{archive.name}.{sha256_file(archive)[:12]}"
    if not folder.is_dir():
        with storage_errors(scratch):
            scratch.mkdir(parents=True, exist_ok=True)
        unpack(archive, folder)
    return files_below(folder)


def _only(card: DatasetCard, annotation: Annotation, paths: Sequence[Path]) -> Path:
    if not paths:
        wanted = " or ".join([*annotation.patterns, *filter(None, [annotation.archive])])
        raise PairingError(
            f"{card.id}: the annotation {annotation.file} is not there (looked for {wanted}); add it, or pass a folder that has it"
        )
    if len(paths) > 1:
        raise PairingError(f"{card.id}: the annotation {annotation.file} is there twice: {paths[0]} and {paths[1]}; keep one")
    return paths[0]


def _one_each(
    card: DatasetCard, annotation: Annotation, here: Mapping[str, list[Path]], names: Sequence[str]
) -> dict[str, Path]:
    if missing := [name for name in names if name not in here]:
        raise PairingError(
            f"{card.id}: {len(missing)} of {len(names)} pictures have no annotation {annotation.file}: {listed(missing)} "
            f"(looked for {' or '.join(annotation.patterns)})"
        )
    return {annotation.file.replace("{name}", name): _only(card, annotation, here[name]) for name in names}


def _check_images(card: DatasetCard, path: Path, names: Sequence[str]) -> None:
    try:
        with path.open("rb") as file:
            known = {Path(image["file_name"]).stem for image in json.load(file)["images"]}
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise SemsrError(f"{path}: not a JSON file of COCO's kind with 'images' ({error}); get it again") from None
    if missing := [name for name in names if name not in known]:
        raise PairingError(f"{card.id}: {path.name} does not name {len(missing)} of {len(names)} pictures: {listed(missing)}")
