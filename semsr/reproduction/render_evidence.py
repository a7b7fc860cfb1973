"""What stands behind verdicts on orders and claims, as tidy CSV: every pair of rows, agreement with the paper's order, every claim."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from semsr.reproduction.claim import ClaimResult
from semsr.reproduction.render_csv import as_csv, number
from semsr.reproduction.statistics.order import ColumnOrder
from semsr.reproduction.table import Column

CLAIMS_HEADER = ("table", "profile", "claim", "text", "printed", "printed_why", "standing", "why", "details")
"""`printed`: whether the published values themselves bear it out (yes, no, or empty where they can't say); `standing`: holds, fails,
not-resolved or not-run by ours; `details`: a case each, separated by " | "."""

ORDER_HEADER = (
    "table",
    "profile",
    "dataset",
    "judge",
    "metric",
    "what",
    "row",
    "against",
    "value",
    "interval_low",
    "interval_high",
    "p_holm",
    "apart",
    "rows",
    "reason",
)
"""`what` is `pair` (the better row minus the other; `p_holm` is corrected over the pairs of the column) or `agreement` (Kendall's tau-b
between our values and the published ones of `rows` rows)."""


@dataclass(frozen=True)
class Ordered:
    """The orders of a data set's columns, by one judge or none; `rows`: what the positions in the orders stand for."""

    dataset: str
    judge: str
    rows: Sequence[str]
    columns: Sequence[Column]
    orders: Mapping[str, ColumnOrder]


def render_claims(table: str, profile: str, claims: Sequence[ClaimResult]) -> str:
    """A line a claim; empty where there are none."""
    told = {True: "yes", False: "no", None: ""}
    lines = [
        [
            table,
            profile,
            claim.id,
            claim.text,
            told[claim.printed],
            claim.printed_why,
            claim.standing,
            claim.why,
            " | ".join(claim.details),
        ]
        for claim in claims
    ]
    return as_csv(CLAIMS_HEADER, lines) if lines else ""


def render_pairs(table: str, profile: str, ordered: Iterable[Ordered]) -> str:
    """A line a pair of rows and a line an agreement; empty where there are none."""
    lines = [[table, profile, *line] for each in ordered for line in _lines(each)]
    return as_csv(ORDER_HEADER, lines) if lines else ""


def _lines(each: Ordered) -> Iterator[list[object]]:
    for column in each.columns:
        if (order := each.orders.get(column.name)) is None:
            continue
        where = each.dataset, each.judge, column.name
        for pair in order.pairs:
            ends = number(pair.difference), number(pair.low), number(pair.high), number(pair.p)
            names = each.rows[pair.upper], each.rows[pair.lower]
            yield [*where, "pair", *names, *ends, "yes" if pair.apart else "no", "", pair.why]
        if (found := order.agreement) is not None:
            ends = number(found.tau), number(found.low), number(found.high), ""
            yield [*where, "agreement", "", "", *ends, "", found.rows, found.why]
