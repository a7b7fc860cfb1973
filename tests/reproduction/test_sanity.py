"""Rows that check the set-up: in every table of scores, never ranked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import yaml

from semsr.reproduction import wording
from semsr.reproduction.render_csv import render_csv
from semsr.reproduction.render_latex import render_latex
from semsr.reproduction.render_markdown import render_markdown
from semsr.reproduction.sanity import is_reference, is_sanity, sanity_rows


@pytest.fixture
def checked(scored: Any) -> Any:
    """The scored project with an interpolation of two rows, one of which a table's card names, and with HR."""
    variants = {"default": {"label": "Smooth"}, "nearest": {"label": "Zoomed LR"}}
    card = {"id": "zoom", "title": "zoom", "licence": "none", "runner": "python", "entry": "m:M", "sanity": True}
    (scored.root / "methods/zoom").mkdir()
    (scored.root / "methods/zoom/method.yaml").write_text(yaml.safe_dump(card | {"variants": variants}))
    for name in ("full", "lite"):
        tracks = yaml.safe_load((scored.root / f"profiles/{name}.yaml").read_text())["tracks"]
        tracks["classical"]["methods"] += ["zoom"]
        scored.edit(f"profiles/{name}.yaml", tracks=tracks)
    rows = yaml.safe_load((scored.root / "tables/paper-table/table.yaml").read_text())["rows"]
    scored.edit("tables/paper-table/table.yaml", rows=[*rows, {"label": "Soft", "method": "zoom"}])
    for dataset in ("alpha", "photos"):
        scored.score(dataset, "zoom", "psnr", [90, 91, 92])
        scored.score(dataset, "zoom", "lpips", [0.0, 0.0, 0.01])
        scored.score(dataset, "zoom/nearest", "psnr", [9, 8, 7])
        scored.score(dataset, "zoom/nearest", "lpips", [0.9, 0.8, 0.9])
        scored.score(dataset, "reference/hr", "psnr", [float("inf")] * 3, cell=scored.manifest(dataset))
        scored.score(dataset, "reference/hr", "lpips", [0.0, 0.0, 0.0], cell=scored.manifest(dataset))
        for row in ("zoom", "zoom/nearest", "reference/hr"):
            scored.score(dataset, row, "fid", {"*": float("nan")}, unavailable="no network weights")
    return scored


def test_what_a_sanity_row_is(checked: Any) -> None:
    project = checked.project
    assert is_reference("reference", "hr") and not is_reference(None, "hr") and not is_reference("reference", "default")
    said = {
        row: is_sanity(project, *row)
        for row in (("zoom", "nearest"), ("reference", "hr"), ("plain", "default"), (None, "x"), ("gone", "x"))
    }
    assert [row for row, sane in said.items() if sane] == [("zoom", "nearest"), ("reference", "hr")]


def test_they_are_added_once_and_come_last(checked: Any) -> None:
    table = checked.table("full", "paper-table")
    assert [row.label for row in table.blocks[0].rows] == ["Old", "New", "Older", "Bicubic", "Soft", "Zoomed LR", "HR"]
    assert [row.sanity for row in table.blocks[0].rows] == [False] * 4 + [True] * 3
    lite = checked.table("lite", "lite-table")
    assert [row.label for row in lite.blocks[0].rows] == ["Plain", "Old", "network wide", "Smooth", "Zoomed LR", "HR"]


def test_they_are_not_ranked_and_take_no_place_from_others(checked: Any, scored: Any, cell: Callable[..., Any]) -> None:
    table = checked.table("full", "paper-table")
    for row in ("Soft", "Zoomed LR", "HR"):
        for metric in ("psnr", "lpips"):
            found = cell(table, "alpha", row, metric)
            assert found.place == 0 and not found.standing.best and not found.standing.tied
    order = table.blocks[0].orders["psnr"]
    assert "Soft" not in str(order) and "HR" not in str(order)


def test_hr_is_shown_with_its_perfect_values_and_no_trust(checked: Any, cell: Callable[..., Any]) -> None:
    table = checked.table("full", "paper-table")
    row = table.blocks[0].rows[-1]
    assert (row.trust, row.not_run, row.seeds) == (None, "", 0) and wording.standing(row) == "the reference itself"
    assert wording.our_text(cell(table, "alpha", "HR", "psnr")) == "∞"
    assert wording.our_text(cell(table, "alpha", "HR", "lpips")) == "0.000"
    assert "| HR " in render_markdown(table) and "∞" in render_markdown(table)
    assert r"$\infty$" in render_latex(table)
    assert "Not ranked, but there to check the set-up: Soft, Zoomed LR, HR." in render_markdown(table)
    assert [line for line in render_csv(table).splitlines() if ",HR," in line and ",inf," in line]


def test_where_there_is_no_hr_the_row_says_so(checked: Any) -> None:
    checked.rows["alpha"] = [row for row in checked.rows["alpha"] if row["method"] != "reference"]
    assert "HR" not in [row.label for row in checked.table("full", "paper-table").blocks[0].rows]


def test_hr_of_one_data_set_is_said_to_be_missing_on_another(checked: Any) -> None:
    card = yaml.safe_load((checked.root / "tables/paper-table/table.yaml").read_text())
    checked.edit("tables/paper-table/table.yaml", datasets=[card["datasets"][0], card["datasets"][1] | {"dataset": "photos"}])
    checked.edit(
        "profiles/full.yaml",
        tracks={"classical": {"datasets": ["alpha", "photos"], "methods": ["plain", "network", "zoom"], "protocols": ["way"]}},
    )
    checked.rows["alpha"] = [row for row in checked.rows["alpha"] if row["method"] != "reference"]
    first, second = checked.table("full", "paper-table").blocks
    assert first.rows[-1].not_run == "there is no HR picture to be measured, or it has not been scored yet"
    assert second.rows[-1].not_run == "" and second.rows[-1].cells[0].result.value == float("inf")


def test_a_profile_may_limit_them_and_a_card_may_name_them(checked: Any) -> None:
    checked.edit("profiles/full.yaml", variants={"zoom": ["default"]})
    project = checked.project
    card, profile = project.table("paper-table"), project.profile("full")
    assert sanity_rows(project, card, profile, {("reference", "hr")})[0].label == "HR"
    named = card.model_copy(update={"rows": sanity_rows(project, card, profile, {("reference", "hr")})})
    assert [row.method for row in sanity_rows(project, named, profile, {("reference", "hr")})] == ["zoom"]
