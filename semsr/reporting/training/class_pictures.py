"""Pictures in classes for looking into discriminators: a folder a class, or patches with their photograph as the class."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from semsr.errors import PictureError, SemsrError
from semsr.imaging.pictures import Rgb, picture_files, read_rgb
from semsr.preparation.manifest import Entry
from semsr.reporting.contact_sheet import evenly

PAPER_CLASSES = ("fish", "plane", "barn", "train", "daisy", "dog", "monarch")
"""The seven classes of ImageNet in the paper's figure."""
CLASSES = 10
LEAST = 4
"""A class with fewer pictures says nothing about its neighbours and is left out."""
_SMALLEST = 32


@dataclass(frozen=True)
class ClassPictures:
    """Square pictures of one size in classes.

    Attributes:
        pictures: (N, side, side, 3) uint8, RGB.
        labels: (N,) the class of each, as a number.
        classes: their names.
        origin: where they come from, in words, for the page.
        own: whether the user named them.
        left_out: what was not used and why, a line each.
    """

    pictures: NDArray[np.uint8]
    labels: NDArray[np.int64]
    classes: tuple[str, ...]
    origin: str
    own: bool = False
    left_out: tuple[str, ...] = ()

    @property
    def side(self) -> int:
        """Side of a picture in pixels."""
        return int(self.pictures.shape[1])


def from_folders(folder: Path, side: int, most: int) -> ClassPictures:
    """Read one class from each subfolder of `folder`: the whole picture's centre square, shrunk to `side` (Lanczos).

    Args:
        folder: such as ImageNet's or OST's folders.
        side: side of the squares in pixels; smaller pictures are left out, never enlarged.
        most: pictures a class, evenly chosen by name.

    Raises:
        SemsrError: no such folder, or fewer than two classes with enough pictures.
    """
    if not folder.is_dir():
        raise SemsrError(f"--pictures {folder}: no such folder; name one with a subfolder a class")
    left_out: list[str] = []
    classes: dict[str, list[Rgb]] = {}
    inner = sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] != ".")
    for path in inner[:CLASSES]:
        try:
            files = list(picture_files(path).values())
        except PictureError as error:
            left_out.append(str(error))
            continue
        squares: list[Rgb] = []
        small = 0
        for place in evenly(len(files), most):
            try:
                rgb = read_rgb(files[place], grey="replicate")
            except PictureError as error:
                left_out.append(str(error))
                continue
            if min(rgb.shape[:2]) < side:
                small += 1
                continue
            squares.append(_square(rgb, side))
        if small:
            left_out.append(f"{path.name}: {small} pictures are smaller than {side} pixels")
        classes[path.name] = squares
    if len(inner) > CLASSES:
        left_out.append(f"only the first {CLASSES} of {len(inner)} folders by name are classes here")
    return _together(classes, f"the folders of {folder.name}, a class each", left_out, f"--pictures {folder}", own=True)


def from_photographs(entries: Sequence[Entry], side: int, most: int, where: str, *, multiple: int = 1) -> ClassPictures:
    """Cut patches that do not overlap from HR photographs; each photograph is a class.

    Where fewer than two photographs have enough patches of `side`, it is halved, down to 32 pixels.

    Args:
        entries: pictures of prepared data sets.
        side: wanted side of a patch.
        most: patches a photograph, evenly chosen.
        where: whose photographs, in words.
        multiple: sides must be a multiple of this.

    Raises:
        SemsrError: fewer than two photographs are large enough even for the smallest patches.
    """
    photographs = [entry for entry in entries if entry.hr is not None and entry.hr_size is not None]
    # Small pictures of a set are no reason to go without the large ones: at least half of the classes wanted must fit.
    wanted = max(2, min(CLASSES, len(photographs)) // 2)
    while side // 2 >= _SMALLEST and side // 2 % multiple == 0:
        if sum(_fit(entry, side) >= LEAST + 2 for entry in photographs) >= wanted:
            break
        side //= 2
    fitting = [entry for entry in photographs if _fit(entry, side) >= LEAST]
    classes: dict[str, list[Rgb]] = {}
    left_out: list[str] = []
    for place in evenly(len(fitting), CLASSES):
        entry = fitting[place]
        assert entry.hr is not None
        try:
            rgb = read_rgb(entry.hr)
        except PictureError as error:
            left_out.append(str(error))
            continue
        corners = [(top, left) for top in _starts(rgb.shape[0], side) for left in _starts(rgb.shape[1], side)]
        chosen = [corners[number] for number in evenly(len(corners), most)]
        classes[entry.name] = [rgb[top : top + side, left : left + side] for top, left in chosen]
    small = len(photographs) - len(fitting)
    if small:
        left_out.append(f"{small} photographs are too small for {LEAST} patches of {side} pixels")
    return _together(classes, f"patches of {where}, each photograph a class", left_out, where)


def _together(
    classes: dict[str, list[Rgb]], origin: str, left_out: list[str], where: str, *, own: bool = False
) -> ClassPictures:
    whole = {name: squares for name, squares in classes.items() if len(squares) >= LEAST}
    left_out += [
        f"{name}: {len(squares)} pictures; a class needs {LEAST}" for name, squares in classes.items() if name not in whole
    ]
    if len(whole) < 2:
        raise SemsrError(f"{where}: {len(whole)} classes with at least {LEAST} pictures; two are needed")
    pictures = np.stack([square for squares in whole.values() for square in squares])
    labels = np.repeat(np.arange(len(whole)), [len(squares) for squares in whole.values()])
    return ClassPictures(pictures, labels.astype(np.int64), tuple(whole), origin, own, tuple(left_out))


def _fit(entry: Entry, side: int) -> int:
    height, width = entry.hr_size or (0, 0)
    return (height // side) * (width // side)


def _starts(length: int, side: int) -> list[int]:
    """Where pieces begin, centred, without overlap."""
    count = length // side
    return [(length - count * side) // 2 + number * side for number in range(count)]


def _square(rgb: Rgb, side: int) -> Rgb:
    height, width = rgb.shape[:2]
    short = min(height, width)
    top, left = (height - short) // 2, (width - short) // 2
    square = Image.fromarray(rgb[top : top + short, left : left + short])
    return np.asarray(square.resize((side, side), Image.Resampling.LANCZOS))
