"""Metrics: direction, unit, range, version, weights, and the options a protocol may set."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from semsr.cards.base import Card, Id, Paper

OptionValue = bool | int | float | str | None


class Option(Card):
    """One thing a protocol may choose: the default, the values allowed (all of the default's type when not listed), what it means."""

    default: OptionValue
    allowed: tuple[OptionValue, ...] | None = None
    meaning: str


class MetricCard(Card):
    """How good a picture is, by one definition. `version` grows whenever a value changes."""

    id: Id
    title: str
    paper: Paper | None = None
    direction: Literal["higher", "lower"]
    unit: str = ""
    range: tuple[float | None, float | None]
    decimals: Annotated[int, Field(ge=0, le=8)] = 4
    reference: Literal["full", "none", "distribution", "annotations"]
    version: Annotated[int, Field(ge=1)]
    entry: Annotated[str, StringConstraints(pattern=r"^[a-z_][a-z0-9_.]*:[A-Za-z_][A-Za-z0-9_]*$")]
    assets: tuple[Id, ...] = ()
    requires: tuple[str, ...] = ()
    options: dict[str, Option] = Field(default_factory=dict)
    licence: str
    source: str
    checked: dict[str, str] = Field(default_factory=dict)
    notes: str = ""

    @model_validator(mode="after")
    def _defaults_are_allowed(self) -> MetricCard:
        for name, option in self.options.items():
            if option.allowed is not None and option.default not in option.allowed:
                raise ValueError(f"option {name!r}: default {option.default!r} is not among {list(option.allowed)}")
        return self
