"""Whether the conclusion depends on the judge, in words."""

from __future__ import annotations

from semsr.reproduction.semantic.agreement import Agreement, Dissent
from semsr.reproduction.semantic.table import Block, Comparison
from semsr.reproduction.semantic.wording import interval, name, number, verdict


def agreement_title(comparison: Comparison) -> str:
    """Which judges are compared."""
    return f"Does the conclusion depend on the judge? {comparison.judge} beside the table's"


def conclusions(block: Block, comparison: Comparison) -> list[str]:
    """In words, whether the order depends on the judge, a sentence or two a column."""
    if comparison.why:
        return [f"Not compared with {comparison.judge}: {comparison.why}."]
    first = block.first.judge
    return [f"{name(column)}: {_conclusion(first, comparison.judge, found)}" for column, found in comparison.columns]


def _conclusion(first: str, other: str, found: Agreement) -> str:
    told = (
        f"Of {found.pairs} pair{'s' if found.pairs > 1 else ''}, {first} resolves {found.resolved[0]}, {other} {found.resolved[1]}, both "
        f"{found.resolved[2]}."
    )
    if not found.dissents:
        return f"both judges give the same order, so the conclusion does not depend on which of the two is asked. {told}"
    pairs = "; ".join(_dissent(first, other, dissent) for dissent in found.dissents)
    by_both = [dissent for dissent in found.dissents if dissent.first.resolved and dissent.second.resolved]
    by_one = [dissent for dissent in found.dissents if dissent.first.resolved or dissent.second.resolved]
    if by_both:
        said = "the conclusion depends on the judge, and no choice of pictures explains it"
    elif by_one:
        said = "the conclusion depends on the judge where one of the two resolves the pair, and the other does not contradict it for sure"
    else:
        said = (
            "the judges differ only where neither resolves the pair, so nothing says that the conclusion depends on the judge"
        )
    return f"{said}. Ordered differently: {pairs}. {told}"


def _dissent(first: str, other: str, pair: Dissent) -> str:
    sides = (
        f"{judge} {number(by.value, 2, sign=True)} ({interval(by, 2) or 'no interval'}, {verdict(by)})"
        for judge, by in ((first, pair.first), (other, pair.second))
    )
    return f"{pair.upper} against {pair.lower}: {', '.join(sides)}"
