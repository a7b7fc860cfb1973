"""Annotations at another size: hand-checked, and perfect predictors under both mappings."""

from __future__ import annotations

import shutil
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from semsr.cards.metric import OptionValue
from semsr.evaluation.semantic.annotations import Annotations
from semsr.evaluation.semantic.metric import SemanticMetric
from semsr.evaluation.semantic.resizing import resized_truth, scaled_box, vanished
from semsr.evaluation.semantic.truth import TrueObject, TrueSegment, Truth
from semsr.plugins import load_plugin
from semsr.project import Project
from semsr.segmentation import rle
from semsr.segmentation.found import Category, Found, Instance, Segment
from semsr.segmentation.maps import areas, nearest
from semsr.segmentation.masks import encode, tight_box

CATEGORIES = (Category(1, "person", True), Category(7, "train", True), Category(200, "sky", False))
IDS = np.array(
    [
        [5, 5, 5, 5, 5, 5],
        [0, 2, 2, 9, 9, 9],
        [0, 2, 2, 9, 9, 9],
        [0, 3, 0, 0, 0, 0],
    ],
    np.int32,
)


def a_truth(ids: np.ndarray = IDS) -> Truth:
    """Sky (5), a person (2), a crowd of persons (9) and one pixel of a train (3)."""
    kinds = {5: (200, False), 2: (1, False), 9: (1, True), 3: (7, False)}
    segments = tuple(TrueSegment(i, *kinds[i], int((ids == i).sum())) for i in kinds if (ids == i).any())
    objects = tuple(
        TrueObject(s.id, s.category, tight_box(ids == s.id), float(s.area), encode(ids == s.id), s.crowd)
        for s in segments
        if s.category != 200
    )
    return Truth("a", (ids.shape[0], ids.shape[1]), ids, segments, objects)


def perfect(truth: Truth) -> Found:
    """The answer that is the truth: crowds are no objects, so no one finds them."""
    places = {category.id: place for place, category in enumerate(CATEGORIES)}
    kinds = {segment.id: segment.category for segment in truth.segments}
    classes = np.array([[places.get(kinds.get(int(i), -1), -1) for i in row] for row in truth.panoptic], np.int16)
    return Found(
        truth.name,
        truth.size,
        truth.panoptic,
        tuple(Segment(segment.id, segment.category) for segment in truth.segments),
        classes,
        tuple(Instance(one.category, 1.0, one.box, one.mask) for one in truth.objects if not one.crowd),
    )


def resized_found(found: Found, size: tuple[int, int]) -> Found:
    """What was found, brought to another size (h, w) by the rule for annotations; what vanishes is left out."""
    if size == found.size:
        return found
    panoptic = None if found.panoptic is None else nearest(found.panoptic, size)
    left = {} if panoptic is None else areas(panoptic)
    instances = None
    if found.instances is not None:
        moved = (_resized_instance(instance, found.size, size) for instance in found.instances)
        instances = tuple(instance for instance in moved if instance is not None)
    return Found(
        found.name,
        size,
        panoptic,
        tuple(segment for segment in found.segments if segment.id in left),
        None if found.classes is None else nearest(found.classes, size),
        instances,
    )


def _resized_instance(found: Instance, before: tuple[int, int], after: tuple[int, int]) -> Instance | None:
    mask = None if found.mask is None else rle.resized(found.mask, after)
    if mask is not None and rle.area(mask) == 0:
        return None
    return replace(found, box=scaled_box(found.box, before, after), mask=mask)


