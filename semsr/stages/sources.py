"""Where a data set's pictures come from: its assets, the user's own copy, or other data sets."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from semsr.cards import DatasetCard
from semsr.cards.dataset import DerivedSource, FileSource, GeneratedSource, PhotoSource
from semsr.errors import CardError, SemsrError
from semsr.preparation.originals import pairs_below, read_record
from semsr.preparation.pairing import Pair
from semsr.preparation.published import read_table
from semsr.project import Project


def asset_ids(card: DatasetCard) -> list[str]:
    """The assets that hold a data set's official files; none where it is made of others, or where only the user can have it."""
    if isinstance(card.source, FileSource):
        return sorted(card.source.assets)
    if isinstance(card.source, PhotoSource):
        return sorted({photo.asset for photo in card.source.photos})
    return []


def part_ids(card: DatasetCard) -> list[str]:
    """The data sets that one is made from or drawn with, each once; none where it has pictures of its own."""
    of_others = card.source.parts if isinstance(card.source, DerivedSource | GeneratedSource) else ()
    return sorted({part.dataset for part in of_others})


def parts_below(project: Project, card: DatasetCard, above: tuple[str, ...] = ()) -> list[str]:
    """All data sets that one is made of, and those that they are made of, each once and before what it is a part of.

    Raises:
        CardError: one is made from itself. UnknownIdError: there is none of a part's name.
    """
    if card.id in above:
        raise CardError(f"data set {card.id!r} is made from itself: {' -> '.join((*above, card.id))}; mend the cards' 'parts'")
    found: list[str] = []
    for name in part_ids(card):
        found += [*parts_below(project, project.dataset(name), (*above, card.id)), name]
    return list(dict.fromkeys(found))


def own_copy(project: Project, card: DatasetCard, source: Path | None) -> Path | None:
    """The user's folder: the one given now, or the one that an earlier run was given, while it is there; None: the official files.

    For a derived data set it is that of its only part.
    Raises: SemsrError: not a usable path; or it overlaps the prepared form, which would be made out of itself.
    """
    if source is None:
        return copy_of(project, card.id)
    try:
        folder = source.expanduser().resolve()
    except (RuntimeError, OSError) as error:
        raise SemsrError(f"{card.id}: --from {source}: not a usable path ({error})") from None
    prepared = (project.data / card.id).resolve()
    if folder == prepared or prepared in folder.parents or folder in prepared.parents:
        raise SemsrError(
            f"{card.id}: --from {source}: overlaps {project.show(prepared)}, where the prepared pictures are written; keep your "
            f"copy outside"
        )
    return folder


def source_of_part(card: DatasetCard, source: Path | None) -> Path | None:
    """The copy given for a derived data set, which is that of its only part. Raises: SemsrError where it has several."""
    parts = part_ids(card)
    if source is not None and len(parts) > 1:
        ways = " or ".join(f"`semsr fetch {part} --from DIR`" for part in parts)
        raise SemsrError(
            f"{card.id}: is made of {' and '.join(parts)}, so --from {source} is not clear; pass it to the part: {ways}"
        )
    return source


def pictures_below(project: Project, card: DatasetCard, folders: Sequence[Path]) -> tuple[Pair, ...]:
    """`pairs_below`, which names what is missing where the published names are known. Raises: PairingError."""
    published = read_table(card, project.folders("dataset")[card.id]) or {}
    return pairs_below(card, folders, published.keys())


def copy_of(project: Project, dataset: str) -> Path | None:
    """The user's folder that an earlier fetch was given, while it is there."""
    before = read_record(project, dataset)
    return Path(before.folder) if before and before.folder and Path(before.folder).is_dir() else None
