"""Pictures that a data set's own code draws, with exact annotations: the contract of that code, and one picture made by it."""

from __future__ import annotations

import hashlib
import json
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np

from semsr.cards import DatasetCard
from semsr.cards.dataset import GeneratedSource, Split
from semsr.errors import CardError, PairingError, SemsrError
from semsr.imaging.pictures import Rgb, encode_png, read_rgb
from semsr.plugins import load_plugin
from semsr.preparation.build import Job
from semsr.preparation.labels import Label, MapIds, Region, complete, labels_of
from semsr.preparation.making import File, Picture, degraded
from semsr.preparation.manifest import Prepared
from semsr.project import Project

_LARGEST_ID = (1 << 24) - 1


@dataclass(frozen=True)
class Scene:
    """One picture and its exact truth.

    Attributes:
        rgb: (H, W, 3) uint8.
        ids: (H, W) int32, the segment each pixel shows; 0 is void.
        segments: one for every id in the map but 0. A thing's segment is an object: its mask is what is visible of it.
    """

    rgb: Rgb
    ids: MapIds
    segments: tuple[Region, ...]


class Generator(ABC):
    """Draws scenes. A scene depends on its seed, name and split, and on the size, options and textures given here, on nothing else.

    Attributes:
        categories: every class of the data set.

    Args:
        textures: pictures of the card's parts, by name.
        size: (H, W) of each scene.
        options: those of the card.

    Raises:
        CardError: an option is wrong, or names a texture that is not there.
    """

    categories: Sequence[Label]

    def __init__(self, textures: Mapping[str, Rgb], size: tuple[int, int], **options: Any) -> None:
        self.textures, self.size = textures, size
        if options:
            raise CardError(f"{type(self).__name__} takes no options, found {sorted(options)}; take them out of source.options")

    @abstractmethod
    def draw(self, name: str, seed: int, split: Split) -> Scene:
        """One scene. `split` says which textures it may be drawn with, where training and testing must share none."""


def chance(seed: int, name: str) -> np.random.Generator:
    """The source of chance of one picture: the same for the same seed and name, whatever is drawn before and after."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(f"{seed} {name}".encode()).digest()))


def jobs_of_scenes(project: Project, card: DatasetCard, parts: Sequence[Prepared]) -> list[Job]:
    """The pictures of a generated data set, test-000 and so on, then train-000 and so on, each as a job for `build`.

    Raises:
        CardError: the card's `entry` or one of its options is wrong.
        PairingError: two pictures of the parts are called alike. PictureError: one of them can't be read.
    """
    assert isinstance(card.source, GeneratedSource)
    kind, textures = _class_of(project, card), _textures(card, parts)
    _made.cache_clear()  # a part may have been prepared again since, under the same paths
    _generator(card, kind, textures)  # what is wrong with the options is said before anything is written
    counts: tuple[tuple[Split, int], ...] = (("test", card.count or 0), ("train", card.source.train))
    return [
        Job(name, partial(picture_of_scene, card, kind, textures, name, split, place))
        for split, count in counts
        for place, name in enumerate(f"{split}-{number:0{max(3, len(str(count - 1)))}d}" for number in range(count))
    ]


def annotate(project: Project, card: DatasetCard, folder: Path, labels: Mapping[str, Mapping[str, Any]]) -> dict[str, str]:
    """Write the annotation files over all pictures of a generated data set.

    Args:
        project: where the card is.
        card: the data set's card.
        folder: the prepared folder; the label maps lie there.
        labels: by picture, the facts of its `Labels`.

    Returns:
        Path below `folder` -> SHA-256 of the file's bytes, the label maps included.

    Raises:
        StorageError: can't be written.
    """
    return complete(folder, _class_of(project, card).categories, labels)


def _class_of(project: Project, card: DatasetCard) -> type[Generator]:
    """The class that a card's `source.entry` names. Raises: CardError."""
    assert isinstance(card.source, GeneratedSource)
    found = load_plugin(project, "dataset", card.id, card.source.entry)
    if not (isinstance(found, type) and issubclass(found, Generator)):
        where = project.show(project.folders("dataset")[card.id] / "dataset.yaml")
        raise CardError(f"{where}: source.entry: {card.source.entry!r} is no semsr.preparation.generated.Generator")
    return found


