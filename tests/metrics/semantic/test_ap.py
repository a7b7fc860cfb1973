"""AP against pycocotools driven directly on whole data sets, and hand calculations."""

from __future__ import annotations

import contextlib
import copy
import io
from dataclasses import replace

import numpy as np
import pytest
from pycocotools import mask as coco
from pycocotools.coco import COCO
from pycocotools.cocoeval import COCOeval

from semsr.errors import SemanticError
from semsr.evaluation.semantic.draws import draws
from semsr.segmentation.found import Category, Instance

FIGURES = {
    "ap": (slice(None), 0), "ap50": (slice(0, 1), 0), "ap75": (slice(5, 6), 0),
    "ap-small": (slice(None), 1), "ap-medium": (slice(None), 2), "ap-large": (slice(None), 3),
}  # fmt: skip
"""Where each stands in COCOeval's precisions."""
METRICS = ["box-ap", "mask-ap"]


def pycocotools(pairs, categories, metric):
    """COCOeval's precisions (T, recalls, classes, areas) on a whole data set, as a result file would be evaluated."""
    kind = {"box-ap": "bbox", "mask-ap": "segm"}[metric]
    annotations, results = [], []
    for image, (truth, found) in enumerate(pairs):
        for one in truth.objects:
            entry = {"id": len(annotations) + 1, "image_id": image, "category_id": one.category, "area": one.area}
            annotations.append(entry | {"iscrowd": int(one.crowd), "bbox": list(one.box), "segmentation": dict(one.mask)})
        for one in found.instances:
            entry = {"image_id": image, "category_id": one.category, "score": one.score}
            # One of the two: with both, pycocotools takes the area of the box for masks, too.
            results.append(entry | ({"bbox": list(one.box)} if kind == "bbox" else {"segmentation": dict(one.mask)}))
    images = [{"id": image, "height": truth.size[0], "width": truth.size[1]} for image, (truth, _) in enumerate(pairs)]
    with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
        data = COCO()
        data.dataset = {
            "info": {},
            "images": images,
            "annotations": annotations,
            "categories": [{"id": one.id} for one in categories],
        }
        data.createIndex()
        evaluation = COCOeval(data, data.loadRes(copy.deepcopy(results)), kind)
        evaluation.evaluate()
        evaluation.accumulate()
    return evaluation.eval["precision"][..., -1]


def values_of(precision, figure):
    """(class by class, mean) in percent."""
    thresholds, area = FIGURES[figure]
    precision = precision[thresholds, :, :, area]
    each = np.where((precision > -1).all((0, 1)), 100 * precision.mean((0, 1)), np.nan)
    there = precision[precision > -1]
    return each, 100 * there.mean() if there.size else np.nan


@pytest.fixture(scope="module")
def reference(request):
    """pycocotools' precisions of a data set, made once."""
    made = {}

    def get(data: str, metric: str):
        if (data, metric) not in made:
            judged = request.getfixturevalue(data)
            made[data, metric] = pycocotools(judged.pairs, judged.categories, metric)
        return made[data, metric]

    return get


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize("data", ["mixed", "sample"])
def test_equals_pycocotools(data, metric, figure, make, reference, request):
    judged = request.getfixturevalue(data)
    each, mean = values_of(reference(data, metric), figure)
    ours = make(metric, judged.categories)
    np.testing.assert_allclose(judged.values(ours, each=True, figure=figure)[0], each, rtol=0, atol=1e-11)
    assert judged.values(ours, figure=figure)[0] == pytest.approx(mean, abs=1e-11, nan_ok=True)
    assert 1 < mean < 99 or (data, figure) == ("sample", "ap-large")  # where there is none


@pytest.mark.parametrize("metric", METRICS)
def test_every_picture_alone_equals_pycocotools(metric, generated, make, judged):
    """240 data sets of one picture."""
    ours = make(metric, generated.categories)
    for truth, found in generated.pairs:
        if found.instances:  # pycocotools reads no empty list of results
            each, _ = values_of(pycocotools([(truth, found)], generated.categories, metric), "ap")
            data = judged(generated.categories, [(truth, found)])
            np.testing.assert_allclose(data.values(ours, each=True, figure="ap")[0], each, rtol=0, atol=1e-11)


