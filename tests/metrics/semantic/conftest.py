"""Data sets of annotations and predictions: COCO's two sample pictures, and generated ones with everything that is hard in them."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pytest
from PIL import Image
from pycocotools import mask as coco

from semsr.evaluation.semantic.metric import SemanticMetric
from semsr.evaluation.semantic.truth import TrueObject, TrueSegment, Truth
from semsr.plugins import load_plugin
from semsr.segmentation.found import Category, Found, Instance, Segment

CATEGORIES = tuple(
    Category(id, f"c{id}", thing) for id, thing in ((1, True), (2, True), (5, True), (9, True), (90, False), (201, False))
)
SCORES = (0.2, 0.5, 0.5, 0.75, 0.9)
"""Few, so that many are equal."""


@dataclass
class Judged:
    """A data set with what was found in it, and a metric's values of any draw of its pictures."""

    categories: tuple[Category, ...]
    pairs: list[tuple[Truth, Found]]

    def rows(self, metric: SemanticMetric):
        """Contributions of all pictures together, and the picture of each row."""
        parts = [metric.contribution(truth, found) for truth, found in self.pairs]
        lengths = [len(next(iter(part.values()))) for part in parts]
        joined = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        return joined, np.repeat(np.arange(len(parts)), lengths)

    def values(self, metric: SemanticMetric, weights=None, each: bool = False, **options):
        rows, picture = self.rows(metric)
        weights = np.ones((1, len(self.pairs)), np.int64) if weights is None else np.asarray(weights)
        return (metric.each_class if each else metric.values)(rows, picture, weights, options)


def mask_of(pixels: np.ndarray):
    return coco.encode(np.asfortranarray(pixels.astype(np.uint8)))


def box_of(pixels: np.ndarray) -> tuple[float, float, float, float]:
    return tuple(float(side) for side in coco.toBbox(mask_of(pixels)))


def make_truth(name: str, panoptic: np.ndarray, segments: Sequence[tuple[int, int, bool]], things: set[int]) -> Truth:
    """Annotations of a map; `segments`: (id, category, crowd). Every thing segment is an object, too."""
    entries = tuple(TrueSegment(id, category, crowd, int((panoptic == id).sum())) for id, category, crowd in segments)
    objects = []
    for entry in entries:
        pixels = panoptic == entry.id
        if entry.category in things and pixels.any():
            objects.append(
                TrueObject(len(objects) + 1, entry.category, box_of(pixels), float(pixels.sum()), mask_of(pixels), entry.crowd)
            )
    return Truth(name, panoptic.shape, panoptic.astype(np.int32), entries, tuple(objects))


def perfect(truth: Truth, categories: Sequence[Category]) -> Found:
    """What a segmenter would say that makes no mistake; it says nothing of crowds' objects and leaves void empty."""
    places = {category.id: at for at, category in enumerate(categories)}
    classes = np.full(truth.size, -1, np.int16)
    for segment in truth.segments:
        classes[truth.panoptic == segment.id] = places[segment.category]
    segments = tuple(Segment(one.id, one.category) for one in truth.segments if one.area)
    instances = tuple(Instance(one.category, 0.9, one.box, one.mask) for one in truth.objects if not one.crowd)
    return Found(truth.name, truth.size, truth.panoptic.copy(), segments, classes, instances)


def _blobs(random: np.random.Generator, size: tuple[int, int], count: int, ids: Sequence[int]) -> np.ndarray:
    """A map of overlapping rectangles, some of one pixel, on void."""
    panoptic = np.zeros(size, np.int32)
    for id in ids[:count]:
        height, width = (1, 1) if random.random() < 0.15 else random.integers(2, 28, 2)
        top, left = random.integers(0, size[0] - height + 1), random.integers(0, size[1] - width + 1)
        panoptic[top : top + height, left : left + width] = id
    return panoptic


def _ids(random: np.random.Generator, count: int) -> list[int]:
    """Different ids, half of them above 2^16."""
    return [
        int(id)
        for id in random.permutation(
            np.unique(np.append(random.integers(1, 1 << 16, 40), random.integers(1 << 16, 1 << 24, 40)))
        )[:count]
    ]


