"""Protocols: how one paper measures. Which metrics, with which options, averaged how."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from semsr.cards.base import Card, Id, Paper
from semsr.cards.metric import OptionValue


class ProtocolColumn(Card):
    """One column: the name it carries in scores and tables, the metric behind it, its options."""

    name: Id
    metric: Id
    options: dict[str, OptionValue] = Field(default_factory=dict)


class ProtocolCard(Card):
    """A paper's way of measuring; its hash stands beside every number made with it."""

    id: Id
    title: str
    paper: Paper | None = None
    columns: Annotated[tuple[ProtocolColumn, ...], Field(min_length=1)]
    aggregation: Literal["mean-of-images"] = "mean-of-images"
    source: str
    notes: str = ""

    @model_validator(mode="after")
    def _names_are_unique(self) -> ProtocolCard:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError("two columns have the same name")
        return self


OBJECT_COLUMNS = ("omission", "hallucination", "improvement")
"""What every row of a semantic protocol has beside its columns, where the judge gives boxes or masks to count objects by."""


class PostProcessing(Card):
    """How a segmenter's raw answers become segments and instances; each adapter says what they mean for its model.

    Attributes:
        score: a segment needs at least this probability.
        mask: a pixel belongs to a mask from this probability on.
        overlap: a segment stays where at least this share of its mask is left after better ones took theirs.
        detections: instances a picture, the best ones.
    """

    score: Annotated[float, Field(ge=0, le=1)]
    mask: Annotated[float, Field(ge=0, le=1)] = 0.5
    overlap: Annotated[float, Field(ge=0, le=1)] = 0.8
    detections: Annotated[int, Field(ge=1)] = 100


class RowName(Card):
    """A row by what it is made with."""

    method: Id
    variant: Id = "default"


class ObjectMatching(Card):
    """When an object counts as seen: an instance of its class, at least this sure, that overlaps it by at least this IoU."""

    by: Literal["boxes", "masks"] = "boxes"
    score: Annotated[float, Field(ge=0, le=1)] = 0.5
    iou: Annotated[float, Field(gt=0, le=1)] = 0.5


class SemanticProtocolCard(Card):
    """A way of measuring what segmenters find in pictures against annotations.

    Attributes:
        annotations: pictures of another size than their annotations: "resized" brings the annotations to the picture's size (ids by nearest
            neighbour, boxes scaled, masks and areas made again); "original" has the segmenter answer at the annotations' size.
        post_processing: thresholds, which change the numbers and so belong here.
        objects: what omission, hallucination and improvement are counted with.
        floor: the row that is zoomed LR: what restorations are held against, as HR is the ceiling.
    """

    kind: Literal["semantic"]
    id: Id
    title: str
    paper: Paper | None = None
    annotations: Literal["resized", "original"]
    post_processing: PostProcessing
    objects: ObjectMatching = ObjectMatching()
    floor: RowName
    columns: Annotated[tuple[ProtocolColumn, ...], Field(min_length=1)]
    source: str
    notes: str = ""

    @model_validator(mode="after")
    def _names_are_unique(self) -> SemanticProtocolCard:
        names = [column.name for column in self.columns]
        if len(set(names)) != len(names):
            raise ValueError("two columns have the same name")
        if taken := sorted(set(names) & set(OBJECT_COLUMNS)):
            raise ValueError(f"columns: {taken[0]!r} is the name of a column that every row has; choose another")
        return self
