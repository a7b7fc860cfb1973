"""What is kept of a segmenter's answers: read back as it was, and never half."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from semsr.errors import SemanticError, StorageError
from semsr.segmentation import stored
from semsr.segmentation.found import Category, Found, Instance, Segment
from semsr.segmentation.masks import encode
from semsr.segmentation.stored import read_found, stored_names, write_found

CATEGORIES = (Category(1, "person", True), Category(7, "train", True), Category(200, "sky", False))
SIZE = (6, 8)


def a_finding(name: str = "a") -> Found:
    ids = np.zeros(SIZE, np.int32)
    ids[:2], ids[3:5, 1:4], ids[5, 7] = 70_000, 2, 9
    classes = np.full(SIZE, -1, np.int16)
    classes[:2], classes[3:5, 1:4] = 2, 0
    instances = (
        Instance(1, 0.9, (1.0, 3.0, 3.0, 2.0), encode(ids == 2)),
        Instance(7, 1 / 3, (0.1, 0.2, 7.7, 5.5), None),
    )
    segments = (Segment(70_000, 200), Segment(2, 1, 0.875), Segment(9, 7, 0.5))
    return Found(name, SIZE, ids, segments, classes, instances)


def same(one: Found, other: Found) -> bool:
    def plain(found: Found) -> Found:
        return replace(found, panoptic=None, classes=None)

    def equal(here: Any, there: Any) -> bool:
        return (here is None) == (there is None) and (
            here is None or (here.dtype == there.dtype and np.array_equal(here, there))
        )

    return plain(one) == plain(other) and equal(one.panoptic, other.panoptic) and equal(one.classes, other.classes)


@pytest.mark.parametrize(
    "part",
    [
        a_finding(),
        replace(a_finding(), panoptic=None, segments=(), classes=None),
        replace(a_finding(), instances=None),
        replace(a_finding(), instances=(), classes=None),
        replace(a_finding(), panoptic=np.zeros(SIZE, np.int32), segments=(), instances=None),
        Found("a", SIZE),
    ],
)
def test_read_back_as_it_was(tmp_path: Path, part: Found) -> None:
    """Also where something else of the picture was there before."""
    write_found(tmp_path, a_finding())
    write_found(tmp_path, part)
    assert same(read_found(tmp_path, "a", CATEGORIES, SIZE), part)
    assert (tmp_path / "panoptic/a.png").exists() == (part.panoptic is not None)
    assert (tmp_path / "semantic/a.png").exists() == (part.classes is not None)


def test_the_files_are_as_described(tmp_path: Path) -> None:
    write_found(tmp_path, a_finding())
    assert json.loads((tmp_path / "found/a.json").read_text()) == {
        "size": [6, 8],
        "segments": [
            {"id": 70_000, "category_id": 200, "score": None},
            {"id": 2, "category_id": 1, "score": 0.875},
            {"id": 9, "category_id": 7, "score": 0.5},
        ],
        "instances": [
            {
                "category_id": 1,
                "score": 0.9,
                "bbox": [1.0, 3.0, 3.0, 2.0],
                "segmentation": {"size": [6, 8], "counts": encode(a_finding().panoptic == 2)["counts"].decode()},
            },
            {"category_id": 7, "score": 1 / 3, "bbox": [0.1, 0.2, 7.7, 5.5], "segmentation": None},
        ],
        "classes": True,
    }
    assert np.asarray(Image.open(tmp_path / "panoptic/a.png"))[0, 0].tolist() == [112, 17, 1]
    assert sorted(set(np.asarray(Image.open(tmp_path / "semantic/a.png")).ravel().tolist())) == [0, 2, 255]


def test_names_are_of_what_is_finished(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run that dies between the files leaves no name behind, not even one that was there before."""
    assert stored_names(tmp_path) == set()
    for name in ("a", "b", "with.dots"):
        write_found(tmp_path, a_finding(name))
    (tmp_path / "found/.c.json.1.partial").touch()
    assert stored_names(tmp_path) == {"a", "b", "with.dots"}
    monkeypatch.setattr(stored, "write_classes", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        write_found(tmp_path, a_finding("b"))
    assert stored_names(tmp_path) == {"a", "with.dots"}


def test_a_folder_that_can_not_be_written(tmp_path: Path) -> None:
    (tmp_path / "found").touch()
    with pytest.raises(StorageError, match="a file stands where a folder is needed"):
        write_found(tmp_path, replace(a_finding(), panoptic=None, classes=None))


def change(*path: str | int, to: Any) -> Callable[[Path], None]:
    """Another value at one place of the JSON file."""

    def spoil(folder: Path) -> None:
        file = folder / "found/a.json"
        data = json.loads(file.read_text())
        place = data
        for key in path[:-1]:
            place = place[key]
        place[path[-1]] = to
        file.write_text(json.dumps(data))

    return spoil


def repaint(folder: Path) -> None:
    path = folder / "panoptic/a.png"
    rgb = np.array(Image.open(path))
    rgb[5, 0] = (41, 0, 0)
    Image.fromarray(rgb).save(path)


def shrink(folder: Path) -> None:
    path = folder / "panoptic/a.png"
    Image.open(path).crop((0, 0, 8, 5)).save(path)


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (
            lambda folder: (folder / "found/a.json").unlink(),
            r"found/a\.json: no such file; nothing is kept of picture 'a': segment it",
        ),
        (
            lambda folder: (folder / "panoptic/a.png").unlink(),
            r"panoptic/a\.png: no such file: delete .*found/a\.json and segment",
        ),
        (
            lambda folder: (folder / "semantic/a.png").unlink(),
            r"semantic/a\.png: no such file: delete .*found/a\.json and segment",
        ),
        (lambda folder: (folder / "found/a.json").write_text("{"), r"found/a\.json: not JSON"),
        (
            lambda folder: (folder / "found/a.json").write_text("[]"),
            r"found/a\.json: the file is a list of 0; it must be an object",
        ),
        (
            lambda folder: (folder / "panoptic/a.png").write_bytes(b"\x89PNG"),
            r"panoptic/a\.png: not a PNG file, or a damaged one",
        ),
        (
            repaint,
            r"panoptic/a\.png: segment id 41 is in the map, but .*found/a\.json lists only 2, 9, 70000; every id but 0 needs",
        ),
        (shrink, r"panoptic/a\.png: 8x5; it must be 8x6"),
        (change("segments", 1, "id", to=5), r"panoptic/a\.png: segment id 2 is in the map, but .* lists only 5, 9, 70000"),
        (
            change("segments", to=[{"id": i, "category_id": 1, "score": None} for i in (2, 9, 70_000, 12)]),
            r"found/a\.json: segment id 12 has no pixel in .*panoptic/a\.png; a segment needs at least one",
        ),
        (change("segments", 1, "id", to=9), r"found/a\.json: segment id 9 is there twice; each segment needs an id of its own"),
        (change("segments", 1, "id", to=0), r"segments\[1\]\.id is 0; it must be a whole number from 1 to 16777215"),
        (
            change("segments", 1, "category_id", to=3),
            r"segments\[1\]\.category_id is 3; .* one of the 3 category ids 1, 7, 200",
        ),
        (change("segments", 1, "category_id", to=[1]), r"segments\[1\]\.category_id is a list of 1; it must be one of"),
        (change("segments", 1, "category_id", to=True), r"segments\[1\]\.category_id is True; it must be one of"),
        (change("segments", 1, "score", to=1.5), r"segments\[1\]\.score is 1\.5; it must be a finite number from 0 to 1"),
        (change("segments", to={"id": 1}), r"segments is an object with 'id'; it must be a list"),
        (change("size", to=[8, 6]), r"found/a\.json: found at 6x8; it must be 8x6 \(width x height\)"),
        (change("size", to=None), r"found/a\.json: the file has no 'size'"),
        (change("classes", to="yes"), r"classes is 'yes'; it must be 0 or 1"),
        (
            change("instances", 0, "score", to=float("nan")),
            r"instances\[0\]\.score is nan; it must be a finite number from 0 to 1",
        ),
        (
            change("instances", 0, "bbox", to=[1, 2, float("nan"), 3]),
            r"instances\[0\]\.bbox\[2\] is nan; it must be a finite number",
        ),
        (
            change("instances", 0, "bbox", to=[1, 2, -1, 3]),
            r"instances\[0\]\.bbox\[2\] is -1; it must be a finite number from 0 up",
        ),
        (change("instances", 0, "bbox", to=[1, 2, 3]), r"instances\[0\]\.bbox is a list of 3; it must be a list of 4 numbers"),
        (change("instances", 0, "category_id", to=2), r"instances\[0\]\.category_id is 2; it must be one of"),
        (
            change("instances", 0, "segmentation", "size", to=[3, 8]),
            r"instances\[0\]\.segmentation is a mask of 8x3; it must be 8x6 \(width x height\)",
        ),
        (
            change("instances", 0, "segmentation", "counts", to="01"),
            r"segmentation\.counts is '01'; it must be run lengths that add up",
        ),
    ],
)
def test_what_is_wrong_is_one_line(tmp_path: Path, spoil: Callable[[Path], object], message: str) -> None:
    write_found(tmp_path, a_finding())
    spoil(tmp_path)
    with pytest.raises(SemanticError, match=message) as caught:
        read_found(tmp_path, "a", CATEGORIES, SIZE)
    assert "\n" not in str(caught.value)


def test_a_class_that_is_not_there(tmp_path: Path) -> None:
    write_found(tmp_path, replace(a_finding(), panoptic=None, segments=(), instances=None))
    with pytest.raises(SemanticError, match=r"semantic/a\.png: class 2 is in the map; allowed are 0 to 1"):
        read_found(tmp_path, "a", CATEGORIES[:2], SIZE)
