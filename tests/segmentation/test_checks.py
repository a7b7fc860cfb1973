"""Answers that break what a card promises: each is said in a line."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semsr.cards.segmenter import SegmenterCard
from semsr.segmentation.checks import broken
from semsr.segmentation.found import Category, Found, Instance, Segment
from semsr.segmentation.masks import encode
from semsr.segmentation.stored import read_found, write_found

CATEGORIES = (Category(1, "person", True), Category(187, "sky", False))
SIZE = (4, 6)
CARD = SegmenterCard(id="x", title="X", licence="MIT", entry="a:B", gives=("panoptic", "semantic", "boxes", "masks"))


def good(**changes: Any) -> Found:
    ids = np.zeros(SIZE, np.int32)
    ids[:, :2], ids[:2, 2:] = 1, 70000
    mask = encode(ids == 1)
    found = Found(
        "a",
        SIZE,
        panoptic=ids,
        segments=(Segment(1, 1, 0.9), Segment(70000, 187)),
        classes=np.full(SIZE, -1, np.int16),
        instances=(Instance(1, 0.9, (0, 0, 2, 4), mask), Instance(1, 0.9, (0, 0, 6, 4), mask)),
    )
    return replace(found, **changes)


def one(**changes: Any) -> Found:
    return good(instances=(replace(Instance(1, 0.9, (0, 0, 2, 4), encode(np.ones(SIZE))), **changes),))


def test_what_a_card_promises_is_fine() -> None:
    assert broken(CARD, good(), CATEGORIES, SIZE) is None
    assert broken(CARD, good(instances=()), CATEGORIES, SIZE) is None  # a picture without objects has no masks
    boxes = CARD.model_copy(update={"gives": ("boxes",)})
    assert broken(boxes, Found("a", SIZE, instances=()), CATEGORIES, SIZE) is None
    assert broken(boxes, Found("a", SIZE, instances=(Instance(1, 0.0, (0, 0, 1, 1)),)), CATEGORIES, SIZE) is None


IDS = good().panoptic
assert IDS is not None
BAD: dict[str, tuple[Any, str]] = {
    "another size": (good(), "asked for 6x4"),
    "no map": (good(panoptic=None, segments=()), "gives no panoptic, which its card promises"),
    "no classes": (good(classes=None), "gives no semantic"),
    "no instances": (good(instances=None), "gives no boxes"),
    "segments without a map": (Found("a", SIZE, segments=(Segment(1, 1),), instances=()), "without a map"),
    "id not listed": (good(segments=(Segment(1, 1),)), "has id 70000, which no segment lists"),
    "no pixel": (good(segments=(*good().segments, Segment(5, 1))), "segment 5 has no pixel"),
    "twice": (good(segments=(*good().segments, Segment(1, 1))), "lists segment 1 twice"),
    "unknown category": (good(segments=(Segment(1, 99), Segment(70000, 187))), "category 99, which the data set does not have"),
    "segment's score": (good(segments=(Segment(1, 1, float("nan")), Segment(70000, 187))), "segment 1 has score nan"),
    "type of the map": (good(panoptic=IDS.astype(np.int64)), "int64"),
    "shape of the map": (good(panoptic=IDS[:2]), "2x6"),
    "class too high": (good(classes=np.full(SIZE, 2, np.int16)), "allowed: -1 to 1"),
    "class too low": (good(classes=np.full(SIZE, -2, np.int16)), "allowed: -1 to 1"),
    "stuff as an object": (one(category=187), "no thing of the data set"),
    "score above one": (one(score=1.5), "score 1.5"),
    "score not a number": (one(score=float("nan")), "score nan"),
    "box outside": (one(box=(0, 0, 7, 4)), "sticks out"),
    "box not finite": (one(box=(0, 0, float("inf"), 4)), "finite"),
    "box without area": (one(box=(0, 0, 0, 4)), "positive width"),
    "no mask": (one(mask=None), "gives no masks"),
    "mask of another size": (one(mask=encode(np.ones((6, 4)))), "mask is of 6x4, expected 4x6"),
    "counts as text": (one(mask={"size": [4, 6], "counts": "08"}), "counts that are a str, expected bytes"),
    "counts that do not add up": (one(mask={"size": [4, 6], "counts": b"0"}), "do not add up to 4 x 6 pixels"),
    "counts past the end": (one(mask={"size": [4, 6], "counts": encode(np.ones((9, 9)))["counts"]}), "do not add up"),
    "mask as an array": (one(mask=np.ones(SIZE, bool)), "its mask is a ndarray, expected run lengths"),
    "mask without counts": (one(mask={"size": [4, 6]}), "expected run lengths"),
    "size of a mask": (one(mask={"size": 24, "counts": b"0"}), "its mask has a size that is a int"),
    "box of three": (one(box=(0, 0, 1)), "its box is (0, 0, 1); allowed: 4 numbers"),
    "box of words": (one(box=("0", "0", "1", "1")), "4 numbers"),
    "no box": (one(box=None), "its box is None"),
    "box in a column": (one(box=np.zeros((4, 1))), "its box is array([[0.], [0.], [0.], [0.]]); allowed: 4 numbers"),
    "score as words": (one(score="0.5"), "score '0.5'"),
    "no score": (one(score=None), "score None"),
    "category as a list": (one(category=[1]), "category [1], which is no thing"),
    "map as a list": (good(panoptic=IDS.tolist()), "its panoptic map is a list, expected 4x6 of int32 as a NumPy array"),
    "classes as a list": (good(classes=[[0] * 6] * 4), "its map of classes is a list, expected 4x6 of int16"),
    "segments as a mapping": (good(segments={1: 1, 70000: 187}), "its segments are a dict, expected a tuple"),
    "segments as pairs": (good(segments=((1, 1), (70000, 187))), "segment 0 is a tuple, expected a semsr"),
    "id as a fraction": (
        good(segments=(Segment(1.0, 1), Segment(70000, 187))),
        "segment 0 has id 1.0, expected a whole number",
    ),
    "category as a fraction": (good(segments=(Segment(1, 1.0), Segment(70000, 187))), "category 1.0, which the data set"),
    "objects that run out": (good(instances=iter(good().instances)), "its objects are a tuple_iterator, expected a tuple"),
    "objects as boxes": (good(instances=((0, 0, 1, 1),)), "object 0 is a tuple, expected a semsr"),
    "size of arrays": (good(size=(np.zeros(2), 6)), "answers at array([0., 0.])x6, asked for 4x6"),
    "size as a number": (good(size=24), "answers at a int, asked for 4x6"),
    "nothing": (None, "answers with None, expected a semsr.segmentation.found.Found"),
    "something else": ({"panoptic": IDS}, "answers with a dict, expected"),
    "not the best first": (
        good(instances=tuple(replace(i, score=s) for i, s in zip(good().instances or (), (0.1, 0.2), strict=True))),
        "best first",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_is_said(what: str) -> None:
    found, says = BAD[what]
    card = CARD.model_copy(update={"gives": ("boxes",)}) if what == "segments without a map" else CARD
    problem = broken(card, found, CATEGORIES, (6, 4) if what == "another size" else SIZE)
    assert problem is not None and says in problem and "\n" not in problem


def test_another_picture_than_asked_for() -> None:
    assert broken(CARD, good(), CATEGORIES, SIZE, name="a") is None
    assert broken(CARD, good(), CATEGORIES, SIZE, name="b") == "answers for 'a', asked for 'b'"
    assert broken(CARD, good(name=None), CATEGORIES, SIZE, name="b") == "answers for None, asked for 'b'"


def test_numbers_of_numpy_are_numbers(tmp_path: Path) -> None:
    """They pass, are kept, and come back as plain ones."""
    instance = replace(
        one().instances[0],  # type: ignore[index]
        category=np.int64(1),
        score=np.float32(0.1),
        box=np.array([0, 0, 1.5, 4], np.float32),
    )
    segments = (Segment(np.int32(1), np.int64(1), np.float32(0.3)), Segment(70000, 187))  # type: ignore[arg-type]
    found = good(instances=(instance, replace(instance, box=tuple(np.float32([0, 0, 1.5, 4])))), segments=segments)
    assert broken(CARD, found, CATEGORIES, SIZE) is None
    write_found(tmp_path, found)
    back = read_found(tmp_path, "a", CATEGORIES, SIZE)
    assert back.segments[0] == Segment(1, 1, float(np.float32(0.3)))
    assert back.instances == (Instance(1, float(np.float32(0.1)), (0.0, 0.0, 1.5, 4.0), instance.mask),) * 2


@pytest.mark.parametrize("answer", ["panoptic", "semantic", "boxes", "masks"])
def test_nothing_is_given_that_the_card_does_not_name(answer: str) -> None:
    others = tuple(name for name in CARD.gives if name != answer and (answer, name) != ("boxes", "masks"))
    problem = broken(CARD.model_copy(update={"gives": others}), good(), CATEGORIES, SIZE)
    assert problem is not None and f"gives {answer}" in problem