@pytest.fixture(scope="session")
def mixed(generated, judged):
    """The 240 small pictures, and larger objects beside them: every third picture is five times as large."""
    return judged(generated.categories, [enlarged(*pair) if at % 3 == 0 else pair for at, pair in enumerate(generated.pairs)])


def enlarged(truth, found, by: int = 5):
    def mask(rle):
        return coco.encode(np.asfortranarray(np.kron(coco.decode(rle), np.ones((by, by), np.uint8))))

    def box(sides):
        return tuple(by * side for side in sides)

    size = (truth.size[0] * by, truth.size[1] * by)
    objects = tuple(replace(one, box=box(one.box), area=one.area * by * by, mask=mask(one.mask)) for one in truth.objects)
    instances = tuple(replace(one, box=box(one.box), mask=mask(one.mask)) for one in found.instances)
    return replace(truth, size=size, objects=objects), replace(found, size=size, instances=instances)


def test_the_data_holds_what_is_hard(mixed):
    """Crowds, ties in a picture and over pictures, empty truths and predictions, objects of all sizes."""
    truths, founds = zip(*mixed.pairs, strict=True)
    objects = [one for truth in truths for one in truth.objects]
    assert sum(one.crowd for one in objects) > 50
    assert sum(not truth.objects for truth in truths) > 10 < sum(not found.instances for found in founds)
    for low, high in ((0, 32**2), (32**2, 96**2), (96**2, 1e10)):
        assert sum(low <= one.area <= high for one in objects) >= 20
    assert len({one.score for found in founds for one in found.instances}) == 4


@pytest.mark.parametrize("figure", ["ap", "ap50", "ap-small"])
@pytest.mark.parametrize("metric", METRICS)
def test_a_draw_equals_pycocotools_on_repeated_pictures(metric, figure, without_ties, make):
    weights = draws(len(without_ties.pairs), 3, seed=5)
    values = without_ties.values(make(metric, without_ties.categories), weights, figure=figure)
    for value, row in zip(values, weights, strict=True):
        pairs = [pair for pair, times in zip(without_ties.pairs, row, strict=True) for _ in range(times)]
        assert value == pytest.approx(values_of(pycocotools(pairs, without_ties.categories, metric), figure)[1], abs=1e-11)


def test_more_than_a_hundred_detections_of_a_class(make, truth_of, perfect_of, judged):
    """The 101st is not looked at, but for another class."""
    panoptic = np.zeros((10, 20), np.int32)
    panoptic[:, :10], panoptic[:, 10:] = 1, 2
    truth = truth_of("a", panoptic, [(1, 1, False), (2, 2, False)], {1, 2})
    found = perfect_of(truth, TWO)
    right, other = found.instances
    wrong = Instance(1, 0.95, (0.0, 0.0, 1.0, 1.0))
    for count, expected in ((99, [1.0, 100.0]), (100, [0.0, 100.0])):
        data = judged(TWO, [(truth, replace(found, instances=(*[wrong] * count, right, other)))])
        assert list(data.values(make("box-ap", TWO), each=True, figure="ap")[0]) == pytest.approx(expected)


TWO = (Category(1, "dog", True), Category(2, "cat", True))


@pytest.fixture
def scene(truth_of):
    """Two dogs and a cat of 10 x 10 pixels each."""
    panoptic = np.zeros((10, 40), np.int32)
    panoptic[:, :10], panoptic[:, 10:20], panoptic[:, 30:] = 1, 2, 3
    return truth_of("scene", panoptic, [(1, 1, False), (2, 1, False), (3, 2, False)], {1, 2})


def _instances(change, right):
    dog, other, cat = right
    return {
        "nothing": right,
        "shifted": (_at(dog, 2), other, cat),
        "dropped": (dog, cat),
        "merged": (_box(dog, (0, 0, 20, 10)), cat),
        "relabelled": (dog, other, replace(cat, category=1)),
    }[change]


def _at(instance, columns):
    return _box(instance, (instance.box[0] + columns, *instance.box[1:]))


def _box(instance, box):
    left, top, width, height = map(int, box)
    pixels = np.zeros((10, 40), np.uint8, order="F")
    pixels[top : top + height, left : left + width] = 1
    return replace(instance, box=tuple(map(float, box)), mask=coco.encode(pixels))


