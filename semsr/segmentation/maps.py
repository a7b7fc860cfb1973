"""Maps of ids and of classes: as PNG files, counted, and brought to another size."""

from __future__ import annotations

import io
import struct
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semsr.errors import SemanticError
from semsr.files import write_atomic
from semsr.segmentation.found import Classes, Ids

LARGEST_ID = (1 << 24) - 1
"""Ids stand in the three bytes of a pixel."""
NO_CLASS = 255
"""What stands in an 8-bit map where no class was given."""
A = TypeVar("A", bound=np.generic)


def write_ids(path: Path, ids: Ids) -> None:
    """Write a map of ids as COCO does: R + 256 G + 65536 B. Raises: SemanticError: an id out of 0 to 2^24 - 1. StorageError."""
    _in_range(path, ids, LARGEST_ID)
    write_atomic(path, _encoded(np.stack([ids & 255, (ids >> 8) & 255, ids >> 16], axis=-1).astype(np.uint8)))


def read_ids(path: Path, size: tuple[int, int], advice: str) -> Ids:
    """A map of ids that COCO's PNG files hold.

    Args:
        path: the file, 8-bit RGB.
        size: (H, W) that it must have.
        advice: what to do about a wrong one.

    Returns:
        (H, W) int32.

    Raises:
        SemanticError: missing, damaged, of another mode or size.
    """
    red, green, blue = np.moveaxis(_decoded(path, size, "RGB", advice).astype(np.int32), -1, 0)
    return np.asarray(red + 256 * green + 65536 * blue, np.int32)


def write_classes(path: Path, classes: Classes) -> None:
    """Write a map of classes in 8 bits, -1 as 255. Raises: SemanticError: a class out of -1 to 254. StorageError."""
    _in_range(path, classes + 1, NO_CLASS)
    write_atomic(path, _encoded(np.where(classes < 0, NO_CLASS, classes).astype(np.uint8)))


def read_classes(path: Path, size: tuple[int, int], count: int, advice: str) -> Classes:
    """A map of classes, as `write_classes` leaves it.

    Args:
        path: the file, 8-bit grey.
        size: (H, W) that it must have.
        count: how many classes there are.
        advice: what to do about a wrong one.

    Returns:
        (H, W) int16, -1 where no class was given.

    Raises:
        SemanticError: missing, damaged, of another mode or size, or with a class that is not there.
    """
    grey = _decoded(path, size, "L", advice)
    if wrong := [value for value in np.flatnonzero(np.bincount(grey.ravel(), minlength=256)) if count <= value != NO_CLASS]:
        raise SemanticError(
            f"{path}: class {wrong[0]} is in the map; allowed are 0 to {count - 1}, the places of the categories sorted by id, "
            f"and {NO_CLASS} for none: {advice}"
        )
    classes = grey.astype(np.int16)
    classes[grey == NO_CLASS] = -1
    return classes


def areas(ids: Ids) -> dict[int, int]:
    """How many pixels each id but 0 has, by id in rising order."""
    flat = ids.ravel()
    # Ids come in runs: a few thousand of them are sorted instead of every pixel.
    starts = np.concatenate([[0], np.flatnonzero(flat[1:] != flat[:-1]) + 1])
    lengths = np.diff(np.append(starts, flat.size))
    values, place = np.unique(flat[starts], return_inverse=True)
    counts = np.bincount(place, weights=lengths).astype(np.int64)
    return {int(value): int(count) for value, count in zip(values, counts, strict=True) if value}


def sampled(length: int, wanted: int) -> NDArray[np.int64]:
    """Nearest neighbour along one axis: which of `length` pixels each of `wanted` takes.

    The pixel whose area the centre lies in: floor((i + 0.5) · length / wanted), in whole numbers, so exact on every machine.
    """
    return (2 * np.arange(wanted, dtype=np.int64) + 1) * length // (2 * wanted)


def nearest(array: NDArray[A], size: tuple[int, int]) -> NDArray[A]:
    """An (H, W) map at another size (h, w): each pixel takes the one that its centre lies in (`sampled`); no value is made anew."""
    height, width = array.shape
    if (height, width) == size:
        return array
    return array.take(sampled(height, size[0]), axis=0).take(sampled(width, size[1]), axis=1)


def _in_range(path: Path, values: NDArray[Any], high: int) -> None:
    if values.size and (values.min() < 0 or values.max() > high):
        raise SemanticError(
            f"{path}: a map with values from {values.min()} to {values.max()} can't be written; it holds 0 to {high}: number the "
            f"segments anew, or use fewer classes"
        )


def _encoded(array: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG", compress_level=3)
    return buffer.getvalue()


def _decoded(path: Path, size: tuple[int, int], mode: str, advice: str) -> NDArray[np.uint8]:
    try:
        with Image.open(path, formats=["PNG"]) as image:
            # Looked at before a single pixel is decoded: what a header promises may be more than the memory holds.
            if (image.height, image.width) != size:
                raise SemanticError(
                    f"{path}: {image.width}x{image.height}; it must be {size[1]}x{size[0]} (width x height): {advice}"
                )
            if image.mode != mode:
                raise SemanticError(f"{path}: mode {image.mode}; it must be an 8-bit PNG of mode {mode}: {advice}")
            image.load()
            return np.asarray(image)
    except FileNotFoundError:
        raise SemanticError(f"{path}: no such file: {advice}") from None
    except (OSError, SyntaxError, ValueError, EOFError, struct.error, Image.DecompressionBombError) as error:
        raise SemanticError(f"{path}: not a PNG file, or a damaged one ({error}): {advice}") from None
