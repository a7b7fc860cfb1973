"""Verdicts in whole tables: what is compared, what can't be, and what is counted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from semsr.reproduction.forensics.explanation import Alternative, Explanation
from semsr.reproduction.forensics.store import write_explanations
from semsr.reproduction.verdicts import counted
from semsr.stages.explained import explained_path

Find = Callable[..., Any]


def test_every_published_number_has_a_verdict_and_nothing_else(scored: Any, cell: Find) -> None:
    table = scored.table("full", "paper-table")
    for _, _, _, found in table.cells():
        assert (found.verdict is not None) == (found.published is not None and found.published.text != "")
    old = cell(table, "alpha", "Old", "lpips").verdict
    assert old.kind == "reproduced" and old.tolerance.measuring == 0.0005
    assert cell(table, "alpha", "Old", "psnr").verdict.kind == "not-reproduced", "30.01 beside 30.00"
    assert cell(table, "alpha", "Older", "psnr").verdict.why == "no method yet"
    assert counted(table.verdicts) == {"reproduced": 2, "not-reproduced": 2, "not-run": 4}
    assert sum(counted(table.verdicts).values()) == 8, "nine printed cells, one of them a dash"


def test_the_spread_over_seeds_counts_where_there_are_several(seeded: Any, cell: Find) -> None:
    """Means of 31, 31.01 and 31.05 have an SD of 0.02646: 4.303 · 0.02646 · sqrt(4 / 3) = 0.1314."""
    published = seeded.root / "tables/paper-table/reported.csv"
    published.write_text(published.read_text().replace("New,Alpha,psnr,30.10", "New,Alpha,psnr,31.15"))
    near = cell(seeded.table("full", "paper-table"), "alpha", "New", "psnr").verdict
    assert near.kind == "within-noise" and near.tolerance.whole == pytest.approx(0.1315, abs=2e-4)
    published.write_text(published.read_text().replace("New,Alpha,psnr,31.15", "New,Alpha,psnr,31.16"))
    assert cell(seeded.table("full", "paper-table"), "alpha", "New", "psnr").verdict.kind == "not-reproduced"


@pytest.mark.parametrize(
    ("path", "changes", "why"),
    [
        ("datasets/alpha/dataset.yaml", {"comparable": "regenerated"}, "these pictures are made again"),
        (
            "datasets/alpha/dataset.yaml",
            {"pixels": {"hr": "1" * 64, "lr": "2" * 64}},
            "not, pixel for pixel, those known as published",
        ),
        ("methods/network/method.yaml", {"variants": {"default": {"label": "n", "trust": "L4"}}}, "retrained elsewhere"),
    ],
)
def test_what_can_t_be_compared_is_not_whatever_the_numbers_are(
    scored: Any, cell: Find, path: str, changes: dict[str, Any], why: str
) -> None:
    scored.edit(path, **changes)
    for metric in ("psnr", "lpips"):
        found = cell(scored.table("full", "paper-table"), "alpha", "Old", metric).verdict
        assert found.kind == "not-comparable" and why in found.why and found.tolerance is None


def test_values_of_other_pictures_are_not_comparable(scored: Any, cell: Find) -> None:
    found = cell(scored.table("lite", "lite-table"), "photos", "Old", "psnr").verdict
    assert (found.kind, found.why) == ("not-comparable", "the published value is of other pictures (Alpha)")


def test_without_a_value_the_reason_is_said_first(scored: Any, cell: Find) -> None:
    scored.edit("datasets/alpha/dataset.yaml", comparable="regenerated")
    scored.rows["alpha"] = [row for row in scored.rows["alpha"] if row["image"] != "c"]
    found = cell(scored.table("full", "paper-table"), "alpha", "Old", "psnr").verdict
    assert found.kind == "not-run" and found.why.startswith("incomplete: only 2 of 3 images")


@pytest.mark.parametrize(
    ("count", "kind"), [({"count": 3}, "reproduced"), ({"count": None, "count_unknown": "?"}, "not-comparable")]
)
def test_fid_is_compared_at_the_same_number_of_pictures_alone(
    scored: Any, cell: Find, count: dict[str, Any], kind: str
) -> None:
    scored.edit("datasets/alpha/dataset.yaml", **count)
    scored.edit("tables/paper-table/table.yaml", columns=["psnr", "lpips", "fid"])
    published = scored.root / "tables/paper-table/reported.csv"
    published.write_text(published.read_text() + "Paper Table 1,Old,Alpha,fid,12.34,\n")
    scored.rows["alpha"] = [row for row in scored.rows["alpha"] if row["metric"] != "fid"]
    scored.score("alpha", "network", "fid", {"*": 12.3401})
    found = cell(scored.table("full", "paper-table"), "alpha", "Old", "fid").verdict
    assert found.kind == kind
    if kind == "not-comparable":
        assert (
            found.why
            == "The fid depends on the number of pictures: ours is over 3, it is not known how many the paper's is over"
        )


def test_an_explanation_is_read_and_holds_for_its_own_result_alone(scored: Any, cell: Find) -> None:
    before = cell(scored.table("full", "paper-table"), "alpha", "Old", "psnr")
    assert before.verdict.kind == "not-reproduced" and before.result_id
    other = Alternative("border=0", "no border", 1, 30.001, -0.009, -0.001, True)
    found = Explanation(before.result_id, "30.00", 30.01, 0.005, (other,))
    path = explained_path(scored.project, "full", "paper-table")
    write_explanations(path, {(before.result_id, "30.00", "psnr"): found})
    after = cell(scored.table("full", "paper-table"), "alpha", "Old", "psnr").verdict
    assert (after.kind, after.explained_by) == ("other-protocol", "no border")
    write_explanations(path, {("0" * 12, "30.00", "psnr"): Explanation(**{**vars(found), "result_id": "0" * 12})})
    assert cell(scored.table("full", "paper-table"), "alpha", "Old", "psnr").verdict.kind == "not-reproduced"
