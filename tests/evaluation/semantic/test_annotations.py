"""COCO's annotations, picture by picture: against the files as they are, and everything that may be wrong in them."""

from __future__ import annotations

import copy
import json
import pickle
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco

from semsr.errors import SemanticError, SemsrError, UnknownIdError
from semsr.evaluation.semantic.annotations import Annotations
from semsr.evaluation.semantic.truth import TrueSegment
from semsr.segmentation import rle
from semsr.segmentation.found import Category
from semsr.segmentation.maps import write_ids
from semsr.segmentation.masks import encode

SIZE = (6, 8)
IDS = np.zeros(SIZE, np.int32)
IDS[:2], IDS[3:5, 1:4], IDS[5, 5:] = 70_000, 2, 9
PANOPTIC: dict[str, Any] = {
    "images": [
        {"id": 139, "file_name": "000000000139.jpg", "height": 6, "width": 8},
        {"id": 5, "file_name": "five.jpg", "height": 3, "width": 4},
    ],
    "categories": [
        {"id": 200, "name": "sky", "isthing": 0},
        {"id": 1, "name": "person", "isthing": 1},
        {"id": 7, "name": "train", "isthing": 1},
    ],
    "annotations": [
        {
            "image_id": 139,
            "file_name": "000000000139.png",
            "segments_info": [
                {"id": 70_000, "category_id": 200, "iscrowd": 0, "area": 1, "bbox": [0, 0, 0, 0]},
                {"id": 2, "category_id": 1, "iscrowd": 0},
                {"id": 9, "category_id": 7, "iscrowd": 1},
            ],
        },
        {"image_id": 5, "file_name": "five.png", "segments_info": []},
    ],
}
POLYGON = [[1.0, 3.0, 4.0, 3.0, 4.0, 5.0, 1.0, 5.0]]
INSTANCES: dict[str, Any] = {
    # Other ids than in the other file: names count.
    "images": [{"id": 5, "file_name": "000000000139.jpg"}, {"id": 6, "file_name": "five.jpg"}, {"id": 7, "file_name": "more.jpg"}],
    "annotations": [
        {"id": 11, "image_id": 5, "category_id": 1, "iscrowd": 0, "area": 5.5, "bbox": [1, 3, 3, 2], "segmentation": POLYGON},
        {
            "id": 4, "image_id": 5, "category_id": 7, "iscrowd": 1, "area": 3, "bbox": [5, 5, 3, 1],
            "segmentation": {"size": [6, 8], "counts": [35, 1, 5, 1, 5, 1]},
        },
        {
            "id": 12, "image_id": 5, "category_id": 200, "iscrowd": 0, "area": 16, "bbox": [0, 0, 8, 2],
            "segmentation": rle.to_json(encode(IDS == 70_000)),
        },
    ],
}  # fmt: skip


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    save(tmp_path, PANOPTIC, INSTANCES)
    write_ids(tmp_path / "annotations/panoptic/000000000139.png", IDS)
    write_ids(tmp_path / "annotations/panoptic/five.png", np.zeros((3, 4), np.int32))
    return tmp_path


def save(folder: Path, panoptic: Any, instances: Any = None) -> None:
    (folder / "annotations").mkdir(exist_ok=True)
    (folder / "annotations/panoptic.json").write_text(json.dumps(panoptic))
    if instances is not None:
        (folder / "annotations/instances.json").write_text(json.dumps(instances))


def test_a_picture_is_what_the_files_say(folder: Path) -> None:
    annotations = Annotations.read(folder)
    assert annotations.categories == (Category(1, "person", True), Category(7, "train", True), Category(200, "sky", False))
    assert annotations.names == ("000000000139", "five")
    assert (annotations.size("000000000139"), annotations.size("five")) == (SIZE, (3, 4))
    truth = annotations.truth("000000000139")
    assert (truth.name, truth.size) == ("000000000139", SIZE)
    assert np.array_equal(truth.panoptic, IDS)
    # Areas are counted in the map, whatever the list says.
    assert truth.segments == (TrueSegment(70_000, 200, False, 16), TrueSegment(2, 1, False, 6), TrueSegment(9, 7, True, 3))
    # Stuff has no objects; those of things keep the area that was annotated.
    person, train = truth.objects
    assert (person.id, person.category, person.box, person.area, person.crowd) == (11, 1, (1.0, 3.0, 3.0, 2.0), 5.5, False)
    assert (train.id, train.category, train.box, train.area, train.crowd) == (4, 7, (5.0, 5.0, 3.0, 1.0), 3.0, True)
    assert dict(person.mask) == coco.frPyObjects(POLYGON, *SIZE)[0]
    assert np.array_equal(rle.decoded(train.mask), IDS == 9)
    empty = annotations.truth("five")
    assert (empty.segments, empty.objects, empty.panoptic.any()) == ((), (), np.False_)


