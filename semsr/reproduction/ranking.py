"""Best and second best of a column, as far as the spread over seeds tells rows apart."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from semsr.reproduction.seeds import Direction, share_a_place
from semsr.reproduction.table import Place

_PLACES: tuple[Place, ...] = (1, 2)


def places(
    values: Sequence[Decimal | None], direction: Direction, seeds: Sequence[Sequence[float]] | None = None
) -> tuple[Place, ...]:
    """Place each value of a column: 1 best, 2 second best, 0 neither.

    Values are compared as they are printed, so that a reader can check it; equal ones share their place, and the next different value
    is the second best. A single value has nothing to be better than and gets no place.

    A row of several seeds shares the place of the best one, where that has several seeds too, if the 95 % Welch interval of the
    difference of their seeds' means contains 0 or a side has fewer than three seeds. The second place is given likewise among the
    others. A row without several seeds is compared as printed alone; printed between two rows that share a place, it shares it,
    since nothing says that it is worse than the lower of them.

    Args:
        values: as printed; None where there is none.
        direction: which way is better.
        seeds: the means of each row's seeds, unrounded; None: no row has any.
    """
    means = [()] * len(values) if seeds is None else seeds
    sign = 1 if direction == "higher" else -1
    left = {at: sign * value for at, value in enumerate(values) if value is not None}
    found: list[Place] = [0] * len(values)
    if len(left) < 2:
        return tuple(found)
    for place in _PLACES:
        if not left:
            break
        best = max(left.values())
        leaders = [at for at, value in left.items() if value == best]
        shared = {at for at in left if at in leaders or any(share_a_place(means[at], means[other]) for other in leaders)}
        lowest = min(left[at] for at in shared)
        shared |= {at for at, value in left.items() if value >= lowest and len(means[at]) < 2}
        for at in shared:
            found[at] = place
            del left[at]
    return tuple(found)
