"""Whether what was found in a picture fits its annotations; everything semantic asks here first.

Each function gives one answer of a segmenter back, checked, and raises SemanticError in one line that begins with the picture's name.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import Any, Literal

from semsr.errors import SemanticError
from semsr.evaluation.semantic.truth import Truth
from semsr.segmentation.found import Category, Classes, Found, Ids, Instance, Segment


def fitting_panoptic(truth: Truth, found: Found, categories: Sequence[Category]) -> tuple[Ids, tuple[Segment, ...]]:
    """The panoptic map (H, W) and its segments.

    That every id of the map has a segment, and every segment a pixel, is checked where pixels are counted (`segment_areas`).

    Raises:
        SemanticError: there is none, it has another size, an id stands for two segments, a category is unknown.
    """
    if found.panoptic is None:
        raise _missing(found, "panoptic map")
    _check_size(truth, found, "panoptic map", found.panoptic.shape)
    ids = [segment.id for segment in found.segments]
    if len(set(ids)) != len(ids):
        twice = next(one for one in ids if ids.count(one) > 1)
        raise SemanticError(f"{found.name}: two segments have the id {twice}; the segmenter must give each its own")
    if 0 in ids:
        raise SemanticError(f"{found.name}: a segment has the id 0, which stands for pixels without one; ids begin at 1")
    _check_categories(found, (segment.category for segment in found.segments), categories)
    return found.panoptic, found.segments


def segment_areas(found: Found, areas: dict[int, int]) -> dict[int, int]:
    """Pixels of every segment found, by id, out of the pixels of every id of the map (void, 0, among them).

    Raises:
        SemanticError: an id of the map without a segment, or a segment without a pixel.
    """
    known = {segment.id for segment in found.segments}
    for one in sorted(set(areas) - known - {0}):
        raise SemanticError(f"{found.name}: the panoptic map has the id {one}, of which the list of segments says nothing")
    for one in sorted(known - set(areas)):
        raise SemanticError(f"{found.name}: segment {one} has no pixel in the panoptic map; leave such segments out")
    return {one: areas[one] for one in known}


def fitting_classes(truth: Truth, found: Found, categories: Sequence[Category]) -> Classes:
    """The class of every pixel, (H, W), -1 where there is none.

    Raises:
        SemanticError: there is none, it has another size, or a class that is no position in the categories.
    """
    if found.classes is None:
        raise _missing(found, "class of every pixel")
    _check_size(truth, found, "map of classes", found.classes.shape)
    low, high = int(found.classes.min(initial=-1)), int(found.classes.max(initial=-1))
    if low < -1 or high >= len(categories):
        raise SemanticError(
            f"{found.name}: found class {low if low < -1 else high} in the map of classes; allowed: 0 to {len(categories) - 1}, "
            "positions in the categories sorted by id, and -1 for none"
        )
    return found.classes


def fitting_instances(
    truth: Truth, found: Found, on: Literal["boxes", "masks"], categories: Sequence[Category] | None = None
) -> tuple[Instance, ...]:
    """The objects found, with masks where `on` says so.

    Args:
        truth: the picture's annotations.
        found: what a segmenter says.
        on: what is going to be compared.
        categories: the data set's; None leaves categories unchecked.

    Raises:
        SemanticError: there are none (not an empty list), another size, an unknown category, a score or box that is not finite, a width
            or height below 0, no mask where one is needed, a mask of another size.
    """
    if found.instances is None:
        raise _missing(found, "list of instances")
    _check_size(truth, found, "list of instances", found.size)
    if categories is not None:
        _check_categories(found, (instance.category for instance in found.instances), categories)
    for nth, instance in enumerate(found.instances):
        which = f"{found.name}: instance {nth} (category {instance.category})"
        if not math.isfinite(instance.score):
            raise SemanticError(f"{which} has the score {instance.score}; it must be a finite number")
        if not all(map(math.isfinite, instance.box)) or min(instance.box[2:]) < 0:
            raise SemanticError(
                f"{which} has the box {list(instance.box)}; allowed: finite [x, y, width, height], no negative width or height"
            )
        if on == "masks" and instance.mask is None:
            raise SemanticError(
                f"{which} has no mask, which masks are compared by; measure boxes, or use a segmenter that gives masks"
            )
        if on == "masks" and instance.mask is not None and tuple(instance.mask["size"]) != truth.size:
            raise _other_size(truth, found, f"mask of instance {nth}", instance.mask["size"])
    return found.instances


def _missing(found: Found, what: str) -> SemanticError:
    return SemanticError(
        f"{found.name}: the segmenter gave no {what}, which this metric is made of; its card's 'gives' must say so"
    )


def _check_size(truth: Truth, found: Found, what: str, size: Sequence[int]) -> None:
    for one in (tuple(size), found.size):
        if one != truth.size:
            raise _other_size(truth, found, what, one)


def _other_size(truth: Truth, found: Found, what: str, size: Sequence[Any]) -> SemanticError:
    height, width = (int(side) for side in truth.size)
    return SemanticError(
        f"{found.name}: the {what} is {' x '.join(str(int(side)) for side in size)} (rows x columns), the annotations are "
        f"{height} x {width}; segment again at the annotations' size"
    )


def _check_categories(found: Found, used: Iterable[int], categories: Sequence[Category]) -> None:
    known = {category.id for category in categories}
    unknown = sorted(set(used) - known)
    if unknown:
        allowed = f"{len(known)} ids from {min(known)} to {max(known)}" if known else "none"
        raise SemanticError(
            f"{found.name}: found category {unknown[0]}, which the annotations do not know; allowed: {allowed} (annotations/panoptic.json)"
        )
