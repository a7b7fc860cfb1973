"""What `semantic.py` measures: categories as COCO's, annotations and predictions by a seed.

NumPy is imported where it is needed: the benchmark sets its threads first.
"""

from __future__ import annotations

from typing import Any

SIDE = 512
"""Pixels of a picture's side."""


def categories() -> tuple[Any, ...]:
    """As COCO: 80 things, 53 stuff."""
    from semsr.segmentation.found import Category

    return tuple(Category(at, f"class {at}", at <= 80) for at in range(1, 134))


def make(number: int) -> tuple[Any, Any]:
    """A picture's annotations and predictions: 3 regions of stuff, 4 to 12 things (some crowds), void; the same moved, relabelled, dropped.

    Predictions have 100 instances, as query-based segmenters give: 20 to 28 masks, each with several classes and scores.
    """
    import numpy as np
    from pycocotools import mask as coco

    from semsr.evaluation.semantic.truth import TrueObject, TrueSegment, Truth
    from semsr.segmentation.found import Found, Instance, Segment

    random, size = np.random.default_rng(number), (SIDE, SIDE)
    rows, columns = np.ogrid[:SIDE, :SIDE]
    ids = random.permutation(1 << 20)[:40].tolist()
    classes_of: dict[int, int] = {}
    true = np.zeros(size, np.int32)
    waves = np.sin(rows * random.uniform(0.01, 0.04) + random.uniform(0, 6)) + np.sin(columns * random.uniform(0.01, 0.04))
    waves += 0.08 * np.sin(rows * 0.7 + columns * 0.5)  # ragged borders
    for low, high in ((-3, -0.7), (-0.7, 0.6), (0.6, 1.7)):  # what lies above is void
        id = ids.pop()
        classes_of[id] = int(random.integers(81, 134))
        true[(waves >= low) & (waves < high)] = id
    crowds = set()
    present = random.integers(1, 81, 4)  # several things of one class
    for _ in range(int(random.integers(4, 13))):
        id, reach = ids.pop(), random.uniform(6, 90, 2)
        y, x = random.uniform(0, SIDE, 2)
        distance = ((rows - y) / reach[0]) ** 2 + ((columns - x) / reach[1]) ** 2
        true[distance + 0.1 * np.sin(rows * 0.9) * np.sin(columns * 0.8) < 1] = id
        classes_of[id] = int(random.choice(present))
        if random.random() < 0.05:
            crowds.add(id)
    counts = dict(zip(*(part.tolist() for part in np.unique(true, return_counts=True)), strict=True))
    segments = tuple(TrueSegment(id, category, id in crowds, counts[id]) for id, category in classes_of.items() if id in counts)
    things = [one for one in segments if one.category <= 80]
    encoded = [coco.encode(np.asfortranarray(true == one.id).view(np.uint8)) for one in things]
    objects = tuple(
        TrueObject(number * 100 + at + 1, one.category, tuple(coco.toBbox(mask).tolist()), float(one.area), mask, one.crowd)
        for at, (one, mask) in enumerate(zip(things, encoded, strict=True))
    )

    shift = tuple(random.integers(-4, 5, 2).tolist())
    found = np.roll(true, shift, (0, 1))
    said = {}
    for one in segments:
        chance = random.random()
        if chance < 0.1:
            found[found == one.id] = 0
        else:
            said[one.id] = one.category if chance < 0.85 else int(random.integers(1, 134))
    y, x = random.integers(0, SIDE - 60, 2)
    invented = ids.pop()
    found[y : y + 60, x : x + 60], said[invented] = invented, int(random.integers(1, 134))
    left = set(np.unique(found).tolist())
    table = np.full(1 << 20, -1, np.int16)
    for id, category in said.items():
        table[id] = category - 1
    masks = []
    for at in range(int(random.integers(20, 29))):
        if at < 2 * len(things):
            pixels = np.roll(true == things[at // 2].id, random.integers(-5, 6, 2), (0, 1))
            masks.append((coco.encode(np.asfortranarray(pixels).view(np.uint8)), things[at // 2].category))
        else:
            pixels = np.zeros(size, np.uint8, order="F")
            y, x, height, width = random.integers(2, SIDE // 2, 4)
            pixels[y : y + height, x : x + width] = 1
            masks.append((coco.encode(pixels), int(random.choice(present))))
    masks = [(mask, category) for mask, category in masks if coco.area(mask)]
    boxes = [tuple(coco.toBbox(mask).tolist()) for mask, _ in masks]
    scores = np.sort(random.random(100))[::-1].tolist()
    instances = tuple(
        Instance(
            masks[at % len(masks)][1] if at < len(masks) else int(random.integers(1, 81)),
            score,
            boxes[at % len(masks)],
            masks[at % len(masks)][0],
        )
        for at, score in enumerate(scores)
    )
    name = f"{number:012}"
    answer = Found(name, size, found, tuple(Segment(id, said[id]) for id in said if id in left), table[found], instances)
    return Truth(name, size, true, segments, objects), answer
