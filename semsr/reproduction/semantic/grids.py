"""The grids of a data set as texts, before any format: values, shares, objects, order, other judges, agreement."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from semsr.reproduction.semantic import wording
from semsr.reproduction.semantic.conclusions import agreement_title, conclusions
from semsr.reproduction.semantic.shares import Drawn
from semsr.reproduction.semantic.table import Block, Cell, Comparison, Judgement, Row, SemanticTable
from semsr.reproduction.semantic.wording import heading, interval, number
from semsr.reproduction.table import Place
from semsr.reproduction.wording import DASH
from semsr.reproduction.wording_verdicts import sign


@dataclass(frozen=True)
class Text:
    """One entry of a grid.

    Attributes:
        under: an interval, shown small below it.
        marks: letters of footnotes.
        place: 1 bold, 2 underlined.
        sign: of the verdict on the published value beside it.
        made: what names our value and everything it was made from; not shown, but said in a comment where a format has them.
    """

    text: str
    under: str = ""
    marks: tuple[str, ...] = ()
    place: Place = 0
    sign: str = ""
    made: str = ""


@dataclass(frozen=True)
class Grid:
    """One grid: heading texts, each above (what, whose), and lines of as many entries.

    Attributes:
        left: how many columns at the left hold words, and at the right `right`; the others hold numbers.
        said: sentences below it.
    """

    title: str
    head: tuple[tuple[str, str], ...]
    lines: tuple[tuple[Text, ...], ...]
    left: int = 1
    right: int = 0
    said: tuple[str, ...] = ()


def grids(table: SemanticTable, block: Block) -> list[Grid]:
    """Everything that a data set has to show, the table itself first."""
    first = block.first
    found = [_values(table, block, first)]
    if first.ran or block.has_published:
        found.append(_shares(table, block, first))
    if first.ran:
        found += [_objects(table, first), *_order(first)]
    for said in block.judgements[1:]:
        if said.ran:
            found += [_values(table, block, said), *_order(said)]
    if not block.not_run:
        found += [_agreement(block, comparison) for comparison in block.comparisons]
    return [grid for grid in found if grid.lines or grid.said]


def _values(table: SemanticTable, block: Block, said: Judgement) -> Grid:
    """What one judge finds; beside the table's own judge stand the published values."""
    own = said is block.first
    printed = own and block.has_published
    differs = any(cell.difference is not None for row in said.rows for cell in row.cells)
    kept = [at for at, column in enumerate(table.columns) if own or column.name not in said.lacks]
    head = [("method", "")]
    for at in kept:
        column = table.columns[at]
        head += [(heading(column), "published")] if printed else []
        head += [(heading(column), wording.ours(table))] if said.ran else []
        head += [(heading(column), wording.DIFFERENCE)] if differs else []
    head += [("trust", "")] if said.ran else []
    lines = []
    told = {row.label: row.not_run for row in block.first.rows}
    for row in wording.shown_rows(said):
        if not own and row.not_run and told[row.label]:
            continue  # the first grid says why
        line = [Text(row.label)]
        for at in kept:
            cell = row.cells[at]
            if printed:
                text = cell.published.text if cell.published and cell.published.text else DASH
                line.append(Text(text, marks=cell.published_marks, place=cell.published_place))
            if said.ran:
                line.append(_value(cell))
            if differs:
                line.append(Text(number(cell.difference, _digits(cell), sign=True)))
        lines.append((*line, Text(wording.standing(row))) if said.ran else tuple(line))
    gone = wording.lacks(said, table.columns)
    title = "" if own else f"Judged by {said.judge}: {said.title}"
    below = tuple(filter(None, (gone, wording.agreement(said))))
    return Grid(title, tuple(head), tuple(lines), right=1 if said.ran else 0, said=below)


