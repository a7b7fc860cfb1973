"""What is known of the order of rows under one column."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Standing:
    """Where one row stands among the others of its column.

    Attributes:
        best: it is told apart from every other row and better than all of them.
        tied: it can't be told apart from the best row (or is that row), and there are several such rows.
        groups: letters as of a compact letter display: rows that share a letter can't be told apart; empty for a row
            that does not take part.
    """

    best: bool = False
    tied: bool = False
    groups: str = ""


@dataclass(frozen=True)
class Pair:
    """One row against another, over the same pictures (and over the seeds of those that have several).

    Attributes:
        upper, lower: positions of the rows; `upper` has the better mean.
        difference: upper's mean minus lower's, in the metric's unit.
        low, high: its 95 % interval; None where there is none.
        p: that of the test, Holm-corrected over all pairs of the column; None where there is none.
        apart: whether the two are told apart.
        why: what stands in the way, where it is not simply the test.
    """

    upper: int
    lower: int
    difference: float
    low: float | None
    high: float | None
    p: float | None
    apart: bool
    why: str = ""


@dataclass(frozen=True)
class RankAgreement:
    """Whether our values put the published rows in the published order.

    Attributes:
        tau: Kendall's tau-b over rows that have both values; None with fewer than two of them.
        low, high: its 95 % interval over draws of pictures; None where there is none.
        rows: how many rows it is over.
        why: why there is none, or no interval.
    """

    tau: float | None
    low: float | None
    high: float | None
    rows: int
    why: str = ""


@dataclass(frozen=True)
class ColumnOrder:
    """Everything that is known of the order under one column of a data set's block; rows by their position in the block."""

    standings: tuple[Standing, ...]
    pairs: tuple[Pair, ...]
    agreement: RankAgreement | None = None
