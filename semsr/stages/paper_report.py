"""Writes the reproduction of one paper as a single HTML file: tables, verdicts, claims, pictures, what stands behind them."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from semsr.cards import AnyTable, ProfileCard
from semsr.errors import SemsrError
from semsr.files import write_atomic
from semsr.leaderboard.collect import collect
from semsr.leaderboard.crops import strips
from semsr.leaderboard.model import Site, SitePage, SiteTable
from semsr.leaderboard.paper_report import Seen, render_report
from semsr.project import Project
from semsr.reporting.places import check_page, page_errors
from semsr.stages.publish import sources


def run(
    project: Project,
    profile: ProfileCard,
    what: Sequence[str],
    out: Path | None = None,
    *,
    images: int = 3,
    keep_going: bool = False,
) -> Path:
    """Write the report.

    Args:
        project: the project.
        profile: whose results to use.
        what: a paper by its arXiv number (all of its tables in the profile), or tables by their ids.
        out: the file, which is replaced where it is there; default: results/<profile>/report-<first of what>.html.
        images: of how many pictures of each data set cuts are shown.
        keep_going: what was not scored is said to be so, and is no error.

    Returns:
        The file.

    Raises:
        SemsrError: the profile has no such table or paper, or as of `publish`. StorageError: `out` can't be written.
    """
    cards = _tables(project, profile, what)
    path = out or project.results(profile.id) / f"report-{what[0].replace('/', '-')}.html"
    check_page(path)
    whole = collect(project, profile, sources(project, profile, keep_going=keep_going))
    site = _only(whole, [card.id for card in cards])
    seen = []
    for viewable in site.viewables:
        if found := strips(viewable, images):
            seen.append(Seen(project.dataset(viewable.dataset).title, found))
    options = f" --images {images}" if images != 3 else ""
    commands = (f"semsr use {profile.id}", "dvc repro", f"semsr report {' '.join(what)}{options}")
    with page_errors(path):
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomic(path, render_report(site, _title(profile, cards), seen, commands))
    sys.stdout.write(
        f"{project.show(path.resolve())}: {path.stat().st_size / 2**20:.1f} MB, one file; open it in a browser, or print it\n"
    )
    return path


def _tables(project: Project, profile: ProfileCard, what: Sequence[str]) -> tuple[AnyTable, ...]:
    """The tables that are asked for, in the profile's order. Raises: SemsrError."""
    cards = {name: project.table(name) for name in profile.tables}
    papers = {card.paper.arxiv for card in cards.values() if card.paper and card.paper.arxiv}
    for each in what:
        if each not in cards and each not in papers:
            raise SemsrError(
                f"{each}: no table or paper of profile {profile.id}; allowed: an arXiv number ({', '.join(sorted(papers)) or 'none'}) "
                f"or tables ({', '.join(cards)})"
            )
    return tuple(card for name, card in cards.items() if name in what or (card.paper is not None and card.paper.arxiv in what))


def _only(site: Site, ids: Sequence[str]) -> Site:
    """The site with these tables alone, and the pages and pictures that they are about."""
    tables = tuple(table for table in site.tables if table.id in ids)
    viewers = {block.viewer for table in tables for block in table.blocks if block.viewer}
    pages = tuple(page for page in site.pages if _is_about(page, tables))
    return replace(
        site, tables=tables, pages=pages, viewables=tuple(each for each in site.viewables if each.id in viewers), per_image=()
    )


def _is_about(page: SitePage, tables: Sequence[SiteTable]) -> bool:
    """Whether a page is of something that has a value of ours, or a column, in one of the tables."""
    blocks = [block for table in tables for block in table.blocks]
    match page.kind:
        case "protocol":
            return any(table.protocol == page.id for table in tables)
        case "dataset":
            return any(block.dataset == page.id for block in blocks)
        case "metric":
            return any(column.page == page.id for block in blocks for column in block.columns)
    rows = [row for block in blocks for row in block.rows if any(cell.value is not None for cell in row.cells)]
    return any(row.page == page.id for row in rows)


def _title(profile: ProfileCard, cards: Sequence[AnyTable]) -> str:
    papers = {card.paper.title if card.paper is not None else "" for card in cards}
    if len(papers) == 1 and (title := papers.pop()):
        return title
    return cards[0].title if len(cards) == 1 else f"{len(cards)} tables of profile {profile.id}"
