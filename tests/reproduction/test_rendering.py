"""What a reader sees: golden files (looked at by a person when they change), valid Markdown, LaTeX that compiles, tidy CSV."""

from __future__ import annotations

import csv
import io
import math
import re
import shutil
import subprocess
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from markdown_it import MarkdownIt
from rich.console import Console

from semsr.reproduction import latex, render_latex, render_markdown, wording
from semsr.reproduction.render_csv import render_csv, render_differences
from semsr.reproduction.render_terminal import missing, render_terminal

GOLDEN = Path(__file__).parent / "golden"
RENDERERS = {"csv": render_csv, "md": render_markdown.render_markdown, "tex": render_latex.render_latex}
NASTY = r"""50 % & #1_a {b} $x$ ~ ^ \cmd | <b> "q" `c` * – — × ↑ é Ł 你 [t](u) ½"""


@pytest.fixture
def everything(scored: Any) -> Any:
    """One table with each kind of cell: published, dash, tie, incomplete, refused, not available, not run."""
    scored.rows["alpha"] = [
        row
        for row in scored.rows["alpha"]
        if not (row["method"] == "plain" and row["metric"] == "psnr" and row["image"] == "c")
    ]
    scored.rows["photos"] = [
        row | ({"protocol_hash": "0123456789abcdef"} if row["method"] == "plain" and row["metric"] == "lpips" else {})
        for row in scored.rows["photos"]
    ]
    return scored


@pytest.mark.parametrize("suffix", RENDERERS)
@pytest.mark.parametrize(("profile", "name"), [("full", "paper-table"), ("lite", "lite-table"), ("lite", "paper-table")])
def test_golden(everything: Any, profile: str, name: str, suffix: str) -> None:
    table = everything.table(profile, name)
    text = RENDERERS[suffix](table).replace(everything.protocol.hash, "<hash>")
    golden = GOLDEN / f"{profile}-{name}.{suffix}"
    assert text == golden.read_text(encoding="utf-8"), f"if this change is wanted, write it to {golden} and look at it"


def _terminal(table: Any) -> str:
    console = Console(width=140, record=True, file=io.StringIO())
    console.print(render_terminal(table))
    return "\n".join(line.rstrip() for line in console.export_text().splitlines()) + "\n"


@pytest.mark.parametrize(
    ("suffix", "render"),
    [*RENDERERS.items(), ("differences.csv", render_differences), ("txt", _terminal)],
    ids=lambda it: it if isinstance(it, str) else it.__name__,
)
def test_golden_of_rows_with_seeds(seeded: Any, suffix: str, render: Any) -> None:
    """Mixed: three seeds, one seed, not trained here, two of three seeds; and two comparisons."""
    gone = ("plain", "wide", 2, "lpips")
    seeded.rows["alpha"] = [
        row for row in seeded.rows["alpha"] if (row["method"], row["variant"], row["seed"], row["metric"]) != gone
    ]
    text = render(seeded.table("full", "paper-table")).replace(seeded.protocol.hash, "<hash>")
    golden = GOLDEN / f"seeded-paper-table.{suffix}"
    assert text == golden.read_text(encoding="utf-8"), f"if this change is wanted, write it to {golden} and look at it"


@pytest.mark.parametrize(
    ("values", "printed"),
    [
        ((0.310, 0.312, 0.317), "0.313° ± 0.004"),
        ((0.3120, 0.3123, 0.3126), "0.312° ± 0.0003"),
        ((0.3120, 0.31201, 0.31202), "0.312° ± <0.0001"),
        ((0.312, 0.312, 0.312), "0.312° ± 0.000"),
    ],
)
def test_a_spread_has_the_digits_of_its_mean_unless_it_would_vanish(
    seeded: Any, cell: Any, values: tuple[float, ...], printed: str
) -> None:
    for row in seeded.rows["alpha"]:
        if (row["method"], row["variant"], row["metric"]) == ("network", "wide", "lpips"):
            row["value"] = values[row["seed"] - 1]
    table = seeded.table("full", "paper-table")
    assert wording.our_text(cell(table, "alpha", "New", "lpips")) == printed
    assert render_markdown.escape(printed) in render_markdown.render_markdown(table)
    assert latex.escape(printed) in render_latex.render_latex(table)


