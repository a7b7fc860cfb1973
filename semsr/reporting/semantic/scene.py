"""One scene of the page: what a judge sees in HR, in zoomed LR and in every restoration of it, as files beside the page and as words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from urllib.parse import quote

import numpy as np
from numpy.typing import NDArray

from semsr.files import write_atomic
from semsr.imaging.pictures import Rgb, encode_png
from semsr.reporting.contact_sheet import Shown
from semsr.reporting.semantic.marks import STYLES, Kind, Mark, draw_marks
from semsr.reporting.semantic.tints import Area, encode_rgba, frame_of, shrunk, tint

PICTURES = "pictures"
"""The folder beside the page."""
_TOLD: dict[Kind, str] = {
    "object": "annotated",
    "crowd": "annotated as a crowd",
    "found": "found",
    "right": "right",
    "back": "brought back",
    "lost": "lost",
    "invented": "invented",
    "doubted": "as on HR, not annotated",
}


@dataclass(frozen=True)
class Seen:
    """What is to be shown over one picture.

    Attributes:
        label: whose picture it is.
        rgb: the picture.
        size: (H, W) in whose pixels marks and areas are; may differ from the picture's.
        marks: boxes.
        areas: masks, the last on top.
        on_hr: whether the picture is HR itself, where what is lost was never seen.
        more: what else is said below it.
    """

    label: str
    rgb: Rgb
    size: tuple[int, int]
    marks: tuple[Mark, ...] = ()
    areas: tuple[Area, ...] = ()
    on_hr: bool = False
    more: str = ""


@dataclass(frozen=True)
class Tally:
    """One line below a picture: all marks of a kind.

    Attributes:
        kind: which.
        told: what they are.
        count: how many.
        names: their classes, with scores where there are some; "dog (2)" for two that are called alike.
    """

    kind: Kind
    told: str
    count: int
    names: tuple[str, ...]

    @property
    def symbol(self) -> str:
        """As in the picture."""
        return STYLES[self.kind].symbol


@dataclass(frozen=True)
class View:
    """One picture of a scene as the page has it: `svg` lies over `shown`; `described`: what it shows, in words."""

    label: str
    shown: Shown
    svg: str
    described: str
    tallies: tuple[Tally, ...]
    more: str


@dataclass(frozen=True)
class Scene:
    """The same scene side by side.

    Attributes:
        name: the picture's.
        views: the truth first.
        why: what it was chosen for.
        kinds: of marks that appear.
        classes: colour of each class that appears, by name.
    """

    name: str
    views: tuple[View, ...]
    why: str = ""
    kinds: tuple[Kind, ...] = ()
    classes: dict[str, str] = field(default_factory=dict)


def make_scene(name: str, seen: Sequence[Seen], judge: str, folder: Path, why: str = "") -> Scene:
    """Write a scene's pictures.

    Files are named by their pixels, so a picture that several judges look at is written once.

    Args:
        name: the scene's.
        seen: its pictures, in order.
        judge: who sees.
        folder: the page's folder of pictures.
        why: what it was chosen for.

    Raises:
        StorageError: the folder can't be written.
    """
    views = tuple(_view(name, one, judge, folder) for one in seen)
    kinds = tuple(kind for kind in STYLES if any(mark.kind == kind for one in seen for mark in one.marks))
    colours = {area.name: area.colour for one in seen for area in one.areas}
    colours |= {mark.name: mark.colour for one in seen for mark in one.marks}
    return Scene(name, views, why, kinds, colours)


def _view(name: str, seen: Seen, judge: str, folder: Path) -> View:
    frame = frame_of((seen.rgb.shape[0], seen.rgb.shape[1]))
    file = _write(folder, "picture", shrunk(seen.rgb), encode_png)
    tinted = f"{PICTURES}/{quote(_write(folder, 'masks', tint(seen.areas, frame), encode_rgba))}" if seen.areas else None
    tallies = tuple(_tallies(seen))
    said = [f"{tally.told}: {', '.join(tally.names)}" for tally in tallies]
    whole = list(dict.fromkeys(area.name for area in seen.areas if area.labelled))
    said += [f"areas: {', '.join(whole)}"] * bool(whole)
    described = f"{name}, {seen.label}. {'; '.join(said) or f'{judge} finds nothing'}."
    svg = draw_marks(seen.marks, seen.areas, seen.size, frame, tinted)
    return View(seen.label, Shown(file, frame[1], frame[0]), svg, described, tallies, seen.more)


def _tallies(seen: Seen) -> list[Tally]:
    found = []
    for kind, told in _TOLD.items():
        counts = Counter(mark.text for mark in seen.marks if mark.kind == kind)
        if counts:
            words = {"lost": "not seen", "doubted": "not annotated"}.get(kind, told) if seen.on_hr else told
            names = tuple(text if count == 1 else f"{text} ({count})" for text, count in counts.items())
            found.append(Tally(kind, words, counts.total(), names))
    return found


def _write(folder: Path, what: str, pixels: NDArray[np.uint8], encode: Callable[[NDArray[np.uint8]], bytes]) -> str:
    shape = "x".join(map(str, pixels.shape))
    file = f"{what}-{sha256(shape.encode() + np.ascontiguousarray(pixels).tobytes()).hexdigest()[:16]}.png"
    if not (folder / file).is_file():
        write_atomic(folder / file, encode(pixels))
    return file
