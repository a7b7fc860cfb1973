"""A table's cells: what stands beside what, with which digits, and why something is missing."""

from __future__ import annotations

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
import yaml

from semsr.errors import CardError
from semsr.reproduction import wording

Find = Callable[..., Any]


def test_ours_has_the_digits_that_the_paper_prints(scored: Any, cell: Find) -> None:
    table = scored.table("full", "paper-table")
    psnr, lpips = cell(table, "alpha", "New", "psnr"), cell(table, "alpha", "Old", "lpips")
    assert (psnr.published.text, psnr.text) == ("30.10", "30.01")
    assert (lpips.published.text, lpips.text) == ("0.120", "0.120")
    assert lpips.result.value == pytest.approx(0.1201, abs=1e-12)


def test_without_a_paper_the_metrics_card_says_the_digits(scored: Any, cell: Find) -> None:
    table = scored.table("lite", "lite-table")
    assert cell(table, "photos", "Old", "lpips").text == "0.1201"
    assert cell(table, "photos", "Old", "psnr").text == "30.01"


def test_the_difference_is_of_the_unrounded_value(scored: Any, cell: Find) -> None:
    table = scored.table("full", "paper-table")
    assert cell(table, "alpha", "New", "psnr").difference == pytest.approx(30.006 - 30.10, abs=1e-9)
    assert cell(table, "alpha", "Bicubic", "psnr").difference is None
    assert cell(table, "alpha", "Older", "psnr").difference is None


def test_published_values_are_placed_as_printed(scored: Any, cell: Find) -> None:
    """Published: 30.10 twice, then 30.00."""
    table = scored.table("full", "paper-table")
    cells = {row: cell(table, "alpha", row, "psnr") for row in ("Old", "New", "Older", "Bicubic")}
    assert {row: found.published_place for row, found in cells.items()} == {"Old": 2, "New": 1, "Older": 1, "Bicubic": 0}


def test_only_what_is_told_apart_from_all_others_is_best(scored: Any, cell: Find) -> None:
    """Three pictures never tell two rows apart (2^-3 is above 0.05): all three are tied, and none is bold or underlined."""
    table = scored.table("full", "paper-table")
    cells = {row: cell(table, "alpha", row, "psnr") for row in ("Old", "New", "Bicubic")}
    assert {found.place for found in cells.values()} == {0}
    assert all(found.standing.tied and not found.standing.best for found in cells.values())
    assert len({found.standing.groups for found in cells.values()}) == 1


def test_rows_that_check_the_set_up_take_no_part_in_the_order(scored: Any, cell: Find) -> None:
    scored.edit("methods/plain/method.yaml", sanity=True)
    table = scored.table("full", "paper-table")
    found = cell(table, "alpha", "Bicubic", "psnr")
    assert found.text == "29.33" and found.standing.groups == "" and not found.standing.tied
    (pair,) = table.blocks[0].orders["psnr"].pairs
    rows = table.blocks[0].rows
    assert (rows[pair.upper].label, rows[pair.lower].label) == ("Old", "New")
    assert pair.difference == pytest.approx(30.01 - 30.006)
    assert [row.sanity for row in rows if row.label == "Bicubic"] == [True]
    assert "Not ranked, but there to check the set-up: Bicubic." in wording.legend(table)


def test_a_row_that_is_best_on_many_pictures_is_bold(house: Any, cell: Find) -> None:
    names = [f"p{at:02d}" for at in range(20)]
    house.prepare("alpha", names)
    house.edit("datasets/alpha/dataset.yaml", count=20)
    for at, row in enumerate(("plain", "network", "network/wide@1")):
        house.score("alpha", row, "psnr", {name: 28 + at + 0.1 * (index % 5) for index, name in enumerate(names)})
        house.score("alpha", row, "lpips", {name: 0.3 + 0.01 * ((index + at) % 3) for index, name in enumerate(names)})
    table = house.table("full", "paper-table")
    standing = {row: cell(table, "alpha", row, "psnr").standing for row in ("Bicubic", "Old", "New")}
    assert {row: found.best for row, found in standing.items()} == {"Bicubic": False, "Old": False, "New": True}
    assert cell(table, "alpha", "New", "psnr").place == 1
    assert not any(cell(table, "alpha", row, "lpips").standing.best for row in standing), (
        "nearly the same mean, in another order"
    )
    agreement = table.blocks[0].orders["psnr"].agreement
    assert (agreement.tau, agreement.rows) == (1, 2), "Old 30.00 and New 30.10 are published"


def test_a_profile_that_is_not_the_papers_never_gives_a_reproduction(scored: Any) -> None:
    """Even where it has scores on the very data set under the very protocol."""
    scored.edit(
        "profiles/lite.yaml",
        tracks={"classical": {"datasets": ["photos", "alpha"], "methods": ["plain", "network"], "protocols": ["way"]}},
    )
    table = scored.table("lite", "paper-table")
    for _, row, _, found in table.cells():
        assert found.result.status == "not-run" and found.result.value is None and found.difference is None
        assert found.result.reason.startswith("not run in profile lite; profile full runs it")
        assert row.trust is None
    assert cell_texts(table)["alpha", "Old", "psnr"] == "30.00"


def cell_texts(table: Any) -> dict[tuple[str, str, str], str]:
    return {
        (block.dataset, row.label, column.name): found.published.text
        for block, row, column, found in table.cells()
        if found.published
    }