def test_csv_has_the_seeds_unrounded(seeded: Any) -> None:
    lines = csv.DictReader(io.StringIO(render_csv(seeded.table("full", "paper-table"))))
    rows = {(row["row"], row["metric"]): row for row in lines if row["dataset"] == "alpha"}
    new, base, old = rows["New", "psnr"], rows["network base", "psnr"], rows["Old", "psnr"]
    assert (new["seeds"], new["seeds_expected"], new["seed_min"], new["seed_max"]) == ("3", "3", "31.0", "31.05")
    assert float(new["seed_sd"]) == pytest.approx(0.0264575131, abs=1e-9), "of 31, 31.01 and 31.05 by hand: sqrt(0.0014 / 2)"
    assert [base[name] for name in ("seeds", "seeds_expected", "seed_sd", "seed_min", "seed_max")] == ["1", "1", "", "", ""]
    assert [old[name] for name in ("seeds", "seeds_expected", "seed_sd")] == ["", "", ""]


def test_csv_says_of_every_cell_what_it_is(everything: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(render_csv(everything.table("full", "paper-table")))))
    assert len(rows) == 4 * 2 + 4
    by_status: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        by_status.setdefault(row["status"], []).append(row)
        assert (row["reproduced"] == "") == (row["status"] != "reproduced")
        assert bool(row["reason"]) == (row["status"] != "reproduced")
        assert row["profile"] == "full" and row["protocol_hash"] == everything.protocol.hash
    assert {status: len(found) for status, found in by_status.items()} == {"reproduced": 5, "incomplete": 1, "not-run": 6}
    (gap,) = by_status["incomplete"]
    assert (gap["row"], gap["n"], gap["n_expected"]) == ("Bicubic", "2", "3")
    for row in by_status["reproduced"]:
        if row["published"]:
            expected = float(row["reproduced"]) - float(row["published"])
            assert float(row["difference"]) == pytest.approx(expected, abs=1e-6)
            assert Decimal(row["reproduced_printed"]).as_tuple().exponent == Decimal(row["published"]).as_tuple().exponent


def test_values_of_other_pictures_have_csv_columns_of_their_own(scored: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(render_csv(scored.table("lite", "lite-table")))))
    assert not any(row["published"] or row["difference"] or row["best_published"] for row in rows)
    assert {row["published_elsewhere"] for row in rows} == {"", "30.00", "0.120"}
    assert {row["published_elsewhere_on"] for row in rows} == {"", "Paper Table 1, Alpha"}


def _grids(markdown: str) -> list[list[list[str]]]:
    """The tables that a Markdown parser finds: rows of cell texts as HTML."""
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    tables = re.findall(r"<table>(.*?)</table>", html, re.S)
    rows = [re.findall(r"<tr>(.*?)</tr>", table, re.S) for table in tables]
    return [[re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in table] for table in rows]


def test_markdown_is_one_valid_table_a_data_set(everything: Any) -> None:
    alpha, beta = _grids(render_markdown.render_markdown(everything.table("full", "paper-table")))
    assert [len(row) for row in alpha] == [6] * 5
    assert [row[0] for row in alpha[1:]] == ["Old", "New", "Older", "Bicubic"]
    assert alpha[0][1:3] == ["PSNR ↑ [dB]<br>published", "PSNR ↑ [dB]<br>reproduced"]
    assert alpha[1][1:3] == ["<ins>30.00</ins>", "30.01° ✗"]
    assert alpha[3][5] == "not run: no method yet"
    assert alpha[4][2].startswith("incomplete (2 of 3)<sup>")
    assert [len(row) for row in beta] == [2] * 4


def test_what_is_refused_or_not_available_is_said_where_the_value_would_be(everything: Any) -> None:
    text = render_markdown.render_markdown(everything.table("lite", "lite-table"))
    ((_, plain, *_),) = _grids(text)
    lpips, fid = plain[4], plain[6]
    assert lpips.startswith("refused<sup>") and fid.startswith("n/a<sup>")
    assert "refused: hashes of protocol way are mixed in this column" in text
    assert "not available, because: no network weights" in text


@pytest.mark.parametrize("render", RENDERERS.values(), ids=RENDERERS)
def test_every_file_is_stamped(scored: Any, render: Any) -> None:
    for profile, name in (("full", "paper-table"), ("lite", "paper-table"), ("lite", "lite-table")):
        text = render(scored.table(profile, name))
        assert scored.protocol.hash in text
        assert re.search(rf"\b{profile}\b", text)


def test_identical_pictures_are_printed_as_infinity(scored: Any) -> None:
    scored.rows["alpha"] = [
        row | ({"value": math.inf} if row["method"] == "plain" and row["metric"] == "psnr" else {})
        for row in scored.rows["alpha"]
    ]
    table = scored.table("full", "paper-table")
    assert "| ∞ |" in render_markdown.render_markdown(table), "no test can be made of it, so it is neither best nor tied"
    assert r"$\infty$" in render_latex.render_latex(table)
    assert ",inf,inf," in render_csv(table)


