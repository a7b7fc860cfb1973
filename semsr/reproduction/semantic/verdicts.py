"""Verdicts on the published values of a table of judges, and what its claims are decided on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from semsr.evaluation.protocol import ResolvedColumn
from semsr.reproduction.claims import Ground, entries_of
from semsr.reproduction.result import Result
from semsr.reproduction.semantic.table import Block, Judgement
from semsr.reproduction.verdicts import Grounds, on


def with_verdicts(said: Judgement, columns: Sequence[ResolvedColumn], pictures: int | None, grounds: Grounds) -> Judgement:
    """Say of each published value beside a judge's whether it is reproduced.

    Args:
        said: of the judge.
        columns: the table's, resolved, in its order.
        pictures: how many were judged.
        grounds: what the verdicts rest on.
    """
    rows = []
    for row in said.rows:
        cells = []
        for cell, column in zip(row.cells, columns, strict=True):
            result = Result(cell.status, cell.reason, cell.drawn.value, pictures or 0, pictures, seeds=cell.seeds)
            verdict = on(cell.published, column.metric, result, row.trust, column.name, cell.result_id, grounds)
            cells.append(replace(cell, verdict=verdict))
        rows.append(replace(row, cells=tuple(cells)))
    return replace(said, rows=tuple(rows))


def grounds_of(blocks: Sequence[Block]) -> tuple[Ground, ...]:
    """What the claims of a table are decided on: its own judge's values of the restorations."""
    found = []
    for block in blocks:
        said = block.first
        for at, column in enumerate(said.columns):
            cells = [row.cells[at] for row in said.rows]
            printed = [cell.published.number if cell.published else None for cell in cells]
            entries = entries_of(said.rows, printed, [cell.drawn.value is not None for cell in cells])
            order = said.orders.get(column.name)
            found.append(Ground(block.label, column.name, column.name, column.direction == "higher", entries, order))
    return tuple(found)
