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