def test_annotations_at_half_the_width_and_twice_the_height() -> None:
    """Columns 1, 3, 5 are sampled, each row twice: maps, areas, boxes, run lengths, crowd flags by hand."""
    found = resized_truth(a_truth(), (8, 3))
    assert found.size == (8, 3)
    rows = [[5, 5, 5], [2, 9, 9], [2, 9, 9], [3, 0, 0]]
    assert found.panoptic.tolist() == [row for row in rows for _ in range(2)]
    assert [(s.id, s.category, s.crowd, s.area) for s in found.segments] == [
        (5, 200, False, 6), (2, 1, False, 4), (9, 1, True, 8), (3, 7, False, 2),
    ]  # fmt: skip
    assert [(one.id, one.crowd, one.area, one.box) for one in found.objects] == [
        (2, False, 4.0, (0.5, 2.0, 1.0, 4.0)), (9, True, 8.0, (1.5, 2.0, 1.5, 4.0)), (3, False, 2.0, (0.5, 6.0, 0.5, 2.0)),
    ]  # fmt: skip
    # Down the columns: 9 stands in rows 2 to 5 of columns 1 and 2.
    crowd = found.objects[1].mask
    assert crowd["size"] == [8, 3] and np.array_equal(rle.decoded(crowd), found.panoptic == 9)
    assert np.flatnonzero(rle.decoded(crowd).T.ravel()).tolist() == [10, 11, 12, 13, 18, 19, 20, 21]
    assert vanished(a_truth(), found) == (0, 0)


def test_what_no_sampled_pixel_falls_on_is_gone() -> None:
    """Rows 0 and 2, columns 1 and 4 (of 0.5 · 3 = 1.5 and 4.5): the train is in row 3."""
    found = resized_truth(a_truth(), (2, 2))
    assert found.panoptic.tolist() == [[2, 9], [3, 0]]
    found = resized_truth(a_truth(), (1, 2))
    assert found.panoptic.tolist() == [[2, 9]]
    assert ([s.id for s in found.segments], [one.id for one in found.objects]) == ([2, 9], [2, 9])
    assert vanished(a_truth(), found) == (2, 1)


def test_objects_are_resized_by_their_own_masks() -> None:
    """COCO's two kinds of annotation differ: an object that lies hidden in the map keeps its mask."""
    hidden = TrueObject(1, 7, (0.0, 0.0, 6.0, 4.0), 23.5, encode(np.ones((4, 6), bool)), False)
    truth = Truth("a", (4, 6), np.zeros((4, 6), np.int32), (), (hidden,))
    (found,) = resized_truth(truth, (2, 2)).objects
    assert (found.area, found.box, found.crowd) == (4.0, (0.0, 0.0, 2.0, 2.0), False)
    assert resized_truth(truth, (4, 6)) is truth  # the annotated area stays


def test_boxes_are_scaled_by_two_factors() -> None:
    assert scaled_box((32.0, 42.7, 64.0, 85.4), (427, 640), (512, 512)) == pytest.approx((25.6, 51.2, 51.2, 102.4))


@pytest.mark.parametrize("size", [(8, 3), (2, 2), (1, 2), (7, 5), (4, 6)])
def test_the_truth_at_one_size_is_the_truth_at_the_other(size: tuple[int, int]) -> None:
    moved, wanted = resized_found(perfect(a_truth()), size), perfect(resized_truth(a_truth(), size))
    assert moved.panoptic is not None and moved.classes is not None and wanted.classes is not None
    assert np.array_equal(moved.panoptic, wanted.panoptic) and np.array_equal(moved.classes, wanted.classes)
    assert (moved.name, moved.size, moved.segments, moved.instances) == ("a", size, wanted.segments, wanted.instances)


def test_what_resizing_back_costs_by_hand() -> None:
    """A perfect answer at 4 columns of an annotation of 5 (columns 0, 1, 3, 4), brought back: column 2 is a copy of column 3.

    The person of columns 0 to 2 keeps 2 of 3 columns and the train of columns 3 and 4 gets one too many: IoU 2/3 each. Someone one column
    wide at column 2 is gone.
    """
    ids = np.array([[2, 2, 2, 3, 3]], np.int32).repeat(5, axis=0)
    small = resized_truth(a_truth(ids), (5, 4))
    back = resized_found(perfect(small), (5, 5))
    assert back.panoptic is not None and back.panoptic[0].tolist() == [2, 2, 3, 3, 3]
    for number in (2, 3):
        here, there = ids == number, back.panoptic == number
        assert (here & there).sum() / (here | there).sum() == pytest.approx(2 / 3)
    thin = a_truth(np.array([[5, 5, 2, 3, 3]], np.int32))
    lost = resized_found(perfect(resized_truth(thin, (1, 4))), (1, 5))
    assert [segment.id for segment in lost.segments] == [5, 3]


