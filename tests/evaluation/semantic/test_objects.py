"""Objects lost, invented and brought back, counted by hand in a small scene."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from pycocotools import mask as coco

from semsr.cards.protocol import ObjectMatching
from semsr.errors import SemanticError
from semsr.evaluation.semantic.objects import Changes, changes, seen, share_values
from semsr.evaluation.semantic.truth import TrueObject, Truth
from semsr.segmentation.found import Found, Instance

SIZE = (20, 60)
BOTH = pytest.mark.parametrize("matching", [ObjectMatching(by="boxes"), ObjectMatching(by="masks")], ids=["boxes", "masks"])


def _mask(box):
    left, top, width, height = map(int, box)
    pixels = np.zeros(SIZE, np.uint8, order="F")
    pixels[top : top + height, left : left + width] = 1
    return coco.encode(pixels)


def instance(left: int, category: int = 1, score: float = 0.8, width: int = 10, top: int = 0) -> Instance:
    box = (float(left), float(top), float(width), 10.0)
    return Instance(category, score, box, _mask(box))


def found(*instances: Instance) -> Found:
    return Found("scene", SIZE, instances=instances)


def true(left: int, category: int = 1, crowd: bool = False, width: int = 10) -> TrueObject:
    box = (float(left), 0.0, float(width), 10.0)
    return TrueObject(1, category, box, 10.0 * width, _mask(box), crowd)


@pytest.fixture
def truth():
    """Two dogs (category 1), a cat (2), and a crowd of dogs on the right."""
    objects = (true(0), true(15), true(30, 2), true(45, crowd=True, width=15))
    return Truth("scene", SIZE, np.zeros(SIZE, np.int32), (), objects)


@BOTH
def test_what_is_seen(truth, matching):
    instances = (
        instance(1, score=0.9),  # the first dog: IoU 90/110
        instance(0, score=0.7),  # again: the object is taken, and nothing is invented
        instance(15, score=0.4),  # the second dog, but not sure
        instance(30, category=1),  # a dog that is the cat
        instance(46),  # on the crowd
        instance(10, top=10),  # nothing
    )
    result = seen(truth, found(*instances), matching)
    assert (result.objects, result.sure, result.unfounded) == ({0}, {0, 1, 3, 5}, {3, 5})


@BOTH
@pytest.mark.parametrize(
    ("score", "iou", "objects"), [(0.5, 0.5, {0}), (0.9, 0.5, {0}), (0.91, 0.5, set()), (0.5, 0.81, {0}), (0.5, 0.82, set())]
)
def test_limits_belong_to_what_they_limit(truth, matching, score, iou, objects):
    """A score of 0.9 and an IoU of 90/110 = 0.818."""
    assert (
        seen(truth, found(instance(1, score=0.9)), matching.model_copy(update={"score": score, "iou": iou})).objects == objects
    )


@BOTH
def test_the_surest_takes_first(matching):
    """Both reach both dogs; the surer one, though second in the list, takes the dog it overlaps most, the other gets what is left."""
    near = Truth("scene", SIZE, np.zeros(SIZE, np.int32), (), (true(0), true(3)))
    both = (instance(1, score=0.6), instance(0, score=0.9))
    assert seen(near, found(*both), matching).objects == {0, 1}
    # At 0.7 the first (IoU 9/11 and 8/12 with the dogs) reaches only the dog that is taken.
    result = seen(near, found(*both), matching.model_copy(update={"iou": 0.7}))
    assert (result.objects, result.unfounded) == ({0}, set())


@BOTH
def test_what_becomes_of_a_scene(truth, matching):
    hr = found(instance(0), instance(15), instance(30, 2), instance(30, 1, top=10))  # all three, and a dog that is none
    lr = found(instance(0), instance(15, score=0.3))  # one
    sr = found(
        instance(0),  # kept
        instance(15),  # brought back
        instance(31, 1, top=10),  # what HR has there, too: IoU 90/110
        instance(0, 2, top=10),  # invented
        instance(47),  # on the crowd
        instance(5, top=10, score=0.1),  # not sure
    )
    assert changes(truth, hr, lr, sr, matching) == Changes(
        seen_on_hr=3, omitted=1, sure_on_sr=4, hallucinated=1, lost_on_lr=2, improved=1
    )


@BOTH
def test_restored_perfectly_nothing_changes(truth, matching):
    hr, nothing = found(instance(0), instance(15), instance(30, 2)), found()
    assert changes(truth, hr, nothing, hr, matching) == Changes(3, 0, 3, 0, 3, 3)
    assert changes(truth, hr, hr, nothing, matching) == Changes(3, 3, 0, 0, 0, 0)
    assert changes(truth, nothing, nothing, hr, matching) == Changes(0, 0, 3, 0, 0, 0)


def test_an_instance_that_hr_is_not_sure_of_is_no_excuse(truth):
    doubtful, sure = found(instance(30, 1, score=0.49, top=10)), found(instance(30, 1, top=10))
    assert changes(truth, doubtful, found(), sure, ObjectMatching()).hallucinated == 1
    other = found(instance(30, 2, top=10))
    assert changes(truth, other, found(), sure, ObjectMatching()).hallucinated == 1


def test_shares_are_sums_over_sums():
    weights = np.array([[1, 1, 1], [2, 0, 1], [0, 3, 0]])
    shares = share_values(np.array([1, 0, 3]), np.array([2, 0, 4]), weights)
    assert shares[:2].tolist() == pytest.approx([100 * 4 / 6, 100 * 5 / 8]) and np.isnan(shares[2])


@pytest.mark.parametrize(
    ("broken", "matching", "line"),
    [
        (found(instance(0, score=float("nan"))), ObjectMatching(), "scene: instance 0 (category 1) has the score nan"),
        (found(replace(instance(0), mask=None)), ObjectMatching(by="masks"), "scene: instance 0 (category 1) has no mask"),
        (
            replace(found(), size=(60, 20)),
            ObjectMatching(),
            "scene: the list of instances is 60 x 20 (rows x columns), the annotations are",
        ),
        (replace(found(), instances=None), ObjectMatching(), "scene: the segmenter gave no list of instances"),
    ],
)
def test_what_does_not_fit_is_one_line(broken, matching, line, truth):
    for nth in range(3):
        three = [found(), found(), found()]
        three[nth] = broken
        with pytest.raises(SemanticError) as caught:
            changes(truth, *three, matching)
        assert str(caught.value).startswith(line) and "\n" not in str(caught.value)
