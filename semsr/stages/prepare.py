"""The second stage: bring a data set into the one form that everything else reads, data/<id>/{hr,lr}/ and manifest.parquet."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import semsr.imaging
import semsr.preparation
from semsr.assets.locking import locked
from semsr.assets.progress import count_bar
from semsr.cards import DatasetCard
from semsr.cards.dataset import DerivedSource, GeneratedSource, RealEsrgan
from semsr.cores import available_cores
from semsr.errors import PairingError, SemsrError
from semsr.fingerprint import fingerprint
from semsr.preparation.annotations import damage as annotation_damage
from semsr.preparation.annotations import place as place_annotations
from semsr.preparation.build import build, damage
from semsr.preparation.generated import annotate
from semsr.preparation.journal import Journal, noted
from semsr.preparation.labels import unharmed
from semsr.preparation.manifest import Entry, Prepared, open_prepared, read_manifest, write_manifest
from semsr.preparation.originals import Fetched, read_record, write_record
from semsr.preparation.published import differences, read_table
from semsr.project import Project
from semsr.stages import fetch
from semsr.stages.needs import require_space
from semsr.stages.prepare_pictures import jobs_and_annotations
from semsr.stages.sources import asset_ids, own_copy, part_ids, parts_below, source_of_part

logger = logging.getLogger(__name__)


def run(project: Project, dataset_id: str, source: Path | None = None, *, workers: int | None = None) -> Prepared:
    """Make data/<id>/, fetching first where that has not been done. Does nothing where the folder is whole and still current.

    Args:
        project: the project.
        dataset_id: the data set's id; the data sets that it is made from are prepared first.
        source: the user's own copy (`--from`).
        workers: processes; default: one a core. The bytes do not depend on it.

    Raises:
        UnknownIdError, AssetError, PairingError, CardError: as `fetch.run`.
        PictureError: a picture is truncated, not 8-bit RGB or of the wrong size.
        StorageError: data/ can't be written; or a disk is too small, said before anything is downloaded.
    """
    parts_below(project, project.dataset(dataset_id))
    return _run(project, dataset_id, source, workers or available_cores())


def _run(project: Project, dataset_id: str, source: Path | None, workers: int) -> Prepared:
    card = project.dataset(dataset_id)
    before = read_record(project, card.id)
    record = None if source else before
    if record is None or not _is_current(project, card, record):
        # All that is to come, before anything is downloaded.
        require_space(project, card, own_copy(project, card, source_of_part(card, source)))
        record = fetch.run(project, card.id, source)
    parts = []
    if isinstance(card.source, DerivedSource | GeneratedSource):
        parts = [_run(project, part.dataset, None, workers) for part in card.source.parts]
    recipe = _recipe(project, card, record, parts)
    prepared = _existing(project, card, recipe)
    if prepared is None:
        require_space(project, card, own_copy(project, card, None))
        with locked(project.data / ".locks" / card.id, card.id):
            # Another process may have made it while this one waited.
            try:
                prepared = _existing(project, card, recipe) or _build(project, card, record, parts, recipe, workers)
            except SemsrError:
                if source is not None and before is not None:
                    write_record(project, before)  # the copy given is no good: the earlier one stays the one to use
                raise
    _summarise(project, prepared)
    return prepared


def is_of_this_card(project: Project, dataset_id: str) -> bool:
    """Whether a prepared data set was made by the cards, the code and the originals of now. Raises: SemsrError: a part is not prepared."""
    card, record = project.dataset(dataset_id), read_record(project, dataset_id)
    if record is None:
        return False
    source = card.source
    of_others = source.parts if isinstance(source, DerivedSource | GeneratedSource) else ()
    parts = [open_prepared(project, part.dataset) for part in of_others]
    return _journal(project, card, _recipe(project, card, record, parts)).finished is not None


def _is_current(project: Project, card: DatasetCard, record: Fetched) -> bool:
    """Whether what was fetched is still what the card asks for."""
    if record.kind == "folder":
        return True
    if isinstance(card.source, DerivedSource | GeneratedSource):
        return sorted(record.files) == part_ids(card)
    if sorted(record.files) != asset_ids(card):
        return False
    return all(project.asset(name).sha256 in (None, sha) for name, sha in record.files.items())


def _recipe(project: Project, card: DatasetCard, record: Fetched, parts: Sequence[Prepared]) -> str:
    """Hash of everything the prepared folder is made from."""
    keys = {"id", "scale", "split", "count", "source", "degradation", "crop_to_multiple", "grey", "annotations"}
    if card.resize is not None:
        keys.add("resize")
    facts = card.model_dump(mode="json", include=keys)
    imaging, preparation = (Path(package.__path__[0]) for package in (semsr.imaging, semsr.preparation))
    code = [imaging / "resize.py", imaging / "pictures.py", preparation]
    if isinstance(card.degradation, RealEsrgan):
        code.append(imaging / "degradation")
    if isinstance(card.source, GeneratedSource):
        code += sorted(project.folders("dataset")[card.id].rglob("*.py"))
    # A data set made of others depends on its parts' pictures, however those were come by.
    originals = {prepared.card.id: prepared.sha256 for prepared in parts} or record.files
    return fingerprint(project, code, card=facts, originals=originals)


def _journal(project: Project, card: DatasetCard, recipe: str) -> Journal:
    # Beside the folder, not in it: a new recipe that gives the same pictures must not look like new data to later stages.
    return Journal(project.data / f"{card.id}.prepared.jsonl", recipe, project.data / card.id)


def _existing(project: Project, card: DatasetCard, recipe: str) -> Prepared | None:
    """The prepared folder, where it is whole and made by this recipe."""
    journal = _journal(project, card, recipe)
    if journal.finished is None:
        return None
    try:
        prepared = read_manifest(card, project.data / card.id)
    except FileNotFoundError:
        return None
    except SemsrError as error:
        logger.warning("%s; preparing again", error)
        return None
    if journal.finished != prepared.sha256:
        return None
    touched = [entry for entry in prepared.entries if not journal.untouched(entry.name)]
    with ThreadPoolExecutor(available_cores()) as pool:
        wrong = [problem for problems in pool.map(damage, touched) for problem in problems]
    if wrong or (wrong := annotation_damage(prepared)):
        logger.warning("%s; preparing %s again", wrong[0], card.id)
        return None
    if touched:  # only their times have changed: a copied or restored folder
        with journal:
            for entry in touched:
                known = journal.pictures.get(entry.name)
                journal.add(noted(entry, prepared.folder, known.labels if known else None))
            journal.finish(prepared.sha256)
    return prepared


def _build(
    project: Project, card: DatasetCard, record: Fetched, parts: Sequence[Prepared], recipe: str, workers: int
) -> Prepared:
    folder = project.data / card.id
    jobs, found = jobs_and_annotations(project, card, record, parts)
    with _journal(project, card, recipe) as journal, count_bar(f"prepare {card.id}", len(jobs)) as advance:
        if isinstance(card.source, GeneratedSource):
            for name, known in list(journal.pictures.items()):
                if not unharmed(folder, name, known.labels):
                    journal.forget(name)
        entries = build(folder, jobs, journal, workers=workers, advance=advance)
        if card.pixels is not None and card.pixels.required and (wrong := _unlike_published(project, card, entries)):
            raise PairingError(
                f"{card.id}: not the published pictures: {_first_few(wrong)}. No others can stand in for them: "
                f"mend your copy, or fetch the official one"
            )
        if isinstance(card.source, GeneratedSource):
            annotated = annotate(project, card, folder, {job.name: journal.pictures[job.name].labels or {} for job in jobs})
        else:
            annotated = place_annotations(found, folder)
        write_manifest(folder, entries, annotated)
        prepared = read_manifest(card, folder)
        journal.finish(prepared.sha256)
    return prepared


def _unlike_published(project: Project, card: DatasetCard, entries: Sequence[Entry]) -> list[str]:
    table = read_table(card, project.folders("dataset")[card.id])
    return differences(table, entries) if table is not None else []


def _first_few(lines: Sequence[str]) -> str:
    return "; ".join(lines[:5]) + (f" and {len(lines) - 5} more" if len(lines) > 5 else "")


def _summarise(project: Project, prepared: Prepared) -> None:
    counts = [(len(prepared.test), "test"), (len(prepared.train), "training")]
    logger.info(
        "%s: %s pictures in %s, sha256 %s",
        prepared.card.id,
        " and ".join(f"{count} {what}" for count, what in counts if count),
        project.show(prepared.folder),
        prepared.sha256[:16],
    )
    if prepared.as_published is False:
        wrong = _unlike_published(project, prepared.card, prepared.entries)
        logger.warning(
            "%s: these are not, pixel for pixel, the pictures the published numbers were measured on; yours may differ from them%s",
            prepared.card.id,
            f" ({_first_few(wrong)})" if wrong else "",
        )
