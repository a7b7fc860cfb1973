"""Single changes of a column's way of measuring, taken from the cards of metrics as far as they say."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

from semsr.cards.metric import MetricCard, Option, OptionValue
from semsr.evaluation.lattice.edits import INNER, Edit
from semsr.evaluation.protocol import ResolvedColumn
from semsr.project import Project

Kind = Literal["option", "metric", "pictures", "aggregation"]
BORDER = "border"
"""An option of this name is in pixels of the HR picture; papers cut as many as the scale factor, so that this is tried."""
POOLED = "pooled"


@dataclass(frozen=True)
class Change:
    """One axis set to another value than the protocol's.

    Attributes:
        axis, setting: as in an alternative's id, `axis=setting`.
        says: in words.
        kind: what is changed: an option of the metric, the metric, the pictures, or how their values become one.
        value: of the option.
    """

    axis: str
    setting: str
    says: str
    kind: Kind
    value: OptionValue = None


def changes_of(project: Project, column: ResolvedColumn, edits: tuple[Edit, ...], *, scale: int) -> tuple[Change, ...]:
    """Everything that is tried singly for a column.

    Options come from the card: the values it allows, both truth values, and those it says are met; so do the metrics it is mistaken
    for, where there is a card for them. A metric that is added later has its axes for nothing.

    Args:
        project: where the metrics' cards are.
        column: as the protocol has it.
        edits: what may have happened to the pictures.
        scale: the factor of super-resolution.
    """
    found = [
        Change(name, text_of(value), says, "option", value)
        for name, option in sorted(column.metric.options.items())
        for value, says in _settings(name, option, column.options[name], scale)
    ]
    found += [
        Change("metric", name, f"{project.metrics[name].title} in the place of {column.metric.title}", "metric")
        for name in column.metric.mistaken_for
        if name in project.metrics
    ]
    if not column.of_set:
        found += [
            Change(edit.axis, edit.setting, edit.says, "pictures")
            for edit in edits
            if not (edit.setting == INNER and BORDER in column.metric.options)
        ]
        says = "all pictures taken as one (their errors pooled) instead of the mean of their values"
        found.append(Change("aggregation", POOLED, says, "aggregation"))
    return tuple(found)


def _settings(name: str, option: Option, now: OptionValue, scale: int) -> Iterator[tuple[OptionValue, str]]:
    """Values other than the protocol's, each with its words."""
    words: dict[str, tuple[OptionValue, str]] = {}
    values: list[OptionValue] = [*(option.allowed or ()), *(met.value for met in option.met)]
    if isinstance(option.default, bool):
        values += [True, False]
    if name == BORDER and isinstance(option.default, int):
        values += [0, scale]
    for value in values:
        words.setdefault(text_of(value), (value, f"{name.replace('_', ' ')} {text_of(value)} instead of {text_of(now)}"))
    for met in option.met:
        words[text_of(met.value)] = (met.value, met.says)
    if name == BORDER and text_of(scale) in words and not any(met.value == scale for met in option.met):
        words[text_of(scale)] = (scale, f"{scale} pixels cut from each side")
    words.pop(text_of(now), None)
    yield from words.values()


def text_of(value: OptionValue) -> str:
    """An option's value as it stands in an id: `bt601-full`, `4`, `true`."""
    return value if isinstance(value, str) else json.dumps(value)


def under(project: Project, column: ResolvedColumn, changes: tuple[Change, ...]) -> ResolvedColumn:
    """The column with its metric and options changed; edits and aggregation do not show in it."""
    card, options = column.metric, dict(column.options)
    for change in changes:
        if change.kind == "metric":
            card = project.metric(change.setting)
            options = _carried(card, options)
    options |= {change.axis: change.value for change in changes if change.kind == "option"}
    return ResolvedColumn(column.name, card, MappingProxyType(dict(sorted(options.items()))))


def _carried(card: MetricCard, options: Mapping[str, OptionValue]) -> dict[str, OptionValue]:
    """Options of one metric for another: those both have keep their value where the other allows it."""
    carried = {}
    for name, option in card.options.items():
        value = options.get(name, option.default)
        carried[name] = value if option.allowed is None or value in option.allowed else option.default
    return carried
