"""Exact annotations of generated pictures in COCO's formats, panoptic and instances: a label map a picture, two JSON files for all."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco_mask

from semsr.files import remove_partial, sha256_file, storage_errors, write_atomic
from semsr.imaging.pictures import encode_png

PANOPTIC = "annotations/panoptic.json"
INSTANCES = "annotations/instances.json"
MAPS = "annotations/panoptic"
"""The folder of the label maps, below the prepared data set's."""

MapIds = NDArray[np.int32]
"""(H, W) ids of segments, 0 where nothing is labelled (void)."""


@dataclass(frozen=True)
class Label:
    """One class of a data set: its COCO id, its name, and whether it has countable objects (thing) or not (stuff)."""

    id: int
    name: str
    thing: bool


@dataclass(frozen=True)
class Region:
    """One segment of a label map: `id` in the map, its class's id; `crowd`: many objects of a thing class that are not told apart."""

    id: int
    category: int
    crowd: bool = False


@dataclass(frozen=True)
class Labels:
    """The annotations of one picture.

    Attributes:
        png: its label map as a PNG: id = R + 256 G + 65536 B.
        facts: {"size": [H, W], "sha256": that of `png`, "segments": [...], "objects": [...]}, the last two as COCO's panoptic and
            instance files have them, without the numbers that only a whole data set gives (image and annotation ids).
    """

    png: bytes
    facts: dict[str, Any]


def map_file(name: str) -> str:
    """Where a picture's label map lies below the prepared folder."""
    return f"{MAPS}/{name}.png"


def labels_of(ids: MapIds, regions: Sequence[Region], things: frozenset[int]) -> Labels:
    """A picture's annotations: areas, boxes and masks are those of the visible pixels.

    Args:
        ids: the label map; ids from 1 to 2^24 - 1.
        regions: one for every id in it but 0.
        things: ids of the thing classes, whose regions are objects.
    """
    png = encode_png(np.stack([ids & 255, ids >> 8 & 255, ids >> 16 & 255], axis=-1).astype(np.uint8))
    segments, objects = [], []
    for region in regions:
        mask = ids == region.id
        common = {
            "category_id": region.category,
            "area": int(mask.sum()),
            "bbox": _box(mask),
            "iscrowd": int(region.crowd),
        }
        segments.append({"id": region.id, **common})
        if region.category in things:
            rle = coco_mask.encode(np.asfortranarray(mask.astype(np.uint8)))
            counts = rle["counts"].decode("ascii")
            objects.append({**common, "segmentation": {"size": [*map(int, rle["size"])], "counts": counts}})
    height, width = ids.shape
    sha = hashlib.sha256(png).hexdigest()
    return Labels(png, {"size": [height, width], "sha256": sha, "segments": segments, "objects": objects})


def unharmed(folder: Path, name: str, facts: Mapping[str, Any] | None) -> bool:
    """Whether a picture's label map lies below `folder` as it was made; `facts` are those of its `Labels`, None where none are known."""
    try:
        return facts is not None and sha256_file(folder / map_file(name)) == facts["sha256"]
    except (OSError, KeyError):
        return False


def complete(folder: Path, categories: Sequence[Label], facts: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Write the two JSON files over all pictures, and remove annotations of pictures that are none (any more).

    Args:
        folder: the prepared data set's; the label maps lie there already.
        categories: all classes; instances.json names the things alone, as COCO's does.
        facts: by picture, what its `Labels` say.

    Returns:
        Path below `folder` -> SHA-256 of the file's bytes.

    Raises:
        StorageError: can't be written.
    """
    classes = [
        {"id": label.id, "name": label.name, "isthing": int(label.thing), "supercategory": "thing" if label.thing else "stuff"}
        for label in sorted(categories, key=lambda label: label.id)
    ]
    images, panoptic, objects = [], [], []
    for number, name in enumerate(sorted(facts), start=1):
        one = facts[name]
        height, width = one["size"]
        images.append({"id": number, "file_name": f"{name}.png", "height": height, "width": width})
        panoptic.append({"image_id": number, "file_name": f"{name}.png", "segments_info": one["segments"]})
        objects += [{"image_id": number, **found} for found in one["objects"]]
    instances = [{"id": number, **found} for number, found in enumerate(objects, start=1)]
    things = [{key: value for key, value in label.items() if key != "isthing"} for label in classes if label["isthing"]]
    hashes = {map_file(name): str(one["sha256"]) for name, one in facts.items()}
    for file, content in (
        (PANOPTIC, {"images": images, "annotations": panoptic, "categories": classes}),
        (INSTANCES, {"images": images, "annotations": instances, "categories": things}),
    ):
        data = json.dumps(content, separators=(",", ":")).encode() + b"\n"
        hashes[file] = hashlib.sha256(data).hexdigest()
        write_atomic(folder / file, data)
    with storage_errors(folder):
        remove_partial(folder / MAPS)
        for path in sorted((folder / "annotations").rglob("*")):
            if path.is_file() and path.relative_to(folder).as_posix() not in hashes:
                path.unlink()
    return dict(sorted(hashes.items()))


def _box(mask: NDArray[np.bool_]) -> list[int]:
    """COCO's x, y, width, height of a mask, in pixels."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    left, top = int(columns[0]), int(rows[0])
    return [left, top, int(columns[-1]) + 1 - left, int(rows[-1]) + 1 - top]