def test_markdown_takes_any_text_literally() -> None:
    text = NASTY.replace("`", "")
    ((_, row),) = _grids(f"| a | b |\n| --- | --- |\n| {render_markdown.escape(text)} | x |\n")
    literal = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;").replace('"', "&quot;")
    assert row == [literal, "x"]


def test_the_terminal_shows_published_above_ours_and_what_is_missing(scored: Any) -> None:
    table = scored.table("full", "paper-table")
    console = Console(width=120, record=True, file=io.StringIO())
    console.print(render_terminal(table))
    lines = [re.sub(r" +", " ", line).strip() for line in console.export_text().splitlines()]
    assert "method PSNR ↑ [dB] LPIPS ↓ trust" in lines
    at = lines.index("Old published 30.00 0.120 L0")
    assert lines[at + 1] == "reproduced 30.01° ✗ 0.120° ✓ L2"
    assert missing(table) == ("paper-table: Older: no method yet", "paper-table: Beta: no data set card yet (beta)")
    other = scored.table("lite", "paper-table")
    assert render_terminal(other) is None
    assert missing(other)[0].startswith("paper-table: published values only: not run in profile lite")
    assert missing(scored.table("lite", "lite-table")) == ("lite-table: FID: not available: no network weights",)


# LaTeX.


def _compile(folder: Path, name: str) -> str:
    """Run pdflatex as a reader would; gives its log."""
    program = shutil.which("pdflatex")
    if program is None:
        pytest.skip("pdflatex is not installed (Debian: texlive-latex-base, texlive-latex-recommended)")
    done = subprocess.run(
        [program, "-interaction=nonstopmode", "-halt-on-error", name], cwd=folder, capture_output=True, check=False, timeout=120
    )
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert (folder / name).with_suffix(".pdf").stat().st_size > 1000
    return log


@pytest.mark.parametrize(("profile", "name"), [("full", "paper-table"), ("lite", "lite-table")])
def test_latex_compiles_as_it_stands(everything: Any, tmp_path: Path, profile: str, name: str) -> None:
    (tmp_path / "t.tex").write_text(render_latex.render_latex(everything.table(profile, name)))
    log = _compile(tmp_path, "t.tex")
    assert "Overfull" not in log and "Missing character" not in log


def test_latex_of_differences_compiles(seeded: Any, tmp_path: Path) -> None:
    (tmp_path / "t.tex").write_text(render_latex.render_latex(seeded.table("full", "paper-table")))
    log = _compile(tmp_path, "t.tex")
    assert "Overfull" not in log and "Missing character" not in log


def test_latex_can_be_put_into_a_paper(everything: Any, tmp_path: Path) -> None:
    (tmp_path / "t.tex").write_text(render_latex.render_latex(everything.table("full", "paper-table")))
    (tmp_path / "paper.tex").write_text(
        r"\documentclass[twocolumn]{article}\usepackage{booktabs}\usepackage{graphicx}"
        r"\begin{document}Before.\input{t.tex}After.\end{document}"
    )
    log = _compile(tmp_path, "paper.tex")
    assert "Overfull" not in log


def test_latex_takes_any_text_literally(scored: Any, tmp_path: Path) -> None:
    rows = yaml.safe_load((scored.root / "tables/paper-table/table.yaml").read_text())["rows"]
    rows[0]["label"] = NASTY
    scored.edit("tables/paper-table/table.yaml", title=NASTY, notes=[NASTY], rows=rows)
    text = render_latex.render_latex(scored.table("full", "paper-table"))
    assert r"\texttt{U+4F60}" in text
    (tmp_path / "t.tex").write_text(text)
    log = _compile(tmp_path, "t.tex")
    assert "Missing character" not in log and "Undefined" not in log


def test_wide_tables_are_broken_into_halves(scored: Any) -> None:
    names = [f"m{at}" for at in range(9)]
    for name in names:
        card = yaml.safe_load((scored.root / "metrics/family/lpips.yaml").read_text()) | {"id": name}
        (scored.root / f"metrics/family/{name}.yaml").write_text(yaml.safe_dump(card))
    scored.edit("metrics/protocols/way.yaml", columns=[{"name": name, "metric": name} for name in names])
    scored.edit("tables/lite-table/table.yaml", columns=names)
    scored.edit("tables/paper-table/table.yaml", columns=["psnr", "lpips", *names])
    scored.edit("profiles/lite.yaml", tables=["lite-table"])
    reported = scored.root / "tables/paper-table/reported.csv"
    reported.write_text(reported.read_text() + "".join(f"Paper Table 1,Old,Alpha,{name},1.0,\n" for name in names))
    table = scored.table("lite", "lite-table")
    heads = [line for line in render_latex.render_latex(table).splitlines() if r"\multicolumn{2}{c}" in line]
    assert [head.count(r"\multicolumn") for head in heads] == [5, 4]
