"""Whether what a segmenter says of a picture is what its card promises."""

from __future__ import annotations

import math
from collections.abc import Sequence
from numbers import Integral, Real
from typing import Any

import numpy as np

from semsr.cards.segmenter import SegmenterCard
from semsr.segmentation import rle
from semsr.segmentation.found import Category, Found, Instance, Segment

_SLACK = 1e-3
"""Pixels by which a box may stick out: boxes are computed in float32."""
_LONGEST = 80
"""Characters of a wrong value that are shown."""


def broken(
    card: SegmenterCard, found: object, categories: Sequence[Category], size: tuple[int, int], name: str | None = None
) -> str | None:
    """What is wrong with an answer, in one line; None where nothing is. Plugins make answers, so nothing in them is taken for granted.

    Args:
        card: says what the segmenter gives: exactly that must be there.
        found: the answer.
        categories: of the data set, sorted by id.
        size: (H, W) that was asked for.
        name: of the picture that was asked for; None: whatever it is called.
    """
    if not isinstance(found, Found):
        return f"answers with {_kind(found)}, expected a semsr.segmentation.found.Found"
    if name is not None and (not isinstance(found.name, str) or found.name != name):
        return f"answers for {_short(found.name)}, asked for {name!r}"
    if not _listed(found.size) or not all(map(_whole, found.size)) or tuple(found.size) != tuple(size):
        return f"answers at {_by(found.size)}, asked for {_by(size)}"
    if not _listed(found.segments):
        return f"its segments are {_kind(found.segments)}, expected a tuple of Segment"
    if found.instances is not None and not _listed(found.instances):
        return f"its objects are {_kind(found.instances)}, expected a tuple of Instance"
    for what, entries, kind in (("segment", found.segments, Segment), ("object", found.instances or (), Instance)):
        for number, entry in enumerate(entries):
            if not isinstance(entry, kind):
                return f"{what} {number} is {_kind(entry)}, expected a semsr.segmentation.found.{kind.__name__}"
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
    if problem := _map(ids, found.size, np.int32):
        return f"its panoptic map is {problem}"
    for number, segment in enumerate(found.segments):
        if not _whole(segment.id):
            return f"segment {number} has id {_short(segment.id)}, expected a whole number"
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
        if not _whole(segment.category) or segment.category not in known:
            return f"segment {segment.id} has category {_short(segment.category)}, which the data set does not have"
        if segment.score is not None and not (_number(segment.score) and 0 <= segment.score <= 1):
            return f"segment {segment.id} has score {_short(segment.score)}, allowed: 0 to 1"
    return None


def _classes(found: Found, categories: Sequence[Category]) -> str | None:
    if found.classes is None:
        return None
    classes = found.classes
    if problem := _map(classes, found.size, np.int16):
        return f"its map of classes is {problem}"
    if classes.size and not -1 <= int(classes.min()) <= int(classes.max()) < len(categories):
        return f"its map of classes goes from {classes.min()} to {classes.max()}, allowed: -1 to {len(categories) - 1}"
    return None


def _instances(card: SegmenterCard, found: Found, categories: Sequence[Category]) -> str | None:
    things = {category.id for category in categories if category.thing}
    before = 1.0
    for number, instance in enumerate(found.instances or ()):
        where = f"object {number}"
        if not _whole(instance.category) or instance.category not in things:
            return f"{where} has category {_short(instance.category)}, which is no thing of the data set"
        if not _number(instance.score) or not 0 <= instance.score <= before:  # NaN fails, too
            return f"{where} has score {_short(instance.score)} after {before}; allowed: 0 to 1, the best first"
        if problem := _box(instance.box, found.size):
            return f"{where}: {problem}"
        if (instance.mask is not None) != ("masks" in card.gives):
            return f"{where} has {'a' if instance.mask is not None else 'no'} mask, its card says otherwise"
        if instance.mask is not None and (problem := rle.broken(instance.mask, (found.size[0], found.size[1]))):
            return f"{where}: its mask {problem}"
        before = float(instance.score)
    return None


def _box(box: Any, size: tuple[int, int]) -> str | None:
    if not (_listed(box) or isinstance(box, np.ndarray)) or len(box) != 4 or not all(_number(value) for value in box):
        return f"its box is {_short(box)}; allowed: 4 numbers, x, y, width, height"
    x, y, width, height = said = tuple(float(value) for value in box)
    if not all(math.isfinite(value) for value in said) or width <= 0 or height <= 0:
        return f"its box is {said}; allowed: finite, with positive width and height"
    if x < -_SLACK or y < -_SLACK or x + width > size[1] + _SLACK or y + height > size[0] + _SLACK:
        return f"its box {said} sticks out of the picture ({_by(size)})"
    return None


def _map(values: object, size: Sequence[int], kind: type[np.generic]) -> str | None:
    expected = f"expected {_by(size)} of {kind.__name__}"
    if not isinstance(values, np.ndarray):
        return f"{_kind(values)}, {expected} as a NumPy array"
    if values.shape != tuple(size) or values.dtype != kind:
        return f"{_by(values.shape)} of {values.dtype}, {expected}"
    return None


def _listed(value: object) -> bool:
    return isinstance(value, (tuple, list))


def _whole(value: object) -> bool:
    return isinstance(value, Integral) and not isinstance(value, bool)


def _number(value: object) -> bool:
    """A plain number, or NumPy's."""
    return isinstance(value, Real) and not isinstance(value, bool)


def _kind(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _short(value: object) -> str:
    """A number as it is printed; of anything else one line, and no more than fits."""
    shown = " ".join((str(value) if _number(value) else repr(value)).split())
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


def _by(size: object) -> str:
    if not isinstance(size, (tuple, list)):
        return _kind(size)
    return "x".join(_short(side) for side in size) if size else "a number"
