"""The order of the rows under one column: of values of single pictures, or of numbers that come as draws."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from semsr.reproduction.seeds import ENOUGH, Direction, student_interval, welch_interval
from semsr.reproduction.statistics.agreement import agreement
from semsr.reproduction.statistics.draws import Floats, counts, means
from semsr.reproduction.statistics.groups import PairTest, order, ranked
from semsr.reproduction.statistics.order import ColumnOrder
from semsr.reproduction.statistics.paired import PairedTests, conclude, paired, seed_chance, seeds_away

OF_THE_SET = "the metric is one number of the whole set: no values of single pictures to draw from"
NOT_FINITE = "a value is not finite"
NOT_THE_SAME = "not of the same pictures"
ONE_PICTURE = "one picture: nothing is known of others"
FEW_SEEDS = f"fewer than {ENOUGH} seeds"
SEEDS = "the seeds do not tell them apart"
EQUAL = "the same value on every picture"
FEW_PICTURES = "too few pictures differ to bound the difference"
FEW_DRAWS = "too few draws of the pictures have a value"
_ENOUGH_DRAWS = 100
_TAU_DRAWS = 1999
"""Ends of an interval need fewer draws than small p values do."""


@dataclass(frozen=True)
class RowValues:
    """What a row has under one column.

    Attributes:
        images: (seeds, images), float64, the images in the same order for all rows of a column; one seed: a row that is one thing
            (published weights, an interpolation). None for a metric of the whole set.
        mean: the row's value, as the table shows it.
    """

    images: NDArray[np.float64] | None
    mean: float


def column_order(rows: Sequence[RowValues | None], direction: Direction, published: Sequence[float | None] = ()) -> ColumnOrder:
    """Order the rows of a column by a paired bootstrap over their pictures, and over the seeds of those that have several.

    Two rows are told apart if the paired test says so after Holm's correction over all pairs of the column, and, where one or both have
    several seeds, also Welch's (or Student's) 95 % interval of the difference over seeds is without 0: both chances have to be
    overcome. A row of two seeds is told apart from none.

    What no test can be made of is said and never told apart: rows of a metric of the whole set, with an infinite or missing value, or
    of other pictures take no part (no letters); rows of a single picture take part and are all tied.

    Args:
        rows: of each row of the block; None: it has no value, or is there to check the set-up and takes no part in the order.
        direction: which way is better.
        published: of each row, the paper's value; empty: there is no paper.
    """
    values = [None if row is None or math.isnan(row.mean) else float(row.mean) for row in rows]
    pictures = max((row.images.shape[1] for row in rows if row is not None and row.images is not None), default=0)
    barred = {at: _barred(row, pictures) for at, row in enumerate(rows) if row is not None and values[at] is not None}
    images: dict[int, Floats] = {}
    seeds: dict[int, Sequence[float]] = {}
    for at, row in enumerate(rows):
        if row is not None and row.images is not None and barred.get(at) == "":
            images[at], seeds[at] = row.images.mean(axis=0), row.images.mean(axis=1).tolist()
    tests: dict[tuple[int, int], PairTest] = {}
    tested = []
    for pair in combinations(ranked(values, direction), 2):
        if why := barred[pair[0]] or barred[pair[1]]:
            tests[pair] = PairTest(why=why)
        elif pictures < 2:
            tests[pair] = PairTest(why=ONE_PICTURE)
        else:
            tested.append(pair)
    if tested:
        differences = np.stack([images[upper] - images[lower] for upper, lower in tested])
        found = paired(differences, seed_chance(*([seeds[pair[side]] for pair in tested] for side in (0, 1))))
        for at, (upper, lower) in enumerate(tested):
            same = not differences[at].any()
            tests[upper, lower] = _test(found, at, EQUAL if same else "", (seeds[upper], seeds[lower]))
    standings, pairs = order(values, direction, tests, images)
    if not published:
        return ColumnOrder(standings, pairs)
    ours = [None if value is None else np.array([value]) for value in values]
    if pictures > 1 and images:
        drawn = means(np.stack(list(images.values())), counts(pictures)[:_TAU_DRAWS])
        for at, row_drawn in zip(images, drawn, strict=True):
            ours[at] = np.array([values[at], *row_drawn])
    why = next((why for at, why in barred.items() if why and published[at] is not None), ONE_PICTURE)
    return ColumnOrder(standings, pairs, agreement(published, ours, why))


def from_draws(
    draws: Sequence[NDArray[np.float64] | None],
    direction: Direction,
    published: Sequence[float | None] = (),
    *,
    pictures: int,
    seeds: Sequence[Sequence[float]] | None = None,
) -> ColumnOrder:
    """Order the rows of a column whose numbers are of a whole data set (PQ, AP, mIoU) and come with draws of its pictures.

    A draw of such a number has no standard error, so that intervals are percentile ones, made wider for few pictures by t(n - 1) / z
    and √(n / (n - 1)) (Hesterberg 2015, "What teachers should know about the bootstrap"). p is the share of draws beyond 0, and
    never below 2^(1 - n): of n pictures, chance alone puts one row ahead on all of them that often. Seeds and Holm's correction as
    in `column_order`.

    Args:
        draws: of each row (R + 1,): the value, then those of draws of the pictures, the same draws for every row; of several seeds, their
            mean. NaN: a draw has nothing to measure. None: no value, or the row takes no part in the order.
        direction: which way is better.
        published: of each row, the paper's value; empty: there is no paper.
        pictures: how many there are.
        seeds: of each row, one value a seed; default: no row has several.
    """
    from scipy.special import ndtri, stdtrit

    values = [None if row is None or np.isnan(row[0]) else float(row[0]) for row in draws]
    inside = [at for at, value in enumerate(values) if value is not None and math.isfinite(value)]
    wider = stdtrit(pictures - 1, 0.975) / ndtri(0.975) * math.sqrt(pictures / (pictures - 1)) if pictures > 1 else 1.0
    tests: dict[tuple[int, int], PairTest] = {}
    for upper, lower in combinations(ranked(values, direction), 2):
        first, second = draws[upper], draws[lower]
        if first is None or second is None or upper not in inside or lower not in inside:
            tests[upper, lower] = PairTest(why=NOT_FINITE)
            continue
        difference = np.asarray(first - second, np.float64)
        others = difference[1:][np.isfinite(difference[1:])]
        if pictures < 2 or others.size < _ENOUGH_DRAWS:
            tests[upper, lower] = PairTest(why=ONE_PICTURE if pictures < 2 else FEW_DRAWS)
            continue
        each = (seeds[upper], seeds[lower]) if seeds else ((), ())
        chance = seed_chance([each[0]], [each[1]])
        away = wider * (difference[0] - others)[None] + seeds_away(chance.error, chance.freedom, others.size)
        low, high, p = conclude(difference[:1], away)
        found = PairedTests(difference[:1], low, high, np.maximum(p, 2.0 ** (1 - pictures)))
        tests[upper, lower] = _test(found, 0, "" if difference.any() else EQUAL, each)
    standings, pairs = order(values, direction, tests, inside)
    return ColumnOrder(standings, pairs, agreement(published, draws, ONE_PICTURE) if published else None)


def _barred(row: RowValues, pictures: int) -> str:
    """Why a row can't be tested; empty where it can."""
    if row.images is None:
        return OF_THE_SET
    if row.images.shape[1] != pictures or not row.images.size:
        return NOT_THE_SAME
    return "" if math.isfinite(row.mean) and np.isfinite(row.images).all() else NOT_FINITE


def _test(found: PairedTests, at: int, why: str, seeds: tuple[Sequence[float], Sequence[float]]) -> PairTest:
    """One pair of those that were tested, with what stands in its way beside p."""
    low, high = float(found.low[at]), float(found.high[at])
    bounded = math.isfinite(low) and math.isfinite(high)
    first, second = seeds
    if any(1 < len(side) < ENOUGH for side in seeds):
        return PairTest(low if bounded else None, high if bounded else None, None, FEW_SEEDS)
    over_seeds = None
    if len(first) > 1 and len(second) > 1:
        over_seeds = welch_interval(first, second)
    elif len(first) > 1 and second:
        over_seeds = student_interval(first, second[0])
    elif len(second) > 1 and first:
        over_seeds = student_interval(second, first[0])
    if over_seeds is not None and over_seeds[0] <= 0 <= over_seeds[1]:
        why = why or SEEDS
    if not bounded:
        return PairTest(None, None, float(found.p[at]), why or FEW_PICTURES)
    return PairTest(low, high, float(found.p[at]), why)
