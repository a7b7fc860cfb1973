"""From the network's maps to what is found: pixels go to the centre they point to, and so become objects."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from semsr.cards.protocol import PostProcessing
from semsr.segmentation.found import Category, Found, Instance, Segment
from semsr.segmentation.masks import encode, tight_box

from .network import OFFSET_UNIT, PLACE_STRIDE

Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Rules:
    """What the protocol leaves to the network.

    Attributes:
        candidate: least score of a centre that may become an instance.
        reach: pixels that a pixel may point beside its centre.
        stuff: least pixels of a stuff segment; fewer are void.
        object: least pixels of an object; fewer are void.
    """

    candidate: float = 0.05
    reach: float = 24.0
    stuff: int = 64
    object: int = 8


@dataclass(frozen=True)
class Maps:
    """The network's answer for one picture, at the size of what is found.

    Attributes:
        probabilities: (C, H, W) of the classes.
        pointed: (2, H, W) the place (y, x), in pixels of the picture, that each pixel takes for its object's centre.
        centres: (h, w) probabilities of being a centre, as the network gives them.
    """

    probabilities: NDArray[np.float32]
    pointed: NDArray[np.float32]
    centres: Tensor

    @classmethod
    def of(cls, raw: tuple[Tensor, Tensor, Tensor], picture: tuple[int, int], size: tuple[int, int]) -> Maps:
        """The answers of `PanopticNetwork` for one padded picture; what answers for the padding is cut off.

        Args:
            raw: of a batch of one.
            picture: (H, W) without padding.
            size: (H, W) of what is found.
        """
        classes, centres, offsets = raw
        y, x = (
            ((torch.arange(wanted, device=offsets.device) + 0.5) * side / wanted - 0.5)
            for wanted, side in zip(size, picture, strict=True)
        )
        padded = tuple(side * PLACE_STRIDE for side in centres.shape[-2:])
        rows, columns = torch.meshgrid((y + 0.5) * 2 / padded[0] - 1, (x + 0.5) * 2 / padded[1] - 1, indexing="ij")
        grid = torch.stack([columns, rows], -1)[None]

        def enlarged(maps: Tensor) -> Tensor:
            return F.grid_sample(maps, grid, mode="bilinear", padding_mode="border", align_corners=False)[0]

        here = torch.stack(torch.meshgrid(y, x, indexing="ij"))
        pointed = here + enlarged(offsets) * OFFSET_UNIT
        kept = centres[0].sigmoid()[: -(-picture[0] // PLACE_STRIDE), : -(-picture[1] // PLACE_STRIDE)]
        return cls(enlarged(classes).softmax(0).cpu().numpy(), pointed.cpu().numpy(), kept.cpu())


def find(name: str, maps: Maps, categories: Sequence[Category], post: PostProcessing, rules: Rules) -> Found:
    """Everything that the maps amount to.

    What the protocol's thresholds mean here: a centre needs `score` to become a segment of the panoptic map. A pixel needs `mask`, the
    probability of its most probable class, to belong to a segment. `overlap` decides nothing: each pixel points to one centre alone,
    so no object takes another's pixels. `detections` bounds the instances; these are grouped anew, of all candidates, without `score`
    and `mask`.

    Args:
        name: of the picture.
        maps: the network's.
        categories: sorted by id, those of the network.
        post: the protocol's.
        rules: the network's own.

    Returns:
        all four answers; an object's score is its centre's times the mean probability of its class over its pixels.
    """
    classes = maps.probabilities.argmax(0)
    sure = maps.probabilities.max(0) >= post.mask
    things = np.array([category.thing for category in categories])[classes]
    places, scores = _peaks(maps.centres, rules.candidate)
    segments: list[Segment] = []
    panoptic = np.zeros(classes.shape, np.int32)

    def add(inside: Mask, at: int, score: float) -> None:
        segments.append(Segment(len(segments) + 1, categories[at].id, score))
        panoptic[inside] = len(segments)

    chosen = scores >= post.score
    for each in _objects(maps, classes, things & sure, places[chosen], scores[chosen], categories, rules):
        add(*each)
    for at, category in enumerate(categories):
        inside = (classes == at) & sure
        if not category.thing and inside.sum() >= rules.stuff:
            add(inside, at, float(maps.probabilities[at][inside].mean()))
    instances = [
        Instance(categories[at].id, score, tight_box(inside), encode(inside))
        for inside, at, score in _objects(maps, classes, things, places, scores, categories, rules)
    ]
    instances.sort(key=lambda instance: -instance.score)
    best = tuple(instances[: post.detections])
    height, width = classes.shape
    return Found(name, (height, width), panoptic, tuple(segments), classes.astype(np.int16), best)


def _objects(
    maps: Maps,
    classes: NDArray[np.int64],
    things: Mask,
    places: NDArray[np.float32],
    scores: NDArray[np.float32],
    categories: Sequence[Category],
    rules: Rules,
) -> Iterator[tuple[Mask, int, float]]:
    """Mask, position of the class and score of each object that pixels of `things` point to.

    Each centre is of the class that most of the pixels nearest to it are of; then each pixel goes to the nearest centre of its own class,
    so that what lies on a large object takes none of it along. Pixels that point too far from all centres of their class are nobody's.
    """
    if not len(places):
        return
    pixels = np.flatnonzero(things)
    pointed, kinds = maps.pointed.reshape(2, -1)[:, pixels], classes.reshape(-1)[pixels]
    # Pixel by pixel and centre by centre: some tens of centres, so no more than megabytes.
    distance = ((pointed[:, :, None] - places.T[:, None, :]) ** 2).sum(0)
    votes = np.zeros((len(places), len(categories)), np.int64)
    np.add.at(votes, (distance.argmin(1), kinds), 1)
    other = (votes.argmax(1)[None] != kinds[:, None]) | (distance > rules.reach**2)
    nearest = np.where(other, np.inf, distance)
    owner = np.full(classes.size, -1)
    owner[pixels] = np.where(other.all(1), -1, nearest.argmin(1))
    for number, score in enumerate(scores):
        inside = (owner == number).reshape(classes.shape)
        if inside.sum() < rules.object:
            continue
        at = int(votes[number].argmax())
        yield inside, at, float(score * maps.probabilities[at][inside].mean())


def _peaks(centres: Tensor, least: float) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """(N, 2) places (y, x) in pixels, and (N,) scores, of cells that are higher than the eight around them; the best first."""
    highest = F.max_pool2d(centres[None, None], 3, 1, 1)[0, 0]
    rows, columns = torch.nonzero((centres == highest) & (centres >= least), as_tuple=True)
    scores = centres[rows, columns]
    order = scores.argsort(descending=True, stable=True)
    places = torch.stack([rows, columns], 1)[order] * PLACE_STRIDE + (PLACE_STRIDE - 1) / 2
    return places.float().numpy(), scores[order].numpy()
