"""Small cuts of pictures that show where rows differ, for a page that carries its pictures inside."""

from __future__ import annotations

import base64
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semsr.imaging.pictures import Rgb, encode_png, read_rgb
from semsr.leaderboard.model import Viewable

SIDE = 128
"""Pixels of a cut's side, in HR pixels: small enough for twenty of them in one file, large enough to see texture."""


@dataclass(frozen=True)
class Cut:
    """One cut of one row. `data`: a PNG as a data address."""

    label: str
    data: str


@dataclass(frozen=True)
class Strip:
    """The same place of one picture in LR, in every row, and in HR. `place`: left, top, width and height in HR pixels."""

    image: str
    place: tuple[int, int, int, int]
    cuts: tuple[Cut, ...]


def strips(viewable: Viewable, images: int) -> tuple[Strip, ...]:
    """Cuts of pictures spread evenly over a data set.

    Where to cut is decided by HR (without one, by LR enlarged) and so is the same for every row: the square with the most detail.

    Args:
        viewable: the pictures.
        images: of how many of them, at most.

    Raises:
        PictureError: a picture can't be read.
    """
    chosen = np.unique(np.linspace(0, len(viewable.images) - 1, min(images, len(viewable.images))).round().astype(int))
    return tuple(_strip(viewable, viewable.images[at]) for at in chosen) if viewable.images and images > 0 else ()


def busiest(picture: Rgb, side: int, step: int) -> tuple[int, int]:
    """Left and top of the square of `side` pixels with the largest mean absolute gradient, both multiples of `step`.

    Args:
        picture: (H, W, 3) uint8.
        side: of the square; where the picture is smaller, its own side counts.
        step: the positions that are tried.
    """
    grey = picture.astype(np.float64).mean(axis=2)
    detail = np.zeros_like(grey)
    detail[:, 1:] += np.abs(np.diff(grey, axis=1))
    detail[1:] += np.abs(np.diff(grey, axis=0))
    height, width = min(side, grey.shape[0]), min(side, grey.shape[1])
    sums: NDArray[np.float64] = np.pad(detail, ((1, 0), (1, 0))).cumsum(0).cumsum(1)
    boxes = sums[height:, width:] - sums[:-height, width:] - sums[height:, :-width] + sums[:-height, :-width]
    tried = boxes[::step, ::step]
    top, left = np.unravel_index(int(np.argmax(tried)), tried.shape)
    return int(left) * step, int(top) * step


def _strip(viewable: Viewable, name: str) -> Strip:
    scale = viewable.scale
    lr = read_rgb(viewable.lr[name])
    enlarged = lr.repeat(scale, axis=0).repeat(scale, axis=1)
    hr = read_rgb(viewable.hr[name]) if viewable.hr is not None else None
    left, top = busiest(enlarged if hr is None else hr, SIDE, scale)
    shown = [("LR", enlarged)]
    shown += [(label, read_rgb(files[name])) for label, files in viewable.rows.values() if name in files]
    shown += [] if hr is None else [("HR", hr)]
    cuts = tuple(Cut(label, _data(picture[top : top + SIDE, left : left + SIDE])) for label, picture in shown)
    height, width = enlarged[top : top + SIDE, left : left + SIDE].shape[:2]
    return Strip(name, (left, top, width, height), cuts)


def _data(picture: Rgb) -> str:
    return "data:image/png;base64," + base64.b64encode(encode_png(picture)).decode("ascii")
