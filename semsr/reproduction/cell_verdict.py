"""The verdict on one published value."""

from __future__ import annotations

from decimal import Decimal

from semsr.cards.method import Trust
from semsr.cards.metric import MetricCard
from semsr.reproduction.forensics.explanation import Explanation
from semsr.reproduction.reported import Published
from semsr.reproduction.result import Status
from semsr.reproduction.tolerance import half_unit, unknown
from semsr.reproduction.verdict import Tolerance, Verdict

OF_PICTURES = ("distribution",)
"""Kinds of metrics whose value depends on how many pictures there are."""


def verdict_of(
    published: Published,
    tolerance: Tolerance,
    value: float,
    unit: str = "",
    explanation: Explanation | None = None,
) -> Verdict:
    """Compare a published value with ours, which may be compared (see `incomparable`).

    Rules in this order: the published value is what ours rounds to, or they lie within what rounding, metric and machine allow:
    reproduced. Within that and the spread over seeds: within noise. Another way of measuring our pictures gives it: only under another
    protocol. Else not reproduced.

    Args:
        published: a printed number.
        tolerance: as of `semsr.reproduction.tolerance.tolerance_of`.
        value: ours, unrounded.
        unit: of both, for the sentence.
        explanation: what `semsr explain` found for this very value and this published one.
    """
    number = published.number
    if number is None:
        raise ValueError("a printed dash can't be compared with")
    # `repr` is the shortest decimal that is this float: an exact half, as 0.1205 beside 0.120, stays one.
    away = abs(Decimal(repr(value)) - number)
    exact = max(half_unit(published), Decimal(repr(tolerance.measuring)))
    why = _difference(value, number, tolerance, unit)
    if away <= exact:
        return Verdict("reproduced", why, tolerance)
    if away <= Decimal(repr(tolerance.whole)):
        return Verdict("within-noise", why, tolerance)
    if explanation is not None and (best := explanation.best) is not None:
        found = f"{why}; {best.says} gives {best.value:.{published.decimals + 1}f}"
        return Verdict("other-protocol", found, tolerance, explained_by=best.says)
    tried = f"; none of {len(explanation.alternatives)} other ways of measuring gives it" if explanation is not None else ""
    return Verdict("not-reproduced", why + tried, tolerance)


def not_run(status: Status, reason: str) -> Verdict:
    """There is no value of ours to compare with: because of `reason`."""
    said = {"incomplete": "incomplete: ", "not-available": "not available: ", "refused": "refused: ", "stale": "stale: "}
    return Verdict("not-run", said.get(status, "") + reason)


def incomparable(
    metric: MetricCard, trust: Trust | None, pictures: str = "", count: int | None = None, published_count: int | None = None
) -> str:
    """Why a published value and ours can't be compared, whatever they are; empty where they can.

    Args:
        metric: of both.
        trust: of our row.
        pictures: why the pictures are not the paper's; empty where they are.
        count: how many pictures ours is over.
        published_count: how many the paper's is over; None where that is not known.
    """
    if pictures:
        return pictures
    if trust == "L0":
        return "our value is copied from a paper itself"
    if trust == "L4":
        return "our row was retrained elsewhere, so it is not the paper's and not ours to answer for"
    if metric.reference in OF_PICTURES and (published_count is None or count != published_count):
        theirs = (
            "it is not known how many the paper's is over"
            if published_count is None
            else f"the paper's is over {published_count}"
        )
        return f"{metric.title} depends on the number of pictures: ours is over {count}, {theirs}"
    return ""


def _difference(value: float, number: Decimal, tolerance: Tolerance, unit: str) -> str:
    parts = ", ".join(f"{part.name} {part.size:.2g}" for part in tolerance.parts)
    without = f"; not known: {', '.join(gone)}" if (gone := unknown(tolerance)) else ""
    units = f" {unit}" if unit else ""
    return f"ours minus published {value - float(number):+.4g}{units}, allowed {tolerance.whole:.2g}{units} ({parts}{without})"