def _shares(table: SemanticTable, block: Block, said: Judgement) -> Grid:
    """How far each row gets from floor to ceiling."""
    printed = any(cell.published_share is not None for row in said.rows for cell in row.cells)
    head = [("method", "")]
    for column in table.columns:
        head += [(wording.name(column), "published")] if printed else []
        head += [(wording.name(column), wording.ours(table))] if said.ran else []
    lines = []
    why: dict[str, None] = {}
    for row in _restored(said):
        if not said.ran and all(cell.published_share is None for cell in row.cells):
            continue
        line = [Text(row.label)]
        for column, cell in zip(table.columns, row.cells, strict=True):
            line += [Text(number(cell.published_share))] if printed else []
            line += [_number(cell.share)] if said.ran else []
            if cell.share is not None and cell.share.value is None:
                why[f"No share of {wording.name(column)}: {cell.share.reason}."] = None
            elif cell.share is not None and cell.share.left_out:
                why[f"{row.label}, {wording.name(column)}: {cell.share.left_out} of {block.draws} draws have no share."] = None
        lines.append(tuple(line))
    return Grid("Recovered share of what zoomed LR lacks, in %", tuple(head), tuple(lines), said=tuple(why))


def _objects(table: SemanticTable, said: Judgement) -> Grid:
    """Objects lost, made up and brought back."""
    gone = wording.lacks(said, table.objects)
    if all(column.name in said.lacks for column in table.objects):
        return Grid("Objects", (), (), said=(gone,))
    head = [("method", ""), *((heading(column), "") for column in table.objects)]
    lines = [(Text(row.label), *map(_value, row.objects)) for row in said.rows if row.objects and not row.not_run]
    return Grid(f"Objects, judge {said.judge}", tuple(head), tuple(lines), said=(gone,) if gone else ())


def _order(said: Judgement) -> list[Grid]:
    """Each row against the next one."""
    if said.order_by is None:
        return []
    values = {row.label: row.cells for row in said.rows}
    at = said.columns.index(said.order_by)
    labels = [said.order[0].upper, *(step.lower for step in said.order)]
    head = (("", ""), ("method", ""), (heading(said.order_by), ""), ("minus the next", ""), ("", ""))
    lines = []
    for place, label in enumerate(labels):
        step = said.order[place] if place < len(said.order) else None
        beside = (
            (_number(step.difference, 2, sign=True), Text(wording.verdict(step.difference))) if step else (Text(""), Text(""))
        )
        lines.append((Text(str(place + 1)), Text(label), Text(values[label][at].text), *beside))
    return [Grid(wording.order_title(said, said.order_by), head, tuple(lines), left=2, right=1)]


def _agreement(block: Block, comparison: Comparison) -> Grid:
    """Two judges, a line a column that both have."""
    first = block.first.judge
    head = (
        ("column", ""),
        (f"order by {first}", ""),
        (f"order by {comparison.judge}", ""),
        ("Kendall's tau-b", ""),
        ("pairs ordered differently", ""),
    )
    lines = tuple(
        (
            Text(wording.name(column)),
            Text(wording.chain(found.orders[0])),
            Text(wording.chain(found.orders[1])),
            Text(wording.tau_text(found.tau), interval(found.tau, 2)),
            Text(f"{len(found.dissents)} of {found.pairs}"),
        )
        for column, found in comparison.columns
    )
    return Grid(
        agreement_title(comparison),
        head if lines else (),
        lines,
        left=3,
        said=tuple(conclusions(block, comparison)),
    )


def _restored(said: Judgement) -> Sequence[Row]:
    return [row for row in said.rows if row.role == "row" and not (said.ran and row.not_run and not _has_published(row))]


def _has_published(row: Row) -> bool:
    return any(cell.published_share is not None for cell in row.cells)


def _value(cell: Cell) -> Text:
    under = interval(cell.drawn, _digits(cell))
    return Text(wording.value_text(cell), under, cell.marks, cell.place, sign(cell.verdict), cell.result_id)


def _number(found: Drawn | None, digits: int = 1, *, sign: bool = False) -> Text:
    return Text(number(found.value if found else None, digits, sign=sign), interval(found, digits))


def _digits(cell: Cell) -> int:
    return len(cell.text.partition(".")[2])
