"""All judges over all rows of a data set."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from semsr.evaluation.lints import arrangement, colour, copies, levels, position, tone, traces
from semsr.evaluation.lints.copies import NamedRow, RowName
from semsr.evaluation.lints.finding import SEVERITIES, Finding
from semsr.evaluation.lints.row import RowLooks

Judge = Callable[[RowLooks], list[Finding]]

_WRECKS: tuple[Judge, ...] = (levels.blank, arrangement.judge, levels.lost_part, colour.grey, colour.swapped)
"""What makes a picture so unlike its original that other lints would see faults everywhere: the picture is left out of what follows."""


def judge_rows(rows: Sequence[NamedRow]) -> dict[RowName, tuple[Finding, ...]]:
    """The findings of each row, grave ones first.

    Args:
        rows: all rows of one data set, in an order that does not change; a copy is said of the later one.
    """
    together: Mapping[RowName, list[Finding]] = copies.judge_together(rows)
    return {each.name: _ordered([*judge_row(each.row), *together[each.name]], each.checks) for each in rows}


def judge_row(row: RowLooks) -> list[Finding]:
    """What is wrong with one row by itself; of a fault and what follows from it, the fault."""
    findings: list[Finding] = []
    rest = row
    for judge in _WRECKS:
        if len(rest):
            found = judge(rest)
            findings += found
            rest = rest.without({name for each in found for name in each.pictures})
    if not len(rest):
        return findings
    if not any(each.lint == "channels" and not each.pictures for each in findings):
        # An empty border of a few pixels changes the means of the cells at the edge.
        bordered = {name for each in traces.empty_edges(rest) for name in each.pictures}
        findings += _tones(rest.without(bordered))
    return [*findings, *position.judge(rest), *traces.judge(rest), *copies.judge(rest)]


def _tones(row: RowLooks) -> list[Finding]:
    if not len(row):
        return []
    if limited := levels.limited_range(row):
        return limited
    tones = tone.judge(row)
    return [*tones, *colour.cast(row, bent=any(not each.pictures for each in tones))]


def _ordered(findings: list[Finding], checks: bool) -> tuple[Finding, ...]:
    """A row that only enlarges in order to check the set-up is not told so."""
    kept = [each for each in findings if not (checks and each.lint == "only-enlarged")]
    return tuple(sorted(kept, key=lambda each: SEVERITIES.index(each.severity)))