@pytest.mark.parametrize(
    ("path", "changes", "reason"),
    [
        ("profiles/full.yaml", {"variants": {"network": ["wide"]}}, "row network/default is not in profile full"),
        (
            "profiles/full.yaml",
            {"tracks": {"classical": {"datasets": ["alpha"], "methods": ["plain"], "protocols": ["way"]}}},
            "method network is not in profile full",
        ),
        (
            "profiles/full.yaml",
            {"tracks": {"classical": {"datasets": ["photos"], "methods": ["plain"], "protocols": ["way"]}}},
            "data set alpha is not in profile full",
        ),
        (
            "profiles/full.yaml",
            {"tracks": {"classical": {"datasets": ["alpha"], "methods": ["plain"], "protocols": []}}},
            "profile full does not measure by protocol way on its classical track",
        ),
        (
            "methods/network/method.yaml",
            {"variants": {"wide": {"label": "wide"}}},
            "method network has no row default yet",
        ),
    ],
)
def test_what_was_not_run_says_why(scored: Any, cell: Find, path: str, changes: dict[str, Any], reason: str) -> None:
    scored.edit(path, **changes)
    found = cell(scored.table("full", "paper-table"), "alpha", "Old", "psnr")
    assert (found.result.status, found.result.reason) == ("not-run", reason)


def test_rows_and_data_sets_of_the_future_are_allowed(scored: Any, cell: Find) -> None:
    rows = yaml.safe_load((scored.root / "tables/paper-table/table.yaml").read_text())["rows"]
    scored.edit("tables/paper-table/table.yaml", rows=[*rows[:-1], {"label": "Next", "method": "next"}])
    table = scored.table("full", "paper-table")
    assert cell(table, "alpha", "Next", "psnr").result.reason == "no method card yet (next)"
    assert cell(table, "alpha", "Older", "psnr").result.reason == "no method yet"
    assert cell(table, "beta", "Old", "psnr").result.reason == "no data set card yet (beta)"


def test_a_paper_s_row_is_shown_once_beside_what_was_not_run(scored: Any, cell: Find) -> None:
    rows = yaml.safe_load((scored.root / "tables/paper-table/table.yaml").read_text())["rows"]
    (old,) = (row for row in rows if row["label"] == "Old")
    again = {**old, "label": "Old, trained here", "method": "next"}
    scored.edit("tables/paper-table/table.yaml", rows=[*rows, again])
    table = scored.table("full", "paper-table")
    for dataset in ("alpha", "beta"):  # run and not run
        assert cell(table, dataset, "Old", "psnr").published is not None
        found = cell(table, dataset, "Old, trained here", "psnr")
        assert found.published is None and found.result.status == "not-run"


def test_a_block_has_the_columns_that_the_paper_has_there(scored: Any) -> None:
    table = scored.table("full", "paper-table")
    assert {block.dataset: [column.name for column in block.columns] for block in table.blocks} == {
        "alpha": ["psnr", "lpips"],
        "beta": ["psnr"],
    }


def test_values_of_other_pictures_are_neither_ranked_nor_subtracted(scored: Any, cell: Find) -> None:
    table = scored.table("lite", "lite-table")
    found = cell(table, "photos", "Old", "psnr")
    assert found.published.number == Decimal("30.00")
    assert (found.difference, found.published_place) == (None, 0)
    assert cell(table, "photos", "Plain", "psnr").published is None
    assert table.context.dataset == "Alpha" and table.source == "Paper Table 1"


def test_a_note_of_a_whole_column_hangs_on_its_heading(scored: Any, cell: Find) -> None:
    table = scored.table("full", "paper-table")
    letter = next(mark for mark, text in table.footnotes.items() if text == "printed as LPPIS")
    assert table.blocks[0].column_marks == {"lpips": (letter,)}
    assert cell(table, "alpha", "Old", "lpips").published_marks == ()
    slip = cell(table, "alpha", "Older", "psnr").published_marks
    assert [table.footnotes[mark] for mark in slip] == ["a slip & 50 % of it"]
    dash = cell(table, "alpha", "Older", "lpips").published_marks
    assert [table.footnotes[mark] for mark in dash] == ["the paper prints a dash here"]


def test_pictures_that_are_not_the_papers_are_remarked_on(scored: Any) -> None:
    scored.edit("datasets/alpha/dataset.yaml", comparable="regenerated")
    assert "made again" in scored.table("full", "paper-table").blocks[0].remark
    scored.edit("datasets/alpha/dataset.yaml", comparable="same-inputs", pixels={"hr": "1" * 64, "lr": "2" * 64})
    assert "not, pixel for pixel, those known as published" in scored.table("full", "paper-table").blocks[0].remark


def test_trust_is_the_rows_own(scored: Any) -> None:
    table = scored.table("full", "paper-table")
    assert [row.trust for row in table.blocks[0].rows] == ["L2", "L3", None, "L2"]
    assert table.trust == ("L0", "L2", "L3")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"columns": ["psnr", "vmaf"], "reported": None}, "columns: found 'vmaf'; protocol way allows: psnr, lpips, fid"),
        ({"context": {"table": "paper-table", "dataset": "Alpha", "why": "x"}}, "can't have one"),
        ({"reported": "absent.csv"}, "no such file"),
    ],
)
def test_a_card_that_does_not_fit_is_refused(scored: Any, changes: dict[str, Any], said: str) -> None:
    scored.edit("tables/paper-table/table.yaml", **changes)
    with pytest.raises(CardError, match=r"^tables/paper-table/") as caught:
        scored.table("full", "paper-table")
    assert said in str(caught.value)
