"""A table as pure data, ready to be written in any format: data sets × rows × columns × {published, ours}."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Literal

from semsr.assets.missing import MissingFile
from semsr.cards.method import Trust
from semsr.reproduction.claim import ClaimResult
from semsr.reproduction.reported import Published
from semsr.reproduction.result import Result
from semsr.reproduction.seeds import Contrast, Direction
from semsr.reproduction.statistics.order import ColumnOrder, Standing
from semsr.reproduction.verdict import Verdict

NO_STANDING = Standing()
Place = Literal[0, 1, 2]
"""1: best of its column, 2: second best, 0: neither (or the column holds fewer than two values to compare)."""

TRUST: dict[Trust, str] = {
    "L0": "copied from a paper",
    "L1": "measured on supplied outputs",
    "L2": "restored with published weights",
    "L3": "retrained here",
    "L4": "retrained elsewhere",
}


@dataclass(frozen=True)
class Column:
    """One metric of the table's protocol.

    Attributes:
        name: as in scores, protocol and reported.csv.
        how: what is measured: metric, version and every option, in words.
    """

    name: str
    direction: Direction
    unit: str
    metric: str
    version: int
    how: str

    @property
    def title(self) -> str:
        """The heading: the papers write the metrics' names in capitals."""
        return self.name.upper()

    @property
    def arrow(self) -> str:
        """Which way is better."""
        return "↑" if self.direction == "higher" else "↓"

    @property
    def heading(self) -> str:
        """Name, arrow and unit, as `PSNR ↑ [dB]`."""
        return f"{self.title} {self.arrow}" + (f" [{self.unit}]" if self.unit else "")


@dataclass(frozen=True)
class Cell:
    """One row under one column.

    Attributes:
        published: what the paper prints; None where it has no such cell; an empty text is a printed dash.
        result: what we have.
        text: our value as it is printed; empty without one.
        spread: the standard deviation over seeds as it is printed; empty where there is none.
        difference: ours minus published, from the unrounded value; None unless both exist and it is the same data set.
        published_place: best or second best among the published values; see `ranking.places`.
        place: 1 where our value is significantly the best of its column (`standing`), else 0: of the others nobody is second.
        marks: letters of the notes that belong to this cell.
        standing: whether our value is significantly the best of its column, or tied with the best; see `statistics.order`.
        verdict: what is said of the published value; None where there is none.
        result_id: names our value and everything it was made from (`semsr trace ID`); empty without one.
    """

    published: Published | None
    result: Result
    text: str = ""
    spread: str = ""
    difference: float | None = None
    published_place: Place = 0
    place: Place = 0
    published_marks: tuple[str, ...] = ()
    marks: tuple[str, ...] = ()
    standing: Standing = NO_STANDING
    verdict: Verdict | None = None
    result_id: str = ""

    @property
    def number(self) -> Decimal | None:
        """Our value as printed; None without one."""
        return Decimal(self.text) if self.text else None


@dataclass(frozen=True)
class Row:
    """One row of a data set's block.

    Attributes:
        published_as: the paper's name; None for a row of ours alone.
        trust: how far our values can be trusted; None where there are none.
        not_run: why there are none at all; empty where there are some.
        seeds: how many seeds it is trained or drawn with; 0 for what is restored once with weights that exist.
        sanity: it is there to check the set-up (bicubic, zoomed LR, HR itself) and takes part in no ranking.
    """

    label: str
    published_as: str | None
    method: str | None
    variant: str
    trust: Trust | None
    not_run: str
    cells: tuple[Cell, ...]
    seeds: int = 0
    sanity: bool = False


@dataclass(frozen=True)
class Difference:
    """One row minus another in one column.

    Attributes:
        published: the difference of the two published values, signed, with their digits; empty unless both are printed.
        contrast: of our values; None unless both rows have one.
        text, low, high: our difference and the ends of its interval as printed; empty where there is none.
        seeds: how many seeds of each row have a mean; 0 for what is not trained here.
        why: what stands in the way of a difference, or of a verdict on it.
    """

    column: Column
    published: str
    contrast: Contrast | None
    text: str = ""
    low: str = ""
    high: str = ""
    seeds: tuple[int, int] = (0, 0)
    why: str = ""


@dataclass(frozen=True)
class Comparison:
    """One row against another on one data set."""

    label: str
    row: Row
    against: Row
    differences: tuple[Difference, ...]


@dataclass(frozen=True)
class Block:
    """One data set of the table.

    Attributes:
        count: how many images ours has; None where it is not there.
        columns: those the paper has for this data set; all of the card's for a table of ours.
        not_run: why nothing of this data set was run; empty where something was.
        remark: what a reader must know before comparing.
        column_marks: letters of the notes that hold for a whole published column, by the column's name.
        comparisons: the pairs of rows that the card compares; empty where none of them has a value of ours.
        orders: what is known of the order under each column, by the column's name.
    """

    label: str
    published_as: str | None
    dataset: str
    count: int | None
    columns: tuple[Column, ...]
    rows: tuple[Row, ...]
    not_run: str = ""
    remark: str = ""
    column_marks: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    comparisons: tuple[Comparison, ...] = ()
    orders: Mapping[str, ColumnOrder] = field(default_factory=dict)

    @property
    def has_published(self) -> bool:
        """Whether there is any published value to show beside ours."""
        return any(cell.published is not None for row in self.rows for cell in row.cells)


@dataclass(frozen=True)
class Context:
    """Where the published values of a table of ours come from: other pictures, shown for orientation only."""

    table: str
    dataset: str
    why: str


@dataclass(frozen=True)
class Lack:
    """A file from outside that stood in the way of rows, by their labels."""

    file: MissingFile
    rows: tuple[str, ...]

    @property
    def line(self) -> str:
        """Everything about it."""
        return f"{self.file.line()} Needed by {', '.join(self.rows)}."


@dataclass(frozen=True)
class Table:
    """A whole table.

    Attributes:
        source: what the published values are copied from; empty for a table of ours.
        context: set where the published values are of other pictures, so that nothing here is a reproduction.
        not_run: why this profile's results can't stand in this table at all; empty where they can.
        footnotes: text of each mark.
        notes: remarks on the whole table.
        missing: each file from outside that stood in the way of a row.
        claims: what the paper says of its own table, and whether that holds.
    """

    id: str
    title: str
    source: str
    profile: str
    protocol: str
    protocol_hash: str
    protocol_title: str
    blocks: tuple[Block, ...]
    context: Context | None = None
    not_run: str = ""
    footnotes: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    missing: tuple[Lack, ...] = ()
    claims: tuple[ClaimResult, ...] = ()

    @property
    def columns(self) -> tuple[Column, ...]:
        """Every column that some block has, in the card's order."""
        return tuple(dict.fromkeys(column for block in self.blocks for column in block.columns))

    @property
    def trust(self) -> tuple[Trust, ...]:
        """The trust levels that occur."""
        ours = {row.trust for block in self.blocks for row in block.rows if row.trust}
        copied: set[Trust] = {"L0"} if any(block.has_published for block in self.blocks) else set()
        return tuple(sorted(ours | copied))

    @property
    def verdicts(self) -> tuple[Verdict, ...]:
        """Those of all cells that have one."""
        return tuple(cell.verdict for _, _, _, cell in self.cells() if cell.verdict is not None)

    def cells(self) -> Iterator[tuple[Block, Row, Column, Cell]]:
        """Every cell with where it stands."""
        for block in self.blocks:
            for row in block.rows:
                for column, cell in zip(block.columns, row.cells, strict=True):
                    yield block, row, column, cell