@pytest.mark.parametrize("metric", METRICS)
@pytest.mark.parametrize(
    ("change", "dog", "cat"),
    [
        ("nothing", 100, 100),
        # IoU 80/120 = 2/3 with the first dog: right at 4 of 10 thresholds. At the others a wrong one stands before the right one
        # (equal scores, it comes first): precision 1/2 at the recalls 0, .01, ..., .50.
        ("shifted", (4 * 100 + 6 * 100 * 0.5 * 51 / 101) / 10, 100),
        # Of two dogs one: precision 1 at recalls up to 1/2.
        ("dropped", 100 * 51 / 101, 100),
        # IoU 1/2 with each dog, enough at 0.50 only, where it takes one of them.
        ("merged", 10 * 51 / 101, 100),
        # A dog that is none comes last, which costs nothing; the cat is lost.
        ("relabelled", 100, 0),
    ],
)
def test_what_a_mistake_costs(metric, change, dog, cat, scene, make, perfect_of, judged):
    found = perfect_of(scene, TWO)
    data = judged(TWO, [(scene, replace(found, instances=_instances(change, found.instances)))])
    assert list(data.values(make(metric, TWO), each=True, figure="ap")[0]) == pytest.approx([dog, cat])
    assert data.values(make(metric, TWO), figure="ap") == pytest.approx((dog + cat) / 2)


@pytest.mark.parametrize("figure", FIGURES)
@pytest.mark.parametrize("metric", METRICS)
def test_perfect_predictions_give_100(metric, figure, mixed, make, perfect_of, judged):
    pairs = [
        (
            truth,
            replace(
                found, instances=tuple(Instance(one.category, 0.5, one.box, one.mask) for one in truth.objects if not one.crowd)
            ),
        )
        for truth, found in mixed.pairs
    ]
    assert judged(mixed.categories, pairs).values(make(metric, mixed.categories), figure=figure) == pytest.approx(100)


def test_instances_of_a_crowd_do_not_count(make, truth_of, perfect_of, judged):
    """Two instances on a crowd before the right one: ignored, so that precision stays 1; beside it, one of them would halve it."""
    panoptic = np.zeros((10, 40), np.int32)
    panoptic[:, :10], panoptic[:, 20:] = 1, 2
    truth = truth_of("a", panoptic, [(1, 1, False), (2, 1, True)], {1})
    (dog,) = (found := perfect_of(truth, TWO)).instances
    metric = make("mask-ap", TWO)
    for columns, value in ((25, 100), (14, 50)):
        before = (replace(_at(dog, columns), score=0.95), replace(_at(dog, 22), score=0.95))
        data = judged(TWO, [(truth, replace(found, instances=(*before, dog)))])
        assert data.values(metric, figure="ap") == pytest.approx(value)


def test_a_draw_without_objects_has_no_value(without_ties, make):
    empty = [not truth.objects for truth, _ in without_ties.pairs]
    assert 0 < sum(empty) < len(empty)
    values = without_ties.values(
        make("box-ap", without_ties.categories), np.array([empty, np.ones(len(empty))], np.int64), figure="ap"
    )
    assert np.isnan(values[0]) and np.isfinite(values[1])


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ({"score": float("nan")}, "scene: instance 0 (category 1) has the score nan"),
        ({"box": (0.0, 0.0, float("inf"), 1.0)}, "scene: instance 0 (category 1) has the box [0.0, 0.0, inf, 1.0]"),
        ({"box": (0.0, 0.0, -1.0, 1.0)}, "scene: instance 0 (category 1) has the box [0.0, 0.0, -1.0, 1.0]"),
        ({"category": 3}, "scene: found category 3, which the annotations do not know"),
        ({"mask": None}, "scene: instance 0 (category 1) has no mask"),
        (
            {"mask": {"size": [5, 40], "counts": b""}},
            "scene: the mask of instance 0 is 5 x 40 (rows x columns), the annotations are 10 x 40",
        ),
    ],
)
def test_what_does_not_fit_is_one_line(change, line, scene, make, perfect_of):
    found = perfect_of(scene, TWO)
    broken = replace(found, instances=(replace(found.instances[0], **change), *found.instances[1:]))
    with pytest.raises(SemanticError) as caught:
        make("mask-ap", TWO).contribution(scene, broken)
    assert str(caught.value).startswith(line) and "\n" not in str(caught.value)
    with pytest.raises(SemanticError, match="gave no list of instances"):
        make("box-ap", TWO).contribution(scene, replace(found, instances=None))
