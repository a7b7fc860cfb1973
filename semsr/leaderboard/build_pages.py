"""Each page of the site but the viewer's and the plots'."""

from __future__ import annotations

from collections.abc import Iterator

from semsr.leaderboard.model import JUDGED_BY, Kind, Site, SiteBlock, SiteColumn, SitePage, SiteTable
from semsr.leaderboard.pages import (
    KINDS,
    LICENCES,
    Placed,
    Render,
    blocks_of,
    cells_of,
    file_of_page,
    rows_of,
    verdicts_of,
)
from semsr.reproduction.table import TRUST
from semsr.reproduction.verdict import SAID

Choice = tuple[str, str, list[tuple[str, str]]]
"""What rows can be filtered by: name, title, (value, text) of each choice."""


def pages(site: Site, render: Render) -> Iterator[tuple[str, str]]:
    """File name and text of each page, one after the other."""
    yield "index.html", render("index.html", _index(site))
    yield "glossary.html", render("glossary.html", {"here": "glossary.html"})
    yield "values.html", render("values.html", {"here": "values.html", "choices": _choices_of_values(site)})
    if site.viewables:
        titles = {page.id: page.title for page in site.pages if page.kind == "dataset"}
        yield "pictures.html", render("pictures.html", {"here": "pictures.html", "titles": titles})
    for table in site.tables:
        yield f"table-{table.id}.html", render("table.html", _table(site, table))
    for kind in KINDS:
        if of_kind := [page for page in site.pages if page.kind == kind]:
            yield f"{kind}s.html", render("list.html", _list(kind, of_kind))
    rows, blocks = rows_of(site), blocks_of(site)
    for page in site.pages:
        placed = _grouped(rows.get(page.id, [])) if page.kind == "method" else []
        about: dict[str, object] = {"page": page, "placed": placed, "used": _used(site, page, blocks)}
        yield file_of_page(page), render("page.html", about)


def _index(site: Site) -> dict[str, object]:
    counts = verdicts_of(site.tables)
    return {
        "here": "index.html",
        "counts": counts,
        "total": sum(counts.values()),
        "labels": {table.id: _datasets(table) for table in site.tables},
        "ran": {table.id: _ran(table) for table in site.tables},
        "claimed": [table for table in site.tables if table.claims],
    }


def _datasets(table: SiteTable) -> list[str]:
    """What a table's data sets are called; what several judges say of one is one data set."""
    by_dataset: dict[str, list[str]] = {}
    for block in table.blocks:
        by_dataset.setdefault(block.dataset, []).append(block.label)
    return [
        labels[0] if len(labels) == 1 else f"{labels[0].partition(JUDGED_BY)[0]} ({len(labels)} judges)"
        for labels in by_dataset.values()
    ]


def _ran(table: SiteTable) -> tuple[int, int]:
    """How many rows have a value of ours, and how many there are, over all data sets."""
    rows = [row for block in table.blocks for row in block.rows]
    return sum(any(cell.value is not None for cell in row.cells) for row in rows), len(rows)


def _table(site: Site, table: SiteTable) -> dict[str, object]:
    rows = [row for block in table.blocks for row in block.rows]
    metrics = {page.id for page in site.pages if page.kind == "metric"}
    return {
        "table": table,
        "counts": verdicts_of([table]),
        "columns": list({(column.title, column.how): column for block in table.blocks for column in block.columns}.values()),
        "metric_pages": metrics,
        "dataset_pages": {page.id: page.title for page in site.pages if page.kind == "dataset"},
        "protocol_page": any(page.kind == "protocol" and page.id == table.protocol for page in site.pages),
        "has_sanity": any(row.sanity for row in rows),
        "choices": [
            _trusts({row.trust for row in rows}),
            _licences({row.licence_policy for row in rows}),
            _verdicts([table], "verdicts"),
        ],
        "downloads": [*table.downloads, f"{table.id}.json"],
    }


def _trusts(found: set[str]) -> Choice:
    return "trust", "Trust", [(level, f"{level} {said}") for level, said in TRUST.items() if level in found]


def _licences(found: set[str]) -> Choice:
    return "licence", "Licence", [(policy, word) for policy, word in LICENCES.items() if policy in found]


def _verdicts(tables: list[SiteTable] | tuple[SiteTable, ...], name: str) -> Choice:
    found = {cell.verdict.kind for cell in cells_of(tables) if cell.verdict}
    return name, "Verdict", [(kind, word) for kind, word in SAID.items() if kind in found]


def _choices_of_values(site: Site) -> list[Choice]:
    blocks = [block for table in site.tables for block in table.blocks]
    rows = [row for block in blocks for row in block.rows]
    tracks = dict.fromkeys(table.track for table in site.tables)
    metrics = dict.fromkeys(column.title for block in blocks for column in block.columns)
    titles = {page.id: page.title for page in site.pages if page.kind == "dataset"}
    datasets = {block.dataset: titles.get(block.dataset, block.dataset) for block in blocks}
    return [
        ("track", "Track", [(track, track) for track in tracks]),
        ("table", "Table", [(table.id, table.title) for table in site.tables]),
        ("dataset", "Data set", list(datasets.items())),
        ("metric", "Metric", [(title, title) for title in metrics]),
        _trusts({row.trust for row in rows}),
        _licences({row.licence_policy for row in rows}),
        _verdicts(site.tables, "verdict"),
    ]


def _list(kind: Kind, of_kind: list[SitePage]) -> dict[str, object]:
    """The first facts that the pages share, side by side."""
    names = [name for name, _ in of_kind[0].facts if all(name in dict(page.facts) for page in of_kind)][:4]
    entries = [(page, [dict(page.facts)[name] for name in names]) for page in of_kind]
    return {"here": f"{kind}s.html", "kind": kind, "columns": names, "entries": entries}


def _grouped(placed: list[Placed]) -> list[tuple[SiteTable, list[tuple[tuple[SiteColumn, ...], list[Placed]]]]]:
    """By table, and in it by columns: data sets that have the same columns stand in one."""
    tables: dict[str, tuple[SiteTable, dict[tuple[str, ...], tuple[tuple[SiteColumn, ...], list[Placed]]]]] = {}
    for one in placed:
        _, groups = tables.setdefault(one.table.id, (one.table, {}))
        names = tuple(column.title for column in one.block.columns)
        groups.setdefault(names, (one.block.columns, []))[1].append(one)
    return [(table, list(groups.values())) for table, groups in tables.values()]


def _used(site: Site, page: SitePage, blocks: dict[str, list[tuple[SiteTable, SiteBlock]]]) -> list[tuple[str, str]]:
    """Links to the tables that a data set, metric or protocol stands in."""
    if page.kind == "dataset":
        links = {
            table.id: (f"table-{table.id}.html#{block.key}", table.title) for table, block in reversed(blocks.get(page.id, []))
        }
        seen = [(f"viewer-{found.id}.html", "Its pictures") for found in site.viewables if found.dataset == page.id]
        return [*reversed(links.values()), *seen]
    if page.kind == "metric":
        tables = [table for table in site.tables if any(c.page == page.id for block in table.blocks for c in block.columns)]
    else:
        tables = [table for table in site.tables if page.kind == "protocol" and table.protocol == page.id]
    return [(f"table-{table.id}.html", table.title) for table in tables]
