"""Tables of scores as the site shows them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from semsr.cards import AnyTable
from semsr.cards.base import Paper
from semsr.leaderboard.collect_papers import bibliography, line_of
from semsr.leaderboard.collect_rows import Rows
from semsr.leaderboard.model import SiteBlock, SiteCell, SiteColumn, SiteRow, SiteTable
from semsr.project import Project
from semsr.reproduction import wording
from semsr.reproduction.reported import Published
from semsr.reproduction.table import NO_STANDING, Block, Cell, Column, Row, Table


@dataclass(frozen=True)
class Extras:
    """What a table takes from elsewhere.

    Attributes:
        rows: of the profile.
        files: the table as files: name -> text, as `semsr tabulate` writes them.
        viewers: data sets whose pictures can be looked at.
        warnings: what was noticed in the outputs, by (data set, method, variant).
    """

    rows: Rows
    files: Mapping[str, str]
    viewers: frozenset[str] = frozenset()
    warnings: Mapping[tuple[str, str, str], tuple[str, ...]] = field(default_factory=dict)

    def of(self, dataset: str, method: str | None, variant: str) -> tuple[str, ...]:
        """The warnings of a row on a data set."""
        return self.warnings.get((dataset, method or "", variant), ())


def site_table(project: Project, table: Table, extras: Extras) -> SiteTable:
    """A table of scores.

    Args:
        project: for cards.
        table: as assembled.
        extras: see there.
    """
    card = project.table(table.id)
    return SiteTable(
        id=table.id,
        title=table.title,
        track=card.track,
        paper=line_of(card.paper) or table.source,
        profile=table.profile,
        protocol=table.protocol,
        protocol_hash=table.protocol_hash,
        introduction=wording.introduction(table),
        blocks=tuple(_block(project, table, block, extras) for block in table.blocks),
        claims=table.claims,
        notes=notes_of(table.notes, table.footnotes, [lack.line for lack in table.missing]),
        downloads=downloads(project, card, extras.files, [row.method for block in table.blocks for row in block.rows]),
    )


def notes_of(notes: tuple[str, ...], footnotes: Mapping[str, str], missing: list[str]) -> tuple[str, ...]:
    """The remarks below a table, footnotes with their letters."""
    return (
        *notes,
        *(f"{letter}: {text}" for letter, text in footnotes.items()),
        *(f"Missing file: {line}" for line in missing),
    )


def downloads(project: Project, card: AnyTable, files: Mapping[str, str], methods: list[str | None]) -> dict[str, str]:
    """The table as files, and the papers of the table and its methods as BibTeX."""
    papers: dict[str, Paper] = {card.id: card.paper} if card.paper else {}
    for name in dict.fromkeys(filter(None, methods)):
        method = project.methods.get(name)
        if method is not None and method.paper is not None:
            papers[name] = method.paper
    found = {name: text for name, text in files.items() if text}
    return {**found, f"{card.id}.bib": bibliography(papers)} if papers else found


def _block(project: Project, table: Table, block: Block, extras: Extras) -> SiteBlock:
    columns = tuple(site_column(project, column, _texts(block, at)) for at, column in enumerate(block.columns))
    return SiteBlock(
        key=block.dataset,
        label=block.label,
        dataset=block.dataset,
        count=block.count,
        columns=columns,
        rows=tuple(_row(table, block, row, extras) for row in wording.shown_rows(block)),
        remark=" ".join(filter(None, (wording.block_remark(table, block), wording.agreement(block)))),
        viewer=block.dataset if block.dataset in extras.viewers else "",
    )


def _texts(block: Block, at: int) -> list[str]:
    """What is printed in a column: ours, then published."""
    cells = [row.cells[at] for row in block.rows]
    return [cell.text for cell in cells] + [cell.published.text for cell in cells if cell.published]


def site_column(project: Project, column: Column, texts: list[str]) -> SiteColumn:
    """A column; it has as many decimals as it is printed with."""
    printed = [
        len(text.split(".")[1]) for text in texts if text.replace(".", "", 1).replace("-", "", 1).isdigit() and "." in text
    ]
    card = project.metrics.get(column.metric)
    return SiteColumn(
        key=column.name,
        name=column.name,
        title=column.title,
        direction=column.direction,
        unit=column.unit,
        page=column.metric if card else "",
        version=column.version,
        how=column.how,
        decimals=printed[0] if printed else card.decimals if card else 2,
    )


def _row(table: Table, block: Block, row: Row, extras: Extras) -> SiteRow:
    ours = row.method is not None
    return SiteRow(
        key=f"{row.method}/{row.variant}" if ours else f"published/{row.published_as or row.label}",
        label=row.label,
        page=row.method if row.method in extras.rows.project.methods else "",
        trust=row.trust or ("L0" if any(cell.published for cell in row.cells) else ""),
        licence_policy=extras.rows.policy(row.method, row.variant),
        sanity=row.sanity,
        seeds=row.seeds,
        cells=tuple(_cell(cell, elsewhere=table.context is not None) for cell in row.cells),
        cost=extras.rows.cost(block.dataset, row.method, row.variant),
        not_run=row.not_run,
        warnings=extras.of(block.dataset, row.method, row.variant),
    )


def _cell(cell: Cell, *, elsewhere: bool) -> SiteCell:
    result = cell.result
    standing = cell.standing or NO_STANDING
    seeds = f", each the mean over {len(result.seeds)} seeds" if len(result.seeds) > 1 else ""
    more = (f"Seeds: {', '.join(f'{value:.6g}' for value in result.seeds)}",) if len(result.seeds) > 1 else ()
    return SiteCell(
        value=result.value,
        text=f"{cell.text} ± {cell.spread}" if cell.spread else cell.text,
        published=printed(cell.published),
        published_is_elsewhere=elsewhere and cell.published is not None,
        low=result.low,
        high=result.high,
        interval_over=f"{result.count} images{seeds}" if result.low is not None else "",
        best=standing.best,
        tied=standing.tied,
        groups=standing.groups,
        verdict=cell.verdict,
        result_id=cell.result_id,
        status=result.status,
        why=result.reason,
        more=more,
    )


def printed(value: Published | None) -> str:
    """As printed; a dash where the paper prints one."""
    return "" if value is None else value.text or "–"
