"""The papers' tables of this project as the site shows them where nothing was run: every printed value, and nothing else."""

from __future__ import annotations

import csv
from dataclasses import replace

import pytest

from semsr.leaderboard.collect import collect
from semsr.leaderboard.collect_judged import judged_table
from semsr.leaderboard.collect_papers import line_of
from semsr.leaderboard.collect_rows import Rows
from semsr.leaderboard.collect_tables import Extras
from semsr.leaderboard.model import Site, SiteTable
from semsr.project import Project
from semsr.reproduction.semantic.shares import Drawn
from semsr.reproduction.semantic.table import Cell, SemanticTable
from semsr.stages import publish, tabulate_semantic

CARDS = ("methods", "datasets", "metrics", "tables", "profiles", "segmenters", "requirements")


@pytest.fixture(scope="module")
def bare(project: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """This project's cards without any data or result."""
    root = tmp_path_factory.mktemp("bare")
    for name in CARDS:
        (root / name).symlink_to(project.root / name)
    return Project(root)


@pytest.fixture(scope="module")
def site(bare: Project) -> Site:
    """What its profile of both papers would publish before anything is run."""
    profile = bare.profile("paper")
    return collect(bare, profile, publish.sources(bare, profile, keep_going=True))


def table_of(site: Site, name: str) -> SiteTable:
    (table,) = (table for table in site.tables if table.id == name)
    return table


def printed(project: Project, name: str) -> list[str]:
    with (project.root / "tables" / name / "reported.csv").open(newline="", encoding="utf-8") as file:
        return sorted(row["value"] or "–" for row in csv.DictReader(file))


@pytest.mark.parametrize("name", ["sed-table1", "seesr-table2", "seesr-table3"])
def test_every_printed_value_is_shown_once(project: Project, site: Site, name: str) -> None:
    cells = [cell for block in table_of(site, name).blocks for row in block.rows for cell in row.cells]
    assert sorted(cell.published for cell in cells if cell.published) == printed(project, name)
    assert all(cell.value is None for cell in cells)
    assert {cell.verdict.kind for cell in cells if cell.verdict} <= {"not-run"}


def test_marks_of_a_paper_are_texts(project: Project, site: Site) -> None:
    for block in table_of(site, "seesr-table1").blocks:
        marks = [at for at, column in enumerate(block.columns) if column.title.startswith("mark: ")]
        shown = sorted(row.cells[at].published for row in block.rows for at in marks)
        assert [text for text in shown if text] == printed(project, "seesr-table1")
        assert all(len(row.cells) == len(block.columns) for row in block.rows)


def test_links_lead_to_pages_that_are_made(site: Site) -> None:
    pages = {(page.kind, page.id) for page in site.pages}
    for table in site.tables:
        for block in table.blocks:
            assert ("dataset", block.dataset) in pages
            assert {("metric", column.page) for column in block.columns if column.page} <= pages
            assert {("method", row.page) for row in block.rows if row.page} <= pages


@pytest.mark.parametrize("name", ["sed-table1", "seesr-table1", "seesr-table2", "seesr-table3"])
def test_every_kind_of_table_names_its_paper_in_the_same_way(project: Project, site: Site, name: str) -> None:
    assert table_of(site, name).paper == line_of(project.table(name).paper) != ""


def test_papers_are_those_of_the_cards(site: Site) -> None:
    entries = table_of(site, "seesr-table2").downloads["seesr-table2.bib"]
    assert "@misc{seesr-table2," in entries and "@misc{real-esrgan," in entries and "2107.10833" in entries


def test_a_metric_s_page_has_its_traps_and_options(site: Site) -> None:
    (page,) = (page for page in site.pages if (page.kind, page.id) == ("metric", "psnr"))
    facts, sections = dict(page.facts), dict(page.sections)
    assert facts["Better"] == "higher values" and facts["Unit"] == "dB" and facts["Licence"] == "Apache-2.0"
    assert "1.322 dB" in dict(sections["Options"])["luma"] and "bt601-full" in dict(sections["Options"])["luma"]
    assert page.notes


def test_what_a_judge_says(bare: Project) -> None:
    profile = bare.profile("paper")
    (table,) = (found for found in tabulate_semantic.tables_of(bare, profile, keep_going=True) if found.id == "seesr-table3")
    shown = judged_table(bare, _with_values(table), Extras(Rows(bare, profile), {}, frozenset({"coco-val-512"})))
    block = shown.blocks[0]
    cell = block.rows[0].cells[0]
    assert (cell.value, cell.text, cell.low, cell.high) == (52.54, "52.5 ± 0.1", 50.0, 55.0)
    assert cell.interval_over == "1000 draws of 40 pictures" and cell.result_id == "0123456789ab"
    assert cell.more == ("Share of the way from floor to ceiling: 75.0 % (70.0 to 80.0)", "Seeds: 52.5, 52.58")
    assert block.rows[0].sanity and block.viewer == "coco-val-512"
    assert len({found.key for found in shown.blocks}) == len(shown.blocks) > 1


def _with_values(table: SemanticTable) -> SemanticTable:
    """The table with one value of the ceiling, as if a judge had run."""
    block = table.blocks[0]
    row = block.first.rows[0]
    cell = Cell(
        "reproduced",
        drawn=Drawn(52.54, 50.0, 55.0),
        text="52.5",
        spread_text="0.1",
        seeds=(52.5, 52.58),
        share=Drawn(75.0, 70.0, 80.0),
        result_id="0123456789ab",
    )
    first = replace(block.first, rows=(replace(row, cells=(cell, *row.cells[1:])), *block.first.rows[1:]))
    return replace(table, blocks=(replace(block, count=40, draws=1000, judgements=(first, *block.judgements[1:])),))
