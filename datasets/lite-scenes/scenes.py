"""Scenes of textured things on stuff, with exact panoptic truth.

A scene is drawn twice as large and shrunk by averaging, so that its edges are smooth; a pixel is labelled by most of its four parts, of two
equals by the one on top.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from semsr.cards.dataset import Split
from semsr.errors import CardError
from semsr.imaging.pictures import Rgb
from semsr.preparation.generated import Generator, Scene, chance
from semsr.preparation.labels import Label, Region

from .shapes import GAUGES, Gauge, disk
from .surfaces import Surface, surface

CATEGORIES = (
    Label(1, "ball", True),
    Label(3, "crate", True),
    Label(4, "kite", True),
    Label(7, "star", True),
    Label(9, "cross", True),
    Label(12, "tyre", True),
    Label(101, "fur", False),
    Label(104, "sea", False),
    Label(105, "concrete", False),
    Label(110, "windows", False),
)
"""With gaps between the ids, as COCO's."""
_OUTLINES = {"ball": "disk", "crate": "box", "kite": "triangle", "star": "star", "cross": "cross", "tyre": "ring"}
_NOTHING = "nothing"
"""The texture of what belongs to no class, and is void in the label map."""
_FINE = 2
"""Scenes are drawn so many times as large."""
_LEAST_VISIBLE = 12
"""Pixels that a segment must show; below, they are void."""
_SMALL, _MIDDLE, _LARGE = 10.0, 22.0, 90.0
"""Diameters of things, in pixels: some of each scene's are between the first two, the others between the last two."""
_PAINTED = 0.7
"""How far a texture's mean colour is shifted to its paint; the two halves of a photograph differ in it."""
_PER_CATEGORY = 1000
"""Segment ids are category x 1000 + number, so that all three channels of COCO's label maps are in use."""


class LiteScenes(Generator):
    """Draws the scenes.

    Args:
        textures: photographs, by name.
        size: (H, W) of a scene.
        cuts: for each class and for "nothing" {"photo": name, "train": box, "test": box}, boxes (left, top, right, bottom) in pixels;
            with "paint": (red, green, blue) from 0 to 255, too, where its colour is not the photograph's.

    Raises:
        CardError: a class has no cut, a photograph is not there, a box reaches outside it, or a paint is no colour.
    """

    categories = CATEGORIES

    def __init__(self, textures: Mapping[str, Rgb], size: tuple[int, int], cuts: Mapping[str, Mapping[str, Any]]) -> None:
        super().__init__(textures, size)
        wanted = {label.name for label in CATEGORIES} | {_NOTHING}
        if cuts.keys() != wanted:
            raise CardError(f"cuts: found {sorted(cuts)}; must be {sorted(wanted)}")
        splits: tuple[Split, ...] = ("train", "test")
        self._textures = {(name, split): _cut(textures, name, cuts[name], split) for name in sorted(cuts) for split in splits}

    def draw(self, name: str, seed: int, split: Split) -> Scene:
        """One scene: 1-3 kinds of stuff, 3-9 things, in some a crowd or something that belongs to no class."""
        drawing = _Drawing(self, chance(seed, name), split)
        drawing.background()
        drawing.things()
        return drawing.scene()

    def texture(self, name: str, split: Split) -> NDArray[np.float32]:
        """A class's texture, (H, W, 3) in [0, 255]."""
        return self._textures[name, split]


