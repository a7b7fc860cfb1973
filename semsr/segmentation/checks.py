"""Whether what a segmenter says of a picture is what its card promises."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from semsr.cards.segmenter import SegmenterCard
from semsr.segmentation.found import Category, Found, Instance

_SLACK = 1e-3
"""Pixels by which a box may stick out: boxes are computed in float32."""


def broken(card: SegmenterCard, found: Found, categories: Sequence[Category], size: tuple[int, int]) -> str | None:
    """What is wrong with an answer, in one line; None where nothing is.

    Args:
        card: says what the segmenter gives: exactly that must be there.
        found: the answer.
        categories: of the data set, sorted by id.
        size: (H, W) that was asked for.
    """
    if tuple(found.size) != tuple(size):
        return f"answers at {_by(found.size)}, asked for {_by(size)}"
    given = {
        "panoptic": found.panoptic is not None,
        "semantic": found.classes is not None,
        "boxes": found.instances is not None,
        "masks": any(instance.mask is not None for instance in found.instances or ()),
    }
    for answer, there in given.items():
        # A picture without objects has no masks to show.
        if answer in card.gives and not there and (answer != "masks" or found.instances):
            return f"gives no {answer}, which its card promises"
        if there and answer not in card.gives:
            return f"gives {answer}, which its card does not name under 'gives' ({', '.join(card.gives)})"
    return _panoptic(found, categories) or _classes(found, categories) or _instances(card, found, categories)


def _panoptic(found: Found, categories: Sequence[Category]) -> str | None:
    if found.panoptic is None:
        return f"lists {len(found.segments)} segments without a map" if found.segments else None
    ids = found.panoptic
    if ids.shape != tuple(found.size) or ids.dtype != np.int32:
        return f"its panoptic map is {_by(ids.shape)} of {ids.dtype}, expected {_by(found.size)} of int32"
    listed = [segment.id for segment in found.segments]
    if len(set(listed)) != len(listed):
        return f"lists segment {next(number for number in listed if listed.count(number) > 1)} twice"
    there = set(np.unique(ids).tolist()) - {0}
    if stray := sorted(there - set(listed)):
        return f"its panoptic map has id {stray[0]}, which no segment lists"
    if empty := sorted(set(listed) - there):
        return f"segment {empty[0]} has no pixel in its panoptic map"
    known = {category.id for category in categories}
    for segment in found.segments:
        if segment.category not in known:
            return f"segment {segment.id} has category {segment.category}, which the data set does not have"
        if segment.score is not None and not 0 <= segment.score <= 1:
            return f"segment {segment.id} has score {segment.score}, allowed: 0 to 1"
    return None


def _classes(found: Found, categories: Sequence[Category]) -> str | None:
    if found.classes is None:
        return None
    classes = found.classes
    if classes.shape != tuple(found.size) or classes.dtype != np.int16:
        return f"its map of classes is {_by(classes.shape)} of {classes.dtype}, expected {_by(found.size)} of int16"
    if classes.size and not -1 <= int(classes.min()) <= int(classes.max()) < len(categories):
        return f"its map of classes goes from {classes.min()} to {classes.max()}, allowed: -1 to {len(categories) - 1}"
    return None


def _instances(card: SegmenterCard, found: Found, categories: Sequence[Category]) -> str | None:
    things = {category.id for category in categories if category.thing}
    before = 1.0
    for number, instance in enumerate(found.instances or ()):
        where = f"object {number}"
        if instance.category not in things:
            return f"{where} has category {instance.category}, which is no thing of the data set"
        if not 0 <= instance.score <= before:  # NaN fails, too
            return f"{where} has score {instance.score} after {before}; allowed: 0 to 1, the best first"
        if problem := _box(instance, found.size):
            return f"{where}: {problem}"
        if (instance.mask is not None) != ("masks" in card.gives):
            return f"{where} has {'a' if instance.mask is not None else 'no'} mask, its card says otherwise"
        if instance.mask is not None and tuple(instance.mask["size"]) != tuple(found.size):
            return f"{where} has a mask of {_by(instance.mask['size'])}, expected {_by(found.size)}"
        before = instance.score
    return None


def _box(instance: Instance, size: tuple[int, int]) -> str | None:
    x, y, width, height = instance.box
    if not all(math.isfinite(value) for value in instance.box) or width <= 0 or height <= 0:
        return f"its box is {instance.box}; allowed: finite, with positive width and height"
    if x < -_SLACK or y < -_SLACK or x + width > size[1] + _SLACK or y + height > size[0] + _SLACK:
        return f"its box {instance.box} sticks out of the picture ({_by(size)})"
    return None


def _by(size: Sequence[int]) -> str:
    return "x".join(str(side) for side in size) if size else "a number"
