"""All judges over all rows of a data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from semsr.evaluation.lints import arrangement, colour, copies, levels, position, tone, traces
from semsr.evaluation.lints.copies import NamedRow, RowName
from semsr.evaluation.lints.finding import SEVERITIES, Finding
from semsr.evaluation.lints.row import RowLooks

JUDGES: tuple[Callable[[RowLooks], list[Finding]], ...] = (
    levels.judge,
    arrangement.judge,
    position.judge,
    colour.judge,
    tone.judge,
    traces.judge,
    copies.judge,
)


def judge_rows(rows: Sequence[NamedRow]) -> dict[RowName, tuple[Finding, ...]]:
    """The findings of each row, grave ones first.

    Args:
        rows: all rows of one data set, in an order that does not change; a copy is said of the later one.
    """
    together: Mapping[RowName, list[Finding]] = copies.judge_together(rows)
    return {each.name: _ordered([*judge_row(each.row), *together[each.name]], each.checks) for each in rows}


def judge_row(row: RowLooks) -> list[Finding]:
    """What is wrong with one row by itself."""
    if not len(row):
        return []
    return [finding for judge in JUDGES for finding in judge(row)]


def _ordered(findings: list[Finding], checks: bool) -> tuple[Finding, ...]:
    """A row that only enlarges in order to check the set-up is not told so."""
    kept = [each for each in findings if not (checks and each.lint == "only-enlarged")]
    return tuple(sorted(kept, key=lambda each: SEVERITIES.index(each.severity)))
