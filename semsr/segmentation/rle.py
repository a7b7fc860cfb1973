"""Masks as COCO's run lengths: checked before anything decodes them, measured, and brought to another size."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray
from pycocotools import mask as coco

from semsr.errors import SemanticError
from semsr.segmentation.found import Rle
from semsr.segmentation.json_entries import Entry
from semsr.segmentation.maps import nearest
from semsr.segmentation.masks import encode

Mask = NDArray[np.bool_]
"""(H, W), True on the object."""


def decoded(rle: Rle) -> Mask:
    """The mask (H, W) of run lengths that are whole: what `from_json` lets in, and what pycocotools makes."""
    return np.ascontiguousarray(_columns(rle).T)


def area(rle: Rle) -> int:
    """How many pixels a mask has."""
    return int(coco.area(rle))


def resized(rle: Rle, size: tuple[int, int]) -> Rle:
    """A mask at another size (h, w), by the rule that maps are resized by (`maps.nearest`), encoded anew."""
    if tuple(rle["size"]) == size:
        return rle
    # Turned as the runs go, so that nothing is copied on the way.
    return encode(nearest(_columns(rle), (size[1], size[0])).T)


def to_json(rle: Rle) -> dict[str, Any]:
    """Run lengths as they stand in JSON files: counts are an ASCII string."""
    return {"size": [int(side) for side in rle["size"]], "counts": rle["counts"].decode("ascii")}


def from_json(entry: Entry, size: tuple[int, int]) -> Rle:
    """A mask out of a COCO file.

    Args:
        entry: `segmentation`: run lengths, as a string or as numbers; or polygons, lists of x, y, x, y, ... in pixels. A polygon of
            fewer than three points encloses nothing and adds nothing.
        size: (H, W) of the picture, which run lengths must have.

    Returns:
        Run lengths. Those that came as a string are kept.

    Raises:
        SemanticError: another size, runs that do not add up to the picture, or polygons far outside of it.
    """
    if isinstance(entry.value, list):
        return _of_polygons(entry, size)
    found = entry["size"].size()
    if found != size:
        raise SemanticError(
            f"{entry.file}: {entry.key} is a mask of {found[1]}x{found[0]}; it must be {size[1]}x{size[0]} (width x height): {entry.advice}"
        )
    counts = entry["counts"]
    if isinstance(counts.value, str):
        data = counts.value.encode("ascii", "replace")
        runs = _runs(data)
    else:
        data, runs = None, np.array([run.integer(0, size[0] * size[1]) for run in counts], np.int64)
    if runs is None or not _whole(runs, size):
        raise counts.wrong(f"run lengths that add up to {size[0]} x {size[1]} pixels")
    if data is not None:
        return {"size": list(size), "counts": data}
    return cast(Rle, coco.frPyObjects({"size": list(size), "counts": runs.tolist()}, *size))


def broken(mask: object, size: tuple[int, int]) -> str | None:
    """What is wrong with a mask that is to be run lengths of a picture (H, W), as words behind "its mask"; None where nothing is."""
    if not isinstance(mask, Mapping) or not {"size", "counts"} <= set(mask):
        return f"is {_kind(mask)}, expected run lengths: {{'size': [H, W], 'counts': bytes}} (semsr.segmentation.masks.encode)"
    found, counts = mask["size"], mask["counts"]
    if not isinstance(found, (list, tuple)) or not all(isinstance(side, (int, np.integer)) for side in found):
        return f"has a size that is {_kind(found)}, expected [H, W]"
    if tuple(found) != size:
        return f"is of {'x'.join(map(str, found))}, expected {size[0]}x{size[1]}"
    if not isinstance(counts, bytes):
        return f"has counts that are {_kind(counts)}, expected bytes, as pycocotools has them"
    return None if _whole(_runs(counts), size) else f"has run lengths that do not add up to {size[0]} x {size[1]} pixels"


def _kind(value: object) -> str:
    return "None" if value is None else f"a {type(value).__name__}"


def _whole(runs: NDArray[np.int64] | None, size: tuple[int, int]) -> bool:
    """Whether run lengths are those of a picture. What decodes them trusts them: runs past its end would be written past the memory's."""
    return runs is not None and runs.size > 0 and int(runs.min()) >= 0 and int(runs.sum()) == size[0] * size[1]


def _columns(rle: Rle) -> Mask:
    """The mask turned, (W, H): runs go down its columns, the first of them off the object."""
    height, width = rle["size"]
    runs = _runs(rle["counts"])
    assert runs is not None
    return np.repeat(np.arange(runs.size) % 2 == 1, runs).reshape(width, height)


def _runs(data: bytes) -> NDArray[np.int64] | None:
    """The run lengths that COCO's string holds; None where it is none.

    A number is written in groups of 5 bits, the lowest first: each byte, less 48, has a sixth bit where more follow, and the highest of
    the last group is the sign. From the fourth number on it is the difference to the one two before.
    """
    groups = np.frombuffer(data, np.uint8).astype(np.int64) - 48
    if groups.size == 0 or groups.min() < 0 or groups.max() > 63 or groups[-1] & 32:
        return None
    last = np.flatnonzero(groups & 32 == 0)
    first = np.concatenate([[0], last[:-1] + 1])
    place = np.arange(groups.size) - np.repeat(first, last - first + 1)
    if place.max() > 7:
        return None  # beyond 2^40 pixels
    numbers = np.add.reduceat((groups & 31) << (5 * place), first)
    numbers -= np.where(groups[last] & 16, 1 << (5 * (place[last] + 1)), 0)
    numbers[1::2] = np.cumsum(numbers[1::2])
    numbers[2::2] = np.cumsum(numbers[2::2])
    return numbers


def _of_polygons(entry: Entry, size: tuple[int, int]) -> Rle:
    height, width = size
    polygons = []
    for polygon in entry:
        # Drawing takes memory with the length of the outline, so points must lie at the picture.
        numbers = [number.number(-max(size), 2 * max(size)) for number in polygon]
        if len(numbers) % 2:
            raise polygon.wrong("x, y, x, y, ...: an even count of numbers")
        if len(numbers) >= 6:
            polygons.append(numbers)
    if not polygons:
        return encode(np.zeros(size, bool))
    return cast(Rle, coco.merge(coco.frPyObjects(polygons, height, width)))
