"""Best and second best of a column of published values. Ours are marked by their standing: see `semsr.reproduction.statistics`."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from semsr.reproduction.seeds import Direction
from semsr.reproduction.table import Place

_PLACES: tuple[Place, ...] = (1, 2)


def places(values: Sequence[Decimal | None], direction: Direction) -> tuple[Place, ...]:
    """Place each value of a column: 1 best, 2 second best, 0 neither.

    Values are compared as they are printed, so that a reader can check it; equal ones share their place, and the next different value
    is the second best. A single value has nothing to be better than and gets no place. This is what papers do in bold and underlined;
    whether the pictures suffice to tell such values apart, it does not ask.

    Args:
        values: as printed; None where there is none.
        direction: which way is better.
    """
    sign = 1 if direction == "higher" else -1
    known = [sign * value for value in values if value is not None]
    best: dict[Decimal, Place] = {}
    if len(known) > 1:
        best.update(zip(sorted(set(known), reverse=True), _PLACES, strict=False))
    return tuple(0 if value is None else best.get(sign * value, 0) for value in values)
