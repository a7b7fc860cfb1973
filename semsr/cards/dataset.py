"""Data sets: how they are prepared, how the LR was made, what is published of them, what they may be compared with."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from semsr.cards.base import Card, Id, Paper, Sha256
from semsr.cards.source import Crops, DerivedSource, FileSource, GeneratedSource, Layout, Part, Photo, PhotoSource, Split

__all__ = [
    "Annotation",
    "Crops",
    "DatasetCard",
    "DerivedSource",
    "FileSource",
    "GeneratedSource",
    "Layout",
    "MatlabBicubic",
    "Part",
    "Photo",
    "PhotoSource",
    "PublishedPixels",
    "RealEsrgan",
    "Resize",
    "Split",
]


class Resize(Card):
    """Each whole picture is brought to one size, its aspect given up, before all else; annotations stay as they are."""

    size: tuple[Annotated[int, Field(gt=0)], Annotated[int, Field(gt=0)]]
    filter: Literal["lanczos", "bicubic"]


class MatlabBicubic(Card):
    """LR made here by MATLAB-compatible bicubic downscaling, in one of its two published dialects (docs/protocols.md)."""

    kind: Literal["matlab-bicubic"]
    dialect: Literal["symmetric", "replicate"]


class RealEsrgan(Card):
    """LR made here by Real-ESRGAN's second-order degradation with one of its published parameter sets (docs/degradation.md).

    Attributes:
        parameters: "full" (Real-ESRGAN, SeeSR), "light" (StableSR) or "pasd".
        seed: with the picture's name, the only source of chance.
        ground_truth: "sharpened" keeps the USM-sharpened picture as HR, a quirk of SeeSR's recipe.
        shared_choices: draw resizing and kind of noise once for so many pictures in a row, as SeeSR's batches of 10 do.
    """

    kind: Literal["real-esrgan"]
    parameters: Literal["full", "light", "pasd"]
    seed: int = 0
    ground_truth: Literal["plain", "sharpened"] = "plain"
    shared_choices: Annotated[int, Field(gt=1)] | None = None


class Annotation(Card):
    """Files that come with the pictures and are kept beside them.

    Attributes:
        file: where it stands in the prepared folder, below `annotations/`; with `{name}`, one file a picture.
        patterns: how it may be called in the originals, as in a layout.
        archive: pattern of an archive among the originals that holds the files, where they are packed once more.
        images: the file is a JSON of COCO's kind, whose `images` must name every picture.
    """

    file: Annotated[str, StringConstraints(pattern=r"^annotations(/[A-Za-z0-9_{}-][A-Za-z0-9._{}-]*)+$")]
    patterns: Annotated[tuple[str, ...], Field(min_length=1)]
    archive: str | None = None
    images: bool = False

    @property
    def per_picture(self) -> bool:
        """Whether there is one file for each picture."""
        return "{name}" in self.file

    @model_validator(mode="after")
    def _named_alike(self) -> Annotation:
        for pattern in self.patterns:
            if ("{name}" in pattern) != self.per_picture:
                raise ValueError(f"'{{name}}' must stand in 'file' and in pattern {pattern!r}, or in neither")
        return self


class PublishedPixels(Card):
    """What the published pictures are.

    Attributes:
        hr: a hash over the HR pixels of all pictures, whatever they are called (semsr.preparation.manifest.set_sha256).
        lr: the same of LR.
        each: a CSV file beside the card, columns name, hr, lr: the hash of each picture's pixels.
        required: other pictures are an error, not a warning: nothing else can stand in for these.
    """

    hr: Sha256 | None = None
    lr: Sha256 | None = None
    each: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]+\.csv$")] | None = None
    required: bool = False


class DatasetCard(Card):
    """A data set as the harness prepares it: `hr/`, `lr/`, `annotations/` and `manifest.parquet`.

    `count` is the number of test pictures of photographs and of generated pictures, and of all pictures of other sources, which
    belong to one `split`.
    """

    id: Id
    title: str
    paper: Paper | None = None
    licence: str
    scale: Annotated[int, Field(ge=1)] = 4
    split: Split = "test"
    count: Annotated[int, Field(gt=0)] | None = None
    count_unknown: str | None = None
    comparable: Literal["same-inputs", "regenerated"]
    source: Annotated[FileSource | PhotoSource | DerivedSource | GeneratedSource, Field(discriminator="kind")]
    degradation: Annotated[MatlabBicubic | RealEsrgan, Field(discriminator="kind")] | None = None
    crop_to_multiple: Annotated[int, Field(ge=1)] = 1
    resize: Resize | None = None
    grey: Literal["refuse", "replicate"] = "refuse"
    pixels: PublishedPixels | None = None
    annotations: tuple[Annotation, ...] = ()
    notes: str = ""
    checked: dict[str, str] = Field(default_factory=dict)

    @model_validator(mode="after")
    def _whole(self) -> DatasetCard:
        if (self.count is None) == (self.count_unknown is None):
            raise ValueError("give 'count', or 'count_unknown' with the reason why no number is known; one of the two")
        if isinstance(self.degradation, RealEsrgan) and self.comparable != "regenerated":
            raise ValueError("a random degradation makes inputs of our own: 'comparable' must be 'regenerated'")
        if isinstance(self.source, DerivedSource | GeneratedSource) and self.id in {part.dataset for part in self.source.parts}:
            raise ValueError("a data set can't be made from itself")
        if isinstance(self.source, DerivedSource) and (crops := self.source.crops) and crops.size % self.scale:
            raise ValueError(f"crops of {crops.size} pixels must be a multiple of the scale, {self.scale}")
        return self

    @model_validator(mode="after")
    def _resized_alone(self) -> DatasetCard:
        if self.resize is None:
            return self
        if not isinstance(self.source, FileSource) or any(layout.lr for layout in self.source.layouts):
            raise ValueError("'resize' is for HR pictures from files whose layouts have no 'lr': LR is made of what it leaves")
        if any(side % self.scale for side in self.resize.size):
            raise ValueError(f"resize.size {list(self.resize.size)} must be two multiples of the scale, {self.scale}")
        return self

    @model_validator(mode="after")
    def _generated_is_whole(self) -> DatasetCard:
        if isinstance(self.source, GeneratedSource):
            if self.degradation is None:
                raise ValueError("generated pictures need a 'degradation', which makes the LR pictures")
            if self.count is None:
                raise ValueError("generated pictures need 'count', the number of test pictures")
            if any(side % self.scale for side in self.source.size):
                raise ValueError(f"source.size {list(self.source.size)} must be multiples of the scale, {self.scale}")
            if self.comparable != "regenerated":
                raise ValueError("generated pictures are inputs of our own: 'comparable' must be 'regenerated'")
            if self.crop_to_multiple != 1 or self.annotations:
                raise ValueError(
                    "generated pictures come whole and with annotations: leave out 'crop_to_multiple' and 'annotations'"
                )
        return self

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
