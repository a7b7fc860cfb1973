"""Results that an external program wrote in COCO's formats."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semsr.errors import SemanticError
from semsr.segmentation.coco_results import CocoResults
from semsr.segmentation.found import Category, Instance, Segment
from semsr.segmentation.maps import write_classes, write_ids
from semsr.segmentation.masks import encode
from semsr.segmentation.rle import to_json

CATEGORIES = (Category(1, "person", True), Category(7, "train", True), Category(200, "sky", False))
SIZE = (6, 8)
NAMES = ("000000000139", "000000000285", "scene")
IDS = np.zeros(SIZE, np.int32)
IDS[:2], IDS[3:5, 1:4] = 300, 2
SEGMENTS = [{"id": 300, "category_id": 200}, {"id": 2, "category_id": 1, "score": 0.5}]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two answers, pictures named in every way that is allowed; the third picture has no object."""
    panoptic = [
        {"image_id": 139, "file_name": "000000000139.png", "segments_info": SEGMENTS},
        {"image_id": 285, "segments_info": SEGMENTS},
        {"image_id": "scene", "segments_info": []},
    ]
    mask = to_json(encode(IDS == 2))
    instances = [
        {"image_id": 139, "category_id": 1, "bbox": [0, 0, 3, 2], "score": 0.25},
        {"image_id": "000000000139", "category_id": 7, "bbox": [1, 3, 3, 2], "score": 0.75, "segmentation": mask},
        {"file_name": "000000000285.jpg", "category_id": 7, "bbox": [0.5, 0, 3, 2], "score": 1},
    ]
    (tmp_path / "panoptic.json").write_text(json.dumps({"annotations": panoptic}))
    (tmp_path / "instances.json").write_text(json.dumps(instances))
    for name in NAMES:
        write_ids(tmp_path / f"panoptic/{name}.png", IDS if name != "scene" else np.zeros(SIZE, np.int32))
    return tmp_path


def test_every_picture_has_its_answers(folder: Path) -> None:
    results = CocoResults.read(folder, NAMES, CATEGORIES)
    first, second, third = (results.found(name, SIZE) for name in NAMES)
    assert first.panoptic is not None and np.array_equal(first.panoptic, IDS)
    assert first.segments == second.segments == (Segment(300, 200), Segment(2, 1, 0.5))
    # The best first, whatever the order in the file.
    assert first.instances == (
        Instance(7, 0.75, (1.0, 3.0, 3.0, 2.0), encode(IDS == 2)),
        Instance(1, 0.25, (0.0, 0.0, 3.0, 2.0)),
    )
    assert second.instances == (Instance(7, 1.0, (0.5, 0.0, 3.0, 2.0)),)
    assert (third.name, third.size, third.segments, third.instances, third.classes) == ("scene", SIZE, (), (), None)


def test_answers_that_are_not_there_are_none(folder: Path) -> None:
    (folder / "panoptic.json").unlink()
    found = CocoResults.read(folder, NAMES, CATEGORIES).found("scene", SIZE)
    assert found.panoptic is None and found.instances == ()
    (folder / "instances.json").unlink()
    with pytest.raises(SemanticError, match=r"no panoptic\.json, no instances\.json and no semantic/; one of them is needed"):
        CocoResults.read(folder, NAMES, CATEGORIES)
    write_classes(folder / "semantic/scene.png", np.full(SIZE, 2, np.int16))
    found = CocoResults.read(folder, NAMES, CATEGORIES).found("scene", SIZE)
    assert found.instances is None and found.classes is not None and set(found.classes.ravel()) == {2}
    with pytest.raises(SemanticError, match=r"semantic/000000000139\.png: no such file"):
        CocoResults.read(folder, NAMES, CATEGORIES).found(NAMES[0], SIZE)


def change(file: str, *path: str | int, to: Any) -> Callable[[Path], None]:
    def spoil(folder: Path) -> None:
        data = json.loads((folder / file).read_text())
        place = data
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to
        (folder / file).write_text(json.dumps(data))

    return spoil


