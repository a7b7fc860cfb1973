"""How far apart a published value and ours may lie, part by part, each with its source.

A part that nothing is known of is left out: it is never filled with a guess, and `unknown` says so.
"""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from decimal import Decimal

from semsr.cards.metric import MetricCard, Noise
from semsr.reproduction.reported import Published
from semsr.reproduction.verdict import Part, PartName, Tolerance

CONFIDENCE = 0.95
_PARTS: tuple[PartName, ...] = ("rounding", "metric", "machine", "seeds")


def tolerance_of(
    published: Published,
    metric: MetricCard,
    *,
    seeds: Sequence[float] = (),
    count: int | None = None,
    machine: Mapping[str, Part] | None = None,
) -> Tolerance:
    """What a published value and ours may differ by, though both are right.

    Args:
        published: a printed number.
        metric: the card of the metric, whose declared noise counts.
        seeds: means of our seeds, in the metric's unit; the published value is taken to be that of one seed.
        count: how many pictures the means are over; noise that is independent from picture to picture shrinks with its square root.
        machine: by metric id, machine noise that was measured; it takes the place of what the card declares.

    Returns:
        The parts that are known, rounding first.
    """
    parts = [Part("rounding", float(half_unit(published)), "half a unit of the last printed digit")]
    if (declared := metric.noise.metric) is not None:
        parts.append(Part("metric", _of_mean(declared, count), declared.source))
    if (measured := (machine or {}).get(metric.id)) is not None:
        parts += [measured] if measured.size > 0 else []
    elif (stated := metric.noise.machine) is not None:
        parts.append(Part("machine", _of_mean(stated, count), stated.source))
    if (spread := seed_part(seeds)) is not None:
        parts.append(spread)
    return Tolerance(tuple(parts))


def half_unit(published: Published) -> Decimal:
    """Half a unit of the last printed digit, exactly: 0.005 for 26.39."""
    return Decimal(5).scaleb(-published.decimals - 1)


def seed_part(seeds: Sequence[float]) -> Part | None:
    """What one more seed may differ by from the mean of ours; None with fewer than two seeds, which tell nothing.

    The 95 % prediction interval of a normal sample: t(.975, n - 1) · SD · sqrt(1 + 1/n). A published value is a single run, so its own
    chance counts besides that of our mean.
    """
    from scipy.special import stdtrit

    if len(seeds) < 2 or not all(map(math.isfinite, seeds)):
        return None
    freedom = len(seeds) - 1
    half = float(stdtrit(freedom, (1 + CONFIDENCE) / 2)) * statistics.stdev(seeds) * math.sqrt(1 + 1 / len(seeds))
    return Part("seeds", half, f"95 % prediction interval for one run from {len(seeds)} seeds here")


def unknown(tolerance: Tolerance) -> tuple[PartName, ...]:
    """The parts that nothing is known of."""
    known = {part.name for part in tolerance.parts}
    return tuple(name for name in _PARTS if name not in known)


def _of_mean(noise: Noise, count: int | None) -> float:
    if noise.images is None or count is None:
        return noise.size
    return noise.size * math.sqrt(noise.images / count)