def generated_pair(seed: int, scores: Sequence[float] = SCORES) -> tuple[Truth, Found]:
    """One picture; some have no truth, some no prediction, most have void, crowds, ties and segments of one pixel."""
    random = np.random.default_rng(seed)
    size = (int(random.integers(28, 49)), int(random.integers(28, 49)))
    things = {category.id for category in CATEGORIES if category.thing}
    true_ids = _ids(random, 0 if seed % 17 == 3 else int(random.integers(1, 9)))
    true_map = _blobs(random, size, len(true_ids), true_ids)
    # A small number of categories, so that several segments and crowds share one.
    segments = []
    for id in true_ids:
        category = CATEGORIES[random.integers(0, len(CATEGORIES))].id if random.random() < 0.6 else 1
        if (true_map == id).any():
            segments.append((id, category, category in things and random.random() < 0.25))
    truth = make_truth(f"{seed:06}", true_map, segments, things)

    # The prediction: the truth moved, some relabelled, under new ids, some holes and inventions.
    found_map, categories = np.zeros(size, np.int32), {}
    fresh = _ids(random, 30)
    moved = np.roll(true_map, random.integers(-3, 4, 2), (0, 1)) if random.random() < 0.7 else true_map
    for id, category, _ in segments:
        new = fresh.pop()
        found_map[moved == id] = new
        categories[new] = category if random.random() < 0.8 else CATEGORIES[random.integers(0, len(CATEGORIES))].id
    for _ in range(int(random.integers(0, 4))):
        new, height, width = fresh.pop(), int(random.integers(1, 12)), int(random.integers(1, 12))
        top, left = random.integers(0, size[0] - height + 1), random.integers(0, size[1] - width + 1)
        found_map[top : top + height, left : left + width] = new
        categories[new] = CATEGORIES[random.integers(0, len(CATEGORIES))].id if random.random() < 0.5 else 1
    if random.random() < 0.5:  # predicted void
        top, left = random.integers(0, size[0] - 5), random.integers(0, size[1] - 5)
        found_map[top : top + int(random.integers(1, 15)), left : left + int(random.integers(1, 15))] = 0
    if seed % 13 == 5:
        found_map[:] = 0
    found_segments = tuple(Segment(id, categories[id]) for id in categories if (found_map == id).any())

    places = {category.id: at for at, category in enumerate(CATEGORIES)}
    classes = np.full(size, -1, np.int16)
    for segment in found_segments:
        classes[found_map == segment.id] = places[segment.category]
    instances = []
    for _ in range(0 if seed % 11 == 7 else int(random.integers(0, 14))):
        category = 1 if random.random() < 0.5 else CATEGORIES[random.integers(0, len(CATEGORIES))].id
        pixels = np.zeros(size, bool)
        if truth.objects and random.random() < 0.8:
            one = truth.objects[random.integers(0, len(truth.objects))]
            pixels |= np.roll(coco.decode(one.mask).astype(bool), random.integers(-2, 3, 2), (0, 1))
            category = one.category if random.random() < 0.8 else category
        else:
            top, left = random.integers(0, size[0] - 1), random.integers(0, size[1] - 1)
            pixels[top : top + int(random.integers(1, 40)), left : left + int(random.integers(1, 40))] = True
        instances.append(Instance(category, float(scores[random.integers(0, len(scores))]), box_of(pixels), mask_of(pixels)))
    return truth, Found(truth.name, size, found_map, found_segments, classes, tuple(instances))


@pytest.fixture(scope="session")
def generated() -> Judged:
    """240 generated pictures, together one data set."""
    return Judged(CATEGORIES, [generated_pair(seed) for seed in range(240)])


@pytest.fixture(scope="session")
def without_ties() -> Judged:
    """40 pictures in which no two scores are equal (of 10^6 values)."""
    scores = np.random.default_rng(1).random(1_000_000)
    return Judged(CATEGORIES, [generated_pair(seed, scores) for seed in range(1000, 1040)])


@pytest.fixture(scope="session")
def sample(test_data) -> Judged:
    """COCO's two sample pictures; found: the truth moved by a few pixels, which leaves some segments matched and some not."""
    folder = test_data / "coco_panoptic_sample"
    categories = tuple(
        sorted(
            (
                Category(one["id"], one["name"], bool(one["isthing"]))
                for one in json.loads((folder / "panoptic_coco_categories.json").read_text())
            ),
            key=lambda category: category.id,
        )
    )
    panoptic = json.loads((folder / "panoptic_examples.json").read_text())
    detection = json.loads((folder / "panoptic_coco_detection_format.json").read_text())
    things = {category.id for category in categories if category.thing}
    pairs = []
    for annotation in panoptic["annotations"]:
        colours = np.asarray(Image.open(folder / "panoptic_examples" / annotation["file_name"]).convert("RGB")).astype(np.int32)
        ids = colours @ np.array([1, 256, 65536], np.int32)
        segments = tuple(
            TrueSegment(one["id"], one["category_id"], bool(one["iscrowd"]), one["area"]) for one in annotation["segments_info"]
        )
        objects = tuple(
            TrueObject(
                one["id"],
                one["category_id"],
                tuple(map(float, one["bbox"])),
                float(one["area"]),
                {**one["segmentation"], "counts": one["segmentation"]["counts"].encode()},
                bool(one["iscrowd"]),
            )
            for one in detection["annotations"]
            if one["image_id"] == annotation["image_id"] and one["category_id"] in things
        )
        truth = Truth(annotation["file_name"][:-4], ids.shape, ids, segments, objects)
        pairs.append((truth, _moved(perfect(truth, categories), len(pairs))))
    return Judged(categories, pairs)


def _moved(found: Found, seed: int) -> Found:
    """The same five pixels further, instances by 0 to 5 with different scores."""
    random = np.random.default_rng(seed)
    panoptic, classes = (np.roll(part, (4, 5), (0, 1)) for part in (found.panoptic, found.classes))
    instances = []
    for instance in found.instances:
        pixels = np.roll(coco.decode(instance.mask), int(random.integers(0, 6)), 1)
        instances.append(Instance(instance.category, float(random.random()), box_of(pixels), mask_of(pixels)))
    return Found(found.name, found.size, panoptic, found.segments, classes, tuple(instances))


@pytest.fixture(scope="session")
def make(project) -> Callable[[str, Sequence[Category]], SemanticMetric]:
    """A metric by its id, for the categories of a data set."""

    def made(name: str, categories: Sequence[Category]) -> SemanticMetric:
        card = project.metric(name)
        return load_plugin(project, "metric", project.metric_family(name), card.entry)(card, categories)

    return made


@pytest.fixture(scope="session")
def truth_of():
    """`make_truth`."""
    return make_truth


@pytest.fixture(scope="session")
def perfect_of():
    """`perfect`."""
    return perfect


@pytest.fixture(scope="session")
def judged():
    """`Judged`."""
    return Judged
