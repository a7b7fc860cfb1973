"""The sentences about verdicts, claims, standings and stale values, the same in every format and for every kind of table."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from semsr.reproduction.claim import ClaimResult, ClaimStanding
from semsr.reproduction.differences import MINUS
from semsr.reproduction.statistics.order import ColumnOrder, Standing
from semsr.reproduction.verdict import SAID, Verdict, VerdictKind
from semsr.reproduction.verdicts import counted

SIGNS: Mapping[VerdictKind, str] = {"reproduced": "✓", "within-noise": "≈", "other-protocol": "↔", "not-reproduced": "✗"}
"""What stands beside a value of ours; nothing where it can't be compared or was not run."""
TIED = "°"
CLAIMS = "Claims"
STALE = "Stale"

_MEANING: Mapping[VerdictKind, str] = {
    "reproduced": "ours rounds to the published value, or lies within what rounding, the metric's noise and the machine's allow",
    "within-noise": "ours lies within that and the spread over our seeds together",
    "other-protocol": "another way of measuring the same pictures gives the published value (`semsr explain`)",
    "not-reproduced": "ours differs by more, and nothing that was tried explains it",
}
_STANDS: Mapping[ClaimStanding, str] = {
    "holds": "holds here",
    "fails": "fails here",
    "not-resolved": "not resolved here",
    "not-run": "not run here",
}
ORDER = (
    "Ours: bold where a row is told apart from every other one and better than it, by paired tests over the pictures (and over seeds, "
    f"where a row has several), Holm-corrected over all pairs of rows of the column; {TIED} where a row is the best or can't be told apart "
    "from it, and there are several such rows."
)


def sign(verdict: Verdict | None) -> str:
    """The mark of a verdict; empty where there is none to show."""
    return SIGNS.get(verdict.kind, "") if verdict is not None else ""


def tied(standing: Standing) -> str:
    """The mark of a row that shares the best place."""
    return TIED if standing.tied and not standing.best else ""


def verdict_lines(verdicts: Sequence[Verdict]) -> list[str]:
    """How many published values were judged how, and what the marks mean; empty where nothing is published."""
    if not verdicts:
        return []
    found = counted(verdicts)
    listed = ", ".join(f"{count} {SAID[kind]}" for kind, count in found.items())
    lines = [f"Verdicts on {len(verdicts)} published value{'s' if len(verdicts) > 1 else ''}: {listed}."]
    if any(kind in SIGNS for kind in found):
        meant = "; ".join(f"{mark} {SAID[kind]}: {_MEANING[kind]}" for kind, mark in SIGNS.items() if kind in found)
        lines.append(
            f"{meant}. Without a mark: not comparable, or not run. What each tolerance is made of stands in the CSV; a "
            "part that nothing is known of counts as 0."
        )
    return lines


def claim_line(claim: ClaimResult) -> tuple[str, str]:
    """(the claim, what is left of it)."""
    said = f"{_STANDS[claim.standing]} ({claim.why})."
    if claim.printed is None:
        return claim.text, said
    return claim.text, f"{said} The printed values {'' if claim.printed else 'do not '}bear it out ({claim.printed_why})."


def agreement_line(orders: Mapping[str, ColumnOrder], headings: Mapping[str, str]) -> str:
    """Whether our values put the published rows in the published order, by column; empty where no column can say.

    Args:
        orders: by column.
        headings: what each column is called, in the order of the table.
    """
    found = []
    for name, heading in headings.items():
        agreement = orders[name].agreement if name in orders else None
        if agreement is None or agreement.tau is None:
            continue
        known = agreement.low is not None and agreement.high is not None
        ends = f" [{agreement.low:.2f}, {agreement.high:.2f}]" if known else ""
        number = f"{agreement.tau:.2f}{ends}".replace("-", MINUS)
        found.append(f"{heading} {number} over {agreement.rows} rows")
    return f"Kendall's τ between the published and our order, with its 95 % interval: {'; '.join(found)}." if found else ""


def stale_lines(cells: Iterable[tuple[str, str]]) -> list[str]:
    """What is stale, a line a reason.

    Args:
        cells: of each stale cell, what it is and why.
    """
    reasons: dict[str, list[str]] = {}
    for what, reason in cells:
        reasons.setdefault(reason, []).append(what)
    return [f"{', '.join(whats)}: {reason}" for reason, whats in reasons.items()]
