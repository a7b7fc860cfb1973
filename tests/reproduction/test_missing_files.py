"""Rows whose weights could not be had, and rows of several draws, in every format."""

from __future__ import annotations

import json
from typing import Any

import pyarrow.parquet as pq
import pytest

from semsr.assets.missing import IN_SCORES, MissingFile, to_plain
from semsr.reproduction.render_csv import render_csv
from semsr.reproduction.render_latex import render_latex
from semsr.reproduction.render_markdown import render_markdown
from semsr.reproduction.render_terminal import missing
from semsr.stages.tabulate import tables_of

BIG = MissingFile(
    "big", "The big file", "big.bin", None, 4_500_000_000, "MIT", ("hub a/b",), "(1) hub a/b: no network", "Set BIG_FILES"
)
SMALL = MissingFile("small", "The small file", "small.txt", 1000, None, "MIT", ("hub a/c",), "", "Set BIG_FILES, too")
NEEDS = "needs asset big (about 4.5 GB) and 1 more file, about 4.5 GB together, see `semsr plan network --variant default`"


def lacking(house: Any, profile: str, *rows: tuple[str, str]) -> Any:
    """The first table of a profile whose scores say that these rows lack two files."""
    for method, variant in rows:
        house.rows["alpha"] = [row for row in house.rows["alpha"] if (row["method"], row["variant"]) != (method, variant)]
    house.save(profile)
    path = house.root / "results" / profile / "scores" / "alpha.parquet"
    entries = [{"method": method, "variant": variant, "seed": 0, "files": to_plain([BIG, SMALL])} for method, variant in rows]
    table = pq.read_table(path)
    pq.write_table(table.replace_schema_metadata({**(table.schema.metadata or {}), IN_SCORES: json.dumps(entries)}), path)
    return tables_of(house.project, house.project.profile(profile))[0]


def test_a_row_says_what_it_needs(scored: Any) -> None:
    table = lacking(scored, "full", ("network", "default"))
    rows = {row.label: row for row in table.blocks[0].rows}
    assert rows["Old"].not_run == NEEDS and rows["Old"].trust is None
    assert {cell.result.status for cell in rows["Old"].cells} == {"not-run"}
    assert rows["Old"].cells[0].published is not None, "the paper's value stays"
    assert rows["New"].cells[0].result.status == "reproduced", "no other row is touched"
    assert tuple(lack.line for lack in table.missing) == (
        "big: The big file; file big.bin, about 4.5 GB; licence MIT; tried (1) hub a/b: no network. By hand: Set BIG_FILES. "
        "Needed by Old.",
        "small: The small file; file small.txt, 1.0 kB; licence MIT; from hub a/c (not asked for). By hand: Set BIG_FILES, too. "
        "Needed by Old.",
    )


def test_every_format_says_it(scored: Any) -> None:
    table = lacking(scored, "full", ("network", "default"))
    markdown = render_markdown(table)
    assert f"not run: {NEEDS}" in markdown
    assert "## Missing files" in markdown and "Set BIG\\_FILES, too" in markdown
    assert NEEDS in render_csv(table)
    latex = render_latex(table)
    assert "not run: needs asset big (about 4.5 GB)" in latex and r"\textbf{Missing files}" in latex
    assert latex.index(r"\textbf{Missing files}") > latex.rindex(r"\end{table*}"), "a float can't hold it"
    shown = missing(table)
    assert f"paper-table: Old: {NEEDS}" in shown
    assert shown[-1] == (
        "paper-table: missing files: big (about 4.5 GB), small (1.0 kB); mirrors and how to supply them by hand: paper-table.md"
    )


def test_one_line_a_file_however_many_rows(scored: Any) -> None:
    table = lacking(scored, "full", ("network", "default"), ("plain", "default"))
    assert len(table.missing) == 2 and table.missing[0].line.endswith("Needed by Old, Bicubic.")


def test_a_row_that_no_card_names_is_shown_too(scored: Any) -> None:
    table = lacking(scored, "full", ("plain", "wide"))
    row = next(row for row in table.blocks[0].rows if (row.method, row.variant) == ("plain", "wide"))
    assert row.not_run.startswith("needs asset big") and row.not_run.endswith("`semsr plan plain --variant wide`")


def test_nothing_missing_leaves_no_trace(scored: Any) -> None:
    table = lacking(scored, "full")
    assert table.missing == ()
    assert "Missing files" not in render_markdown(table) + render_latex(table)


@pytest.fixture
def drawn(house: Any) -> Any:
    """A row with published weights, drawn three times; another one restored once."""
    house.edit("profiles/full.yaml", draws={"network": 3})
    for name, value in (("network", 30.0), ("network/default@1", 31.0), ("network/default@2", 32.0)):
        house.score("alpha", name, "psnr", [value, value + 1, value + 2])
        house.score("alpha", name, "lpips", [0.1, 0.2, 0.3])
    house.score("alpha", "plain", "psnr", [28, 29, 31])
    house.score("alpha", "plain", "lpips", [0.3, 0.2, 0.1])
    return house


def test_draws_are_a_mean_with_its_spread_over_seeds(drawn: Any, cell: Any) -> None:
    table = drawn.table("full", "paper-table")
    found = cell(table, "alpha", "Old", "psnr")
    assert found.result.value == pytest.approx(32.0) and found.result.seeds == (31.0, 32.0, 33.0)
    assert found.result.spread.sd == pytest.approx(1.0)
    assert (found.text, found.spread) == ("32.00", "1.00")
    row = next(row for row in table.blocks[0].rows if row.label == "Old")
    assert (row.trust, row.seeds) == ("L2", 3)
    text = render_markdown(table)
    assert "32.00° ± 1.00" in text and "L2, 3 seeds" in text
    assert "restored once for each" in text
    assert not [note for note in table.notes if "start from the same weights" in note]


def test_a_row_restored_once_is_as_before(drawn: Any, cell: Any) -> None:
    with_draws = drawn.table("full", "paper-table")
    plain = next(row for row in with_draws.blocks[0].rows if row.label == "Bicubic")
    assert plain.seeds == 0 and cell(with_draws, "alpha", "Bicubic", "psnr").spread == ""
    drawn.edit("profiles/full.yaml", draws={})
    once = drawn.table("full", "paper-table")
    assert cell(once, "alpha", "Old", "psnr").result.value == pytest.approx(31.0)
    old = next(row for row in once.blocks[0].rows if row.label == "Old")
    assert old.seeds == 0 and cell(once, "alpha", "Old", "psnr").spread == ""
    assert cell(once, "alpha", "Bicubic", "psnr").result == cell(with_draws, "alpha", "Bicubic", "psnr").result


def test_a_missing_draw_is_said_without_talk_of_training(drawn: Any, cell: Any) -> None:
    drawn.rows["alpha"] = [row for row in drawn.rows["alpha"] if row["seed"] != 2]
    found = cell(drawn.table("full", "paper-table"), "alpha", "Old", "psnr").result
    assert found.status == "incomplete" and found.seeds == (31.0, 32.0)
    assert found.reason == "only 2 of 3 seeds are scored; run `semsr infer network --dataset alpha`, then `semsr score alpha`"
    drawn.rows["alpha"] = [row for row in drawn.rows["alpha"] if row["method"] != "network"]
    found = cell(drawn.table("full", "paper-table"), "alpha", "Old", "psnr").result
    assert found.status == "not-run" and "train" not in found.reason
