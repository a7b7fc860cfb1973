"""The reproduction of one paper as a single HTML file that carries everything inside, to be attached to a review or printed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from semsr.leaderboard.crops import Strip
from semsr.leaderboard.data_tables import our_text
from semsr.leaderboard.model import Site, SiteBlock, SiteCell, SitePage, SiteRow, SiteTable
from semsr.leaderboard.pages import SIGNS, STANDINGS
from semsr.reporting.templating import environment
from semsr.reproduction.table import TRUST
from semsr.reproduction.verdict import SAID, VerdictKind


@dataclass(frozen=True)
class Seen:
    """Pictures of one data set: its title and cuts of some pictures."""

    title: str
    strips: tuple[Strip, ...]


def render_report(site: Site, title: str, seen: Sequence[Seen] = (), commands: Sequence[str] = ()) -> str:
    """The report as HTML. All text from cards, file names and errors is escaped.

    Args:
        site: with the tables of the paper alone; pages of what they use.
        title: heading.
        seen: cuts of pictures.
        commands: what makes all of this again, a line each.
    """
    templates = environment("semsr.leaderboard")
    counts = {table.id: counted(table) for table in site.tables}
    total = sum(counts.values(), Counter[VerdictKind]())
    return templates.get_template("report.html").render(
        title=title,
        site=site,
        counts=counts,
        total=total,
        seen=seen,
        commands=commands,
        said=SAID,
        met=[kind for kind in SAID if total[kind]],
        our_text=our_text,
        signs=SIGNS,
        standings=STANDINGS,
        trust=TRUST,
        papers=papers(site),
        shown_rows=shown_rows,
        has_published=has_published,
        elsewhere=elsewhere,
        pages={
            kind: [page for page in site.pages if page.kind == kind] for kind in ("method", "dataset", "metric", "protocol")
        },
        zip=zip,
    )


def counted(table: SiteTable) -> Counter[VerdictKind]:
    """How many published values of a table have each verdict."""
    return Counter(cell.verdict.kind for cell in _cells(table) if cell.verdict is not None)


def shown_rows(block: SiteBlock) -> list[SiteRow]:
    """The rows that have anything to show: a published value or one of ours."""
    return [row for row in block.rows if any(cell.published or cell.value is not None for cell in row.cells)]


def has_published(block: SiteBlock) -> bool:
    """Whether any published value stands beside ours."""
    return any(cell.published for row in block.rows for cell in row.cells)


def elsewhere(block: SiteBlock) -> bool:
    """Whether the published values are of other pictures, and stand there for orientation only."""
    return any(cell.published_is_elsewhere for row in block.rows for cell in row.cells)


def papers(site: Site) -> list[SitePage]:
    """Pages of methods that have a paper to cite, each paper once."""
    found: dict[str, SitePage] = {}
    for page in site.pages:
        if page.bibtex:
            found.setdefault(page.bibtex, page)
    return list(found.values())


def _cells(table: SiteTable) -> list[SiteCell]:
    return [cell for block in table.blocks for row in block.rows for cell in row.cells]
