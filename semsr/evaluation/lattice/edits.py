"""What may have happened to pictures between a network and a metric: stored as JPEG, channels swapped, shifted, cut."""

from __future__ import annotations

import io
from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np
from PIL import Image

from semsr.evaluation.pairing import Size
from semsr.imaging.pictures import Rgb

MOST_PICTURES = 256
"""Side of the crops that are tried, in pixels: what many papers measure on."""
MULTIPLES = (8, 12, 16)
"""Sides are cut to multiples of these, where that changes anything."""


def _same(picture: Rgb) -> Rgb:
    return picture


@dataclass(frozen=True)
class Edit:
    """One thing that is done to pictures before they are measured.

    Attributes:
        axis: what it is about; two edits of one axis exclude each other.
        setting: which one.
        says: in words.
        outputs: makes it of an SR picture: (H, W, 3) uint8 to the same, or a smaller size.
        references: makes it of its HR picture; both must stay of one size.
        common: it is tried with networks, too, which take seconds a picture.
    """

    axis: str
    setting: str
    says: str
    outputs: Callable[[Rgb], Rgb]
    references: Callable[[Rgb], Rgb] = _same
    common: bool = False


def edits_of(sizes: Collection[Size], *, scale: int, reference: bool) -> tuple[Edit, ...]:
    """Every edit that changes pictures of these sizes.

    Args:
        sizes: (H, W) of the pictures.
        scale: the factor of super-resolution; borders of as many pixels are common.
        reference: whether there are HR pictures; without them, what is done to both sides can't be told from what is done to outputs.
    """
    found = [
        Edit("stored", f"jpeg-{quality}", f"outputs stored as JPEG of quality {quality}", _jpeg(quality), common=quality == 95)
        for quality in (95, 90, 85, 75)
    ]
    found.append(Edit("channels", "swapped", "red and blue swapped (BGR taken for RGB)", _swap, _swap, common=True))
    if reference:
        found.append(Edit("channels", "outputs-swapped", "red and blue of the outputs alone swapped", _swap, common=True))
        found += [
            Edit(
                "shift",
                name,
                f"outputs shifted by one pixel {name.replace('-', ' and ')}",
                _shift(down, right),
                common=name == "down-right",
            )
            for name, (down, right) in _SHIFTS.items()
        ]
    found += [Edit("part", name, says, cut, cut, common=name.startswith("centre")) for name, says, cut in _parts(sizes, scale)]
    return tuple(found)


_SHIFTS = {
    "right": (0, 1),
    "left": (0, -1),
    "down": (1, 0),
    "up": (-1, 0),
    "down-right": (1, 1),
    "up-left": (-1, -1),
}


def _parts(sizes: Collection[Size], scale: int) -> list[tuple[str, str, Callable[[Rgb], Rgb]]]:
    found: list[tuple[str, str, Callable[[Rgb], Rgb]]] = []
    side = MOST_PICTURES
    if any(max(size) > side for size in sizes):
        found.append((f"centre-{side}", f"only the middle {side} x {side} pixels", _centre(side)))
        found.append((f"corner-{side}", f"only the top left {side} x {side} pixels", _corner(side, side)))
    for multiple in MULTIPLES:
        if any(height % multiple or width % multiple for height, width in sizes) and all(
            min(size) >= multiple for size in sizes
        ):
            found.append((f"multiple-{multiple}", f"sides cut to multiples of {multiple}", _multiple(multiple)))
    if scale > 1 and all(min(size) > 2 * scale + 32 for size in sizes):
        found.append((INNER, f"{scale} pixels cut from each side of the pictures themselves", _inner(scale)))
    return found


INNER = "inner"
"""The edit that cuts a border; of a metric that has an option for that, it is the same as the option."""


def _jpeg(quality: int) -> Callable[[Rgb], Rgb]:
    def make(picture: Rgb) -> Rgb:
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, format="JPEG", quality=quality)
        return np.asarray(Image.open(buffer))

    return make


def _swap(picture: Rgb) -> Rgb:
    return np.ascontiguousarray(picture[..., ::-1])


def _shift(down: int, right: int) -> Callable[[Rgb], Rgb]:
    """What leaves the picture is gone; what comes in repeats its edge."""

    def make(picture: Rgb) -> Rgb:
        rows = np.clip(np.arange(picture.shape[0]) - down, 0, picture.shape[0] - 1)
        columns = np.clip(np.arange(picture.shape[1]) - right, 0, picture.shape[1] - 1)
        return np.ascontiguousarray(picture[rows][:, columns])

    return make


def _centre(side: int) -> Callable[[Rgb], Rgb]:
    def make(picture: Rgb) -> Rgb:
        top, left = (max(length - side, 0) // 2 for length in picture.shape[:2])
        return np.ascontiguousarray(picture[top : top + side, left : left + side])

    return make


def _corner(height: int, width: int) -> Callable[[Rgb], Rgb]:
    return lambda picture: np.ascontiguousarray(picture[:height, :width])


def _multiple(of: int) -> Callable[[Rgb], Rgb]:
    def make(picture: Rgb) -> Rgb:
        height, width = (length // of * of for length in picture.shape[:2])
        return np.ascontiguousarray(picture[:height, :width])

    return make


def _inner(border: int) -> Callable[[Rgb], Rgb]:
    return lambda picture: np.ascontiguousarray(picture[border:-border, border:-border])