def test_without_instances_objects_are_the_thing_segments(folder: Path) -> None:
    (folder / "annotations/instances.json").unlink()
    person, train = Annotations.read(folder).truth("000000000139").objects
    assert (person.id, person.category, person.box, person.area, person.crowd) == (2, 1, (1.0, 3.0, 3.0, 2.0), 6.0, False)
    assert (train.id, train.category, train.box, train.area, train.crowd) == (9, 7, (5.0, 5.0, 3.0, 1.0), 3.0, True)
    assert np.array_equal(rle.decoded(person.mask), IDS == 2)


def test_what_vanishes_at_another_size_is_counted(folder: Path) -> None:
    """One pixel of three rows and two columns: rows 1, 3, 5 and column 2 of each half are seen."""
    annotations = Annotations.read(folder)
    found = annotations.truth("000000000139", (1, 2))  # row 3, columns 2 and 6
    assert (found.panoptic.tolist(), [segment.id for segment in found.segments]) == ([[2, 0]], [2])
    assert [thing.id for thing in found.objects] == [11]
    assert annotations.vanished == {"000000000139": (2, 1)}
    annotations.truth("000000000139", (12, 16))
    annotations.truth("five", (1, 1))
    assert annotations.vanished == {}


def test_a_worker_process_gets_a_copy(folder: Path) -> None:
    annotations = Annotations.read(folder)
    found = pickle.loads(pickle.dumps(annotations))  # noqa: S301
    assert found == annotations
    assert found.truth("000000000139").segments == annotations.truth("000000000139").segments


def test_two_real_pictures(test_data: Path, tmp_path: Path) -> None:
    """Areas of all segments and masks of all objects as COCO's own files and tools have them."""
    sample = test_data / "coco_panoptic_sample"
    (tmp_path / "annotations").mkdir()
    shutil.copytree(sample / "panoptic_examples", tmp_path / "annotations/panoptic")
    shutil.copy(sample / "panoptic_examples.json", tmp_path / "annotations/panoptic.json")
    shutil.copy(sample / "panoptic_coco_detection_format.json", tmp_path / "annotations/instances.json")
    annotations = Annotations.read(tmp_path)
    assert sum(category.thing for category in annotations.categories) == 80 and len(annotations.categories) == 133
    panoptic, detection = (
        json.loads((tmp_path / f"annotations/{file}.json").read_text())["annotations"] for file in ("panoptic", "instances")
    )
    things = {category.id for category in annotations.categories if category.thing}
    crowds = 0
    for published in panoptic:
        truth = annotations.truth(Path(published["file_name"]).stem)
        assert [(segment.id, segment.category, segment.crowd, segment.area) for segment in truth.segments] == [
            (entry["id"], entry["category_id"], bool(entry["iscrowd"]), entry["area"]) for entry in published["segments_info"]
        ]
        entries = [
            entry for entry in detection if entry["image_id"] == published["image_id"] and entry["category_id"] in things
        ]
        assert len(truth.objects) == len(entries) > 10
        for found, entry in zip(truth.objects, entries, strict=True):
            assert (found.id, found.category, found.crowd) == (entry["id"], entry["category_id"], bool(entry["iscrowd"]))
            assert found.box == tuple(entry["bbox"]) and found.area == entry["area"] == rle.area(found.mask)
            crowds += found.crowd
            # Both annotations show the same pixels.
            assert len(set(truth.panoptic[rle.decoded(found.mask)].tolist())) == 1
    assert crowds > 0


def change(*path: str | int, to: Any) -> Callable[[Path], None]:
    """Another value at one place of panoptic.json or instances.json, whose name is the first step of the path."""

    def spoil(folder: Path) -> None:
        data = copy.deepcopy({"panoptic": PANOPTIC, "instances": INSTANCES})
        place: Any = data
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to
        save(folder, data["panoptic"], data["instances"])

    return spoil


