"""Data sets: where the pictures come from, how LR and HR pair up, how the LR was made, what it may be compared with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from semsr.cards.base import Card, Id, Paper


class Layout(Card):
    """One way a copy of the data set may lie on a disk.

    `hr` and `lr` are patterns below the folder (`**` allowed) in which `{name}` stands for the picture's name, the part both
    partners share; `lr` may be absent where LR is made from HR.
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


class DatasetCard(Card):
    """A data set as the harness prepares it: `hr/`, `lr/` and `manifest.parquet`."""

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
    notes: str = ""
    checked: dict[str, str] = Field(default_factory=dict)
