"""Outlines of things as gauges: functions that are below 1 inside, 1 on the rim, and grow with the distance from it."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Grid = NDArray[np.float32]
Gauge = Callable[[Grid, Grid], Grid]
"""(p, q), coordinates of any shape in units of the thing's radius -> its gauge there; no outline leaves the unit disk."""

_ARM = 0.3
"""Half the width of the cross's arms."""
_STAR_INSIDE = 0.45
"""Radius of the star's inner corners."""


def disk(p: Grid, q: Grid) -> Grid:
    """The unit disk."""
    return np.hypot(p, q)


def box(p: Grid, q: Grid) -> Grid:
    """A rectangle half as wide again as high."""
    return np.maximum(np.abs(p) / np.float32(0.83), np.abs(q) / np.float32(0.55))


def triangle(p: Grid, q: Grid) -> Grid:
    """An equilateral triangle."""
    side = np.float32(np.sqrt(3) / 2)
    return np.maximum(q, np.maximum(side * p, -side * p) - q / 2) * 2


def star(p: Grid, q: Grid) -> Grid:
    """A star with five points."""
    turn, half = 2 * np.pi / 5, np.pi / 5
    angle = np.abs((np.arctan2(q, p) % turn) - half)  # 0 at an inner corner, `half` at a point
    radius = np.hypot(p, q)
    # The edge from the inner corner (radius .45, angle 0) to the point (radius 1, angle `half`).
    along = np.array([np.cos(half) - _STAR_INSIDE, np.sin(half)])
    normal = np.array([along[1], -along[0]]) / np.hypot(*along)
    distance = normal[0] * _STAR_INSIDE
    return np.asarray(radius * (np.cos(angle) * normal[0] + np.sin(angle) * normal[1]) / distance, dtype=np.float32)


def cross(p: Grid, q: Grid) -> Grid:
    """Two crossing bars."""
    a, b = np.abs(p), np.abs(q)
    return np.maximum(np.maximum(a, b) / np.float32(0.95), np.minimum(a, b) / np.float32(_ARM))


def ring(p: Grid, q: Grid) -> Grid:
    """A ring whose hole is half as wide as it is."""
    return np.abs(np.hypot(p, q) - np.float32(0.74)) / np.float32(0.26)


GAUGES: Mapping[str, Gauge] = {"disk": disk, "box": box, "triangle": triangle, "star": star, "cross": cross, "ring": ring}
