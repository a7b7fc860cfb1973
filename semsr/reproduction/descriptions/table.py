"""A table of descriptions as pure data, ready to be written in any format: data sets × rows × {the paper's marks, our measures}."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from semsr.cards.method import Trust
from semsr.reproduction.descriptions.bootstrap import Estimate
from semsr.reproduction.descriptions.measures import Mark, Measure


@dataclass(frozen=True)
class Value:
    """One measure of one row.

    Attributes:
        estimate: what was measured; None where nothing was.
        reason: why there is no value; empty where there is one.
    """

    measure: Measure
    estimate: Estimate | None
    reason: str = ""

    @property
    def text(self) -> str:
        """The value as printed; empty without one."""
        number = self.estimate.value if self.estimate else None
        return "" if number is None else f"{number:.{self.measure.decimals}f}"

    @property
    def interval(self) -> str:
        """The ends of its interval as printed, "low to high"; empty where there is none."""
        if self.estimate is None or self.estimate.low is None or self.estimate.high is None:
            return ""
        digits = self.measure.decimals
        return f"{self.estimate.low:.{digits}f} to {self.estimate.high:.{digits}f}"


@dataclass(frozen=True)
class Row:
    """One way to put pictures into words.

    Attributes:
        describer: what describes, as the method's card calls it.
        marks: the paper's; empty for a row of ours alone.
        trust: how far our values can be trusted; None where there are none.
        not_run: why there are none; empty where there are some.
        notes: letters of the footnotes that say more of that: a file each.
        weights: what it was made with: ids and hashes.
    """

    label: str
    published_as: str | None
    description: str
    describer: str
    marks: Mapping[Mark, str]
    trust: Trust | None
    not_run: str
    values: tuple[Value, ...]
    notes: tuple[str, ...] = ()
    weights: tuple[str, ...] = ()


@dataclass(frozen=True)
class Block:
    """One data set; `not_run` says why nothing of it was described."""

    label: str
    dataset: str
    count: int | None
    rows: tuple[Row, ...]
    not_run: str = ""
    remark: str = ""


@dataclass(frozen=True)
class DescriptionTable:
    """A whole table.

    Attributes:
        source: what the marks are copied from; empty without marks.
        context: why marks of another table stand here; empty where they are the table's own.
        not_run: why this profile's results can't stand in this table at all; empty where they can.
        reference: what the describer is called whose tags are the reference.
        footnotes: text of each letter.
    """

    id: str
    title: str
    source: str
    profile: str
    method: str
    reference: str
    measures: tuple[Measure, ...]
    blocks: tuple[Block, ...]
    context: str = ""
    not_run: str = ""
    footnotes: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
