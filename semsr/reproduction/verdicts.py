"""The verdicts on a data set's published values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from semsr.cards.method import Trust
from semsr.cards.metric import MetricCard
from semsr.evaluation.protocol import ResolvedColumn
from semsr.reproduction.cell_verdict import incomparable, not_run, verdict_of
from semsr.reproduction.forensics.explanation import Explanation
from semsr.reproduction.reported import Published
from semsr.reproduction.result import Result
from semsr.reproduction.table import Block
from semsr.reproduction.tolerance import tolerance_of
from semsr.reproduction.verdict import SAID, Part, Verdict, VerdictKind

Explained = Mapping[tuple[str, str, str], Explanation]
"""What `semsr explain` found, by result id, published value as printed, and column."""


@dataclass(frozen=True)
class Grounds:
    """What the verdicts on one data set rest on, besides the values.

    Attributes:
        pictures: why its pictures are not the paper's; empty where they are.
        published_count: how many pictures the paper's values are over; None where that is not known.
        explained: other ways of measuring that give published values.
        machine: machine noise that was measured, by metric id.
    """

    pictures: str = ""
    published_count: int | None = None
    explained: Explained = field(default_factory=dict)
    machine: Mapping[str, Part] = field(default_factory=dict)


def with_verdicts(block: Block, columns: Sequence[ResolvedColumn], grounds: Grounds) -> Block:
    """Say of each published value of a data set whether it is reproduced; `columns`: resolved, those of the block among them."""
    resolved = {column.name: column for column in columns}
    metrics = [resolved[column.name].metric for column in block.columns]
    rows = []
    for row in block.rows:
        cells = [
            replace(cell, verdict=on(cell.published, metric, cell.result, row.trust, column.name, cell.result_id, grounds))
            for column, metric, cell in zip(block.columns, metrics, row.cells, strict=True)
        ]
        rows.append(replace(row, cells=tuple(cells)))
    return replace(block, rows=tuple(rows))


def on(
    published: Published | None,
    metric: MetricCard,
    result: Result,
    trust: Trust | None,
    column: str,
    result_id: str,
    grounds: Grounds,
) -> Verdict | None:
    """The verdict on one cell; None where the paper has no value there, or a dash."""
    if published is None or published.number is None:
        return None
    if result.value is None:
        return not_run(result.status, result.reason)
    if why := incomparable(metric, trust, grounds.pictures, result.count, grounds.published_count):
        return Verdict("not-comparable", why)
    tolerance = tolerance_of(published, metric, seeds=result.seeds, count=result.count, machine=grounds.machine)
    explanation = grounds.explained.get((result_id, published.text, column)) if result_id else None
    return verdict_of(published, tolerance, result.value, metric.unit, explanation)


def counted(verdicts: Iterable[Verdict | None]) -> dict[VerdictKind, int]:
    """How many there are of each kind, best first; kinds that do not occur are left out."""
    found = Counter(verdict.kind for verdict in verdicts if verdict is not None)
    return {kind: found[kind] for kind in SAID if found[kind]}
