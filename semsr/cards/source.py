"""Where the pictures of a data set come from: files, cuts of photographs, other data sets, or code that draws them."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from semsr.cards.base import Card, Id

Split = Literal["test", "train"]


class Layout(Card):
    """One way a copy of the data set may lie on a disk.

    `hr` and `lr` are patterns below the folder in which `{name}` stands for the picture's name, the part both partners share;
    `*` matches within one name, a leading `**/` any folders. `lr` is absent where LR is made from HR or there is none (training
    sets), `hr` where there is no reference.
    """

    hr: str | None = None
    lr: str | None = None

    @model_validator(mode="after")
    def _has_name(self) -> Layout:
        if self.hr is None and self.lr is None:
            raise ValueError("a layout needs 'hr', 'lr' or both")
        for pattern in (self.hr, self.lr):
            if pattern is not None and "{name}" not in pattern:
                raise ValueError(f"pattern {pattern!r} needs '{{name}}', the part of the file name that LR and HR share")
        return self


class FileSource(Card):
    """Pictures published as files: archives (assets) or a folder of the user's.

    Attributes:
        assets: the official archives, all of them needed.
        layouts: how they may lie below the folder; the one that gives the most pictures is taken.
        first: only the first so many pictures in the order of their names (FFHQ-10k).
        checksums: pattern of a JSON file that the authors give beside the pictures, with an MD5 a file; checked where it is there.
    """

    kind: Literal["files"]
    assets: tuple[Id, ...] = ()
    layouts: Annotated[tuple[Layout, ...], Field(min_length=1)]
    first: Annotated[int, Field(gt=0)] | None = None
    checksums: str | None = None


class Photo(Card):
    """One HR picture cut from a photograph: optional antialiased shrink by an integer factor, then a crop (left, top, right, bottom)."""

    name: Id
    asset: Id
    shrink: Annotated[int, Field(ge=1)] = 1
    box: tuple[int, int, int, int]
    split: Split
    subject: str


class PhotoSource(Card):
    """HR cut from photographs that are assets; LR is made by the card's degradation."""

    kind: Literal["photographs"]
    photos: Annotated[tuple[Photo, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _no_overlap(self) -> PhotoSource:
        names = [photo.name for photo in self.photos]
        if len(set(names)) != len(names):
            raise ValueError("two photos have the same name")
        test = {photo.asset for photo in self.photos if photo.split == "test"}
        train = {photo.asset for photo in self.photos if photo.split == "train"}
        if test & train:
            raise ValueError(f"photographs used for testing and for training: {', '.join(sorted(test & train))}")
        return self


class Part(Card):
    """A data set that another one is made from; `first` takes only its first pictures by name."""

    dataset: Id
    first: Annotated[int, Field(gt=0)] | None = None


class Crops(Card):
    """Square crops of each picture: the centre, or `count` in total at random places drawn from (seed, picture, number)."""

    kind: Literal["centre", "random"]
    size: Annotated[int, Field(gt=0)]
    count: Annotated[int, Field(gt=0)] | None = None
    seed: int = 0

    @model_validator(mode="after")
    def _counted(self) -> Crops:
        if (self.count is None) == (self.kind == "random"):
            raise ValueError("random crops need 'count', the number of crops in total; centre crops have none")
        return self


class DerivedSource(Card):
    """Made here from the prepared form of other data sets: their pictures together, or crops of them."""

    kind: Literal["derived"]
    parts: Annotated[tuple[Part, ...], Field(min_length=1)]
    crops: Crops | None = None


class GeneratedSource(Card):
    """Pictures that the data set's own code draws, with exact annotations; LR is made by the card's degradation.

    Attributes:
        entry: `module:Class` in the data set's folder, a `semsr.preparation.generated.Generator`.
        parts: data sets whose pictures it draws with (textures).
        train: how many training pictures; `count` of the card is the number of test pictures.
        size: sides of each picture, (H, W).
        seed: with the picture's name, the only source of chance.
        options: keyword arguments of the class.
    """

    kind: Literal["generated"]
    entry: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$")]
    parts: tuple[Part, ...] = ()
    train: Annotated[int, Field(ge=0)] = 0
    size: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]]
    seed: int = 0
    options: dict[str, Any] = Field(default_factory=dict)
