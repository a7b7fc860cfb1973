"""A semantic protocol with everything filled in: each column's metric card and every option, under one hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

from semsr.cards.protocol import SemanticProtocolCard
from semsr.evaluation.protocol import ResolvedColumn, resolve_columns
from semsr.project import Project


@dataclass(frozen=True)
class ResolvedSemanticProtocol:
    """A semantic protocol's card with its metrics' cards and all options."""

    card: SemanticProtocolCard
    columns: tuple[ResolvedColumn, ...]

    @property
    def id(self) -> str:
        """The card's id."""
        return self.card.id

    @cached_property
    def hash(self) -> str:
        """16 hexadecimal digits of the SHA-256 over what is measured and how.

        Size of the annotations, thresholds of segmenters, matching of objects, floor and columns (name, metric, all options) count, also
        what is left at its default; titles, notes, sources and the columns' order do not. The metrics' versions stand beside the values.
        """
        columns = sorted([column.name, column.metric.id, dict(column.options)] for column in self.columns)
        said = {key: self.card.model_dump()[key] for key in ("annotations", "floor", "objects", "post_processing")}
        text = json.dumps({**said, "columns": columns}, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:16]


def resolve(project: Project, protocol: str) -> ResolvedSemanticProtocol:
    """Fill in a semantic protocol.

    Raises:
        UnknownIdError: no such semantic protocol.
        CardError: a column names an unknown metric or one that needs no annotations, an option its metric does not have, or a value that
            is not allowed.
    """
    card = project.semantic_protocol(protocol)
    columns = resolve_columns(project, card.columns, f"metrics/protocols/{card.id}.yaml", semantic=True)
    return ResolvedSemanticProtocol(card, columns)
