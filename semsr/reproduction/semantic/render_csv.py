"""A table of judges as tidy CSV, nothing rounded away: the values, and the differences between rows."""

from __future__ import annotations

from collections.abc import Iterator

from semsr.reproduction.render_csv import VERDICT_HEADER, as_csv, number, verdict_fields
from semsr.reproduction.semantic.table import Block, Cell, Judgement, Row, SemanticTable
from semsr.reproduction.table import Column

HEADER = (
    "table",
    "profile",
    "dataset",
    "dataset_published_as",
    "judge",
    "role",
    "row",
    "published_as",
    "method",
    "variant",
    "column",
    "direction",
    "unit",
    "published",
    "reproduced",
    "reproduced_printed",
    "interval_low",
    "interval_high",
    "difference",
    "published_share",
    "share",
    "share_low",
    "share_high",
    "share_reason",
    "n",
    "draws",
    "share_draws",
    "seeds",
    "seeds_expected",
    "seed_sd",
    "seed_min",
    "seed_max",
    "trust",
    "status",
    "reason",
    "protocol",
    "protocol_hash",
    "metric_id",
    "metric_version",
    "judge_weights",
    "manifest_sha256",
    "best_published",
    "best_reproduced",
    "note",
    *VERDICT_HEADER,
)
"""A line a data set, judge, row and column; objects are columns too. Values and shares are in percent, intervals of 95 % over pictures.

`role` is ceiling (the judge on HR), floor (on zoomed LR) or row; `seeds` is empty for what is not trained or drawn several times;
`draws`, `share_draws`: those that have a value, which the interval is of;
`status` is reproduced, incomplete, not-available or not-run; `best_published` is 1 (best), 2 (second best) or empty, `best_reproduced` 1
where our value is significantly the best.
"""

ORDER_HEADER = (
    "table",
    "profile",
    "dataset",
    "judge",
    "other_judge",
    "what",
    "column",
    "row",
    "against",
    "value",
    "interval_low",
    "interval_high",
    "resolved",
    "other_value",
    "other_low",
    "other_high",
    "other_resolved",
    "reason",
    "n",
    "draws",
    "protocol",
    "protocol_hash",
)
"""`what` is `step` (a row minus the next one of the judge's order), `tau` (Kendall's tau-b between two judges' rows) or `dissent` (a row
minus another by both judges, where they order them differently)."""


def render_csv(table: SemanticTable) -> str:
    """Every value, by every judge."""
    return as_csv(HEADER, (_line(table, *found) for found in _cells(table)))


def _cells(table: SemanticTable) -> Iterator[tuple[Block, Judgement, Row, Column, Cell]]:
    for block in table.blocks:
        for said in block.judgements:
            for row in said.rows:
                for column, cell in zip(table.columns, row.cells, strict=True):
                    yield block, said, row, column, cell
                for column, cell in zip(table.objects if row.objects else (), row.objects, strict=True):
                    yield block, said, row, column, cell


def _line(table: SemanticTable, block: Block, said: Judgement, row: Row, column: Column, cell: Cell) -> list[object]:
    printed, share, spread = cell.published, cell.share, cell.spread
    ran = cell.status != "not-run"
    notes = [printed.note] if printed and printed.note else []
    return [
        table.id,
        table.profile,
        block.dataset,
        block.published_as or "",
        said.judge,
        row.role,
        row.label,
        row.published_as or "",
        row.method or "",
        row.variant if row.method else "",
        column.name,
        column.direction,
        column.unit,
        printed.text if printed else "",
        number(cell.drawn.value),
        cell.text,
        number(cell.drawn.low),
        number(cell.drawn.high),
        "" if cell.difference is None else f"{cell.difference:+.6f}",
        number(cell.published_share),
        number(share.value if share else None),
        number(share.low if share else None),
        number(share.high if share else None),
        share.reason if share else "",
        block.count if ran and block.count is not None else "",
        block.draws - cell.drawn.left_out if cell.drawn.value is not None else "",
        block.draws - share.left_out if share and share.value is not None else "",
        len(cell.seeds) if ran and row.seeds else "",
        row.seeds if ran and row.seeds else "",
        number(spread.sd if spread else None),
        number(spread.low if spread else None),
        number(spread.high if spread else None),
        (row.trust or "") if ran else ("L0" if printed and printed.text else ""),
        cell.status,
        cell.reason,
        table.protocol,
        table.protocol_hash,
        column.metric,
        column.version,
        "; ".join(said.weights),
        block.manifest,
        cell.published_place or "",
        cell.place or "",
        "; ".join(notes),
        *verdict_fields(cell.verdict, cell.standing, cell.result_id),
    ]


def render_order(table: SemanticTable) -> str:
    """How the judges order the rows, and where they differ; empty where nothing was judged."""
    lines = [line for block in table.blocks for line in _order_lines(table, block)]
    return as_csv(ORDER_HEADER, lines) if lines else ""


def _order_lines(table: SemanticTable, block: Block) -> Iterator[list[object]]:
    def line(judge: str, other: str, what: str, left_out: int, *rest: object) -> list[object]:
        stamp = (block.count, block.draws - left_out, table.protocol, table.protocol_hash)
        return [table.id, table.profile, block.dataset, judge, other, what, *rest, *stamp]

    for said in block.judgements:
        column = said.order_by.name if said.order_by else ""
        for step in said.order:
            found = step.difference
            ends = number(found.value), number(found.low), number(found.high)
            yield line(
                said.judge,
                "",
                "step",
                found.left_out,
                column,
                step.upper,
                step.lower,
                *ends,
                _yes(step.resolved),
                "",
                "",
                "",
                "",
                "",
            )
    first = block.first.judge
    for comparison in block.comparisons:
        for column_at, agreement in comparison.columns:
            tau = agreement.tau
            ends = number(tau.value), number(tau.low), number(tau.high)
            yield line(
                first, comparison.judge, "tau", tau.left_out, column_at.name, "", "", *ends, "", "", "", "", "", tau.reason
            )
            for pair in agreement.dissents:
                sides = [
                    text
                    for side in (pair.first, pair.second)
                    for text in (number(side.value), number(side.low), number(side.high), _yes(side.resolved))
                ]
                yield line(first, comparison.judge, "dissent", 0, column_at.name, pair.upper, pair.lower, *sides, "")


def _yes(told: bool) -> str:
    return "yes" if told else "no"
