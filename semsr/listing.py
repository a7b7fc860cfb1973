"""`semsr list`: what there is. Reads cards only."""

from __future__ import annotations

import json
from collections.abc import Callable

from semsr.cards import (
    AnyTable,
    Card,
    DatasetCard,
    MethodCard,
    MetricCard,
    ProfileCard,
    ProtocolCard,
    SegmenterCard,
    SemanticProtocolCard,
    SemanticTableCard,
    TableCard,
)
from semsr.project import Project

_ARROW = {"higher": "↑", "lower": "↓"}


def render(project: Project, what: str, *, as_json: bool = False) -> str:
    """The cards of one kind as aligned text, or as a JSON array of whole cards."""
    cards: dict[str, Card] = getattr(project, what)
    if what == "protocols":
        cards = dict(sorted({**cards, **project.semantic_protocols}.items()))
    if as_json:
        return json.dumps([card.model_dump(mode="json") for card in cards.values()], indent=2, ensure_ascii=False)
    rows = [_HEADS[what], *(_ROWS[what](card) for card in cards.values())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    if what == "profiles":
        lines.append(f"in force: {project.profile().id} (params.yaml); `semsr use ID` switches")
    return "\n".join(lines)


_NAMED = 4
"""Rows of a method that fit on a line; `--json` has them all."""

_HEADS: dict[str, tuple[str, ...]] = {
    "methods": ("method", "scale", "runner", "rows", "title"),
    "datasets": ("data set", "pictures", "for", "scale", "comparable", "title"),
    "metrics": ("metric", "better", "unit", "reference", "version", "title"),
    "protocols": ("protocol", "columns", "title"),
    "tables": ("table", "protocol", "profiles", "title"),
    "segmenters": ("segmenter", "gives", "classes", "title"),
    "profiles": ("profile", "tables", "title"),
}


def _method(card: MethodCard) -> tuple[str, ...]:
    names = list(card.rows)
    rows = ", ".join(names) if len(names) <= _NAMED else f"{', '.join(names[:_NAMED])}, ... ({len(names)})"
    return card.id, f"×{card.scale}" if card.scale else "any", card.runner, rows, card.title


def _dataset(card: DatasetCard) -> tuple[str, ...]:
    return card.id, str(card.count or "?"), card.split, f"×{card.scale}", card.comparable, card.title


def _metric(card: MetricCard) -> tuple[str, ...]:
    return card.id, _ARROW[card.direction], card.unit or "-", card.reference, str(card.version), card.title


def _protocol(card: ProtocolCard | SemanticProtocolCard) -> tuple[str, ...]:
    return card.id, ", ".join(column.name for column in card.columns), card.title


def _table(card: AnyTable) -> tuple[str, ...]:
    measured = card.protocol if isinstance(card, TableCard | SemanticTableCard) else "descriptions"
    return card.id, measured, ", ".join(card.profiles), card.title


def _segmenter(card: SegmenterCard) -> tuple[str, ...]:
    unsaid = "as trained" if card.training else "not said"
    return card.id, ", ".join(card.gives), str(card.classes or unsaid), card.title


def _profile(card: ProfileCard) -> tuple[str, ...]:
    return card.id, ", ".join(card.tables), card.title


_ROWS: dict[str, Callable[..., tuple[str, ...]]] = {
    "methods": _method,
    "datasets": _dataset,
    "metrics": _metric,
    "protocols": _protocol,
    "tables": _table,
    "segmenters": _segmenter,
    "profiles": _profile,
}