SEGMENTS = ("panoptic", "annotations", 0, "segments_info")
THING = ("instances", "annotations", 0)
MAP = "annotations/panoptic/000000000139.png"


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda folder: (folder / "annotations/panoptic.json").unlink(),
            r"panoptic\.json: no such file; only data sets with panoptic",
        ),
        (lambda folder: (folder / "annotations/panoptic.json").write_text("["), r"panoptic\.json: not JSON"),
        (lambda folder: (folder / MAP).unlink(), r"000000000139\.png: no such file"),
        (lambda folder: write_ids(folder / MAP, IDS[:, :5]), r"000000000139\.png: 5x6; it must be 8x6"),
        (
            lambda folder: write_ids(folder / MAP, np.where(IDS == 2, 3, IDS).astype(np.int32)),
            r"000000000139\.png: segment id 3 is in the map, but .*panoptic\.json: 000000000139 lists only 2, 9, 70000",
        ),
        (
            lambda folder: write_ids(folder / MAP, np.where(IDS == 2, 0, IDS).astype(np.int32)),
            r"panoptic\.json: 000000000139: segment id 2 has no pixel in .*000000000139\.png",
        ),
        (change(*SEGMENTS, 1, "id", to=9), r"000000000139: segment id 9 is there twice"),
        (change(*SEGMENTS, 1, "category_id", to=2), r"\[1\]\.category_id is 2; it must be one of the 3 category ids 1, 7, 200"),
        (change(*SEGMENTS, 1, "iscrowd", to=2), r"\[1\]\.iscrowd is 2; it must be 0 or 1"),
        (
            change("panoptic", "images", 1, "file_name", to="000000000139.png"),
            r"images\[1\]: picture '000000000139' or its id 5 is there",
        ),
        (change("panoptic", "images", 1, "id", to=139), r"images\[1\]: picture 'five' or its id 139 is there twice"),
        (change("panoptic", "images", 0, "height", to=0), r"images\[0\]\.height is 0; it must be a whole number from 1 up"),
        (
            change("panoptic", "annotations", 1, "image_id", to=139),
            r"annotations\[1\]: picture '000000000139' has two annotations",
        ),
        (
            change("panoptic", "annotations", 0, "image_id", to=1),
            r"annotations\[0\]\.image_id is 1; it must be the id of one of its images",
        ),
        (change("panoptic", "annotations", to=[]), r"picture '000000000139' has no annotation; each needs one"),
        (change("panoptic", "categories", 1, "id", to=7), r"categories\[2\]\.id is 7; it must be an id of its own"),
        (change("panoptic", "categories", to=[]), r"categories is a list of 0; it must be a list of at least one category"),
        (
            change("instances", "images", 0, "file_name", to="no.jpg"),
            r"instances\.json: picture '000000000139' is not among its images",
        ),
        (change(*THING, "id", to=4), r"instances\.json: 000000000139: object id 4 is there twice"),
        (change(*THING, "bbox", to=[0, 0, float("nan"), 1]), r"\[0\]\.bbox\[2\] is nan; it must be a finite number"),
        (change(*THING, "area", to=-1), r"\[0\]\.area is -1; it must be a finite number from 0 up"),
        (change(*THING, "category_id", to=8), r"\[0\]\.category_id is 8; it must be one of"),
        (
            change(*THING, "segmentation", to={"size": [8, 6], "counts": [48]}),
            r"\[0\]\.segmentation is a mask of 6x8; it must be 8x6",
        ),
        (change(*THING, "image_id", to=9), r"annotations\[0\]\.image_id is 9; it must be the id of one of its images"),
    ],
)
def test_what_is_wrong_is_one_line(folder: Path, spoil: Callable[[Path], object], message: str) -> None:
    spoil(folder)
    with pytest.raises(SemanticError, match=message) as caught:
        Annotations.read(folder).truth("000000000139")
    assert "\n" not in str(caught.value)


def test_an_unknown_picture_is_named(folder: Path) -> None:
    with pytest.raises(UnknownIdError, match="'fife'; did you mean 'five'"):
        Annotations.read(folder).truth("fife")


def places(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to everything in a JSON value."""
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield from places(each, (*path, key))


def test_no_value_anywhere_is_a_crash(folder: Path) -> None:
    """Each value of both files replaced by each of these: read, or one clear line."""
    refused = 0
    for path in places({"panoptic": PANOPTIC, "instances": INSTANCES}):
        for value in (None, -1, 2**70, "x", [], {}, [[1]]):
            change(*path, to=value)(folder)
            try:
                annotations = Annotations.read(folder)
                for name in annotations.names:
                    annotations.truth(name, (4, 4))
            except SemsrError as error:
                refused += 1
                assert "\n" not in str(error)
    assert refused > 300
