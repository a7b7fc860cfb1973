"""Pages as text: what every page shares, and the templates that they are made of."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass

from semsr.leaderboard.data_tables import DASH, file_of, interval_text, key_of, our_text
from semsr.leaderboard.model import Kind, Site, SiteBlock, SiteCell, SitePage, SiteRow, SiteTable
from semsr.leaderboard.pages_notes import coded, linked, markdown
from semsr.reporting.templating import environment
from semsr.reproduction.claim import ClaimStanding
from semsr.reproduction.table import TRUST
from semsr.reproduction.verdict import SAID, VerdictKind
from semsr.reproduction.wording_verdicts import SIGNS as TABLE_SIGNS

Render = Callable[[str, Mapping[str, object]], str]
"""Makes a page of a template's name and what it is given; `here` in that is the page's own file name."""

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; font-src 'self' data:; "
    "base-uri 'none'; form-action 'none'"
)
"""What a page may load: the site's own files, and nothing from the net. Plotly and DataTables set styles of elements."""

KINDS: Mapping[Kind, str] = {"method": "Methods", "dataset": "Data sets", "metric": "Metrics", "protocol": "Protocols"}

SIGNS: Mapping[VerdictKind, str] = {**TABLE_SIGNS, "not-comparable": "≁", "not-run": "·"}
"""One sign a verdict, which says it without colour."""

STANDINGS: Mapping[ClaimStanding, tuple[str, str]] = {
    "holds": ("✓", "holds"),
    "fails": ("✗", "fails"),
    "not-resolved": ("?", "not resolved"),
    "not-run": ("·", "not run"),
}
"""Sign and word of what is left of a claim."""

LICENCES = {"open": "open", "non-commercial": "non-commercial", "unknown": "unknown"}


@dataclass(frozen=True)
class Placed:
    """A row with where it stands."""

    table: SiteTable
    block: SiteBlock
    row: SiteRow


def renderer(site: Site) -> Render:
    """Makes pages of this site: all text from cards, file names and errors is escaped."""
    templates = environment("semsr.leaderboard")
    templates.filters.update(markdown=markdown, coded=coded)
    templates.globals.update(
        site=site,
        policy=POLICY,
        warning=site.warning,
        nav=navigation(site),
        said=SAID,
        signs=SIGNS,
        standings=STANDINGS,
        trust=TRUST,
        licences=LICENCES,
        kinds=KINDS,
        dash=DASH,
        linked=linked,
        our_text=our_text,
        interval_text=interval_text,
        file_of=file_of,
        key_of=key_of,
        verdicts_of=verdicts_of,
    )

    def render(template: str, given: Mapping[str, object]) -> str:
        return templates.get_template(template).render({"here": "", **given})

    return render


def navigation(site: Site) -> list[dict[str, str]]:
    """The pages of the head line."""
    entries = [("index.html", "Overview"), ("values.html", "All values")]
    entries += [("plots.html", "Plots")]
    if site.viewables:
        entries += [("pictures.html", "Pictures")]
    present = {page.kind for page in site.pages}
    entries += [(f"{kind}s.html", title) for kind, title in KINDS.items() if kind in present]
    entries += [("glossary.html", "How to read")]
    return [{"href": href, "text": text} for href, text in entries]


def cells_of(tables: Iterable[SiteTable]) -> Iterator[SiteCell]:
    """Every cell."""
    return (cell for table in tables for block in table.blocks for row in block.rows for cell in row.cells)


def verdicts_of(tables: Iterable[SiteTable]) -> dict[VerdictKind, int]:
    """How many published values have each verdict, best verdict first; those that none has are left out."""
    counts = Counter(cell.verdict.kind for cell in cells_of(tables) if cell.verdict is not None)
    return {kind: counts[kind] for kind in SAID if counts[kind]}


def rows_of(site: Site) -> dict[str, list[Placed]]:
    """The rows of each method that has a page, in the tables' order."""
    found: dict[str, list[Placed]] = {}
    for table in site.tables:
        for block in table.blocks:
            for row in block.rows:
                if row.page:
                    found.setdefault(row.page, []).append(Placed(table, block, row))
    return found


def blocks_of(site: Site) -> dict[str, list[tuple[SiteTable, SiteBlock]]]:
    """The blocks of each data set."""
    found: dict[str, list[tuple[SiteTable, SiteBlock]]] = {}
    for table in site.tables:
        for block in table.blocks:
            found.setdefault(block.dataset, []).append((table, block))
    return found


def file_of_page(page: SitePage) -> str:
    """The file of a page about something."""
    return f"{page.kind}-{page.id}.html"
