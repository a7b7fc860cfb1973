"""A table of judges as data: values by hand, and a reason wherever there is none."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from semsr.assets.missing import MissingFile
from semsr.errors import CardError
from semsr.reproduction.semantic import wording
from semsr.reproduction.semantic.conclusions import conclusions

JUDGE_FILE = MissingFile("big-weights", "weights of big", "big.pth", None, 100, "MIT", ("a mirror",), "404", "ask for it")


def row(said: Any, label: str) -> Any:
    (found,) = (found for found in said.rows if found.label == label)
    return found


def test_ceiling_and_floor_come_first(judged: Any) -> None:
    said = judged.table().blocks[0].first
    assert [(found.label, found.role) for found in said.rows[:3]] == [("HR", "ceiling"), ("Zoom", "floor"), ("Later", "row")]
    judged.edit("metrics/protocols/look.yaml", floor={"method": "sharp"})
    judged.edit("tables/paper-table/table.yaml", floor={"method": "sharp"})
    assert [found.label for found in judged.table().blocks[0].first.rows[:3]] == ["HR", "Sharp", "Zoom"]


def test_a_cell_has_value_interval_and_difference_to_the_paper(judged: Any) -> None:
    pictures = [44, 52, 47, 55, 42, 54]
    cell = row(judged.table().blocks[0].first, "Sharp").cells[0]
    draws = np.random.default_rng(0).multinomial(6, np.full(6, 1 / 6), size=200) @ np.array(pictures) / 6
    assert (cell.drawn.value, cell.text, cell.published.text) == (49, "49.0", "50.0")
    assert (cell.drawn.low, cell.drawn.high) == pytest.approx(np.quantile(draws, [0.025, 0.975]))
    assert cell.difference == pytest.approx(-1)
    assert cell.share.value == pytest.approx(100 * 29 / 40)
    assert cell.published_share == pytest.approx(100 * 30 / 40)


def test_seeds_are_averaged(judged: Any) -> None:
    found = row(judged.table().blocks[0].first, "Gan, trained")
    assert found.seeds == 2 and found.trust == "L3"
    pq, box_ap = found.cells
    # Pictures have a mean of 293 / 6, the seeds lie 1 below and 2 above.
    assert pq.drawn.value == pytest.approx(293 / 6 + 0.5)
    assert pq.seeds == pytest.approx((293 / 6 - 1, 293 / 6 + 2))
    assert pq.spread_text == "2.1" and wording.value_text(pq) == "49.3° ± 2.1", "two seeds are never enough to be told apart"
    assert box_ap.spread is not None and box_ap.spread.sd == pytest.approx(0, abs=1e-9)
    omission, _, improvement = found.objects
    assert (omission.drawn.value, improvement.drawn.value) == (pytest.approx(40.5), pytest.approx(45))


def test_a_seed_that_was_not_judged_is_said_and_gives_no_mean(judged: Any) -> None:
    del judged.seen["big"]["gan", "trained", 2]
    found = row(judged.table().blocks[0].first, "Gan, trained")
    assert {cell.status for cell in found.cells} == {"incomplete"}
    assert found.cells[0].reason == (
        "only 1 of 2 seeds are judged; run `semsr infer gan --dataset scenes`, `semsr segment big --dataset scenes`, "
        "then `semsr judge scenes`"
    )
    assert found.cells[0].drawn.value is None


def test_the_floor_has_no_improvement_and_the_ceiling_no_objects(judged: Any) -> None:
    said = judged.table().blocks[0].first
    assert said.rows[0].objects == ()
    omission, hallucination, improvement = row(said, "Zoom").objects
    assert (omission.text, hallucination.text, improvement.text) == ("80.0", "40.0", "")
    assert row(said, "Zoom").cells[0].share is None and said.rows[0].cells[0].share is None


def test_no_share_where_the_floor_reaches_the_ceiling(judged: Any) -> None:
    judged.see("big", "hr", pq=20)
    share = row(judged.table().blocks[0].first, "Sharp").cells[0].share
    assert share.value is None and share.reason == "the floor (20.00) is not worse than the ceiling (20.00)"


def test_rows_that_did_not_run_say_why_and_keep_their_published_values(judged: Any) -> None:
    table = judged.table()
    said = table.blocks[0].first
    later, gan = row(said, "Later"), row(said, "Gan")
    assert later.not_run == "no method yet" and later.cells[0].published.text == "45.5"
    assert (
        later.cells[1].published_marks and table.footnotes[later.cells[1].published_marks[0]] == "the paper prints a dash here"
    )
    assert gan.not_run == "needs asset gan-weights (5.0 MB), see `semsr plan gan --variant default`"
    assert [(lack.file.id, lack.rows) for lack in table.missing] == [("gan-weights", ("Gan",))]
    del judged.seen["big"]["sharp", "default", 0]
    assert row(judged.table().blocks[0].first, "Sharp").not_run == (
        "not restored or not judged yet; run `semsr infer sharp --dataset scenes`, `semsr segment big --dataset scenes`, then "
        "`semsr judge scenes`"
    )


def test_a_row_of_the_paper_is_shown_once_beside_rows_that_were_not_run(judged: Any) -> None:
    import yaml

    rows = yaml.safe_load((judged.root / "tables/paper-table/table.yaml").read_text())["rows"]
    judged.edit(
        "tables/paper-table/table.yaml", rows=[*rows, {"label": "Later again", "published": "Later", "method": "never"}]
    )
    again = row(judged.table().blocks[0].first, "Later again")
    assert again.not_run == "no method card yet (never)" and again.cells[0].published is None


def test_a_method_of_the_profile_needs_no_line_in_the_table(judged: Any) -> None:
    judged.see("big", "extra", pq=30, box_ap=20, omission=1, hallucination=1, improvement=1)
    last = judged.table().blocks[0].first.rows[-1]
    assert (last.label, last.method, last.cells[0].text, last.published_as) == ("Extra", "extra", "30.0", None)


def test_a_judge_that_lacks_a_column_says_so(judged: Any) -> None:
    _, small = judged.table().blocks[0].judgements
    assert small.lacks["pq"] == "small gives no panoptic"
    pq, box_ap = row(small, "Sharp").cells
    assert (pq.status, pq.reason) == ("not-available", "small gives no panoptic")
    assert box_ap.text == "11.5" and box_ap.published is None, "the paper's values stand beside the paper's judge alone"
    assert small.order_by is not None and small.order_by.name == "box-ap"


def test_the_order_is_by_the_first_column_and_held_against_the_next_row(judged: Any) -> None:
    said = judged.table().blocks[0].first
    assert [(step.upper, step.lower, step.resolved) for step in said.order] == [
        ("Gan, trained", "Sharp", False),
        ("Sharp", "Zoom", True),
    ]
    assert said.order[0].difference.value == pytest.approx(1 / 3)


def test_rounding_in_a_mean_over_seeds_tells_no_rows_apart(judged: Any) -> None:
    judged.edit("profiles/full.yaml", training={"seeds": [1, 2, 3]})
    same = [44.1, 52.3, 47.7, 55.2, 42.9, 54.6]
    judged.see("big", "sharp", pq=same)
    for seed, shift in ((1, -0.1), (2, 0.3), (3, -0.2)):
        judged.see("big", f"gan/trained@{seed}", pq=[value + shift for value in same], box_ap=30)
        judged.see("small", f"gan/trained@{seed}", box_ap=30)
    step = judged.table().blocks[0].first.order[0]
    assert {step.upper, step.lower} == {"Sharp", "Gan, trained"}
    assert step.difference.value == 0 and not step.resolved


def test_judges_are_compared_on_what_both_give(judged: Any) -> None:
    (comparison,) = judged.table().blocks[0].comparisons
    ((column, agreement),) = comparison.columns
    assert column.name == "box-ap"
    assert agreement.orders == (("Sharp", "Gan, trained", "Zoom"), ("Gan, trained", "Sharp", "Zoom"))
    assert agreement.tau.value == pytest.approx(1 / 3)
    (said,) = conclusions(judged.table().blocks[0], comparison)
    assert said.startswith("box AP: the conclusion depends on the judge, and no choice of pictures explains it.")


def test_the_words_follow_who_resolves_the_pair(judged: Any) -> None:
    noisy = [30, 0, 31, 1, 36, 20]
    judged.see("small", "gan/trained@1", box_ap=noisy)
    judged.see("small", "gan/trained@2", box_ap=noisy)
    block = judged.table().blocks[0]
    assert "where one of the two resolves the pair" in conclusions(block, block.comparisons[0])[0]
    for seed in (1, 2):
        judged.see("big", f"gan/trained@{seed}", box_ap=[20, 44, 20, 40, 30, 37])
    block = judged.table().blocks[0]
    assert "nothing says that the conclusion depends on the judge" in conclusions(block, block.comparisons[0])[0]
    for seed in (1, 2):
        judged.see("small", f"gan/trained@{seed}", box_ap=6)
    block = judged.table().blocks[0]
    said = conclusions(block, block.comparisons[0])[0]
    assert "both judges give the same order" in said and "Of 3 pairs, big resolves 2, small 3, both 2." in said


def test_a_judge_that_is_not_in_the_profile_is_said(judged: Any) -> None:
    judged.edit("profiles/full.yaml", segmenters={"judges": ["small"]})
    del judged.seen["big"]
    table = judged.table()
    big, small = table.blocks[0].judgements
    assert big.not_run == "judge big is not in profile full" and not big.ran
    assert row(big, "Sharp").cells[0].published.text == "50.0"
    assert small.ran
    assert table.blocks[0].comparisons[0].why == "judge big did not judge: judge big is not in profile full"
    judged.edit("tables/paper-table/table.yaml", judges=["small", "nobody"])
    assert judged.table().blocks[0].judgements[1].not_run == "no segmenter card yet (nobody)"


def test_a_judge_whose_weights_are_missing_is_said(judged: Any) -> None:
    judged.seen["big"], judged.lacking["big"] = {}, (JUDGE_FILE,)
    table = judged.table()
    big = table.blocks[0].first
    assert big.not_run.startswith("judge big needs asset big-weights")
    assert {lack.file.id: lack.rows for lack in table.missing} == {"big-weights": ("judge big",), "gan-weights": ("Gan",)}


def test_too_few_pictures_give_no_value(judged: Any) -> None:
    judged.edit("datasets/scenes/dataset.yaml", count=9)
    cell = row(judged.table().blocks[0].first, "Sharp").cells[0]
    assert (cell.status, cell.text) == ("incomplete", "")
    assert cell.reason.startswith("only 6 of the data set's 9 pictures are prepared")


def test_a_profile_that_is_not_the_tables_enters_nothing(judged: Any) -> None:
    table = judged.table("other")
    assert table.not_run.startswith("not run in profile other; profile full runs it")
    assert not any(said.ran for said in table.blocks[0].judgements)
    assert wording.missing(table) == (f"paper-table: published values only: {table.not_run}",)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"columns": ["pq", "sharpness"]}, "columns: found 'sharpness'; protocol look allows: pq, box-ap, miou"),
        ({"columns": ["pq", "miou"]}, "columns: published name 'miou' is not in its reported.csv"),
        ({"columns": ["pq"]}, "columns: 'box-ap' of its reported.csv has no place"),
        ({"ceiling": {"label": "HR"}}, "rows: 'GT' of its reported.csv has no place"),
        ({"floor": {"method": "sharp"}}, "floor: found sharp/default; must be that of protocol look: zoom/default"),
    ],
)
def test_a_card_that_fits_nothing_is_an_error(judged: Any, change: dict[str, Any], message: str) -> None:
    judged.edit("tables/paper-table/table.yaml", **change)
    with pytest.raises(CardError) as error:
        judged.table()
    assert str(error.value).startswith("tables/paper-table/table.yaml: ")
    assert message in str(error.value)
