"""Answers that break what a card promises: each is said in a line."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from semsr.cards.segmenter import SegmenterCard
from semsr.segmentation.checks import broken
from semsr.segmentation.found import Category, Found, Instance, Segment
from semsr.segmentation.masks import encode

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
BAD = {
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
    "mask of another size": (one(mask=encode(np.ones((6, 4)))), "mask of 6x4"),
    "not the best first": (
        good(instances=tuple(replace(i, score=s) for i, s in zip(good().instances or (), (0.1, 0.2), strict=True))),
        "best first",
    ),
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_wrong_is_said(what: str) -> None:
    found, says = BAD[what]
    card = CARD.model_copy(update={"gives": ("boxes",)}) if found.panoptic is None and found.segments else CARD
    problem = broken(card, found, CATEGORIES, (6, 4) if what == "another size" else SIZE)
    assert problem is not None and says in problem and "\n" not in problem


@pytest.mark.parametrize("answer", ["panoptic", "semantic", "boxes", "masks"])
def test_nothing_is_given_that_the_card_does_not_name(answer: str) -> None:
    others = tuple(name for name in CARD.gives if name != answer and (answer, name) != ("boxes", "masks"))
    problem = broken(CARD.model_copy(update={"gives": others}), good(), CATEGORIES, SIZE)
    assert problem is not None and f"gives {answer}" in problem
