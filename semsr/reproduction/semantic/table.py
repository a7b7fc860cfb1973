"""A table of what judges see as pure data: data sets × judges × rows × columns, with shares, objects, order and agreement."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from semsr.cards.method import Trust
from semsr.reproduction.claim import ClaimResult
from semsr.reproduction.reported import Published
from semsr.reproduction.result import Status
from semsr.reproduction.seeds import Spread, spread_of
from semsr.reproduction.semantic.agreement import Agreement, Step
from semsr.reproduction.semantic.shares import Drawn
from semsr.reproduction.statistics.order import ColumnOrder, Standing
from semsr.reproduction.table import NO_STANDING, Column, Lack, Place
from semsr.reproduction.verdict import Verdict

Role = Literal["ceiling", "floor", "row"]
"""What a row is: the judge on HR, on zoomed LR, or on a restoration."""
NOTHING = Drawn(None)


@dataclass(frozen=True)
class Cell:
    """One row under one column, by one judge.

    Attributes:
        status: as of other tables' cells; only "reproduced" has a value.
        reason: why there is no value.
        drawn: our value in percent, of several seeds their mean.
        text: as it is printed; empty without one.
        spread_text: the standard deviation over seeds as it is printed; empty where there is none.
        seeds: each seed's value; empty for what is restored once.
        published: what the paper prints; None where it has no such cell.
        difference: ours minus published, from the unrounded value.
        share: how far from floor to ceiling, in percent; None for those two themselves, and without a value.
        published_share: the same of the published values, as far as their digits go.
        published_place: best or second best of the restorations' published values, see `semsr.reproduction.ranking.places`.
        place: 1 where our value is significantly the best of the restorations (`standing`), else 0.
        published_marks, marks: letters of the notes that belong to this cell.
        standing: whether our value is significantly the best of its column, or tied with the best.
        verdict: what is said of the published value; None where there is none.
        result_id: names our value and everything it was made from (`semsr trace ID`); empty without one.
    """

    status: Status
    reason: str = ""
    drawn: Drawn = NOTHING
    text: str = ""
    spread_text: str = ""
    seeds: tuple[float, ...] = ()
    published: Published | None = None
    difference: float | None = None
    share: Drawn | None = None
    published_share: float | None = None
    published_place: Place = 0
    place: Place = 0
    published_marks: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    standing: Standing = NO_STANDING
    verdict: Verdict | None = None
    result_id: str = ""

    @property
    def spread(self) -> Spread | None:
        """How the seeds' values lie; None with fewer than two."""
        return None if self.drawn.value is None else spread_of(self.seeds)


@dataclass(frozen=True)
class Row:
    """One row as one judge sees it.

    Attributes:
        method, variant: what it is made with; of the ceiling "reference" and "hr".
        trust: how far its values can be trusted; None where there are none, and for the ceiling.
        not_run: why there are none; empty where there are some.
        cells: one a column.
        objects: omission, hallucination and improvement; empty for the ceiling.
        seeds: how many seeds it is trained or drawn with; 0 for what is restored once.
        sanity: it checks the set-up (ceiling, floor, other interpolations) and takes part in no ranking of ours.
    """

    label: str
    published_as: str | None
    role: Role
    method: str | None
    variant: str
    trust: Trust | None
    not_run: str
    cells: tuple[Cell, ...]
    objects: tuple[Cell, ...] = ()
    seeds: int = 0
    sanity: bool = False


@dataclass(frozen=True)
class Judgement:
    """Everything one judge says of a data set.

    Attributes:
        judge, title: the segmenter's id and title.
        weights: what it was made with: ids and hashes.
        not_run: why it said nothing; empty where it did.
        columns: those of the table.
        rows: ceiling and floor first, a cell a column.
        lacks: why, by column that it has no answer for.
        vanished: how many annotated segments and objects (by that word) have no pixel left at the size of comparison.
        order: each row but the ceiling against the next one, by `order_by`, best first; empty where there is nothing to order.
        order_by: the first column that it has; None without any.
        orders: what is known of the order under each column, by the column's name; rows by their position in `rows`.
    """

    judge: str
    title: str
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    not_run: str = ""
    weights: tuple[str, ...] = ()
    lacks: Mapping[str, str] = field(default_factory=dict)
    vanished: Mapping[str, int] = field(default_factory=dict)
    order: tuple[Step, ...] = ()
    order_by: Column | None = None
    orders: Mapping[str, ColumnOrder] = field(default_factory=dict)

    @property
    def ran(self) -> bool:
        """Whether there is any value."""
        return any(cell.drawn.value is not None for row in self.rows for cell in row.cells)


@dataclass(frozen=True)
class Comparison:
    """The table's judge and another one. `columns`: how they agree, by column that both have; `why`: why there is none."""

    judge: str
    title: str
    columns: tuple[tuple[Column, Agreement], ...] = ()
    why: str = ""


@dataclass(frozen=True)
class Block:
    """One data set.

    Attributes:
        count: how many pictures it has; None where it is not there.
        draws: how many draws of them the intervals are over.
        manifest: SHA-256 of the prepared data set's manifest.
        judgements: the table's judge first.
        comparisons: it and each other judge; empty where it said nothing.
        not_run: why nothing of the data set was run.
        remark: what a reader must know before comparing.
    """

    label: str
    published_as: str | None
    dataset: str
    count: int | None
    draws: int
    manifest: str
    judgements: tuple[Judgement, ...]
    comparisons: tuple[Comparison, ...] = ()
    not_run: str = ""
    remark: str = ""

    @property
    def first(self) -> Judgement:
        """What the table's own judge says."""
        return self.judgements[0]

    @property
    def has_published(self) -> bool:
        """Whether there is any published value to show."""
        return any(cell.published for row in self.first.rows for cell in row.cells)


@dataclass(frozen=True)
class SemanticTable:
    """A whole table.

    Attributes:
        source: what the published values are copied from; empty for a table of ours.
        protocol_says: thresholds and the size of annotations, in words.
        objects: columns that every row but the ceiling has beside the protocol's.
        not_run: why this profile's results can't stand in this table at all; empty where they can.
        footnotes: text of each letter.
        missing: each file from outside that stood in the way of a row or a judge.
        claims: what is said of the table, and whether that holds by its own judge.
    """

    id: str
    title: str
    source: str
    profile: str
    protocol: str
    protocol_hash: str
    protocol_title: str
    protocol_says: tuple[tuple[str, str], ...]
    columns: tuple[Column, ...]
    objects: tuple[Column, ...]
    blocks: tuple[Block, ...]
    not_run: str = ""
    footnotes: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    missing: tuple[Lack, ...] = ()
    claims: tuple[ClaimResult, ...] = ()

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Those of all cells that have one."""
        cells = (cell for block in self.blocks for said in block.judgements for row in said.rows for cell in row.cells)
        return tuple(cell.verdict for cell in cells if cell.verdict is not None)
