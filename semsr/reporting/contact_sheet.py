"""Small pictures of a data set: a few of its pictures, evenly chosen, and the same detail of LR and HR side by side."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semsr.errors import PictureError
from semsr.files import write_atomic
from semsr.imaging.pictures import Rgb, encode_png, read_rgb
from semsr.preparation.manifest import Entry, pixel_sha256
from semsr.reporting.collect import Facts

PICTURES = 12
DETAILS = 3

_BOX = 560, 288
"""Largest width and height of a thumbnail: twice what the page shows, for screens with fine pixels."""
_DETAIL = 40
"""Side of a detail in LR pixels."""
_DETAIL_SHOWN = 320


@dataclass(frozen=True)
class Shown:
    """A picture of the page: its file below the page's folder of pictures, and its size in the page's pixels."""

    file: str
    width: int
    height: int


@dataclass(frozen=True)
class Thumbnail:
    """One picture of the contact sheet."""

    entry: Entry
    shown: Shown


@dataclass(frozen=True)
class Detail:
    """The same part of LR and HR, at one size: LR pixels as squares."""

    name: str
    lr: Shown
    hr: Shown


@dataclass(frozen=True)
class Sheet:
    """A data set's contact sheet.

    Attributes:
        thumbnails: evenly chosen by name; the first and the last are among them.
        details: of some of these, where there are LR and HR.
        problems: pictures that can't be shown, a line each.
    """

    thumbnails: tuple[Thumbnail, ...] = ()
    details: tuple[Detail, ...] = ()
    problems: tuple[str, ...] = ()


def make_sheet(facts: Facts, folder: Path, *, threads: int = 1, advance: Callable[[int], None] = lambda _: None) -> Sheet:
    """Write the small pictures of a data set to `folder`/<id>/ and say what is where.

    Each picture that is read is checked against the manifest's hash.

    Args:
        facts: the data set.
        folder: the page's folder of pictures.
        threads: pictures made side by side.
        advance: told how many pictures are done.

    Raises:
        StorageError: the folder can't be written.
    """
    chosen = [facts.entries[place] for place in evenly(len(facts.entries), PICTURES)]
    pairs = [entry for entry in chosen if entry.hr is not None and entry.lr is not None]
    detailed = {pairs[place].name for place in evenly(len(pairs), DETAILS)}

    def make(entry: Entry) -> tuple[Thumbnail | None, Detail | None, list[str]]:
        made = _make(entry, facts.card.scale if entry.name in detailed else None, folder, facts.card.id)
        advance(1)
        return made

    with ThreadPoolExecutor(threads) as pool:
        made = list(pool.map(make, chosen))
    return Sheet(
        tuple(thumbnail for thumbnail, _, _ in made if thumbnail is not None),
        tuple(detail for _, detail, _ in made if detail is not None),
        tuple(problem for _, _, problems in made for problem in problems),
    )


def evenly(count: int, wanted: int) -> list[int]:
    """At most `wanted` places of 0..count-1, evenly spread, with the first and the last."""
    if count <= wanted:
        return list(range(count))
    return [round(place * (count - 1) / (wanted - 1)) for place in range(wanted)]


def face(entry: Entry) -> tuple[Path, str]:
    """The file that stands for a picture, and the hash of its pixels: HR, or LR where there is no HR."""
    path, sha256 = (entry.hr, entry.hr_sha256) if entry.hr is not None else (entry.lr, entry.lr_sha256)
    if path is None or sha256 is None:
        raise PictureError(f"{entry.name}: the manifest names no picture")
    return path, sha256


def read_checked(path: Path, sha256: str) -> Rgb:
    """Read a picture of a prepared data set. Raises: PictureError where it is damaged or not the one the manifest means."""
    rgb = read_rgb(path)
    if pixel_sha256(rgb) != sha256:
        raise PictureError(f"{path}: other pixels than the manifest says; run `semsr verify` on its data set")
    return rgb


def thumbnail(rgb: Rgb, folder: Path, dataset: str, sha256: str) -> Shown:
    """Write a small JPEG of a picture, shrunk with an antialiasing filter (Lanczos, 3 lobes); a small picture keeps its size."""
    image = Image.fromarray(rgb)
    image.thumbnail(_BOX, Image.Resampling.LANCZOS, reducing_gap=None)
    data = BytesIO()
    image.save(data, "JPEG", quality=88, optimize=True)
    file = f"{dataset}/picture-{sha256[:16]}.jpg"
    write_atomic(folder / file, data.getvalue())
    return Shown(file, *_fitted(*image.size))


def _fitted(width: int, height: int) -> tuple[int, int]:
    """Size on the page: as high as every thumbnail unless that makes it too wide."""
    factor = min(_BOX[0] / 2 / width, _BOX[1] / 2 / height)
    return max(1, round(width * factor)), max(1, round(height * factor))


def _make(entry: Entry, scale: int | None, folder: Path, dataset: str) -> tuple[Thumbnail | None, Detail | None, list[str]]:
    try:
        path, sha256 = face(entry)
        rgb = read_checked(path, sha256)
        small = Thumbnail(entry, thumbnail(rgb, folder, dataset, sha256))
        if scale is None or entry.lr is None or entry.lr_sha256 is None:
            return small, None, []
        lr = read_checked(entry.lr, entry.lr_sha256)
    except PictureError as error:
        return None, None, [str(error)]
    return small, _detail(entry.name, rgb, lr, scale, folder, dataset, sha256), []


def _detail(name: str, hr: Rgb, lr: Rgb, scale: int, folder: Path, dataset: str, sha256: str) -> Detail | None:
    if hr.shape[:2] != (scale * lr.shape[0], scale * lr.shape[1]):
        return None
    side = min(_DETAIL, *lr.shape[:2])
    top, left = busiest(hr, scale * side, scale * max(1, side // 4))
    top, left = top // scale, left // scale
    parts = {"lr": lr[top : top + side, left : left + side]}
    parts["hr"] = hr[scale * top : scale * (top + side), scale * left : scale * (left + side)]
    shown = []
    for kind, part in parts.items():
        zoom = max(1, _DETAIL_SHOWN // part.shape[0])
        file = f"{dataset}/{kind}-{sha256[:16]}.png"
        write_atomic(folder / file, encode_png(part.repeat(zoom, axis=0).repeat(zoom, axis=1)))
        shown.append(Shown(file, _DETAIL_SHOWN // 2, _DETAIL_SHOWN // 2))
    return Detail(name, *shown)


def busiest(rgb: Rgb, side: int, step: int) -> tuple[int, int]:
    """Top and left of the square with the strongest edges, on a grid of `step` pixels; the first of equals."""
    luma = rgb.mean(axis=2, dtype=np.float32)
    edges = np.zeros_like(luma)
    edges[:, 1:] += np.abs(np.diff(luma, axis=1))
    edges[1:] += np.abs(np.diff(luma, axis=0))
    sums: NDArray[np.float64] = np.pad(edges.cumsum(0, dtype=np.float64).cumsum(1), ((1, 0), (1, 0)))
    inside = sums[side:, side:] - sums[:-side, side:] - sums[side:, :-side] + sums[:-side, :-side]
    grid = inside[::step, ::step]
    row, column = np.unravel_index(int(grid.argmax()), grid.shape)
    return int(row) * step, int(column) * step
