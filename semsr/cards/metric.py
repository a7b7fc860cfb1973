"""Metrics: direction, unit, range, version, weights, and the options a protocol may set."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, StringConstraints, model_validator

from semsr.cards.base import Card, Id, Paper

OptionValue = bool | int | float | str | None


class Met(Card):
    """A value of an option that papers or libraries are known to have, and what one calls measuring in that way."""

    value: OptionValue
    says: Annotated[str, StringConstraints(min_length=1)]


class Option(Card):
    """One thing a protocol may choose: the default, the values allowed (all of the default's type when not listed), what it means.

    `met`: values that `semsr explain` tries, with their words; those of `allowed` and both truth values are tried anyway.
    """

    default: OptionValue
    allowed: tuple[OptionValue, ...] | None = None
    meaning: str
    met: tuple[Met, ...] = ()


class Noise(Card):
    """How far two right values of a metric may lie apart, and who says so.

    Attributes:
        size: in the metric's unit, of a mean over pictures.
        images: the size is of a mean over so many pictures whose deviations are independent of each other, so that it shrinks with the
            square root of their number; None: it does not (a bound that holds for every picture, or an offset).
        source: where the size comes from.
    """

    size: Annotated[float, Field(gt=0)]
    images: Annotated[int, Field(ge=1)] | None = None
    source: Annotated[str, StringConstraints(min_length=1)]


class MetricNoise(Card):
    """`metric`: what implementations and releases of it, or draws in it, move a mean by; `machine`: what processors do. None: not known."""

    metric: Noise | None = None
    machine: Noise | None = None


class MetricCard(Card):
    """How good a picture is, by one definition.

    `version` grows whenever a value changes; `noise` is for tolerances and changes none. `mistaken_for`: metrics that papers and scripts
    report under the same name, which `semsr explain` tries in its place.
    """

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
    noise: MetricNoise = MetricNoise()
    mistaken_for: tuple[Id, ...] = ()
    licence: str
    source: str
    checked: dict[str, str] = Field(default_factory=dict)
    notes: str = ""

    @model_validator(mode="after")
    def _defaults_are_allowed(self) -> MetricCard:
        for name, option in self.options.items():
            if option.allowed is not None and option.default not in option.allowed:
                raise ValueError(f"option {name!r}: default {option.default!r} is not among {list(option.allowed)}")
            for met in option.met:
                if option.allowed is not None and met.value not in option.allowed:
                    raise ValueError(f"option {name!r}: met: {met.value!r} is not among {list(option.allowed)}")
        return self