PANOPTIC = ("panoptic.json", "annotations")


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda folder: (folder / "panoptic.json").write_text("no"), r"panoptic\.json: not JSON"),
        (
            lambda folder: (folder / "instances.json").write_text("{}"),
            r"instances\.json: the file is an object with no key; .* a list",
        ),
        (lambda folder: (folder / "panoptic/000000000139.png").unlink(), r"panoptic/000000000139\.png: no such file"),
        (
            lambda folder: write_ids(folder / "panoptic/000000000139.png", np.full((5, 8), 2, np.int32)),
            r"panoptic/000000000139\.png: 8x5; it must be 8x6",
        ),
        (
            lambda folder: write_ids(folder / "panoptic/000000000139.png", np.where(IDS == 0, 17, IDS).astype(np.int32)),
            r"000000000139\.png: segment id 17 is in the map, but .*panoptic\.json: annotations\[0\]\.segments_info lists only 2, 300",
        ),
        (
            change(*PANOPTIC, 0, "segments_info", to=[*SEGMENTS, {"id": 3, "category_id": 7}]),
            r"panoptic\.json: annotations\[0\]\.segments_info: segment id 3 has no pixel in .*000000000139\.png",
        ),
        (change(*PANOPTIC, 0, "segments_info", to=[*SEGMENTS, SEGMENTS[0]]), r"segment id 300 is there twice"),
        (
            change(*PANOPTIC, 0, "segments_info", 0, "category_id", to=201),
            r"segments_info\[0\]\.category_id is 201; it must be one of",
        ),
        (
            change(*PANOPTIC, 0, "segments_info", to=None),
            r"annotations\[0\] has no 'segments_info', found 'image_id', 'file_name'",
        ),
        (change(*PANOPTIC, 0, to=7), r"annotations\[0\] is 7; it must be an object"),
        (change(*PANOPTIC, 1, "image_id", to=139), r"annotations\[0\] and annotations\[1\] are both of picture '000000000139'"),
        (
            change(*PANOPTIC, 1, "image_id", to=140),
            r"annotations\[1\]\.image_id is 140; it must be one of the 3 pictures given, such as",
        ),
        (
            change(*PANOPTIC, 1, "image_id", to=[1]),
            r"annotations\[1\]\.image_id is a list of 1; it must be one of the 3 pictures",
        ),
        (change(*PANOPTIC, 0, "file_name", to="no.png"), r"annotations\[0\]\.file_name is 'no\.png'; it must be one of the 3"),
        (change(*PANOPTIC, to=[]), r"panoptic\.json: no entry of picture '000000000139'; each needs one"),
        (change("instances.json", 0, "score", to=float("nan")), r"instances\.json: \[0\]\.score is nan; it must be a finite"),
        (change("instances.json", 0, "bbox", to=[0, 0, float("inf"), 1]), r"\[0\]\.bbox\[2\] is inf; it must be a finite"),
        (
            change("instances.json", 1, "segmentation", "size", to=[8, 6]),
            r"\[1\]\.segmentation is a mask of 6x8; it must be 8x6",
        ),
        (change("instances.json", 1, "category_id", to="7"), r"\[1\]\.category_id is '7'; it must be one of"),
        (change("instances.json", 0, "image_id", to=None), r"instances\.json: \[0\] has no 'image_id', found"),
    ],
)
def test_what_is_wrong_is_one_line(folder: Path, spoil: Callable[[Path], object], message: str) -> None:
    spoil(folder)
    with pytest.raises(SemanticError, match=message) as caught:
        CocoResults.read(folder, NAMES, CATEGORIES).found(NAMES[0], SIZE)
    assert "\n" not in str(caught.value)


def test_a_number_of_two_pictures_is_no_name(folder: Path) -> None:
    (folder / "panoptic.json").unlink()
    with pytest.raises(
        SemanticError, match=r"image_id is 139; it must be the name of one picture, since 000000000139 and 0139 both"
    ):
        CocoResults.read(folder, (*NAMES, "0139"), CATEGORIES)
