"""Segmenters: networks that say what is where in a picture, and so judge how much meaning a restoration keeps."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from semsr.cards.base import Card, Id, Paper
from semsr.cards.method import Weights

Answer = Literal["panoptic", "semantic", "boxes", "masks"]
"""What a segmenter may give: a panoptic map with its segments, a class for every pixel, boxes with scores, masks of those boxes."""


class SegmenterCommand(Card):
    """An external program in its own environment: reads a folder of pictures, writes COCO's result files.

    `run` may use {pictures} (a folder of PNG files), {sizes} (a JSON file: size [H, W] of the answer by picture), {categories} (a JSON
    file: COCO's categories), {found} (the folder to write: panoptic.json, panoptic/<name>.png, instances.json, semantic/<name>.png),
    {weights} (the first file), {segmenter} (its folder, for a driver of its own), and {score}, {mask}, {overlap}, {detections} of the
    protocol.
    """

    run: Annotated[tuple[str, ...], Field(min_length=1)]
    environment: str | None = None
    variables: dict[str, str] = Field(default_factory=dict)
    time_limit_minutes: Annotated[float, Field(gt=0)] = 600.0
    repository: str
    commit: str


class SegmenterCard(Card):
    """One judge.

    Attributes:
        entry: `module:Class` in its folder, a `semsr.segmentation.contract.Segmenter`; of runner "python".
        parts: `module:Class`, its `semsr.training.parts.Parts`, where it is trained here by the one recipe that `training` names in its
            `recipes.yaml`.
        gives: which answers it has, and so which metrics it can be measured by.
        classes: how many categories it knows, sorted by id as the data set's annotations have them; None: those it is trained on.
        weights: alternatives as of a method's variant; the first that can be had.
    """

    id: Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$")]
    title: str
    paper: Paper | None = None
    licence: str
    runner: Literal["python", "command"] = "python"
    entry: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    command: SegmenterCommand | None = None
    gives: Annotated[tuple[Answer, ...], Field(min_length=1)]
    classes: Annotated[int, Field(gt=0)] | None = None
    weights: tuple[Weights, ...] = ()
    training: Id | None = None
    parts: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$")] | None = None
    options: dict[str, Any] = Field(default_factory=dict)
    checked: dict[str, str] = Field(default_factory=dict)
    notes: str = ""

    @model_validator(mode="after")
    def _whole(self) -> SegmenterCard:
        for runner, key, given in (("python", "entry", self.entry), ("command", "command", self.command)):
            if (given is not None) != (runner == self.runner):
                problem = "is missing" if given is None else f"belongs to runner {runner!r}"
                raise ValueError(f"runner is {self.runner!r}, but key {key!r} {problem}")
        if self.training is not None and self.weights:
            raise ValueError("weights are either published ('weights') or trained here ('training'), not both")
        if (self.training is None) != (self.parts is None):
            raise ValueError("'training' and 'parts' go together: give both or neither")
        if "masks" in self.gives and "boxes" not in self.gives:
            raise ValueError("gives: 'masks' are those of boxes with scores; name 'boxes', too")
        return self
