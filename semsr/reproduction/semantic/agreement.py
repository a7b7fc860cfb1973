"""Whether two judges put the rows in the same order, and how much of that the choice of pictures decides."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations, pairwise

import numpy as np

from semsr.reproduction.seeds import Direction
from semsr.reproduction.semantic.shares import Drawn, Draws, difference, drawn
from semsr.reproduction.statistics.agreement import tau


@dataclass(frozen=True)
class Step:
    """Two rows by name: `upper` minus `lower` in one column, and whether the pictures suffice to tell them apart."""

    upper: str
    lower: str
    difference: Drawn

    @property
    def resolved(self) -> bool:
        """Whether the interval of the difference is without 0."""
        return self.difference.resolved


@dataclass(frozen=True)
class Dissent:
    """A pair of rows that two judges order differently: `upper` is the one that the first judge puts first."""

    upper: str
    lower: str
    first: Drawn
    second: Drawn


@dataclass(frozen=True)
class Agreement:
    """How two judges order the rows by one column.

    Attributes:
        rows: those that both have a value for.
        orders: their labels, best first, by the first judge and by the other.
        tau: Kendall's tau-b of the rows' values, from -1 (opposite) to 1 (the same order).
        dissents: the pairs that they order differently.
        resolved: how many pairs the first judge tells apart, the other, and both (the same way or not).
    """

    rows: tuple[str, ...]
    orders: tuple[tuple[str, ...], tuple[str, ...]]
    tau: Drawn
    dissents: tuple[Dissent, ...]
    resolved: tuple[int, int, int]

    @property
    def pairs(self) -> int:
        """How many pairs of rows there are."""
        return len(self.rows) * (len(self.rows) - 1) // 2


def ordered(values: Mapping[str, Draws], direction: Direction) -> tuple[str, ...]:
    """The rows that have a value, best first; equal ones stay in their order."""
    sign = -1 if direction == "higher" else 1
    known = [row for row, draws in values.items() if np.isfinite(draws[0])]
    return tuple(sorted(known, key=lambda row: sign * values[row][0]))


def steps(values: Mapping[str, Draws], direction: Direction) -> tuple[Step, ...]:
    """Each row of the order against the next one, paired: the same draws of pictures on both sides."""
    order = ordered(values, direction)
    return tuple(Step(upper, lower, difference(values[upper], values[lower])) for upper, lower in pairwise(order))


def kendall(first: Sequence[Draws], second: Sequence[Draws]) -> Drawn:
    """Kendall's tau-b between two judges' values of the same rows, with its interval over draws of pictures.

    Both judges see the same draw of pictures, so that draw k of one belongs to draw k of the other. Draws in which one judge gives all
    rows the same value have no tau and are left out.

    Args:
        first, second: (R + 1,) a row, the rows in the same order.
    """
    if len(first) < 2:
        return Drawn(None, reason="fewer than two rows have values by both judges")
    found = tau(np.stack(first, axis=1), np.stack(second, axis=1))
    return drawn(found, "one of the judges gives all rows the same value")


def agree(first: Mapping[str, Draws], second: Mapping[str, Draws], direction: Direction) -> Agreement:
    """Compare two judges by one column.

    Args:
        first, second: values by row, of the same draws of the same pictures.
        direction: which way is better.
    """
    rows = [row for row in first if row in second and np.isfinite(first[row][0]) and np.isfinite(second[row][0])]
    ours, others = ({row: values[row] for row in rows} for values in (first, second))
    dissents, counts = [], [0, 0, 0]
    for upper, lower in combinations(ordered(ours, direction), 2):
        by_first, by_second = difference(ours[upper], ours[lower]), difference(others[upper], others[lower])
        told = by_first.resolved, by_second.resolved
        counts = [had + now for had, now in zip(counts, (*told, all(told)), strict=True)]
        if np.sign(by_first.value or 0) != np.sign(by_second.value or 0):
            dissents.append(Dissent(upper, lower, by_first, by_second))
    return Agreement(
        rows=tuple(rows),
        orders=(ordered(ours, direction), ordered(others, direction)),
        tau=kendall(list(ours.values()), list(others.values())),
        dissents=tuple(dissents),
        resolved=(counts[0], counts[1], counts[2]),
    )
