"""Blur kernels: Gaussian, generalised Gaussian and plateau-shaped, isotropic or not, and the sinc filter.

All are symmetric about the centre and sum to 1. `Kernel.values` rounds them to the grid (`semsr.imaging.degradation.grid`), so that
the last bit of a machine's `exp` does not matter.

Source: Wang et al., "Real-ESRGAN", 2021 (arXiv 2107.10833), sections 3.1 and 3.3 and
equation (6); generalised Gaussian and plateau-shaped kernels after
Liu et al., "Estimating generalized Gaussian blur kernels for out-of-focus image deblurring", 2020.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin
from typing import Literal

import numpy as np
from scipy.special import j1

from semsr.imaging.degradation.grid import FILTER_BITS, Floats, weights_on_grid
from semsr.imaging.degradation.parameters import KernelKind


@dataclass(frozen=True)
class Kernel:
    """A kernel by what was drawn for it.

    Attributes:
        kind: one of the six shapes, or "sinc".
        size: side in pixels, odd.
        sigma: standard deviations along the two axes, pixels (not for sinc).
        angle: of the first axis, radians (not for sinc).
        beta: exponent of generalised and plateau kernels.
        cutoff: of the sinc filter, radians a pixel.
    """

    kind: KernelKind | Literal["sinc"]
    size: int
    sigma: tuple[float, float] = (1.0, 1.0)
    angle: float = 0.0
    beta: float = 1.0
    cutoff: float = pi

    def values(self) -> Floats:
        """(size, size) weights, multiples of 2^-22 that sum to 1."""
        if self.kind == "sinc":
            kernel = sinc(self.size, self.cutoff)
        elif self.kind in ("plateau-iso", "plateau-aniso"):
            kernel = plateau(self.size, self.sigma, self.angle, self.beta)
        else:
            kernel = generalised_gaussian(self.size, self.sigma, self.angle, self.beta)
        return weights_on_grid(kernel, FILTER_BITS)


def generalised_gaussian(size: int, sigma: tuple[float, float], angle: float = 0.0, beta: float = 1.0) -> Floats:
    """exp(-q^beta / 2), q the squared distance in standard deviations; the Gaussian for beta 1. (size, size), sum 1.

    Args:
        size: odd.
        sigma: along the two axes, pixels, > 0.
        angle: of the first axis to the x axis, radians.
        beta: > 0; below 1 heavier tails, above 1 flatter on top.
    """
    kernel = np.exp(-0.5 * _squared_distance(size, sigma, angle) ** beta)
    return np.asarray(kernel / kernel.sum())


def plateau(size: int, sigma: tuple[float, float], angle: float = 0.0, beta: float = 1.0) -> Floats:
    """1 / (1 + q^beta), q as in `generalised_gaussian`, arguments as there. (size, size), sum 1."""
    kernel = 1.0 / (1.0 + _squared_distance(size, sigma, angle) ** beta)
    return np.asarray(kernel / kernel.sum())


def sinc(size: int, cutoff: float) -> Floats:
    """The circular ideal low-pass filter cutoff J1(cutoff r) / (2 pi r), cut to (size, size), sum 1; its lobes ring and overshoot.

    Args:
        size: odd.
        cutoff: radians a pixel, 0 to pi.
    """
    x, y = _mesh(size)
    radius = np.hypot(x, y)
    centre = size // 2
    radius[centre, centre] = 1.0
    kernel = cutoff * j1(cutoff * radius) / (2.0 * pi * radius)
    kernel[centre, centre] = cutoff**2 / (4.0 * pi)
    return np.asarray(kernel / kernel.sum())


def _mesh(size: int) -> tuple[Floats, Floats]:
    if size < 1 or size % 2 == 0:
        raise ValueError(f"a kernel's size must be odd and positive, found {size}")
    axis = np.arange(size, dtype=np.float64) - size // 2
    return np.broadcast_to(axis, (size, size)), np.broadcast_to(axis[:, None], (size, size))


def _squared_distance(size: int, sigma: tuple[float, float], angle: float) -> Floats:
    """x' S^-1 x for the covariance S = R diag(sigma²) R'."""
    x, y = _mesh(size)
    along = (x * cos(angle) + y * sin(angle)) / sigma[0]
    across = (y * cos(angle) - x * sin(angle)) / sigma[1]
    return along**2 + across**2
