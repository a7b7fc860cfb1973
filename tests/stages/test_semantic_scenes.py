"""What a page marks in pictures is what the numbers count."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from semsr.cards.protocol import ObjectMatching
from semsr.evaluation.semantic.objects import changes, seen
from semsr.evaluation.semantic.truth import TrueObject, TrueSegment, Truth
from semsr.segmentation.found import Category, Found, Instance, Segment
from semsr.segmentation.masks import encode
from semsr.stages.semantic_scenes import Looks, Sight, found_areas, found_marks, plain_marks, truth_areas, truth_marks

SIZE = (64, 64)
DOG, CAT, SKY = Category(3, "dog", True), Category(5, "cat", True), Category(9, "sky", False)
LOOKS = Looks({kind.id: kind for kind in (DOG, CAT, SKY)}, {3: "#110000", 5: "#001100", 9: "#000011"})
MATCHING = ObjectMatching()


def rectangle(x: float, y: float, width: float, height: float) -> np.ndarray:
    mask = np.zeros(SIZE, bool)
    mask[int(y) : int(y + height), int(x) : int(x + width)] = True
    return mask


def truth(*objects: tuple[int, tuple[int, int, int, int], bool]) -> Truth:
    made = tuple(
        TrueObject(at, category, tuple(map(float, box)), float(box[2] * box[3]), encode(rectangle(*box)), crowd)  # type: ignore[arg-type]
        for at, (category, box, crowd) in enumerate(objects, 1)
    )
    return Truth("a", SIZE, np.zeros(SIZE, np.int32), (), made)


def found(*instances: tuple[int, float, tuple[int, int, int, int]]) -> Found:
    made = tuple(Instance(category, score, tuple(map(float, box))) for category, score, box in instances)  # type: ignore[arg-type]
    return Found("a", SIZE, instances=tuple(sorted(made, key=lambda one: -one.score)))


LEFT, RIGHT, LOW, FAR = (0, 0, 20, 20), (30, 0, 20, 20), (0, 30, 20, 20), (40, 40, 10, 10)
TRUE = truth((3, LEFT, False), (3, RIGHT, False), (5, LOW, False), (5, FAR, True))
ON_HR = found((3, 0.9, LEFT), (3, 0.9, RIGHT), (5, 0.8, RIGHT))
ON_LR = found((3, 0.9, LEFT))


def kinds(sight: Sight) -> list[tuple[str, str, tuple[float, ...]]]:
    marks, _ = found_marks(TRUE, sight, MATCHING, LOOKS)
    return [(mark.kind, mark.text, mark.box) for mark in marks]


def test_every_fate_of_an_object() -> None:
    here = found(
        (3, 0.9, RIGHT), (5, 0.8, RIGHT), (5, 0.7, (0, 0, 30, 10)), (5, 0.6, FAR), (3, 0.55, (30, 0, 20, 18)), (3, 0.4, LEFT)
    )
    assert kinds(Sight(ON_HR, ON_LR, here)) == [
        ("lost", "dog", LEFT),
        ("back", "dog 0.90", RIGHT),
        ("doubted", "cat 0.80", RIGHT),
        ("invented", "cat 0.70", (0, 0, 30, 10)),
    ]
    # On a crowd, and again on an object that is seen: neither for nor against. What it is not sure of is nothing.
    assert found_marks(TRUE, Sight(ON_HR, ON_LR, here), MATCHING, LOOKS)[1] == 2


def test_on_hr_what_is_missing_was_never_seen() -> None:
    assert kinds(Sight(ON_HR, ON_LR, ON_HR)) == [
        ("lost", "cat", LOW),
        ("right", "dog 0.90", LEFT),
        ("right", "dog 0.90", RIGHT),
        ("doubted", "cat 0.80", RIGHT),
    ]


def test_zoomed_lr_brings_nothing_back() -> None:
    assert kinds(Sight(ON_HR, ON_LR, ON_LR)) == [("lost", "dog", RIGHT), ("right", "dog 0.90", LEFT)]
    assert kinds(Sight(ON_HR, None, ON_HR))[1][0] == "right"


@pytest.mark.parametrize("seed", range(40))
def test_marks_are_what_is_counted(seed: int) -> None:
    random = np.random.default_rng(seed)

    def box() -> tuple[int, int, int, int]:
        x, y = random.integers(0, 40, 2)
        return int(x), int(y), int(random.integers(8, 24)), int(random.integers(8, 24))

    boxes = [(int(random.choice([3, 5])), box(), bool(random.random() < 0.2)) for _ in range(7)]
    whole = truth(*boxes)

    def look() -> Found:
        near = [
            (kind, float(random.uniform(0.3, 1)), tuple(side + int(random.integers(-2, 3)) for side in one))
            for kind, one, _ in boxes
            for _ in range(random.integers(0, 3))
        ]
        return found(*near, *((5, float(random.uniform(0.3, 1)), box()) for _ in range(3)))  # type: ignore[arg-type]

    hr, lr, sr = look(), look(), look()
    marks, silent = found_marks(whole, Sight(hr, lr, sr), MATCHING, LOOKS)
    counted, counts = changes(whole, hr, lr, sr, MATCHING), Counter(mark.kind for mark in marks)
    assert counts["lost"] == counted.omitted
    assert counts["invented"] == counted.hallucinated
    assert counts["back"] == counted.improved
    on_sr = seen(whole, sr, MATCHING)
    assert counts["right"] + counts["back"] == len(on_sr.objects)
    assert counts["invented"] + counts["doubted"] == len(on_sr.unfounded)
    sure = sum(one.score >= MATCHING.score for one in sr.instances or ())
    assert sum(counts.values()) - counts["lost"] + silent == sure


def test_annotations_are_shown_as_they_are() -> None:
    panoptic = np.full(SIZE, 7, np.int32)
    panoptic[:20, :20] = 300
    whole = replace(TRUE, panoptic=panoptic, segments=(TrueSegment(7, 9, False, 0), TrueSegment(300, 3, False, 400)))
    sky, dog = truth_areas(whole, LOOKS)
    assert (sky.name, sky.labelled, sky.outlined) == ("sky", True, False)
    assert (dog.name, dog.labelled, dog.outlined, dog.colour) == ("dog", False, True, "#110000")
    assert dog.mask.sum() == 400 and not (dog.mask & sky.mask).any()
    assert [mark.kind for mark in truth_marks(whole, LOOKS)] == ["object", "object", "object", "crowd"]


def test_areas_are_the_best_answer_that_there_is() -> None:
    ids = np.ones(SIZE, np.int32)
    ids[:10] = 2
    panoptic = Found("a", SIZE, ids, (Segment(1, 9), Segment(2, 5)))
    assert [(area.name, area.outlined, area.labelled) for area in found_areas(panoptic, LOOKS, 0.5)] == [
        ("sky", False, True),
        ("cat", True, True),  # no box bears its name
    ]
    classes = np.full(SIZE, -1, np.int16)
    classes[:5] = 2
    (sky,) = found_areas(Found("a", SIZE, classes=classes), LOOKS, 0.5)
    assert sky.name == "sky" and sky.mask.sum() == 5 * 64
    masks = tuple(
        Instance(3, score, (0, 0, 9, 9), encode(rectangle(0, 0, 9, side))) for score, side in ((0.9, 9), (0.6, 5), (0.2, 3))
    )
    areas = found_areas(Found("a", SIZE, instances=masks), LOOKS, 0.5)
    assert [int(area.mask.sum()) for area in areas] == [45, 81]  # the best is laid on top
    assert found_areas(ON_HR, LOOKS, 0.5) == ()


def test_without_matching_all_that_is_sure_is_found() -> None:
    assert [(mark.kind, mark.text) for mark in plain_marks(found((3, 0.5, LEFT), (3, 0.49, RIGHT)), LOOKS, 0.5)] == [
        ("found", "dog 0.50")
    ]
