"""The part of `prepare` that says what pictures are to be made, and of what: files, photographs, other data sets, or scenes to be drawn."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from semsr.cards import DatasetCard
from semsr.cards.source import DerivedSource, GeneratedSource, PhotoSource
from semsr.errors import PairingError
from semsr.preparation.annotations import find as find_annotations
from semsr.preparation.build import Job
from semsr.preparation.crops import boxes, shares
from semsr.preparation.generated import jobs_of_scenes
from semsr.preparation.making import Picture, picture_of_pair, picture_of_photo
from semsr.preparation.manifest import Entry, Prepared
from semsr.preparation.originals import Fetched, pairs_below, scratch_path
from semsr.preparation.pairing import Pair
from semsr.project import Project
from semsr.stages import fetch

logger = logging.getLogger(__name__)


def jobs_and_annotations(
    project: Project, card: DatasetCard, record: Fetched, parts: Sequence[Prepared]
) -> tuple[list[Job], dict[str, Path]]:
    """What is to be made, in the order of the pictures' names, and the annotations to be put beside it.

    Args:
        project: the project.
        card: of a data set.
        record: what was fetched for it.
        parts: the data sets that it is made from, prepared.

    Raises:
        PairingError: LR and HR, or the parts, do not fit together; there are not as many pictures as the card says.
    """
    if isinstance(card.source, DerivedSource):
        return _jobs_of_parts(card, card.source, parts), {}
    if isinstance(card.source, GeneratedSource):
        return jobs_of_scenes(project, card, parts), {}
    folders, photographs = fetch.originals(project, card, record)
    if isinstance(card.source, PhotoSource):
        photos = sorted(card.source.photos, key=lambda photo: photo.name)
        makes = [partial(picture_of_photo, card, photo, photographs[photo.asset], place) for place, photo in enumerate(photos)]
        return [Job(photo.name, make) for photo, make in zip(photos, makes, strict=True)], {}
    pairs = pairs_below(card, folders)
    if card.degradation is not None and any(pair.lr is None for pair in pairs):
        expected = any(layout.lr for layout in card.source.layouts)  # published LR exists; this copy has none
        where = ", ".join(map(str, folders))
        level = logging.WARNING if expected else logging.INFO
        logger.log(level, "%s: no LR pictures in %s: made here by %s", card.id, where, card.degradation.kind)
    scratch = scratch_path(project, card.id)
    found = find_annotations(card, folders, [pair.name for pair in pairs], scratch)
    return [Job(pair.name, partial(picture_of_pair, card, pair, place)) for place, pair in enumerate(pairs)], found


def _jobs_of_parts(card: DatasetCard, source: DerivedSource, parts: Sequence[Prepared]) -> list[Job]:
    entries: dict[str, Entry] = {}
    for part, prepared in zip(source.parts, parts, strict=True):
        for entry in prepared.entries[: part.first]:
            if entry.name in entries:
                raise PairingError(f"{card.id}: two of its parts have a picture called {entry.name!r}")
            entries[entry.name] = entry
    ordered = [entries[name] for name in sorted(entries)]
    counts = shares(source.crops.count, len(ordered)) if source.crops and source.crops.count else [1] * len(ordered)
    makes: list[tuple[int, str, partial[Picture]]] = []
    for entry, wanted in zip(ordered, counts, strict=True):
        # A degradation of the card's own replaces the LR that a part may have.
        kept = entry.lr if card.degradation is None else None
        cuts = (
            boxes(source.crops, entry, card.scale, wanted, on_grid=kept is not None) if source.crops else [(entry.name, None)]
        )
        split = None if source.crops else entry.split
        makes += [
            (turn, name, partial(picture_of_pair, card, Pair(name, entry.hr, kept), box=box, split=split))
            for turn, (name, box) in enumerate(cuts)
        ]
    # Neighbours in place are different pictures, as in a run over all pictures that is repeated until there are crops enough.
    makes.sort(key=lambda found: found[:2])
    jobs = [Job(name, partial(make, place=place)) for place, (_, name, make) in enumerate(makes)]
    jobs.sort(key=lambda job: job.name)
    if card.count is not None and len(jobs) != card.count:
        raise PairingError(f"{card.id}: {len(jobs)} pictures from its parts, but the card says {card.count}")
    return jobs
