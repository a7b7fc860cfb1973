"""Verdicts, claims, orders and stale values as a reader meets them, in every format."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable
from typing import Any

import pytest
from rich.console import Console

from semsr.reproduction.render_latex import render_latex
from semsr.reproduction.render_markdown import render_markdown
from semsr.reproduction.render_terminal import missing, render_terminal
from semsr.reproduction.statistics.order import ColumnOrder, RankAgreement
from semsr.reproduction.verdict import SAID, Verdict
from semsr.reproduction.wording_verdicts import SIGNS, agreement_line, sign, verdict_lines
from semsr.stages import tabulate
from semsr.stages.tabulate import files_of

Find = Callable[..., Any]


def _terminal(table: Any) -> str:
    console = Console(width=400, record=True, file=io.StringIO())
    console.print(render_terminal(table))
    return console.export_text()


ALL = {"md": render_markdown, "tex": render_latex, "txt": _terminal}


@pytest.fixture
def claimed(scored: Any) -> Any:
    """The small project with a claim that its printed values bear out and three pictures can't decide."""
    claim = {"id": "better", "kind": "pairs", "text": "New & better", "source": "a test", "column": "psnr"}
    scored.edit(
        "tables/paper-table/table.yaml", claims=[claim | {"pairs": [{"row": "New", "against": "Old"}], "datasets": ["Alpha"]}]
    )
    return scored


@pytest.mark.parametrize("suffix", ALL)
def test_counts_and_claims_stand_in_every_format(claimed: Any, suffix: str) -> None:
    text = re.sub(r"\s+", " ", ALL[suffix](claimed.table("full", "paper-table")))
    assert "Verdicts on 8 published values: 2 reproduced, 2 not reproduced, 4 not run." in text
    said = "not resolved here (0 of 1 pairs, 1 not told apart). The printed values bear it out (1 of 1 pairs)."
    assert said in text and ("New & better" in text or r"New \& better" in text)


def test_csv_has_what_a_verdict_is_made_of(claimed: Any) -> None:
    lines = csv.DictReader(io.StringIO(files_of(claimed.table("full", "paper-table"))["paper-table.csv"]))
    by = {(line["row"], line["dataset"], line["metric"]): line for line in lines}
    old = by["Old", "alpha", "lpips"]
    assert (old["verdict"], old["tolerance_measuring"], old["tolerance_whole"]) == ("reproduced", "0.0005", "0.0005")
    assert (
        old["verdict_why"]
        == "ours minus published +0.0001, allowed 0.0005 (rounding 0.0005; not known: metric, machine, seeds)"
    )
    assert (old["standing"], old["groups"], old["sanity"]) == ("tied", "a", "")
    assert re.fullmatch(r"[0-9a-f]{12}", old["result_id"])
    assert by["Older", "beta", "psnr"]["verdict"] == "not-run" and not by["Older", "beta", "psnr"]["result_id"]
    assert not by["Bicubic", "alpha", "psnr"]["verdict"], "nothing is published there"


def test_latex_names_what_each_value_was_made_from(claimed: Any, cell: Find) -> None:
    table = claimed.table("full", "paper-table")
    (line,) = [line for line in render_latex(table).splitlines() if line.startswith("Old & ") and "%" in line]
    ids = {metric: cell(table, "alpha", "Old", metric).result_id for metric in ("psnr", "lpips")}
    assert line.endswith(rf" \\ % psnr alpha {ids['psnr']}; lpips alpha {ids['lpips']}")


def test_claims_and_orders_have_files_of_their_own_that_go_with_them(claimed: Any) -> None:
    claimed.save("full")
    tabulate.run(claimed.project, claimed.project.profile("full"))
    folder = claimed.root / "results/tables"
    (claim,) = csv.DictReader((folder / "paper-table.claims.csv").open())
    assert (claim["claim"], claim["printed"], claim["standing"]) == ("better", "yes", "not-resolved")
    assert re.fullmatch(r"Alpha, New better than Old: not told apart \(too few pictures .*\); printed: yes", claim["details"])
    lines = list(csv.DictReader((folder / "paper-table.order.csv").open()))
    pairs = [line for line in lines if line["what"] == "pair" and line["metric"] == "psnr"]
    assert {(line["row"], line["against"]) for line in pairs} == {("Old", "New"), ("Old", "Bicubic"), ("New", "Bicubic")}
    assert {line["apart"] for line in pairs} == {"no"}
    assert [line["rows"] for line in lines if line["what"] == "agreement"] == ["2", "2"]
    claimed.edit("tables/paper-table/table.yaml", claims=[])
    claimed.edit("tables/paper-table/table.yaml", profiles=["lite"])
    tabulate.run(claimed.project, claimed.project.profile("full"))
    assert {path.name for path in folder.iterdir()} == {f"paper-table.{suffix}" for suffix in ("csv", "tex", "md")}


def test_stale_values_are_listed_and_are_no_numbers(scored: Any, cell: Find, capsys: pytest.CaptureFixture[str]) -> None:
    for row in scored.rows["alpha"]:
        if row["metric"] == "lpips":
            row["metric_version"] = 7
    table = scored.table("full", "paper-table")
    found = cell(table, "alpha", "Old", "lpips")
    assert (found.result.status, found.text, found.verdict.kind) == ("stale", "", "not-run")
    listed = ", ".join(f"{row} (Alpha, LPIPS)" for row in ("Old", "New", "Bicubic"))
    listed += ": measured by lpips version 7, the cards say lpips version 1 now"
    text = render_markdown(table)
    assert "## Stale" in text and listed in text and "| stale<sup>" in text
    assert r"\textbf{Stale}" in render_latex(table) and listed in render_latex(table)
    assert not any("lpips version 7" in line for line in missing(table)), "listed by itself"
    tabulate.run(scored.project, scored.project.profile("full"))
    shown = capsys.readouterr().out
    assert f"paper-table: {listed}" in shown[shown.index("Stale:") :]


def test_only_what_was_compared_has_a_mark() -> None:
    assert {kind: sign(Verdict(kind)) for kind in SAID} == {**SIGNS, "not-comparable": "", "not-run": ""}
    assert sign(None) == "" and verdict_lines([]) == []
    alone = verdict_lines([Verdict("not-comparable", "x")])
    assert alone == ["Verdicts on 1 published value: 1 not comparable."]


def test_agreement_is_said_of_columns_that_have_one() -> None:
    orders = {
        "psnr": ColumnOrder((), (), RankAgreement(-0.5, -1.0, 0.25, 4)),
        "fid": ColumnOrder((), (), RankAgreement(1.0, None, None, 3)),
        "ssim": ColumnOrder((), (), RankAgreement(None, None, None, 1, "too few")),
        "lpips": ColumnOrder((), ()),
    }
    line = agreement_line(orders, {name: name.upper() for name in ("psnr", "ssim", "lpips", "fid", "niqe")})
    assert line.endswith("interval: PSNR −0.50 [−1.00, 0.25] over 4 rows; FID 1.00 over 3 rows.")
    assert agreement_line({}, {"psnr": "PSNR"}) == ""
