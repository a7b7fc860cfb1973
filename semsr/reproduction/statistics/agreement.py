"""Kendall's tau: whether two columns of values put rows in the same order, and how much of that the choice of pictures decides."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from semsr.reproduction.semantic.shares import drawn
from semsr.reproduction.statistics.draws import Floats
from semsr.reproduction.statistics.order import RankAgreement

FEW_ROWS = "fewer than two rows have both values"


def tau(first: Floats, second: Floats) -> Floats:
    """Kendall's tau-b of each draw.

    Only the order of the rows counts, and few orders occur in many draws, so that tau is computed once for each of them.

    Args:
        first, second: (K, rows), draw k of one belonging to draw k of the other. At least two rows.

    Returns:
        (K,), from -1 (opposite) to 1 (the same order); NaN where all rows of a side are equal, or one is NaN.
    """
    from scipy.stats import kendalltau, rankdata

    found = np.full(len(first), np.nan)
    known = ~(np.isnan(first).any(axis=1) | np.isnan(second).any(axis=1))
    if known.any():
        sides = [rankdata(side[known], method="dense", axis=1).astype(np.int32) for side in (first, second)]
        orders, place = np.unique(np.concatenate(sides, axis=1), axis=0, return_inverse=True)
        of_orders = kendalltau(*np.split(orders, 2, axis=1), axis=1).statistic
        found[known] = np.atleast_1d(np.asarray(of_orders, np.float64))[place.reshape(-1)]
    return found


def agreement(published: Sequence[float | None], ours: Sequence[Floats | None], why_no_interval: str = "") -> RankAgreement:
    """Whether our values put the published rows in the published order.

    The published values stay as they are: nothing is known of their pictures. Draws in which all of our rows are equal have no tau
    and are left out.

    Args:
        published: of each row; None where there is none.
        ours: of each row (R + 1,): the value, then those of draws of the pictures, the same for all rows; with R = 0 of one of them,
            there is no interval.
        why_no_interval: what is said where there are no draws.
    """
    rows = [
        (value, draws)
        for value, draws in zip(published, ours, strict=True)
        if value is not None and draws is not None and not np.isnan(draws[0])
    ]
    if len(rows) < 2:
        return RankAgreement(None, None, None, len(rows), FEW_ROWS)
    length = min(len(draws) for _, draws in rows)
    of_draws = np.stack([draws[:length] for _, draws in rows], axis=1)
    of_paper = np.broadcast_to(np.array([value for value, _ in rows], np.float64), of_draws.shape)
    found = drawn(tau(of_paper, of_draws), "all rows have the same value in the paper or here")
    why = found.reason or ("" if found.low is not None else why_no_interval)
    return RankAgreement(found.value, found.low, found.high, len(rows), why)
