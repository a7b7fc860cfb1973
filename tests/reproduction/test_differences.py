"""Differences between rows: what is compared with what, how it is printed, and what is never claimed."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from scipy import stats

from semsr.errors import CardError
from semsr.reproduction import wording
from semsr.reproduction.differences import signed
from semsr.reproduction.render_csv import render_differences
from semsr.reproduction.render_latex import render_latex
from semsr.reproduction.render_markdown import render_markdown
from semsr.stages import tabulate

Find = Callable[..., Any]


def _found(table: Any, label: str, metric: str) -> Any:
    comparison = next(comparison for comparison in table.blocks[0].comparisons if comparison.label == label)
    return next(found for found in comparison.differences if found.column.name == metric)


def test_a_difference_is_scipys_over_the_seeds_means(seeded: Any) -> None:
    found = _found(seeded.table("full", "paper-table"), "New over Older", "lpips")
    first = [sum((0.1 + shift / 10, 0.11, 0.12)) / 3 for shift in (0, 0.01, 0.05)]
    second = [sum((0.15 + shift, 0.16, 0.17 + shift)) / 3 for shift in (0, 0.01, 0.05)]
    theirs = stats.ttest_ind(first, second, equal_var=False).confidence_interval(0.95)
    assert found.contrast.value == pytest.approx(sum(first) / 3 - sum(second) / 3, abs=1e-15)
    assert (found.contrast.low, found.contrast.high) == pytest.approx((theirs.low, theirs.high), rel=1e-9)
    assert (found.text, found.low, found.high) == ("−0.0627", "−0.1063", "−0.0190")
    assert wording.verdict(found) == "better"


def test_the_published_difference_stands_beside_ours_where_both_values_are_printed(seeded: Any) -> None:
    table = seeded.table("full", "paper-table")
    printed = {
        (label, metric): _found(table, label, metric).published
        for label in ("New over Older", "New over Old")
        for metric in ("psnr", "lpips")
    }
    assert printed == {
        ("New over Older", "psnr"): "0.00",  # 30.10 twice
        ("New over Older", "lpips"): "",  # a dash in the paper
        ("New over Old", "psnr"): "+0.10",
        ("New over Old", "lpips"): "−0.020",
    }


def test_a_row_that_is_not_trained_here_resolves_nothing(seeded: Any) -> None:
    found = _found(seeded.table("full", "paper-table"), "New over Old", "psnr")
    assert wording.verdict(found) == "not resolved (fewer than 3 seeds)"
    assert (found.text, found.low) == ("+1.687", "")


def test_two_seeds_resolve_nothing_however_far_apart(seeded: Any) -> None:
    seeded.edit("profiles/full.yaml", training={"seeds": [1, 2]})
    found = _found(seeded.table("full", "paper-table"), "New over Older", "lpips")
    assert found.contrast.high < 0, "Welch's interval alone would call it better"
    assert wording.verdict(found) == "not resolved (fewer than 3 seeds)"


def test_a_row_without_a_value_is_named(seeded: Any) -> None:
    seeded.rows["alpha"] = [row for row in seeded.rows["alpha"] if (row["method"], row["seed"]) != ("plain", 2)]
    found = _found(seeded.table("full", "paper-table"), "New over Older", "lpips")
    assert found.contrast is None and wording.verdict(found) == "no value of Older"
    assert wording.our_difference(found) == wording.interval(found) == "–"


def test_without_any_value_of_ours_there_is_no_such_section(scored: Any, seeded: Any) -> None:
    """Also where the paper prints both values: a table of published values alone stays as it was."""
    table = seeded.table("lite", "paper-table")
    assert not any(block.comparisons for block in table.blocks)
    assert "ifferences" not in render_markdown(table).replace("and differences", "") and render_differences(table) == ""
    assert "Differences" not in render_latex(table)


def test_each_comparison_data_set_and_metric_is_a_line_of_csv(seeded: Any) -> None:
    rows = list(csv.DictReader(io.StringIO(render_differences(seeded.table("full", "paper-table")))))
    assert [(row["comparison"], row["dataset"], row["metric"]) for row in rows] == [
        (label, "alpha", metric) for label in ("New over Older", "New over Old") for metric in ("psnr", "lpips")
    ]
    assert {row["published"] for row in rows} == {"0.00", "", "+0.10", "-0.020"}
    assert [(row["seeds"], row["against_seeds"]) for row in rows] == [("3", "3")] * 2 + [("3", "")] * 2
    assert float(rows[1]["reproduced"]) == pytest.approx(-0.062667, abs=1e-6)


def test_values_of_other_pictures_are_no_published_difference(seeded: Any) -> None:
    for seed in (1, 2, 3):
        for row in ("network/wide", "plain/wide"):
            seeded.score("photos", f"{row}@{seed}", "psnr", [28 + seed, 29, 31])
    rows = [{"label": "New", "published": "New", "method": "network", "variant": "wide"},
            {"label": "Older", "published": "Older", "method": "plain", "variant": "wide"}]  # fmt: skip
    pair = {"row": {"method": "network", "variant": "wide"}, "against": {"method": "plain", "variant": "wide"}}
    seeded.edit("tables/lite-table/table.yaml", rows=rows, columns=["psnr"], comparisons=[{"label": "pair", **pair}])
    seeded.edit("profiles/lite.yaml", training={"seeds": [1, 2, 3]})
    table = seeded.table("lite", "lite-table")
    assert "published, Alpha | ours" in render_markdown(table)
    (row,) = csv.DictReader(io.StringIO(render_differences(table)))
    assert (row["published"], row["published_elsewhere"]) == ("", "0.00")
    assert row["published_elsewhere_on"] == "Paper Table 1, Alpha"
    assert wording.verdict(_found(table, "pair", "psnr")) == "not resolved"


@pytest.mark.parametrize(
    ("value", "digits", "text"),
    [(0.0062, 4, "+0.0062"), (-0.0062, 3, "−0.006"), (0.0001, 3, "0.000"), (-0.0001, 3, "0.000"), (0.0, 2, "0.00")],
)
def test_signs(value: float, digits: int, text: str) -> None:
    assert signed(value, digits) == text


def test_an_end_on_one_side_of_zero_is_not_printed_as_zero(seeded: Any) -> None:
    """-0.000012 with an interval of a few millionths: in the four digits of the column it would read as if it touched 0."""
    for row in seeded.rows["alpha"]:
        if row["metric"] == "lpips" and row["variant"] == "wide":
            row["value"] = 0.1 + (0.000012 if row["method"] == "plain" else 0) + row["seed"] * 1e-6
    found = _found(seeded.table("full", "paper-table"), "New over Older", "lpips")
    assert (found.text, wording.verdict(found)) == ("−0.00001", "better")
    assert found.high == "−0.00001"


def test_the_file_of_differences_comes_and_goes_with_them(seeded: Any, capsys: pytest.CaptureFixture[str]) -> None:
    seeded.save("full")
    path = seeded.root / "results/tables/paper-table.differences.csv"
    tabulate.run(seeded.project, seeded.project.profile("full"))
    assert path.read_text() == render_differences(seeded.table("full", "paper-table"))
    shown = capsys.readouterr().out
    assert "results/tables/paper-table.differences.csv" in shown and "not resolved (fewer than 3 seeds)" in shown
    seeded.edit("tables/paper-table/table.yaml", comparisons=[])
    tabulate.run(seeded.project, seeded.project.profile("full"))
    assert not path.exists()


@pytest.mark.parametrize(
    ("pair", "said"),
    [
        ({"row": {"method": "network", "variant": "wide"}, "against": {"method": "plain", "variant": "wider"}},
         "comparisons.0.against: found plain/wider; must be one of the table's rows: network/default, network/wide"),
        ({"row": {"method": "sed"}, "against": {"method": "plain"}}, "comparisons.0.row: found sed/default"),
        ({"row": {"method": "plain"}, "against": {"method": "plain"}}, "comparisons.0: 'x' compares a row with itself"),
    ],
)  # fmt: skip
def test_a_card_that_compares_what_it_has_not_is_refused(seeded: Any, pair: dict[str, Any], said: str) -> None:
    seeded.edit("tables/paper-table/table.yaml", comparisons=[{"label": "x", **pair}])
    with pytest.raises(CardError) as caught:
        seeded.table("full", "paper-table")
    assert said in str(caught.value) and "\n" not in str(caught.value)


def test_a_start_that_all_seeds_share_is_said(seeded: Any) -> None:
    notes = seeded.table("full", "paper-table").notes
    assert notes == (
        "All seeds of New start from the same weights (network base): their spread is that of this training, not of the start.",
        "All seeds of Older start from the same weights (plain base): their spread is that of this training, not of the start.",
    )


@pytest.mark.parametrize(
    ("start", "said"),
    [(None, ()), ({"variant": "base"}, ()), ({"weights": ["init"]}, ("All seeds of New, Older start", "(init)"))],
)
def test_a_start_of_each_seed_s_own_is_not(seeded: Any, start: Any, said: tuple[str, ...]) -> None:
    for path in seeded.root.glob("methods/*/recipes.yaml"):
        recipes = yaml.safe_load(Path(path).read_text())
        recipes["base"].pop("once")
        recipes["long"].pop("start")
        if start:
            recipes["long"]["start"] = start
        path.write_text(yaml.safe_dump(recipes))
    notes = seeded.table("full", "paper-table").notes
    assert len(notes) == bool(said) and all(part in notes[0] for part in said)
