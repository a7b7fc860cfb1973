"""The annotations of a prepared data set, in COCO's formats, picture by picture.

    annotations/panoptic.json         images (id, file_name, height, width), categories (id, name, isthing), annotations (image_id,
                                      segments_info: id, category_id, iscrowd)
    annotations/panoptic/<name>.png   ids of the segments: R + 256 G + 65536 B, 0 where nothing is annotated
    annotations/instances.json        images, annotations (id, image_id, category_id, bbox, area, iscrowd, segmentation); may be absent

A picture is called as the stem of its file name says.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from semsr.errors import SemanticError, UnknownIdError
from semsr.evaluation.semantic.resizing import resized_truth, vanished
from semsr.evaluation.semantic.truth import TrueObject, TrueSegment, Truth
from semsr.segmentation import rle
from semsr.segmentation.answers import agreeing_areas, category_ids, category_of
from semsr.segmentation.found import Category, Ids
from semsr.segmentation.json_entries import Entry, parse_json, read_json
from semsr.segmentation.maps import LARGEST_ID, read_ids
from semsr.segmentation.masks import encode, tight_box

_ADVICE = "prepare the data set again, from a whole copy"


@dataclass(frozen=True)
class Annotations:
    """All annotations of a data set. What is in a picture is looked into when it is asked for, so 5000 pictures cost what one does.

    The entries of each picture are kept as JSON text: a tenth of the memory of Python's objects, and quick to hand to a worker process.

    Attributes:
        folder: the prepared data set's.
        categories: sorted by id.
        sizes: (H, W) of each picture's annotations, by name.
        vanished: how many segments and objects of a picture were left out when it was last asked for at another size, by name; only where
            there were any, and of this copy: what a worker process left out, it knows.
    """

    folder: Path
    categories: tuple[Category, ...]
    sizes: Mapping[str, tuple[int, int]]
    _segments: Mapping[str, bytes] = field(repr=False)
    _objects: Mapping[str, bytes] | None = field(repr=False)
    vanished: dict[str, tuple[int, int]] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Annotations:
        """Read what stands in JSON files.

        Args:
            folder: a prepared data set's, `data/<id>`.

        Raises:
            SemanticError: no panoptic.json; a file is damaged; pictures, categories or annotations are there twice, or belong to nothing.
        """
        panoptic, instances = folder / "annotations/panoptic.json", folder / "annotations/instances.json"
        if not panoptic.is_file():
            raise SemanticError(
                f"{panoptic}: no such file; only data sets with panoptic annotations can be judged: name one of them"
            )
        data = read_json(panoptic, _ADVICE)
        names, sizes = {}, {}
        for image in data["images"]:
            number, name = _picture(image)
            if number in names or name in sizes:
                raise SemanticError(f"{panoptic}: {image.key}: picture {name!r} or its id {number!r} is there twice: {_ADVICE}")
            names[number], sizes[name] = name, (image["height"].integer(1), image["width"].integer(1))
        segments: dict[str, bytes] = {}
        for entry in data["annotations"]:
            found = _picture_of(entry, names)
            if found in segments:
                raise SemanticError(
                    f"{panoptic}: {entry.key}: picture {found!r} has two annotations; one is allowed: {_ADVICE}"
                )
            segments[found] = _packed(entry["segments_info"])
        objects = _objects_by_picture(instances) if instances.is_file() else None
        return cls(folder, _categories(data), sizes, segments, objects)

    @property
    def names(self) -> tuple[str, ...]:
        """All annotated pictures, sorted."""
        return tuple(sorted(self.sizes))

    def size(self, name: str) -> tuple[int, int]:
        """(H, W) of a picture's annotations. Raises: UnknownIdError."""
        if name not in self.sizes:
            raise UnknownIdError(f"picture of {self.folder.name}", name, self.sizes)
        return self.sizes[name]

    def truth(self, name: str, size: tuple[int, int] | None = None) -> Truth:
        """What is really in a picture.

        Objects are those of instances.json whose category is a thing; where that file is absent, the thing segments: each with the box
        around its pixels. Areas of objects are the annotated ones, or counted where the size changes.

        Args:
            name: the picture's.
            size: (h, w) to bring them to (`semsr.evaluation.semantic.resizing`); default: their own.

        Raises:
            UnknownIdError: no such picture.
            SemanticError: it has no annotation; the map is missing, damaged or of another size; ids in map and list differ; an unknown
                category; boxes or masks that are none.
        """
        own = self.size(name)
        panoptic, segments = self._panoptic(name, own)
        objects = self._objects_of_segments(panoptic, segments) if self._objects is None else self._true_objects(name, own)
        truth = Truth(name, own, panoptic, segments, objects)
        if size is None:
            return truth
        result = resized_truth(truth, size)
        self.vanished.pop(name, None)
        if any(lost := vanished(truth, result)):
            self.vanished[name] = lost
        return result

    def _panoptic(self, name: str, size: tuple[int, int]) -> tuple[Ids, tuple[TrueSegment, ...]]:
        file, path = str(self.folder / "annotations/panoptic.json"), self.folder / "annotations/panoptic" / f"{name}.png"
        if name not in self._segments:
            raise SemanticError(f"{file}: picture {name!r} has no annotation; each needs one: {_ADVICE}")
        known = category_ids(self.categories)
        entries = [
            (entry["id"].integer(1, LARGEST_ID), category_of(entry, known), _crowd(entry))
            for entry in parse_json(self._segments[name], f"{file}: {name}", _ADVICE)
        ]
        ids = read_ids(path, size, _ADVICE)
        areas = agreeing_areas(ids, [number for number, _, _ in entries], str(path), f"{file}: {name}", _ADVICE)
        return ids, tuple(TrueSegment(number, category, crowd, areas[number]) for number, category, crowd in entries)

    def _true_objects(self, name: str, size: tuple[int, int]) -> tuple[TrueObject, ...]:
        file = self.folder / "annotations/instances.json"
        if self._objects is None or name not in self._objects:
            raise SemanticError(f"{file}: picture {name!r} is not among its images; each must be: {_ADVICE}")
        known, things = category_ids(self.categories), category_ids(kind for kind in self.categories if kind.thing)
        found: dict[int, TrueObject] = {}
        for entry in parse_json(self._objects[name], f"{file}: {name}", _ADVICE):
            # Panoptic annotations turned into detection's format list stuff, too: it has no objects.
            if (category := category_of(entry, known)) not in things:
                continue
            number = entry["id"].integer(0)
            if number in found:
                raise SemanticError(f"{entry.file}: object id {number} is there twice; each needs an id of its own: {_ADVICE}")
            mask, area = rle.from_json(entry["segmentation"], size), entry["area"].number(0)
            found[number] = TrueObject(number, category, entry["bbox"].box(), area, mask, _crowd(entry))
        return tuple(found.values())

    def _objects_of_segments(self, panoptic: Ids, segments: tuple[TrueSegment, ...]) -> tuple[TrueObject, ...]:
        things = category_ids(kind for kind in self.categories if kind.thing)
        return tuple(
            TrueObject(segment.id, segment.category, tight_box(mask), float(segment.area), encode(mask), segment.crowd)
            for segment in segments
            if segment.category in things and (mask := panoptic == segment.id).any()
        )


