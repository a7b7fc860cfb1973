"""A protocol with everything filled in: each column's metric card and every option, under one hash."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from types import MappingProxyType

from semsr.cards.metric import MetricCard, Option, OptionValue
from semsr.cards.protocol import ProtocolCard, ProtocolColumn
from semsr.errors import CardError
from semsr.project import Project


@dataclass(frozen=True)
class ResolvedColumn:
    """One column of a protocol.

    Attributes:
        name: what scores and tables call it.
        metric: the card of the metric behind it.
        options: every option of that card, by name, with the protocol's choices filled in.
    """

    name: str
    metric: MetricCard
    options: Mapping[str, OptionValue]

    @property
    def key(self) -> str:
        """Identical for columns that are the same computation: metric, version and options; protocols share the work by it."""
        return f"{self.metric.id}@{self.metric.version}{json.dumps(dict(self.options), sort_keys=True)}"

    @property
    def of_set(self) -> bool:
        """True where there is one value for the whole set of pictures (FID, KID)."""
        return self.metric.reference == "distribution"


@dataclass(frozen=True)
class ResolvedProtocol:
    """A protocol card with its metrics' cards and all options."""

    card: ProtocolCard
    columns: tuple[ResolvedColumn, ...]

    @property
    def id(self) -> str:
        """The card's id."""
        return self.card.id

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits of the SHA-256 over what is measured and how.

        Columns (name, metric, all options) and aggregation count, also options left at their default; titles, notes, sources and the
        columns' order do not. The metric's version stands beside each score and is not part of the hash.
        """
        columns = sorted([column.name, column.metric.id, dict(column.options)] for column in self.columns)
        text = json.dumps({"aggregation": self.card.aggregation, "columns": columns}, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def resolve(project: Project, protocol: str) -> ResolvedProtocol:
    """Fill in a protocol.

    Raises:
        UnknownIdError: no such protocol.
        CardError: a column names an unknown metric, an option its metric does not have, or a value that is not allowed.
    """
    card = project.protocol(protocol)
    columns = resolve_columns(project, card.columns, f"metrics/protocols/{card.id}.yaml", semantic=False)
    return ResolvedProtocol(card, columns)


def resolve_columns(
    project: Project, columns: Sequence[ProtocolColumn], where: str, *, semantic: bool
) -> tuple[ResolvedColumn, ...]:
    """Fill in the columns of a protocol of either kind.

    Args:
        project: where the metrics' cards are.
        columns: the card's.
        where: what errors call the card's file.
        semantic: the protocol measures what segmenters find against annotations, so that its metrics must; those of others must not.

    Raises:
        CardError: as of `resolve`, and a metric of the other kind.
    """
    return tuple(_resolve_column(project, column, where, semantic=semantic) for column in columns)


def _resolve_column(project: Project, column: ProtocolColumn, where: str, *, semantic: bool) -> ResolvedColumn:
    allowed = [name for name, card in sorted(project.metrics.items()) if (card.reference == "annotations") == semantic]
    if column.metric not in allowed:
        of_other_kind = ""
        if column.metric in project.metrics and semantic:
            of_other_kind = ", which measures pictures; a protocol of kind 'semantic' takes metrics against annotations"
        elif column.metric in project.metrics:
            of_other_kind = ", which measures against annotations and needs a protocol of kind 'semantic'"
        raise CardError(
            f"{where}: columns.{column.name}.metric: found {column.metric!r}{of_other_kind}; allowed: {', '.join(allowed) or 'none'}"
        )
    metric = project.metric(column.metric)
    for name in column.options:
        if name not in metric.options:
            known = ", ".join(sorted(metric.options)) or "none"
            raise CardError(
                f"{where}: columns.{column.name}.options: unknown option {name!r} (value {column.options[name]!r}); "
                f"metric {metric.id!r} allows: {known}"
            )
    options = {
        name: _checked(option, column.options.get(name, option.default), f"{where}: columns.{column.name}.options.{name}")
        for name, option in sorted(metric.options.items())
    }
    return ResolvedColumn(column.name, metric, MappingProxyType(options))


def _checked(option: Option, value: OptionValue, where: str) -> OptionValue:
    if option.allowed is not None:
        # Compared with the type: in Python True == 1 == 1.0, and the hash tells them apart.
        for allowed in option.allowed:
            if type(allowed) is type(value) and allowed == value:
                return value
        raise CardError(f"{where}: found {value!r}; allowed: {', '.join(map(repr, option.allowed))}")
    if type(option.default) is float and type(value) is int:
        return float(value)
    if option.default is not None and type(value) is not type(option.default):
        raise CardError(f"{where}: found {value!r}; allowed: any {type(option.default).__name__} (default {option.default!r})")
    return value