def _textures(card: DatasetCard, parts: Sequence[Prepared]) -> dict[str, Path]:
    """The HR pictures of a card's parts, by name. Raises: PairingError where two are called alike."""
    assert isinstance(card.source, GeneratedSource)
    found: dict[str, Path] = {}
    for part, prepared in zip(card.source.parts, parts, strict=True):
        for entry in prepared.entries[: part.first]:
            if entry.name in found:
                raise PairingError(f"{card.id}: two of its parts have a picture called {entry.name!r}")
            if entry.hr is not None:
                found[entry.name] = entry.hr
    return found


def _generator(card: DatasetCard, kind: type[Generator], textures: Mapping[str, Path]) -> Generator:
    """The generator of a card; kept, since its pictures are drawn one after the other in a process.

    Raises:
        CardError: an option is wrong.
        PictureError: a texture can't be read.
    """
    assert isinstance(card.source, GeneratedSource)
    return _made(card.id, kind, tuple(sorted(textures.items())), card.source.size, json.dumps(card.source.options))


@lru_cache(maxsize=1)
def _made(
    dataset: str, kind: type[Generator], textures: tuple[tuple[str, Path], ...], size: tuple[int, int], options: str
) -> Generator:
    given = json.loads(options)
    try:
        return kind({name: read_rgb(path) for name, path in textures}, size, **given)
    except TypeError as error:
        raise CardError(f"datasets/{dataset}/dataset.yaml: source.options: found {sorted(given)}; {error}") from None
    except CardError as error:
        raise CardError(f"datasets/{dataset}/dataset.yaml: source.options: {error}") from None


def picture_of_scene(
    card: DatasetCard, kind: type[Generator], textures: Mapping[str, Path], name: str, split: Split, place: int = 0
) -> Picture:
    """Draw one scene; test pictures get their LR by the card's degradation, training pictures have none.

    Args:
        card: the data set's card.
        kind: its class (its `entry`).
        textures: files of the pictures to draw with, by name.
        name: the scene's.
        split: what it is for.
        place: the picture's number among those of its split, for degradations with shared choices.

    Raises:
        CardError: an option is wrong. PictureError: a texture can't be read.
        SemsrError: the class broke its contract; what it gave is named.
    """
    assert isinstance(card.source, GeneratedSource)
    made = _generator(card, kind, textures)
    scene = made.draw(name, card.source.seed, split)
    if problem := _problem(scene, made.categories, card.source.size):
        raise SemsrError(f"{card.id}: {name}: {problem}; mend {card.source.entry.replace(':', '.py: ')} in datasets/{card.id}")
    labels = labels_of(scene.ids, scene.segments, frozenset(label.id for label in made.categories if label.thing))
    hr, lr = File(scene.rgb, encode_png(scene.rgb)), None
    if split == "test":
        hr, lr = degraded(card, name, hr, place)
    return Picture(name, hr, lr, split, labels)


def _problem(scene: Scene, categories: Sequence[Label], size: tuple[int, int]) -> str | None:
    """What of its contract a scene breaks."""
    if scene.rgb.shape != (*size, 3) or scene.rgb.dtype != np.uint8:
        return f"the picture is {scene.rgb.dtype} of shape {scene.rgb.shape}, the card says uint8 of {(*size, 3)}"
    if scene.ids.shape != size or not np.issubdtype(scene.ids.dtype, np.integer):
        return f"the label map is {scene.ids.dtype} of shape {scene.ids.shape}, the card says integers of {size}"
    ids = [segment.id for segment in scene.segments]
    if twice := sorted({one for one in ids if ids.count(one) > 1}):
        return f"segment id {twice[0]} is given twice"
    if wrong := [one for one in ids if not 0 < one <= _LARGEST_ID]:
        return f"segment id {wrong[0]} is not in 1 ... {_LARGEST_ID}"
    there = set(np.unique(scene.ids).tolist()) - {0}
    if there != set(ids):
        only_map, only_list = sorted(there - set(ids)), sorted(set(ids) - there)
        return (
            f"the label map shows segments {only_map} that are not listed"
            if only_map
            else f"segments {only_list} have no pixel"
        )
    things = {label.id: label.thing for label in categories}
    for segment in scene.segments:
        if segment.category not in things:
            return f"segment {segment.id} is of category {segment.category}; there are {sorted(things)}"
        if segment.crowd and not things[segment.category]:
            return f"segment {segment.id} is a crowd of stuff (category {segment.category}); only things can be crowds"
    return None
