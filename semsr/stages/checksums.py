"""The MD5 that a data set's authors publish for each file, in a JSON of theirs beside the pictures (FFHQ: ffhq-dataset-v2.json)."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath
from typing import Any

from semsr.cards import DatasetCard
from semsr.cards.dataset import FileSource
from semsr.errors import PairingError, SemsrError
from semsr.preparation.pairing import files_below, listed, matches

logger = logging.getLogger(__name__)


def require_published(card: DatasetCard, folders: Sequence[Path], md5: Mapping[Path, str]) -> None:
    """Check each picture against the authors' list, where the card knows of one; a list that is not there is said, no error.

    Args:
        card: the data set's card.
        folders: where the pictures and the list lie.
        md5: of each picture found.

    Raises:
        PairingError: a picture is not in the list, or differs from it.
        SemsrError: what is there is no such list; or it is there twice.
    """
    if not isinstance(card.source, FileSource) or card.source.checksums is None:
        return
    files = [file for folder in folders for file in files_below(folder)]
    lists = [path for paths in matches(files, card.source.checksums).values() for path in paths]
    if not lists:
        logger.warning(
            "%s: no %s there, so the pictures were not checked against the MD5 that the authors publish; put it beside them to have "
            "them checked",
            card.id,
            PurePosixPath(card.source.checksums).name,
        )
        return
    if len(lists) > 1:
        raise SemsrError(f"{card.id}: two lists of checksums: {lists[0]} and {lists[1]}; keep one")
    published = read_list(lists[0])
    unlisted = [path for path in md5 if path.name not in published]
    if unlisted:
        raise PairingError(
            f"{card.id}: {len(unlisted)} of {len(md5)} pictures are not in {lists[0]}: {listed(map(str, unlisted))}; remove or "
            f"rename them"
        )
    wrong = sorted(path for path, found in md5.items() if found not in _expected(published[path.name], path))
    if wrong:
        first = wrong[0]
        raise PairingError(
            f"{card.id}: {len(wrong)} of {len(md5)} pictures differ from the MD5 in {lists[0].name}: {listed(map(str, wrong))} "
            f"(expected {' or '.join(sorted(_expected(published[first.name], first)))}, found {md5[first]} of {first.name}); "
            f"get them again"
        )
    logger.info("%s: all %d pictures have the MD5 of %s", card.id, len(md5), lists[0].name)


def read_list(path: Path) -> dict[str, list[tuple[PurePosixPath, str]]]:
    """Every object with `file_path` and `file_md5` anywhere in a JSON file, by the file's name.

    Raises:
        SemsrError: not JSON, or no such object in it.
    """
    try:
        with path.open("rb") as file:
            data = json.load(file)
    except ValueError as error:
        raise SemsrError(f"{path}: not a JSON file ({error}); get it again") from None
    found: dict[str, list[tuple[PurePosixPath, str]]] = {}
    for name, md5 in _objects(data):
        place = PurePosixPath(name)
        found.setdefault(place.name, []).append((place, md5.lower()))
    if not found:
        raise SemsrError(f"{path}: no checksums in it (objects with 'file_path' and 'file_md5'); get it again")
    return found


def _objects(data: Any) -> Iterator[tuple[str, str]]:
    waiting = [data]
    while waiting:
        here = waiting.pop()
        if isinstance(here, dict):
            name, md5 = here.get("file_path"), here.get("file_md5")
            if isinstance(name, str) and isinstance(md5, str):
                yield name, md5
            waiting += here.values()
        elif isinstance(here, list):
            waiting += here


def _expected(candidates: Sequence[tuple[PurePosixPath, str]], path: Path) -> set[str]:
    """The MD5 of the listed file whose path ends most like `path` does; of all, where a bare file name fits several alike."""
    alike = {place: _common(place.parts, path.parts) for place, _ in candidates}
    return {md5 for place, md5 in candidates if alike[place] == max(alike.values())}


def _common(one: Sequence[str], other: Sequence[str]) -> int:
    """How many parts two paths have in common at their ends."""
    count = 0
    for mine, yours in zip(reversed(one), reversed(other), strict=False):
        if mine != yours:
            break
        count += 1
    return count