class _Drawing:
    """One scene in the making."""

    def __init__(self, owner: LiteScenes, rng: np.random.Generator, split: Split) -> None:
        self.owner, self.rng, self.split = owner, rng, split
        self.height, self.width = owner.size
        fine = (self.height * _FINE, self.width * _FINE)
        self.rgb = np.zeros((*fine, 3), np.float32)
        self.order = np.zeros(fine, np.int32)
        self.layers: list[Region | None] = []
        """What is drawn, the lowest first; `order` holds positions here; None is void."""

    def surface(self, name: str) -> Surface:
        """A class's texture as it looks in this place: turned, scaled, lighter or darker."""
        return surface(self.owner.texture(name, self.split), self.rng, _FINE)

    def background(self) -> None:
        """Stuff, each kind where its smooth random field is the highest: regions with curved borders."""
        stuff = [label for label in CATEGORIES if not label.thing]
        kinds = self.rng.permutation(len(stuff))[: self.rng.integers(1, 4)]
        highest = np.zeros(self.order.shape, np.int32)
        if len(kinds) > 1:
            highest[:] = np.stack([self._field() for _ in kinds]).argmax(axis=0)
        # Surfaces never shrink their texture, so a colour a pixel is enough; only the borders are fine.
        colours = np.zeros((len(kinds), self.height, self.width, 3), np.float32)
        pixels = highest.reshape(self.height, _FINE, self.width, _FINE)
        for place, kind in enumerate(kinds):
            rows, columns = np.nonzero((pixels == place).any(axis=(1, 3)))
            colours[place, rows, columns] = self.surface(stuff[kind].name).at(columns * _FINE + 0.5, rows * _FINE + 0.5)
            self.layers.append(Region(stuff[kind].id * _PER_CATEGORY, stuff[kind].id))
        whole = np.arange(self.height * self.width, dtype=np.int32).reshape(self.height, 1, self.width, 1)
        self.rgb = colours.reshape(-1, 3).take((pixels * whole.size + whole).reshape(highest.shape), axis=0)
        self.order = highest

    def _field(self) -> NDArray[np.float32]:
        """A smooth random function of the place: a slope and a few long waves."""
        y, x = (np.arange(side * _FINE) / (256 * _FINE) for side in (self.height, self.width))
        slope = self.rng.normal(size=2)
        across, down = [slope[0] * x, np.ones_like(x)], [np.ones_like(y), slope[1] * y]
        for _ in range(3):
            wave, phase = self.rng.normal(size=2) * 2.4 * np.pi, self.rng.uniform(0, 2 * np.pi)
            # sin(a + b) of a wave along x and one along y
            across += [0.35 * np.sin(wave[0] * x + phase), 0.35 * np.cos(wave[0] * x + phase)]
            down += [np.cos(wave[1] * y), np.sin(wave[1] * y)]
        return np.asarray(np.stack(down, axis=1) @ np.stack(across), np.float32)

    def things(self) -> None:
        """Things from large to small, roughly; many near each other, so that they hide each other."""
        rng = self.rng
        things = [label for label in CATEGORIES if label.thing]
        number = int(rng.integers(3, 10))
        sizes = np.exp(rng.uniform(np.log(_MIDDLE), np.log(_LARGE), number))
        few = rng.integers(1, 3)  # small ones in every scene
        sizes[:few] = rng.uniform(_SMALL, _MIDDLE, few)
        order = np.argsort(-sizes * rng.uniform(0.6, 1.6, number))
        crowd = int(rng.integers(number)) if rng.random() < 0.25 else -1
        void = int(rng.integers(number)) if rng.random() < 0.3 else -1
        centres: list[NDArray[np.float64]] = []
        for place, size in enumerate(sizes[order]):
            centre = rng.uniform((0.04, 0.04), (0.96, 0.96)) * (self.width, self.height)
            if centres and rng.random() < 0.3:
                centre = centres[rng.integers(len(centres))] + rng.normal(scale=0.5 * size + 12, size=2)
            centres.append(np.clip(centre, 4, (self.width - 4, self.height - 4)))
            label = things[rng.integers(len(things))]
            self._add(label, centres[-1], size / 2, place + 1)
            if place == crowd:
                self._crowd(things[rng.integers(len(things))])
            if place == void:
                self._void()

    def _add(self, label: Label, centre: NDArray[np.float64], radius: float, number: int) -> None:
        self.layers.append(Region(label.id * _PER_CATEGORY + number, label.id))
        self._object(label.name, GAUGES[_OUTLINES[label.name]], centre, radius)

    def _crowd(self, label: Label) -> None:
        """Many small things of one class in a heap, one segment."""
        self.layers.append(Region(label.id * _PER_CATEGORY + 999, label.id, crowd=True))
        heap = self.rng.uniform((0.15, 0.15), (0.85, 0.85)) * (self.width, self.height)
        for _ in range(self.rng.integers(12, 26)):
            centre = heap + self.rng.normal(scale=(20, 14))
            self._object(label.name, GAUGES[_OUTLINES[label.name]], centre, self.rng.uniform(5, 9))

    def _void(self) -> None:
        """Something of no class."""
        self.layers.append(None)
        centre = self.rng.uniform((0.1, 0.1), (0.9, 0.9)) * (self.width, self.height)
        self._object(_NOTHING, disk, centre, self.rng.uniform(8, 24))

    def _object(self, name: str, gauge: Gauge, centre: NDArray[np.float64], radius: float) -> None:
        """Draw one thing of the topmost layer with light from one side, a darker rim and a soft shadow around."""
        (x, y), r = centre * _FINE, radius * _FINE
        reach = 1.35 * r
        left, right = max(int(x - reach), 0), min(int(x + reach) + 2, self.rgb.shape[1])
        top, bottom = max(int(y - reach), 0), min(int(y + reach) + 2, self.rgb.shape[0])
        if left >= right or top >= bottom:
            return
        rows, columns = np.mgrid[top:bottom, left:right]
        turn, light = self.rng.uniform(0, 2 * np.pi, 2)
        dx, dy = (columns - x).astype(np.float32) / np.float32(r), (rows - y).astype(np.float32) / np.float32(r)
        p, q = np.cos(turn) * dx + np.sin(turn) * dy, np.cos(turn) * dy - np.sin(turn) * dx
        value = gauge(p.astype(np.float32), q.astype(np.float32))
        inside = value <= 1
        there = self.rgb[top:bottom, left:right]
        shadow = 1 - 0.35 * np.clip((1.3 - value) / 0.3, 0, 1)
        there[~inside] *= shadow[~inside, None]
        look = self.surface(name).at(columns[inside], rows[inside])
        lit = 1 + 0.22 * (np.cos(light) * dx[inside] + np.sin(light) * dy[inside])
        rim = 1 - 0.4 * np.clip((value[inside] - 0.8) / 0.2, 0, 1)
        there[inside] = np.clip(look * (lit * rim)[:, None], 0, 255)
        self.order[top:bottom, left:right][inside] = len(self.layers) - 1

    def scene(self) -> Scene:
        """The scene at its own size."""
        height, width = self.height, self.width
        parts = [(row, column) for row in range(_FINE) for column in range(_FINE)]
        total = sum(self.rgb[row::_FINE, column::_FINE] for row, column in parts)
        rgb = np.rint(total / np.float32(len(parts))).astype(np.uint8)
        shown = _majority(np.stack([self.order[row::_FINE, column::_FINE] for row, column in parts]))
        ids, segments = np.zeros((height, width), np.int32), []
        for place, region in enumerate(self.layers):
            visible = shown == place
            if region is not None and visible.sum() >= _LEAST_VISIBLE:
                ids[visible] = region.id
                segments.append(region)
        return Scene(rgb, ids, tuple(segments))


