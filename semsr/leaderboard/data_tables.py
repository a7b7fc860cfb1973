"""One data set of a table as the data that its page draws: small, since a page may show two hundred rows of ten columns."""

from __future__ import annotations

from semsr.leaderboard.model import SiteBlock, SiteCell, SiteColumn, SiteRow, SiteTable
from semsr.reproduction.verdict import SAID

DASH = "–"
STATUS_WORDS = {
    "incomplete": "incomplete",
    "not-available": "n/a",
    "refused": "refused",
    "stale": "stale",
}
"""What stands in a cell of ours that was begun but has no value."""


def number_text(value: float, decimals: int) -> str:
    """A number as the site prints it: so many decimals, ∞ for what is infinite."""
    if value in (float("inf"), float("-inf")):
        return "∞" if value > 0 else "-∞"
    return f"{value:.{decimals}f}"


def our_text(cell: SiteCell) -> str:
    """Our value as printed, or in a word what is there instead."""
    if cell.value is None:
        return cell.text or STATUS_WORDS.get(cell.status, DASH)
    return cell.text.replace("inf", "∞")


def interval_text(cell: SiteCell, column: SiteColumn) -> str:
    """Its 95 % interval in words; empty where there is none."""
    if cell.low is None or cell.high is None:
        return ""
    digits = column.decimals + 1
    over = f" over {cell.interval_over}" if cell.interval_over else ""
    return f"{number_text(cell.low, digits)} to {number_text(cell.high, digits)}{over}"


def tips(cell: SiteCell, column: SiteColumn) -> list[str]:
    """Everything that is known of a cell, a line each: what a reader sees who points at it or moves there by the keyboard."""
    lines = []
    if cell.value is not None:
        unit = f" {column.unit}" if column.unit else ""
        lines.append(f"Ours: {our_text(cell)}{unit}, unrounded {number_text(cell.value, column.decimals + 4)}")
    if interval := interval_text(cell, column):
        lines.append(f"95 % interval: {interval}")
    if cell.best:
        lines.append("Significantly best of its column")
    elif cell.tied:
        lines.append("Can't be told apart from the best of its column")
    if cell.published:
        elsewhere = ", of other pictures: for orientation only" if cell.published_is_elsewhere else ""
        lines.append(f"Published: {cell.published}{elsewhere}")
    if cell.verdict is not None:
        said = SAID[cell.verdict.kind]
        explained = f" ({cell.verdict.explained_by})" if cell.verdict.explained_by else ""
        why = f": {cell.verdict.why}" if cell.verdict.why else ""
        lines.append(f"{said[0].upper()}{said[1:]}{explained}{why}")
        if (tolerance := cell.verdict.tolerance) is not None and tolerance.parts:
            lines += [f"Tolerance, {part.name}: ±{part.size:.2g} ({part.source})" for part in tolerance.parts]
    lines += cell.more
    if cell.value is None and cell.why and (cell.verdict is None or cell.why not in cell.verdict.why):
        lines.append(f"No value: {cell.why}")
    if cell.groups:
        lines.append(f"Groups that can't be told apart: {cell.groups}")
    if cell.result_id:
        lines.append(f"Result {cell.result_id} (semsr trace {cell.result_id})")
    return lines


def cell_data(cell: SiteCell, column: SiteColumn) -> list[object]:
    """[value, ours as printed, published as printed, flags, verdict, lines of the tip].

    Flags: b significantly best, t tied with the best, e published of other pictures, v has a value of ours. Without a value of ours the
    published one is what a column is sorted by, if it is a number.
    """
    flags = "".join(
        sign
        for sign, on in (("b", cell.best), ("t", cell.tied), ("e", cell.published_is_elsewhere), ("v", cell.value is not None))
        if on
    )
    value = cell.value if cell.value is not None else _number(cell.published)
    kind = cell.verdict.kind if cell.verdict else ""
    return [value, our_text(cell), cell.published, flags, kind, tips(cell, column)]


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None


def published_only(row: SiteRow) -> bool:
    """Whether the row was not run here, but has published values."""
    return (
        row.trust in ("", "L0") and all(cell.value is None for cell in row.cells) and any(cell.published for cell in row.cells)
    )


def row_data(row: SiteRow, columns: tuple[SiteColumn, ...]) -> dict[str, object]:
    """A row: who it is, what it can be filtered by, its cells."""
    return {
        "key": row.key,
        "label": row.label,
        "page": f"method-{row.page}.html" if row.page else "",
        "trust": row.trust,
        "licence": row.licence_policy,
        "sanity": row.sanity,
        "only": published_only(row),
        "seeds": row.seeds,
        "warnings": list(row.warnings),
        "verdicts": sorted({cell.verdict.kind for cell in row.cells if cell.verdict}),
        "cells": [cell_data(cell, column) for cell, column in zip(row.cells, columns, strict=True)],
    }


def block_data(block: SiteBlock) -> dict[str, object]:
    """A data set of a table."""
    return {
        "key": block.key,
        "label": block.label,
        "dataset": block.dataset,
        "columns": [
            {"title": column.title, "unit": column.unit, "direction": column.direction, "decimals": column.decimals}
            for column in block.columns
        ],
        "rows": [row_data(row, block.columns) for row in block.rows],
    }


def key_of(table: SiteTable, block: SiteBlock) -> str:
    """What `semsr.get` finds a data set of a table under."""
    return f"table/{table.id}/{block.key}"


def file_of(table: SiteTable, block: SiteBlock) -> str:
    """The data file, from the site's root."""
    return f"data/table-{table.id}-{block.key}.js"
