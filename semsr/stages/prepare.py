"""The second stage: bring a data set into the one form that everything else reads, data/<id>/{hr,lr}/ and manifest.parquet."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial
from pathlib import Path

from rich.console import Console
from rich.progress import track

import semsr.imaging
import semsr.preparation
from semsr.assets.locking import locked
from semsr.cards import DatasetCard
from semsr.cards.dataset import PhotoSource
from semsr.errors import SemsrError
from semsr.files import write_atomic
from semsr.fingerprint import fingerprint
from semsr.preparation.build import Picture, build, damage, picture_of_pair, picture_of_photo
from semsr.preparation.manifest import Prepared, read_manifest
from semsr.preparation.originals import Fetched, pairs_below, read_record
from semsr.project import Project
from semsr.stages import fetch

logger = logging.getLogger(__name__)


def run(project: Project, dataset_id: str, source: Path | None = None) -> Prepared:
    """Make data/<id>/, fetching first where that has not been done. Does nothing where the folder is whole and still current.

    Args:
        project: the project.
        dataset_id: the data set's id.
        source: the user's own copy (`--from`).

    Raises:
        UnknownIdError, AssetError, PairingError: as `fetch.run`.
        PictureError: a picture is truncated, not 8-bit RGB or of the wrong size.
        StorageError: data/ can't be written.
    """
    card = project.dataset(dataset_id)
    record = None if source else read_record(project, card.id)
    if record is None or not _is_current(project, card, record):
        record = fetch.run(project, card.id, source)
    recipe = _recipe(project, card, record)
    prepared = _existing(project, card, recipe)
    if prepared is None:
        with locked(project.data / ".locks" / card.id, card.id):
            # Another process may have made it while this one waited.
            prepared = _existing(project, card, recipe) or _build(project, card, record, recipe)
    _summarise(project, prepared)
    return prepared


def _is_current(project: Project, card: DatasetCard, record: Fetched) -> bool:
    """Whether what was fetched is still what the card asks for."""
    if record.kind == "folder":
        return True
    if sorted(record.files) != fetch.asset_ids(card):
        return False
    return all(project.asset(name).sha256 in (None, sha) for name, sha in record.files.items())


def _recipe(project: Project, card: DatasetCard, record: Fetched) -> str:
    """Hash of everything the prepared folder is made from."""
    facts = card.model_dump(mode="json", include={"id", "scale", "count", "source", "degradation", "crop_to_multiple", "grey"})
    imaging, preparation = (Path(package.__path__[0]) for package in (semsr.imaging, semsr.preparation))
    code = [imaging / "resize.py", imaging / "pictures.py", preparation]
    return fingerprint(project, code, card=facts, originals=record.files)


def _recipe_path(project: Project, card: DatasetCard) -> Path:
    # Beside the folder, not in it: a new recipe that gives the same pictures must not look like new data to later stages.
    return project.data / f"{card.id}.prepared.json"


def _existing(project: Project, card: DatasetCard, recipe: str) -> Prepared | None:
    """The prepared folder, where it is whole and made by this recipe."""
    try:
        known = dict(json.loads(_recipe_path(project, card).read_bytes()))
        prepared = read_manifest(card, project.data / card.id)
    except (FileNotFoundError, ValueError, TypeError):
        return None
    except SemsrError as error:
        logger.warning("%s; preparing again", error)
        return None
    if known.get("recipe") != recipe or known.get("sha256") != prepared.sha256:
        return None
    if wrong := damage(prepared):
        logger.warning("%s; preparing %s again", wrong, card.id)
        return None
    return prepared


def _build(project: Project, card: DatasetCard, record: Fetched, recipe: str) -> Prepared:
    pictures = _pictures(project, card, record)
    console = Console(stderr=True)
    shown = track(pictures, f"prepare {card.id}", console=console, transient=True, disable=not console.is_terminal)
    prepared = build(card, project.data / card.id, shown)
    write_atomic(_recipe_path(project, card), json.dumps({"recipe": recipe, "sha256": prepared.sha256}) + "\n")
    return prepared


def _pictures(project: Project, card: DatasetCard, record: Fetched) -> list[Callable[[], Picture]]:
    folders, photographs = fetch.originals(project, card, record)
    if isinstance(card.source, PhotoSource):
        return [partial(picture_of_photo, card, photo, photographs[photo.asset]) for photo in card.source.photos]
    pairs = pairs_below(card, folders)
    if card.degradation is not None and any(pair.lr is None for pair in pairs):
        logger.warning("%s: no LR pictures in %s: made here by %s", card.id, *folders, card.degradation.kind)
    return [partial(picture_of_pair, card, pair) for pair in pairs]


def _summarise(project: Project, prepared: Prepared) -> None:
    train = f" and {len(prepared.train)} for training" if prepared.train else ""
    logger.info(
        "%s: %d test pictures%s in %s, sha256 %s",
        prepared.card.id,
        len(prepared.test),
        train,
        project.show(prepared.folder),
        prepared.sha256[:16],
    )
    if prepared.as_published is False:
        logger.warning(
            "%s: these are not, pixel for pixel, the pictures the published numbers were measured on; yours may differ from them",
            prepared.card.id,
        )