def _majority(parts: NDArray[np.int32]) -> NDArray[np.int32]:
    """The most frequent of (n, H, W) values at each place, of equally frequent ones the largest."""
    shown = parts[0].copy()
    mixed = (parts != parts[0]).any(axis=0)
    here = parts[:, mixed]
    counts = (here[:, None] == here[None]).sum(axis=1)
    best = (counts * (int(parts.max()) + 1) + here).argmax(axis=0)
    shown[mixed] = np.take_along_axis(here, best[None], axis=0)[0]
    return shown


def _cut(textures: Mapping[str, Rgb], name: str, where: Mapping[str, Any], split: Split) -> NDArray[np.float32]:
    if not isinstance(where, Mapping) or where.keys() - {"paint"} != {"photo", "train", "test"}:
        found = sorted(where) if isinstance(where, Mapping) else repr(where)
        raise CardError(f"cuts.{name}: found {found}; must have 'photo', 'train' and 'test', may have 'paint'")
    photo = textures.get(where["photo"])
    if photo is None:
        raise CardError(f"cuts.{name}.photo: found {where['photo']!r}; the parts have {', '.join(sorted(textures))}")
    box, (height, width) = where[split], photo.shape[:2]
    whole = isinstance(box, list) and len(box) == 4 and all(isinstance(side, int) for side in box)
    if not (whole and 0 <= box[0] < box[2] - 1 <= width - 1 and 0 <= box[1] < box[3] - 1 <= height - 1):
        raise CardError(
            f"cuts.{name}.{split}: found {box}; must be left, top, right, bottom of 2x2 pixels or more inside {width}x{height}"
        )
    left, top, right, bottom = box
    texture = photo[top:bottom, left:right].astype(np.float32)
    if (paint := where.get("paint")) is not None:
        if not (isinstance(paint, list) and len(paint) == 3 and all(isinstance(one, int) and 0 <= one <= 255 for one in paint)):
            raise CardError(f"cuts.{name}.paint: found {paint}; must be red, green, blue, each from 0 to 255")
        texture += _PAINTED * (np.array(paint, np.float32) - texture.mean(axis=(0, 1)))
    return texture
