"""From tests of all pairs of a column to its order: Holm's correction, groups that can't be told apart, best and tied rows."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from semsr.reproduction.seeds import Direction
from semsr.reproduction.statistics.letters import letters
from semsr.reproduction.statistics.order import Pair, Standing

LEVEL = 0.05
"""Of the family of a column's pairs: how often at most any two equal rows are told apart."""


@dataclass(frozen=True)
class PairTest:
    """One pair by itself: the first row minus the second.

    Attributes:
        low, high: ends of the 95 % interval of the difference, not corrected for the number of pairs; None where there is none.
        p: two-sided; None where there is no test.
        why: what stands in the way of telling the two apart, whatever p is; empty where nothing does.
    """

    low: float | None = None
    high: float | None = None
    p: float | None = None
    why: str = ""


def ranked(values: Sequence[float | None], direction: Direction) -> tuple[int, ...]:
    """Positions of the rows that have a value, best first; equal ones stay in their order."""
    sign = -1 if direction == "higher" else 1
    known = [(sign * value, at) for at, value in enumerate(values) if value is not None and not math.isnan(value)]
    return tuple(at for _, at in sorted(known))


def order(
    values: Sequence[float | None],
    direction: Direction,
    tests: Mapping[tuple[int, int], PairTest],
    taking_part: Collection[int],
) -> tuple[tuple[Standing, ...], tuple[Pair, ...]]:
    """Tell rows apart, and say which are best.

    Holm's (1979) correction is over all pairs of the column that have a p value. A row is the best one if it is told apart from every other
    row that has a value. If the row with the best value is not, it and those that it is not told apart from are tied: which of them
    is best can't be said. If that row takes no part (a value that no test can be made of), nobody is best or tied. Being told apart
    is no order by itself: of three tied rows, two may be told apart while neither is from the third.

    Args:
        values: of each row, in the metric's unit; None (or NaN): it has none.
        direction: which way is better.
        tests: by positions of the rows, the better value first (`ranked`); of every pair that has values.
        taking_part: rows that are tested at all; the others get no letters.

    Returns:
        The standing of each row, and every pair of rows that have values, best first.
    """
    from statsmodels.stats.multitest import multipletests

    rows = ranked(values, direction)
    counted = [pair for pair, test in tests.items() if test.p is not None]
    corrected = multipletests([tests[pair].p for pair in counted], method="holm")[1] if counted else ()
    holm = {pair: float(p) for pair, p in zip(counted, corrected, strict=True)}
    pairs = []
    for at, upper in enumerate(rows):
        for lower in rows[at + 1 :]:
            test, p = tests[upper, lower], holm.get((upper, lower))
            apart = p is not None and p < LEVEL and not test.why and values[upper] != values[lower]
            difference = (values[upper] or 0.0) - (values[lower] or 0.0)
            pairs.append(Pair(upper, lower, difference, test.low, test.high, p, apart, test.why))
    apart_pairs = {(pair.upper, pair.lower) for pair in pairs if pair.apart}
    inside = [row for row in rows if row in taking_part]
    groups = letters(inside, [pair for pair in apart_pairs if pair[0] in taking_part and pair[1] in taking_part])
    first = rows[0] if rows else None
    tied = {first} | {row for row in inside if (first, row) not in apart_pairs} if first in taking_part else set()
    best = len(rows) > 1 and all((first, row) in apart_pairs for row in rows[1:])
    standings = tuple(
        Standing(best=best and row == first, tied=len(tied) > 1 and row in tied, groups=groups.get(row, ""))
        for row in range(len(values))
    )
    return standings, tuple(pairs)
