"""What a segmenter found, kept in a folder: three files a picture, the JSON last, so that it says what is finished.

    found/<name>.json     {"size": [H, W], "segments": [...] or null, "instances": [...] or null, "classes": true or false}
    panoptic/<name>.png   ids of the segments: R + 256 G + 65536 B, 0 where there is none
    semantic/<name>.png   8-bit: place in the categories sorted by id, 255 where no class was given

Segments have id, category_id and score (or null); instances category_id, score, bbox [x, y, width, height] and segmentation (run lengths,
counts as a string; or null), the best first.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from semsr.errors import SemanticError
from semsr.files import storage_errors, write_atomic
from semsr.segmentation.answers import (
    agreeing_areas,
    category_ids,
    instance_json,
    instance_of,
    segment_json,
    segment_of,
)
from semsr.segmentation.found import Category, Found, Ids, Segment
from semsr.segmentation.json_entries import read_json
from semsr.segmentation.maps import read_classes, read_ids, write_classes, write_ids


def write_found(folder: Path, found: Found) -> None:
    """Keep what was found in one picture, whole or not at all; what an earlier run left of it is replaced.

    Args:
        folder: of one row.
        found: of one picture. It is not looked into: reading does.

    Raises:
        SemanticError: ids or classes that no file holds. StorageError: can't be written.
    """
    facts, panoptic, semantic = _files(folder, found.name)
    with storage_errors(folder):
        # Maps of now beside a list of before would look like a finished picture.
        facts.unlink(missing_ok=True)
        for stale, answer in ((panoptic, found.panoptic), (semantic, found.classes)):
            if answer is None:
                stale.unlink(missing_ok=True)
    if found.panoptic is not None:
        write_ids(panoptic, found.panoptic)
    if found.classes is not None:
        write_classes(semantic, found.classes)
    data: dict[str, Any] = {
        "size": [int(side) for side in found.size],
        "segments": None if found.panoptic is None else [segment_json(segment) for segment in found.segments],
        "instances": None if found.instances is None else [instance_json(instance) for instance in found.instances],
        "classes": found.classes is not None,
    }
    write_atomic(facts, json.dumps(data))


def read_found(folder: Path, name: str, categories: Sequence[Category], size: tuple[int, int]) -> Found:
    """What was found in one picture, checked.

    Args:
        folder: of one row.
        name: the picture's.
        categories: the data set's, sorted by id.
        size: (H, W) that it must have.

    Raises:
        SemanticError: a file is missing, damaged or of another size; ids in the map and in the list differ, or are there twice; an unknown
            category; a mask of another size; values that are not finite.
    """
    facts, panoptic, semantic = _files(folder, name)
    if not facts.is_file():
        raise SemanticError(f"{facts}: no such file; nothing is kept of picture {name!r}: segment it first")
    advice = f"delete {facts} and segment the picture again"
    data = read_json(facts, advice)
    if (found := data["size"].size()) != size:
        raise SemanticError(
            f"{facts}: found at {found[1]}x{found[0]}; it must be {size[1]}x{size[0]} (width x height): {advice}"
        )
    known = category_ids(categories)
    listed, instances = data.get("segments"), data.get("instances")
    ids: Ids | None = None
    segments: tuple[Segment, ...] = ()
    if listed is not None:
        segments = tuple(segment_of(entry, known) for entry in listed)
        ids = read_ids(panoptic, size, advice)
        agreeing_areas(ids, [segment.id for segment in segments], str(panoptic), str(facts), advice)
    return Found(
        name,
        size,
        ids,
        segments,
        read_classes(semantic, size, len(categories), advice) if data["classes"].flag() else None,
        None if instances is None else tuple(instance_of(entry, known, size) for entry in instances),
    )


def stored_names(folder: Path) -> set[str]:
    """The pictures that are finished in a folder; none where it is not there."""
    return {path.stem for path in (folder / "found").glob("*.json") if not path.name.startswith(".")}


def _files(folder: Path, name: str) -> tuple[Path, Path, Path]:
    return folder / "found" / f"{name}.json", folder / "panoptic" / f"{name}.png", folder / "semantic" / f"{name}.png"
