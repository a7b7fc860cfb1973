"""Verdicts, order and claims of a table of judges."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest

from semsr.reproduction.semantic.render import render_latex, render_markdown
from semsr.stages.tabulate import files_of


def row(said: Any, label: str) -> Any:
    (found,) = (found for found in said.rows if found.label == label)
    return found


def test_published_values_are_judged_beside_the_papers_judge_alone(judged: Any) -> None:
    first, second = judged.table().blocks[0].judgements
    kinds = {
        found.label: [cell.verdict.kind if cell.verdict else None for cell in found.cells]
        for found in first.rows
        if found.published_as
    }
    assert kinds == {
        "HR": ["reproduced", "reproduced"],
        "Zoom": ["reproduced", "reproduced"],
        "Later": ["not-run", None],
        "Sharp": ["not-reproduced", "not-reproduced"],
    }
    assert row(first, "Sharp").cells[0].verdict.why == (
        "ours minus published -1 %, allowed 0.05 % (rounding 0.05; not known: metric, machine, seeds)"
    )
    assert not any(cell.verdict for found in second.rows for cell in found.cells)


def test_pictures_of_our_own_are_not_comparable(judged: Any) -> None:
    judged.edit("datasets/scenes/dataset.yaml", comparable="regenerated")
    found = {verdict.kind for verdict in judged.table().verdicts}
    assert found == {"not-comparable", "not-run"}


def test_the_order_leaves_ceiling_and_floor_out(judged: Any) -> None:
    """Sharp is better than the trained Gan in box AP on every picture; with two seeds nothing is told apart."""
    first, second = judged.table().blocks[0].judgements
    labels = [found.label for found in first.rows]
    (pair,) = first.orders["box-ap"].pairs
    assert (labels[pair.upper], labels[pair.lower], pair.apart, pair.why) == (
        "Sharp",
        "Gan, trained",
        False,
        "fewer than 3 seeds",
    )
    for label in ("HR", "Zoom"):
        assert not any(cell.standing.tied or cell.standing.best or cell.standing.groups for cell in row(first, label).cells)
    assert row(first, "Sharp").cells[1].standing.tied and row(first, "Gan, trained").cells[1].standing.tied
    assert set(second.orders) == {"box-ap"}, "it has no answer for the other"


def test_interpolations_beside_the_floor_are_not_ranked(judged: Any) -> None:
    judged.see("big", "extra", pq=59, box_ap=49)
    judged.edit("methods/extra/method.yaml", sanity=True)
    first = judged.table().blocks[0].first
    extra = row(first, "Extra")
    assert extra.sanity and extra.cells[0].text == "59.0" and extra.cells[0].standing.groups == ""
    assert row(first, "Sharp").cells[0].standing.tied and len(first.orders["pq"].pairs) == 1


def test_one_thing_against_another_is_told_apart_by_pictures(judged: Any) -> None:
    """Eight draws of pictures would not do: p is never below 2^-6 with six pictures, 1.6 %, which is enough for one pair."""
    judged.see("big", "extra", pq=[30, 31, 29, 33, 28, 32], box_ap=1)
    del judged.seen["big"]["gan", "trained", 1], judged.seen["big"]["gan", "trained", 2]
    first = judged.table().blocks[0].first
    best = {found.label: found.cells[0].standing.best for found in first.rows}
    assert [label for label, told in best.items() if told] == ["Sharp"]
    assert row(first, "Sharp").cells[0].place == 1
    assert "**49.0** ✗" in render_markdown(judged.table())


def test_values_name_what_they_are_made_from(judged: Any) -> None:
    judged.save(found={"sharp/default": "f" * 64, "reference/hr": "e" * 64})
    table = judged.table(save=False)
    first = table.blocks[0].first
    made = row(first, "Sharp").cells[0].result_id
    assert re.fullmatch(r"[0-9a-f]{12}", made) and row(first, "Zoom").cells[0].result_id == ""
    lines = [line for line in render_latex(table).splitlines() if line.startswith("Sharp & ") and made in line]
    assert len(lines) == 1 and lines[0].index("%", lines[0].index(r"\\")) > 0
    by = {
        (line["judge"], line["row"], line["column"]): line
        for line in csv.DictReader(io.StringIO(files_of(table)["paper-table.csv"]))
    }
    assert by["big", "Sharp", "pq"]["result_id"] == made
    assert by["big", "Sharp", "pq"]["verdict"] == "not-reproduced" and by["small", "Sharp", "box-ap"]["verdict"] == ""


@pytest.mark.parametrize(("named", "printed", "standing"), [("Sharp", True, "not-run"), ("Later", False, "not-run")])
def test_claims_are_about_what_the_papers_judge_says(judged: Any, named: str, printed: bool, standing: str) -> None:
    claim = {"id": "best", "kind": "best", "text": "the best", "source": "a test", "row": named, "columns": ["pq"]}
    judged.edit("tables/paper-table/table.yaml", claims=[claim])
    table = judged.table()
    (found,) = table.claims
    assert (found.printed, found.standing) == (printed, standing), "Later is published and was not run"
    assert "**the best**: not run here" in render_markdown(table)
    assert files_of(table)["paper-table.claims.csv"].count("\n") == 2