def value(metric: SemanticMetric, pairs: list[tuple[Truth, Found]], **options: OptionValue) -> float:
    parts = [metric.contribution(truth, found) for truth, found in pairs]
    rows = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
    picture = np.repeat(np.arange(len(parts)), [len(next(iter(part.values()))) for part in parts])
    return float(metric.values(rows, picture, np.ones((1, len(pairs)), np.int64), options)[0])


@pytest.fixture(scope="module")
def sample(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Annotations:
    """COCO's two sample pictures, as a prepared data set has them."""
    folder, source = tmp_path_factory.mktemp("coco"), test_data / "coco_panoptic_sample"
    (folder / "annotations").mkdir()
    shutil.copytree(source / "panoptic_examples", folder / "annotations/panoptic")
    shutil.copy(source / "panoptic_examples.json", folder / "annotations/panoptic.json")
    shutil.copy(source / "panoptic_coco_detection_format.json", folder / "annotations/instances.json")
    return Annotations.read(folder)


def scores(project: Project, annotations: Annotations, pairs: list[tuple[Truth, Found]]) -> dict[str, float]:
    def metric(name: str) -> SemanticMetric:
        card = project.metric(name)
        make = load_plugin(project, "metric", project.metric_family(name), card.entry)
        made: SemanticMetric = make(card, annotations.categories)
        return made

    return {
        "pq": value(metric("pq"), pairs, figure="pq"),
        "box-ap": value(metric("box-ap"), pairs, figure="ap"),
        "mask-ap": value(metric("mask-ap"), pairs, figure="ap"),
        "miou": value(metric("miou"), pairs, denominator="truth"),
    }


def answer(annotations: Annotations, truth: Truth) -> Found:
    """The truth as an answer, with the classes of all its categories; the best first, as a `Found` has them."""
    places = {category.id: place for place, category in enumerate(annotations.categories)}
    classes = np.full(truth.size, -1, np.int16)
    for segment in truth.segments:
        classes[truth.panoptic == segment.id] = places[segment.category]
    found = perfect(truth)
    return Found(found.name, found.size, found.panoptic, found.segments, classes, found.instances)


@pytest.mark.parametrize("size", [None, (512, 512), (128, 128)])
def test_a_perfect_predictor_scores_100_under_both_protocols(
    project: Project, sample: Annotations, size: tuple[int, int] | None
) -> None:
    """At the annotations' own size ("original") and with annotations resized ("resized")."""
    truths = [sample.truth(name, size) for name in sample.names]
    found = scores(project, sample, [(truth, answer(sample, truth)) for truth in truths])
    assert found == pytest.approx(dict.fromkeys(found, 100.0), abs=1e-9)


def test_what_resizing_back_costs_on_real_pictures(project: Project, sample: Annotations) -> None:
    """A perfect answer at 512 x 512, brought back to 640 x 427 and 640 x 360: the most that such answers can reach under "original"."""
    pairs, ious = [], defaultdict[int, list[float]](list)
    for name in sample.names:
        truth = sample.truth(name)
        back = resized_found(answer(sample, sample.truth(name, (512, 512))), truth.size)
        pairs.append((truth, back))
        for segment in truth.segments:
            here, there = truth.panoptic == segment.id, back.panoptic == segment.id
            # What is found on void is no mistake, and crowds are never matched.
            if not segment.crowd:
                ious[segment.category].append((here & there).sum() / (here | (there & (truth.panoptic > 0))).sum())
    found = scores(project, sample, pairs)
    assert found == pytest.approx({"pq": 98.629, "box-ap": 100.0, "mask-ap": 99.420, "miou": 98.817}, abs=0.001)
    assert found["pq"] == pytest.approx(100 * np.mean([np.mean(each) for each in ious.values()]), abs=1e-9)