def _categories(data: Entry) -> tuple[Category, ...]:
    found: dict[int, Category] = {}
    for entry in data["categories"]:
        number = entry["id"].integer(0)
        if number in found:
            raise entry["id"].wrong("an id of its own: another category has it")
        found[number] = Category(number, entry["name"].text(), entry["isthing"].flag())
    if not found:
        raise data["categories"].wrong("a list of at least one category")
    return tuple(found[number] for number in sorted(found))


def _objects_by_picture(path: Path) -> dict[str, bytes]:
    data = read_json(path, _ADVICE)
    names: dict[int | str, str] = {}
    for image in data["images"]:
        number, name = _picture(image)
        if number in names:
            raise SemanticError(f"{path}: {image.key}: id {number!r} is there twice; each picture needs its own: {_ADVICE}")
        names[number] = name
    grouped: dict[str, list[Entry]] = {name: [] for name in names.values()}
    for entry in data["annotations"]:
        grouped[_picture_of(entry, names)].append(entry)
    return {name: json.dumps([entry.value for entry in entries]).encode() for name, entries in grouped.items()}


def _packed(entries: Entry) -> bytes:
    return json.dumps(entries.value).encode()


def _picture(image: Entry) -> tuple[int | str, str]:
    return _number(image["id"]), Path(image["file_name"].text()).stem


def _picture_of(entry: Entry, names: Mapping[int | str, str]) -> str:
    number = entry["image_id"]
    if (found := names.get(_number(number))) is None:
        raise number.wrong("the id of one of its images")
    return found


def _number(entry: Entry) -> int | str:
    if isinstance(entry.value, bool) or not isinstance(entry.value, (int, str)):
        raise entry.wrong("a whole number or a string")
    return entry.value


def _crowd(entry: Entry) -> bool:
    found = entry.get("iscrowd")
    return found is not None and found.flag()
