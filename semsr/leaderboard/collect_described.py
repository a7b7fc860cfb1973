"""Tables of descriptions as the site shows them: a paper's marks are texts, our measures are numbers."""

from __future__ import annotations

from semsr.leaderboard.collect_papers import line_of
from semsr.leaderboard.collect_tables import Extras, downloads, notes_of
from semsr.leaderboard.model import SiteBlock, SiteCell, SiteColumn, SiteRow, SiteTable
from semsr.project import Project
from semsr.reproduction.descriptions import wording
from semsr.reproduction.descriptions.measures import MARKS, Mark
from semsr.reproduction.descriptions.table import Block, DescriptionTable, Row, Value


def described_table(project: Project, table: DescriptionTable, extras: Extras) -> SiteTable:
    """A table of descriptions.

    Args:
        project: for cards.
        table: as assembled.
        extras: as of other tables.
    """
    card = project.table(table.id)
    return SiteTable(
        id=table.id,
        title=table.title,
        track=card.track,
        paper=line_of(card.paper) or table.source,
        profile=table.profile,
        protocol="descriptions",
        protocol_hash="",
        introduction=wording.introduction(table),
        blocks=tuple(_block(table, block, extras) for block in table.blocks),
        notes=notes_of(table.notes, table.footnotes, []),
        downloads=downloads(project, card, extras.files, [table.method]),
    )


def _block(table: DescriptionTable, block: Block, extras: Extras) -> SiteBlock:
    # A mark that no row has would be a column of nothing.
    marks: list[Mark] = [mark for mark in MARKS if any(mark in row.marks for row in block.rows)]
    columns = [_mark_column(table, mark) for mark in marks]
    columns += [
        SiteColumn(
            key=measure.name,
            name=measure.name,
            title=measure.heading,
            direction=measure.direction,
            unit="",
            page="",
            version=0,
            how=measure.how,
            decimals=measure.decimals,
        )
        for measure in table.measures
    ]
    return SiteBlock(
        key=block.dataset,
        label=block.label,
        dataset=block.dataset,
        count=block.count,
        columns=tuple(columns),
        rows=tuple(_row(table, block, row, marks, extras) for row in block.rows),
        remark=wording.block_remark(table, block),
    )


def _mark_column(table: DescriptionTable, mark: Mark) -> SiteColumn:
    how = f"the paper's mark, not a number; measures of ours beside it: {', '.join(m.heading for m in table.measures if m.mark == mark)}"
    return SiteColumn(mark, mark, f"mark: {MARKS[mark]}", "higher", "", "", 0, how, 0)


def _row(table: DescriptionTable, block: Block, row: Row, marks: list[Mark], extras: Extras) -> SiteRow:
    cells = [SiteCell(None, published=row.marks.get(mark, ""), published_is_elsewhere=bool(table.context)) for mark in marks]
    found = {value.measure.name: _cell(value, block, row) for value in row.values}
    cells += [found.get(measure.name, SiteCell(None, why=row.not_run)) for measure in table.measures]
    return SiteRow(
        key=f"{table.method}/{row.description}",
        label=f"{row.label} ({row.describer})" if row.describer and row.describer not in row.label else row.label,
        page=table.method if table.method in extras.rows.project.methods else "",
        trust=row.trust or ("L0" if row.marks else ""),
        licence_policy=extras.rows.policy(table.method, row.description),
        sanity=False,
        seeds=0,
        cells=tuple(cells),
        not_run=row.not_run,
    )


def _cell(value: Value, block: Block, row: Row) -> SiteCell:
    found = value.estimate
    if found is None or found.value is None:
        return SiteCell(None, why=value.reason or row.not_run, status="not-run")
    over = f"draws of {block.count} pictures" if found.low is not None else ""
    return SiteCell(found.value, value.text, low=found.low, high=found.high, interval_over=over, status="reproduced")
