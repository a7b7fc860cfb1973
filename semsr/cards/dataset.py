"""Data sets: where the pictures come from, how LR and HR pair up, how the LR was made, what it may be compared with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from semsr.cards.base import Card, Id, Paper, Sha256


class Layout(Card):
    """One way a copy of the data set may lie on a disk.

    `hr` and `lr` are patterns below the folder in which `{name}` stands for the picture's name, the part both partners share;
    `*` matches within one name, a leading `**/` any folders. `lr` may be absent where LR is made from HR.
    """

    hr: str
    lr: str | None = None

    @model_validator(mode="after")
    def _has_name(self) -> Layout:
        for pattern in (self.hr, self.lr):
            if pattern is not None and "{name}" not in pattern:
                raise ValueError(f"pattern {pattern!r} needs '{{name}}', the part of the file name that LR and HR share")
        return self


class MatlabBicubic(Card):
    """LR made here by MATLAB-compatible bicubic downscaling, in one of its two published dialects (docs/protocols.md)."""

    kind: Literal["matlab-bicubic"]
    dialect: Literal["symmetric", "replicate"]


class PairedSource(Card):
    """LR and HR pictures published as files: an archive (asset) or a folder of the user's."""

    kind: Literal["paired"]
    assets: tuple[Id, ...] = ()
    layouts: Annotated[tuple[Layout, ...], Field(min_length=1)]


class Photo(Card):
    """One HR picture cut from a photograph: optional antialiased shrink by an integer factor, then a crop (left, top, right, bottom)."""

    name: Id
    asset: Id
    shrink: Annotated[int, Field(ge=1)] = 1
    box: tuple[int, int, int, int]
    split: Literal["test", "train"]
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


class PublishedPixels(Card):
    """What the published pictures are, whatever they are called: a hash over the pixels of all (semsr.preparation.manifest.set_sha256)."""

    hr: Sha256
    lr: Sha256


class DatasetCard(Card):
    """A data set as the harness prepares it: `hr/`, `lr/` and `manifest.parquet`. `count` is the number of test pictures."""

    id: Id
    title: str
    paper: Paper | None = None
    licence: str
    scale: Annotated[int, Field(ge=1)] = 4
    count: Annotated[int, Field(gt=0)]
    comparable: Literal["same-inputs", "regenerated"]
    source: Annotated[PairedSource | PhotoSource, Field(discriminator="kind")]
    degradation: MatlabBicubic | None = None
    crop_to_multiple: Annotated[int, Field(ge=1)] = 1
    grey: Literal["refuse", "replicate"] = "refuse"
    pixels: PublishedPixels | None = None
    notes: str = ""
    checked: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _photographs_add_up(self) -> DatasetCard:
        if isinstance(self.source, PhotoSource):
            if self.degradation is None:
                raise ValueError("photographs need a 'degradation', which makes the LR pictures")
            test = sum(photo.split == "test" for photo in self.source.photos)
            if test != self.count:
                raise ValueError(f"count is {self.count}, but {test} photos have split 'test'")
            for photo in self.source.photos:
                left, top, right, bottom = photo.box
                if left < 0 or top < 0 or right <= left or bottom <= top:
                    raise ValueError(f"photo {photo.name!r}: box {list(photo.box)} must be left, top, right, bottom in pixels")
                if (right - left) % self.scale or (bottom - top) % self.scale:
                    raise ValueError(f"photo {photo.name!r}: the sides of its box must be multiples of the scale, {self.scale}")
        return self
