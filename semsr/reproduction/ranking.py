"""Best and second best of a column."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from semsr.reproduction.table import Direction, Place

_PLACES: tuple[Place, ...] = (1, 2)


def places(values: Sequence[Decimal | None], direction: Direction) -> tuple[Place, ...]:
    """Place each value of a column: 1 best, 2 second best, 0 neither.

    Values are compared as they are printed, so that a reader can check it; equal ones share their place, and the next different value
    is the second best. A single value has nothing to be better than and gets no place.

    Args:
        values: as printed; None where there is none.
        direction: which way is better.
    """
    there = sorted({value for value in values if value is not None}, reverse=direction == "higher")
    if sum(value is not None for value in values) < 2:
        there = []
    order: dict[Decimal, Place] = dict(zip(there, _PLACES, strict=False))
    return tuple(0 if value is None else order.get(value, 0) for value in values)
