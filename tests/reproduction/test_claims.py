"""Claims: counted by hand on printed values, and decided on ours only where rows are told apart."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

import pytest

from semsr.cards.claim import BestClaim, PairsClaim, RowPair
from semsr.evaluation.protocol import resolve
from semsr.evaluation.semantic.protocol import resolve as resolve_semantic
from semsr.reproduction.assemble import assemble
from semsr.reproduction.claims import Entry, Ground, check
from semsr.reproduction.semantic.assemble import assemble as assemble_semantic
from semsr.reproduction.statistics.order import ColumnOrder, Pair, Standing

Ours = Sequence[tuple[str, str, bool]]
"""Pairs of rows: the better one, the other, and whether they are told apart."""


def ground(
    dataset: str, printed: dict[str, str | None], ours: Ours, *, column: str = "m", without: Sequence[str] = ()
) -> Ground:
    """A column of a data set, higher is better; rows `without` a value of ours."""
    labels = list(printed)
    entries = tuple(
        Entry(label, label, None if text is None else Decimal(text), label not in without, at)
        for at, (label, text) in enumerate(printed.items())
    )
    pairs = tuple(Pair(labels.index(a), labels.index(b), 1.0, None, None, None, apart) for a, b, apart in ours)
    return Ground(dataset, column, column.upper(), True, entries, ColumnOrder((Standing(),) * len(labels), pairs))


def pairs(at_least: int | None = None, **more: Any) -> PairsClaim:
    pair = RowPair(row="new", against="old")
    return PairsClaim(id="c", text="t", source="s", kind="pairs", column="m", pairs=(pair,), at_least=at_least, **more)


PRINTED = {"new": "2", "old": "1"}
YES, NO, OPEN = [("new", "old", True)], [("old", "new", True)], [("new", "old", False)]


@pytest.mark.parametrize(
    ("ours", "at_least", "standing"),
    [
        ((YES, YES, YES), None, "holds"),
        ((YES, YES, NO), None, "fails"),
        ((YES, YES, NO), 2, "holds"),
        ((YES, NO, NO), 2, "fails"),
        ((YES, OPEN, NO), 2, "not-resolved"),
        ((YES, OPEN, YES), 2, "holds"),
        ((NO, OPEN, OPEN), 3, "fails"),
        ((YES, None, NO), 2, "not-run"),
        ((YES, YES, None), 2, "holds"),
        ((NO, NO, None), 2, "fails"),
        ((None, None, None), 1, "not-run"),
    ],
)
def test_a_claim_of_pairs_is_decided_as_soon_as_nothing_can_change_it(ours: Any, at_least: int | None, standing: str) -> None:
    grounds = [ground(f"d{at}", PRINTED, said or [], without=["old"] if said is None else []) for at, said in enumerate(ours)]
    found = check(pairs(at_least), grounds)
    assert found.standing == standing
    assert (found.printed, found.printed_why) == (True, "3 of 3 pairs")


def test_the_printed_values_are_counted_by_themselves() -> None:
    grounds = [
        ground("d1", {"new": "2", "old": "1"}, NO),
        ground("d2", {"new": "1", "old": "1"}, NO),
        ground("d3", {"new": None, "old": "1"}, NO),
    ]
    assert (check(pairs(1), grounds).printed, check(pairs(2), grounds).printed) == (True, False)
    assert check(pairs(), grounds).printed_why == "1 of 2 pairs", "equal ones are not better, a dash says nothing"
    assert check(pairs(), [grounds[2]]).printed is None
    one = check(pairs(datasets=("d1",)), grounds)
    assert (one.printed, one.why) == (True, "0 of 1 pairs, 1 the other way round")


def best(*columns: str, **more: Any) -> BestClaim:
    return BestClaim(id="c", text="t", source="s", kind="best", row="new", columns=columns or ("m",), **more)


THREE = {"new": "3", "old": "2", "other": "1"}


@pytest.mark.parametrize(
    ("ours", "without", "standing"),
    [
        ([("new", "old", True), ("new", "other", True)], (), "holds"),
        ([("new", "old", True), ("new", "other", False)], (), "not-resolved"),
        ([("old", "new", True), ("new", "other", True)], (), "fails"),
        ([("new", "old", True)], ("other",), "not-run"),
        ([("old", "new", True)], ("other",), "fails"),
        ([("old", "other", True)], ("new",), "not-run"),
    ],
)
def test_best_is_who_beats_every_published_row(ours: Ours, without: Sequence[str], standing: str) -> None:
    assert check(best(), [ground("d", THREE, ours, without=without)]).standing == standing


def test_best_names_who_is_printed_before_it() -> None:
    found = check(best("m", "n"), [ground("d", THREE, []), ground("d", {"new": "1", "old": "2", "other": "1"}, [], column="n")])
    assert (found.printed, found.printed_why) == (False, "1 of 2 columns")
    assert found.details[1] == "d, N: not told apart from old, other; printed: no, old 2, other 1 beside 1"


def test_the_same_published_row_made_twice_is_no_rival() -> None:
    twice = ground("d", THREE, [("new", "old", True), ("new", "other", True)])
    again = Entry("new, made here", "new", Decimal("3"), True, 3)
    found = check(best(), [Ground(**{**vars(twice), "entries": (*twice.entries, again)})])
    assert (found.standing, found.printed) == ("holds", True)


@pytest.mark.parametrize(
    ("table", "printed"),
    [
        (
            "sed-table1",
            {"sed-improves-lpips": (True, 18, 20), "sed-improves-psnr": (True, 17, 20), "sed-improves-ssim": (True, 17, 20)},
        ),
        (
            "seesr-table2",
            {"best-dists-and-fid": (False, 4, 6), "best-fid": (True, 3, 3), "best-musiq-and-clipiqa": (True, 8, 8)},
        ),
    ],
)
def test_printed_values_bear_claims_out_as_counted_in_the_papers(
    project: Any, table: str, printed: dict[str, tuple[bool, int, int]]
) -> None:
    """SeD: 18, 17 and 17 of 20, counted by hand from the figure; SeeSR: DISTS is best on DIV2K-Val alone."""
    card = project.table(table)
    found = assemble(project, card, project.profile("lite"), resolve(project, card.protocol), {})
    assert {claim.id: (claim.printed, claim.printed_why.split()[:3:2]) for claim in found.claims} == {
        name: (holds, [str(count), str(of)]) for name, (holds, count, of) in printed.items()
    }
    assert {claim.standing for claim in found.claims} == {"not-run"}


def test_printed_values_of_judges_bear_the_claim_out(project: Any) -> None:
    card = project.table("seesr-table3")
    found = assemble_semantic(project, card, project.profile("lite"), resolve_semantic(project, card.protocol), {})
    (claim,) = found.claims
    assert (claim.printed, claim.printed_why, claim.standing) == (True, "4 of 4 columns", "not-run")


def test_a_claim_is_decided_on_real_orders(house: Any) -> None:
    """Twenty pictures on which New is better by 1 dB each: told apart, whatever the printed values say."""
    names = [f"p{at:02d}" for at in range(20)]
    house.prepare("alpha", names)
    house.edit("datasets/alpha/dataset.yaml", count=20)
    for at, row in enumerate(("network", "network/wide@1")):
        house.score("alpha", row, "psnr", {name: 28 + at + 0.1 * (index % 5) for index, name in enumerate(names)})
        house.score("alpha", row, "lpips", {name: 0.3 + 0.01 * ((index + at) % 3) for index, name in enumerate(names)})
    common = {"text": "New beats Old", "source": "a test", "kind": "pairs", "pairs": [{"row": "New", "against": "Old"}]}
    claims = [{"id": "psnr", "column": "psnr", "datasets": ["Alpha"]}, {"id": "lpips", "column": "lpips"}]
    claims += [
        {"id": "both", "column": "psnr"},
        {"id": "reverse", "column": "psnr", "pairs": [{"row": "Old", "against": "New"}]},
    ]
    house.edit("tables/paper-table/table.yaml", claims=[common | claim for claim in claims])
    found = {claim.id: claim for claim in house.table("full", "paper-table").claims}
    assert {name: claim.standing for name, claim in found.items()} == {
        "psnr": "holds",
        "lpips": "not-resolved",
        "both": "not-run",
        "reverse": "fails",
    }
    assert {name: claim.printed for name, claim in found.items()} == {
        "psnr": True,
        "lpips": True,
        "both": True,
        "reverse": False,
    }
