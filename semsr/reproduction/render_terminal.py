"""A table for the terminal: one line a row and source, published above ours, only what was run."""

from __future__ import annotations

from collections.abc import Iterator

from rich import box
from rich.console import Group, RenderableType
from rich.table import Table as Grid
from rich.text import Text

from semsr.reproduction import wording
from semsr.reproduction.table import TRUST, Block, Cell, Column, Place, Row, Table
from semsr.reproduction.wording_verdicts import CLAIMS, ORDER, claim_line, sign, verdict_lines

_STYLE: dict[Place, str] = {0: "", 1: "bold", 2: "underline"}


def render_terminal(table: Table) -> RenderableType | None:
    """What was run, or None where nothing of the table was."""
    blocks = [block for block in table.blocks if _ran(block)]
    if not blocks:
        return None
    parts: list[RenderableType] = [Text(table.title, style="bold"), Text(wording.subtitle(table), style="dim")]
    for block in blocks:
        parts.append(_grid(table, block))
        if order := wording.agreement(block):
            parts.append(Text(order))
        if block.comparisons:
            parts.append(_differences(table, block))
    levels = ", ".join(f"{level} {TRUST[level]}" for level in table.trust)
    parts += [Text(line, style="dim") for line in (f"{ORDER} Trust: {levels}.", *verdict_lines(table.verdicts))]
    parts += [Text(f"{CLAIMS[:-1]}: {text}: {said}") for text, said in map(claim_line, table.claims)]
    if any(cell.result.spread for _, _, _, cell in table.cells()):
        parts.append(Text(f"{wording.SPREAD} {wording.SHARED}", style="dim"))
    if any(block.comparisons for block in blocks):
        parts.append(Text(wording.DIFFERENCES, style="dim"))
    if table.context:
        parts.append(Text(f"Values on {table.context.dataset} are {table.source}'s: {table.context.why}.", style="dim"))
    return Group(*parts)


def missing(table: Table) -> tuple[str, ...]:
    """What has no value of ours and why, a line a reason."""
    reasons: dict[tuple[str, str], dict[str, None]] = {}
    if table.not_run:
        return (f"{table.id}: published values only: {table.not_run}",)
    for block in table.blocks:
        if block.not_run:
            reasons.setdefault((block.not_run, "data set"), {})[block.label] = None
            continue
        for row in block.rows:
            if row.not_run:
                reasons.setdefault((row.not_run, "row"), {})[row.label] = None
                continue
            for column, cell in zip(block.columns, row.cells, strict=True):
                if cell.result.value is None and cell.result.status != "stale":  # these are listed by themselves
                    reason = f"{cell.result.status.replace('-', ' ')}: {cell.result.reason}"
                    reasons.setdefault((reason, block.label), {})[column.title] = None
    lines = [f"{table.id}: {', '.join(what)}: {reason}" for (reason, _), what in reasons.items()]
    if table.missing:
        names = ", ".join(f"{lack.file.id} ({lack.file.size_text})" for lack in table.missing)
        lines.append(f"{table.id}: missing files: {names}; mirrors and how to supply them by hand: {table.id}.md")
    return tuple(lines)


def _title(table: Table, block: Block) -> str:
    return " · ".join(part for part in (wording.block_title(block), wording.block_remark(table, block)) if part)


def _ran(block: Block) -> tuple[Row, ...]:
    return () if block.not_run else tuple(row for row in block.rows if not row.not_run)


def _kept(block: Block) -> Iterator[tuple[int, Column]]:
    """Columns in which something of ours is there; the others are told of below the table."""
    for at, column in enumerate(block.columns):
        if any(row.cells[at].result.status not in ("not-available", "not-run") for row in _ran(block)):
            yield at, column


def _grid(table: Table, block: Block) -> Grid:
    grid = Grid(box=box.SIMPLE_HEAD, title=Text(_title(table, block)), title_justify="left", title_style="", pad_edge=False)
    grid.add_column("method", no_wrap=True)
    if block.has_published:
        grid.add_column("", no_wrap=True)
    kept = list(_kept(block))
    for _, column in kept:
        grid.add_column(Text(column.heading), justify="right", no_wrap=True)
    grid.add_column("trust", no_wrap=True)
    signed = any(sign(cell.verdict) for row in _ran(block) for cell in row.cells)
    for row in _ran(block):
        published = any(cell.published and cell.published.text for cell in row.cells)
        if published:
            room = "  " if signed else ""  # published and ours stand digit below digit
            values = [
                Text(wording.published_text(cell), style=_STYLE[cell.published_place]).append(room) for cell in _at(row, kept)
            ]
            grid.add_row(Text(row.label), Text(wording.theirs(table)), *values, "L0")
        ours = [_ours(cell, signed=signed) for cell in _at(row, kept)]
        source = [Text(wording.ours(table))] if block.has_published else []
        grid.add_row(Text("" if published else row.label), *source, *ours, wording.standing(row))
    return grid


def _ours(cell: Cell, *, signed: bool) -> Text:
    """Our value with its verdict; where another one of the data set has a verdict, room for one."""
    beside = f" {sign(cell.verdict) or ' '}" if signed else ""
    return Text(wording.our_text(cell), style=_STYLE[cell.place]).append(beside, style="not bold not underline")


def _differences(table: Table, block: Block) -> Grid:
    title = Text(f"Differences on {block.label}")
    grid = Grid(box=box.SIMPLE_HEAD, title=title, title_justify="left", title_style="", pad_edge=False)
    head = wording.difference_headings(table, block.comparisons)
    for at, heading in enumerate(head):
        grid.add_column(Text(heading), justify="right" if 2 <= at < len(head) - 1 else "left", no_wrap=True)
    for line in wording.difference_lines(block.comparisons):
        grid.add_row(*map(Text, line))
    return grid


def _at(row: Row, kept: list[tuple[int, Column]]) -> list[Cell]:
    return [row.cells[at] for at, _ in kept]
