"""What a reader sees: golden files (looked at by a person when they change), valid Markdown, LaTeX that compiles, tidy CSV."""

from __future__ import annotations

import csv
import io
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt
from rich.console import Console

from semsr.reproduction.semantic import wording
from semsr.reproduction.semantic.render import render_latex, render_markdown, render_terminal
from semsr.reproduction.semantic.render_csv import render_csv, render_order

GOLDEN = Path(__file__).parent / "golden"


def _terminal(table: Any) -> str:
    console = Console(width=160, record=True, file=io.StringIO())
    console.print(render_terminal(table))
    return "\n".join(line.rstrip() for line in console.export_text().splitlines()) + "\n"


RENDERERS = {
    "csv": render_csv,
    "differences.csv": render_order,
    "md": render_markdown,
    "tex": render_latex,
    "txt": _terminal,
}


@pytest.mark.parametrize("suffix", RENDERERS)
def test_golden(judged: Any, suffix: str) -> None:
    table = judged.table()
    text = RENDERERS[suffix](table).replace(judged.protocol.hash, "<hash>").replace(table.blocks[0].manifest, "<manifest>")
    golden = GOLDEN / f"paper-table.{suffix}"
    if suffix.endswith("csv"):  # unrounded: the last digits are the processor's
        assert _cells(text) == _cells(golden.read_text(encoding="utf-8")), (
            f"if this is wanted, write it to {golden} and look at it"
        )
        return
    assert text == golden.read_text(encoding="utf-8"), f"if this change is wanted, write it to {golden} and look at it"


def test_golden_of_a_profile_that_runs_nothing_of_it(judged: Any) -> None:
    text = render_markdown(judged.table("other")).replace(judged.protocol.hash, "<hash>")
    golden = GOLDEN / "other-paper-table.md"
    assert text == golden.read_text(encoding="utf-8"), f"if this change is wanted, write it to {golden} and look at it"
    assert render_terminal(judged.table("other")) is None


def _cells(text: str) -> list[list[str]]:
    return [[_rounded(cell) for cell in line] for line in csv.reader(io.StringIO(text))]


def _rounded(cell: str) -> str:
    return f"{float(cell) + 0.0:.9f}" if re.fullmatch(r"[+-]?\d+\.\d+", cell) else cell


def _grids(markdown: str) -> list[list[list[str]]]:
    """The tables that a Markdown parser finds: rows of cell texts as HTML."""
    html = MarkdownIt("commonmark", {"html": True}).enable("table").render(markdown)
    rows = [re.findall(r"<tr>(.*?)</tr>", table, re.S) for table in re.findall(r"<table>(.*?)</table>", html, re.S)]
    return [[re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row, re.S) for row in table] for table in rows]


def test_markdown_is_a_valid_table_for_each_question(judged: Any) -> None:
    found = _grids(render_markdown(judged.table()))
    assert [(len(grid), {len(row) for row in grid}) for grid in found] == [
        (7, {8}),  # values
        (4, {5}),  # shares
        (4, {4}),  # objects
        (4, {5}),  # order
        (5, {3}),  # the second judge: rows that no judge has seen are in the first grid alone
        (4, {5}),  # its order
        (2, {5}),  # agreement
    ]
    assert found[0][4][:4] == [
        "Sharp",
        "<strong>50.0</strong><sup>b</sup>",
        "49.0° ✗<br><sub>44.5 to 52.3</sub>",
        "−1.0",
    ]


def test_csv_has_a_line_for_every_row_column_and_judge(judged: Any) -> None:
    table = judged.table()
    lines = list(csv.DictReader(io.StringIO(render_csv(table))))
    assert len(lines) == 2 * (6 * 2 + 5 * 3), "two judges, six rows of two columns, five of them with three of objects"
    assert {line["protocol_hash"] for line in lines} == {judged.protocol.hash}
    by = {(line["judge"], line["row"], line["column"]): line for line in lines}
    sharp = by["big", "Sharp", "pq"]
    assert (sharp["role"], sharp["method"], sharp["n"], sharp["draws"]) == ("row", "sharp", "6", "200")
    assert float(sharp["reproduced"]) - float(sharp["published"]) == pytest.approx(float(sharp["difference"]))
    assert (float(sharp["share"]), sharp["published_share"]) == (pytest.approx(72.5), "75.0")
    assert by["big", "HR", "pq"]["role"] == "ceiling" and by["big", "HR", "pq"]["method"] == "reference"
    assert by["big", "Later", "pq"]["status"] == "not-run" and by["big", "Later", "pq"]["trust"] == "L0"
    assert not by["small", "Sharp", "box-ap"]["published"]
    assert {line["status"] == "reproduced" for line in lines if line["reason"]} == {False}


def test_a_second_judge_that_did_not_run_is_said_in_every_format(judged: Any) -> None:
    judged.edit("profiles/full.yaml", segmenters={"judges": ["big"]})
    table = judged.table()
    for render in (render_markdown, render_latex, _terminal):
        text = " ".join(render(table).split())
        assert "Not compared with small: judge small did not judge: judge small is not in profile full." in text
    assert "paper-table: Scenes by small: judge small is not in profile full" in wording.missing(table)


def test_annotations_that_resizing_lost_are_counted(judged: Any) -> None:
    line = "left 3 segments and 1 objects without a pixel"
    assert line not in render_markdown(judged.table())
    judged.save(vanished={"segments": 3, "objects": 1})
    assert f"On Scenes, bringing annotations to the size of comparison {line}; they do not count." in render_markdown(
        judged.table(save=False)
    )


@pytest.mark.parametrize("profile", ["full", "other"])
def test_latex_compiles_as_it_stands(judged: Any, tmp_path: Path, profile: str) -> None:
    program = shutil.which("pdflatex")
    if program is None:
        pytest.skip("pdflatex is not installed (Debian: texlive-latex-base, texlive-latex-recommended)")
    (tmp_path / "t.tex").write_text(render_latex(judged.table(profile)))
    done = subprocess.run(
        [program, "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=120,
    )
    log = done.stdout.decode(errors="replace")
    assert done.returncode == 0, log[-2000:]
    assert "Overfull" not in log and "Missing character" not in log


def test_latex_is_balanced(judged: Any) -> None:
    """What can be said without a compiler: every group and environment is closed, every line has the columns of its grid."""
    text = render_latex(judged.table())
    plain = re.sub(r"\\[{}\\%&#_$]", "", text)
    assert plain.count("{") == plain.count("}")
    for name in ("table*", "tabular", "minipage"):
        assert text.count(rf"\begin{{{name}}}") == text.count(rf"\end{{{name}}}") > 0
    for columns, body in re.findall(r"\\begin\{tabular\}\{@\{\}([lr]+)@\{\}\}(.*?)\\end\{tabular\}", text, re.S):
        for line in (line for line in body.splitlines() if line.endswith(r" \\")):
            spans = sum(int(width) - 1 for width in re.findall(r"\\multicolumn\{(\d+)\}", line))
            assert line.replace(r"\&", "").count("&") + 1 + spans == len(columns), line
