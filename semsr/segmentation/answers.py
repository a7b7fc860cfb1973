"""Segments and instances as they stand in JSON files, and whether map and list of segments are of one mind."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Any

from semsr.errors import SemanticError
from semsr.segmentation import rle
from semsr.segmentation.found import Category, Ids, Instance, Segment
from semsr.segmentation.json_entries import Entry
from semsr.segmentation.maps import LARGEST_ID, areas


def category_of(entry: Entry, known: Collection[int]) -> int:
    """The category an entry names. Raises: SemanticError: an unknown one."""
    found = entry["category_id"]
    if not isinstance(found.value, int) or isinstance(found.value, bool) or found.value not in known:
        raise found.wrong(f"one of the {len(known)} category ids {listed(known)}")
    return int(found.value)


def segment_of(entry: Entry, known: Collection[int]) -> Segment:
    """A segment: `id`, `category_id` and, where it is said, `score` in [0, 1]. Raises: SemanticError."""
    score = entry.get("score")
    return Segment(entry["id"].integer(1, LARGEST_ID), category_of(entry, known), None if score is None else score.number(0, 1))


def instance_of(entry: Entry, known: Collection[int], size: tuple[int, int]) -> Instance:
    """An object found: `category_id`, `score` in [0, 1], `bbox` and, where there is one, `segmentation` at `size` (H, W).

    Raises:
        SemanticError: an unknown category, values that are not finite, a mask of another size.
    """
    mask = entry.get("segmentation")
    return Instance(
        category_of(entry, known),
        entry["score"].number(0, 1),
        entry["bbox"].box(),
        None if mask is None else rle.from_json(mask, size),
    )


def segment_json(segment: Segment) -> dict[str, Any]:
    """What `segment_of` reads; numbers may be NumPy's."""
    return {
        "id": int(segment.id),
        "category_id": int(segment.category),
        "score": None if segment.score is None else float(segment.score),
    }


def instance_json(instance: Instance) -> dict[str, Any]:
    """What `instance_of` reads; numbers may be NumPy's."""
    return {
        "category_id": int(instance.category),
        "score": float(instance.score),
        "bbox": [float(number) for number in instance.box],
        "segmentation": None if instance.mask is None else rle.to_json(instance.mask),
    }


def agreeing_areas(ids: Ids, listed_ids: Sequence[int], map_file: str, list_file: str, advice: str) -> dict[int, int]:
    """The pixels of every segment, where a map and a list of segments say the same.

    Args:
        ids: (H, W) the map, 0 where there is no segment.
        listed_ids: the ids in the list.
        map_file: what errors call the map.
        list_file: what errors call the list.
        advice: what to do about a contradiction.

    Returns:
        By id, each at least 1.

    Raises:
        SemanticError: an id twice in the list, in the map only, or in the list only.
    """
    if len(set(listed_ids)) != len(listed_ids):
        twice = next(number for number in listed_ids if list(listed_ids).count(number) > 1)
        raise SemanticError(f"{list_file}: segment id {twice} is there twice; each segment needs an id of its own: {advice}")
    found = areas(ids)
    if alone := sorted(found.keys() - set(listed_ids)):
        raise SemanticError(
            f"{map_file}: segment id {alone[0]} is in the map, but {list_file} lists only {listed(listed_ids)}; every id but 0 needs "
            f"an entry: {advice}"
        )
    if empty := sorted(set(listed_ids) - found.keys()):
        raise SemanticError(
            f"{list_file}: segment id {empty[0]} has no pixel in {map_file}; a segment needs at least one: {advice}"
        )
    return found


def category_ids(categories: Iterable[Category]) -> frozenset[int]:
    """The ids that may be named."""
    return frozenset(category.id for category in categories)


def listed(numbers: Collection[int]) -> str:
    """A few of them, for an error."""
    ordered = sorted(numbers)
    return ", ".join(map(str, ordered[:5])) + (f", ... {ordered[-1]}" if len(ordered) > 5 else "") if ordered else "none"
