"""Tables of judges as the site shows them: what each judge says of a data set is a block of its own."""

from __future__ import annotations

from semsr.leaderboard.collect_papers import line_of
from semsr.leaderboard.collect_tables import Extras, downloads, notes_of, printed, site_column
from semsr.leaderboard.model import JUDGED_BY, SiteBlock, SiteCell, SiteColumn, SiteRow, SiteTable
from semsr.project import Project
from semsr.reproduction.semantic import wording
from semsr.reproduction.semantic.table import Block, Cell, Judgement, Row, SemanticTable
from semsr.reproduction.semantic.wording import name as name_of
from semsr.reproduction.table import Column
from semsr.reproduction.wording_verdicts import agreement_line


def judged_table(project: Project, table: SemanticTable, extras: Extras) -> SiteTable:
    """A table of judges.

    Args:
        project: for cards.
        table: as assembled.
        extras: as of other tables.
    """
    card = project.table(table.id)
    methods = [row.method for block in table.blocks for row in block.first.rows]
    return SiteTable(
        id=table.id,
        title=table.title,
        track=card.track,
        paper=line_of(card.paper) or table.source,
        profile=table.profile,
        protocol=table.protocol,
        protocol_hash=table.protocol_hash,
        introduction=wording.introduction(table),
        blocks=tuple(_block(project, table, block, found, extras) for block in table.blocks for found in block.judgements),
        claims=table.claims,
        notes=notes_of(table.notes, table.footnotes, [lack.line for lack in table.missing]),
        downloads=downloads(project, card, extras.files, methods),
    )


def _block(project: Project, table: SemanticTable, block: Block, judgement: Judgement, extras: Extras) -> SiteBlock:
    objects = table.objects if any(row.objects for row in judgement.rows) else ()
    columns = [_column(project, column, judgement, at) for at, column in enumerate(judgement.columns)]
    columns += [_column(project, column, judgement, None) for column in objects]
    headings = {column.name: name_of(column) for column in judgement.columns}
    first = judgement is block.first
    remark = wording.block_remark(table, block) if first else judgement.not_run and f"Not run: {judgement.not_run}."
    return SiteBlock(
        key=f"{block.dataset}--{judgement.judge}",
        label=f"{block.label}{JUDGED_BY}{judgement.title}",
        dataset=block.dataset,
        count=block.count,
        columns=tuple(columns),
        rows=tuple(_row(block, row, len(objects), extras) for row in wording.shown_rows(judgement)),
        remark=" ".join(filter(None, (remark, agreement_line(judgement.orders, headings)))),
        viewer=block.dataset if block.dataset in extras.viewers else "",
    )


def _column(project: Project, column: Column, judgement: Judgement, at: int | None) -> SiteColumn:
    texts = [] if at is None else [row.cells[at].text for row in judgement.rows]
    texts += [] if at is None else [cell.published.text for row in judgement.rows if (cell := row.cells[at]).published]
    found = site_column(project, column, [text for text in texts if text] or ["0.0"])
    return SiteColumn(
        key=found.key,
        name=found.name,
        title=name_of(column),
        direction=found.direction,
        unit=found.unit,
        page=found.page,
        version=found.version,
        how=found.how,
        decimals=found.decimals,
    )


def _row(block: Block, row: Row, objects: int, extras: Extras) -> SiteRow:
    cells = [_cell(cell, block) for cell in row.cells]
    counted = [_cell(cell, block) for cell in row.objects]
    cells += counted or [SiteCell(None, why="objects are counted against the ceiling")] * objects
    has_ours = any(cell.value is not None for cell in cells)
    trust = row.trust or ("" if has_ours else "L0" if any(cell.published for cell in cells) else "")
    return SiteRow(
        key=f"{row.method}/{row.variant}" if row.method else f"published/{row.published_as or row.label}",
        label=row.label,
        page=row.method if row.method in extras.rows.project.methods else "",
        trust=trust,
        licence_policy=extras.rows.policy(row.method, row.variant),
        sanity=row.sanity,
        seeds=row.seeds,
        cells=tuple(cells),
        cost=extras.rows.cost(block.dataset, row.method, row.variant),
        not_run=row.not_run,
        warnings=extras.of(block.dataset, row.method, row.variant),
    )


def _cell(cell: Cell, block: Block) -> SiteCell:
    share = cell.share
    more = []
    if share is not None and share.value is not None:
        ends = wording.interval(share)
        more.append(f"Share of the way from floor to ceiling: {share.value:.1f} %" + (f" ({ends})" if ends else ""))
    if cell.published_share is not None:
        more.append(f"The same of the published values: {cell.published_share:.1f} %")
    if len(cell.seeds) > 1:
        more.append(f"Seeds: {', '.join(f'{value:.4g}' for value in cell.seeds)}")
    drawn = cell.drawn
    return SiteCell(
        value=drawn.value,
        text=f"{cell.text} ± {cell.spread_text}" if cell.spread_text else cell.text,
        published=printed(cell.published),
        low=drawn.low,
        high=drawn.high,
        interval_over=f"{block.draws} draws of {block.count} pictures" if drawn.low is not None else "",
        best=cell.standing.best,
        tied=cell.standing.tied,
        groups=cell.standing.groups,
        verdict=cell.verdict,
        result_id=cell.result_id,
        status=cell.status,
        why=cell.reason,
        more=tuple(more),
    )
