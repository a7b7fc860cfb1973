"""One judge's rows on one data set, with everything that takes several of them: shares, places, the order."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace

from semsr.assets.missing import MissingFile
from semsr.cards import TableRow
from semsr.evaluation.semantic.values import JudgedValues
from semsr.reproduction.footnotes import DASHED, Footnotes
from semsr.reproduction.ranking import places
from semsr.reproduction.reported import Published
from semsr.reproduction.semantic.agreement import steps
from semsr.reproduction.semantic.reading import OF_THE_FLOOR, Reader, Wanted, lacks
from semsr.reproduction.semantic.shares import Drawn, recovered
from semsr.reproduction.semantic.table import Cell, Judgement, Role, Row
from semsr.reproduction.statistics.column import from_draws
from semsr.reproduction.statistics.order import ColumnOrder
from semsr.reproduction.table import Column, Place


def judgement(reader: Reader, notes: Footnotes) -> Judgement:
    """Everything one judge says; argument `notes` gathers the footnotes."""
    wanted, judge = reader.wanted, reader.judge
    listed: list[tuple[Role, TableRow]] = [
        ("ceiling", TableRow(label=wanted.card.ceiling.label, published=wanted.card.ceiling.published))
    ]
    floor = (wanted.card.floor.method, wanted.card.floor.variant)
    listed += [("floor", row) for row in wanted.rows if (row.method, row.variant) == floor]
    listed += [("row", row) for row in wanted.rows if (row.method, row.variant) != floor]
    rows: list[Row] = []
    for role, entry in listed:
        row = reader.row(role, entry)
        if row.not_run and entry.published and any(entry.published == before.published_as for before in rows):
            # What was not run has nothing to stand beside; the paper's row is shown once.
            row = replace(row, cells=tuple(replace(cell, published=None) for cell in row.cells))
        rows.append(row)
    rows = _with_shares(rows, reader, wanted)
    known = lacks(judge.values) if judge.values else {}
    rows, orders = _placed(rows, reader)
    rows = [_with_notes(row, notes, {OF_THE_FLOOR, *known.values()}) for row in rows]
    order_by = next((column for column in wanted.shown if len(reader.comparable(column.name)) > 1), None)
    values = judge.values
    return Judgement(
        judge=judge.id,
        title=judge.title,
        columns=tuple(wanted.shown),
        rows=tuple(rows),
        not_run=reader.reason,
        weights=_weights(values),
        lacks=known,
        vanished=dict(values.facts.get("vanished") or {}) if values else {},
        order=() if order_by is None else steps(reader.comparable(order_by.name), order_by.direction),
        order_by=order_by,
        orders=orders,
    )


def _with_shares(rows: Sequence[Row], reader: Reader, wanted: Wanted) -> list[Row]:
    """Say of every restoration how far it gets from the floor to the ceiling."""
    ceiling_row, floor_row = rows[0], rows[1]
    entries = {(row.method, row.variant): row for row in wanted.rows}
    found = []
    for row in rows:
        cells = list(row.cells)
        for at, column in enumerate(wanted.columns if row.role == "row" else ()):
            share = None
            if cells[at].drawn.value is not None:
                ceiling = reader.whole("ceiling", TableRow(label=ceiling_row.label), column.name)
                floor = reader.whole("floor", entries[floor_row.method, floor_row.variant], column.name)
                sr = reader.whole("row", entries[row.method, row.variant], column.name)
                if ceiling is None or floor is None or sr is None:
                    share = Drawn(None, reason=f"{'the ceiling' if ceiling is None else 'the floor'} has no value")
                else:
                    share = recovered(sr, floor, ceiling, column.metric.direction)
            printed = [each.cells[at].published for each in (row, floor_row, ceiling_row)]
            cells[at] = replace(cells[at], share=share, published_share=_published_share(printed, wanted.shown[at]))
        found.append(replace(row, cells=tuple(cells)))
    return found


def _published_share(printed: Sequence[Published | None], column: Column) -> float | None:
    sr, floor, ceiling = (None if value is None or value.number is None else float(value.number) for value in printed)
    if (
        sr is None
        or floor is None
        or ceiling is None
        or (ceiling <= floor if column.direction == "higher" else ceiling >= floor)
    ):
        return None
    return 100 * (sr - floor) / (ceiling - floor)


def _placed(rows: Sequence[Row], reader: Reader) -> tuple[list[Row], dict[str, ColumnOrder]]:
    """Place the rows under each column: of the published values best and second best, of ours the restorations by paired tests.

    The floor is no competitor but what all are held against; a paper prints it among the others, so it is placed among the published.
    """
    wanted, values = reader.wanted, reader.judge.values
    entries = {(row.method, row.variant): row for row in wanted.rows}
    cells = [list(row.cells) for row in rows]
    orders: dict[str, ColumnOrder] = {}
    for column_at, column in enumerate(wanted.shown):
        each = [row.cells[column_at] for row in rows]
        printed = [
            cell.published.number if cell.published and row.role != "ceiling" else None
            for row, cell in zip(rows, each, strict=True)
        ]
        draws = [None if row.sanity else reader.whole("row", entries[row.method, row.variant], column.name) for row in rows]
        told = [None if number is None else float(number) for number in printed]
        both = any(number is not None and row is not None for number, row in zip(told, draws, strict=True))
        order = from_draws(
            draws,
            column.direction,
            told if both else (),
            pictures=values.pictures if values else 0,
            seeds=[cell.seeds for cell in each],
        )
        if any(row is not None for row in draws):
            orders[column.name] = order
        theirs = places(printed, column.direction)
        for at, (their, standing) in enumerate(zip(theirs, order.standings, strict=True)):
            place: Place = 1 if standing.best else 0
            cells[at][column_at] = replace(each[at], published_place=their, place=place, standing=standing)
    return [replace(row, cells=tuple(line)) for row, line in zip(rows, cells, strict=True)], orders


def _with_notes(row: Row, notes: Footnotes, told: Collection[str]) -> Row:
    """Hang notes on the cells: what the transcriber remarked, and why there is no value where that is not `told` elsewhere."""

    def noted(cell: Cell) -> Cell:
        printed = cell.published
        texts = [] if printed is None else [DASHED] * (not printed.text) + [printed.note] * bool(printed.note)
        said = None if cell.reason in told else {"incomplete": "incomplete", "not-available": "not available"}.get(cell.status)
        return replace(
            cell,
            published_marks=tuple(notes.mark(text) for text in texts),
            marks=(notes.mark(f"{said}: {cell.reason}"),) if said else (),
        )

    return replace(row, cells=tuple(map(noted, row.cells)), objects=tuple(map(noted, row.objects)))


def _weights(values: JudgedValues | None) -> tuple[str, ...]:
    record = (values.facts.get("weights") or ()) if values else ()
    return tuple(f"{file['asset']} {file['sha256'][:12]}" for file in record)


def files_lacking(reader: Reader, said: Judgement) -> list[tuple[str, Sequence[MissingFile]]]:
    """What a judge and its rows lack, with their labels; for `not_run.lacks`."""
    values = reader.judge.values
    if values is None:
        return []
    rows = [(row.label, values.missing.get((row.method or "", row.variant), ())) for row in said.rows]
    return [(f"judge {said.judge}", values.lacking), *rows]
