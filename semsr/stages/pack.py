"""Before a training: keep the raw pixels of a data set's training pictures, so that patches are read without decoding."""

from __future__ import annotations

import logging
from pathlib import Path

from semsr.assets.progress import count_bar
from semsr.preparation.manifest import open_prepared
from semsr.project import Project
from semsr.training.index import Index, Source
from semsr.training.packing import Packing, pack, plan

logger = logging.getLogger(__name__)


def folder(project: Project) -> Path:
    """Where packed pixels lie: data/pixels, for all data sets together, by the hash of the picture."""
    return project.data / "pixels"


def run(project: Project, dataset_id: str, to: Path | None = None) -> Packing:
    """Pack what is not packed yet, HR and LR; a killed run is continued.

    Args:
        project: the project.
        dataset_id: a prepared data set with training pictures.
        to: another folder than data/pixels, on a larger or faster disk.

    Returns:
        What was missing before.

    Raises:
        SemsrError: not prepared, or nothing to train on.
        StorageError: not enough disk space, or not writable.
        PictureError: a picture is damaged or was changed.
    """
    index = Index([Source(open_prepared(project, dataset_id))])
    target = to or folder(project)
    todo = plan(index, target)
    logger.info("%s: %d pictures to pack, %.1f GB in %s", dataset_id, len(todo.missing), todo.bytes / 1e9, project.show(target))
    with count_bar(f"pack {dataset_id}", len(todo.missing)) as advance:
        return pack(index, target, advance=advance)
