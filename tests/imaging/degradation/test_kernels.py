"""Kernels against loops over pixels, and the sinc filter against Bessel's integral."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.integrate import quad

from semsr.imaging.degradation.kernels import Kernel, generalised_gaussian, plateau, sinc
from semsr.imaging.degradation.parameters import KERNEL_KINDS

CASES = [(7, (0.2, 0.2), 0.0, 1.0), (9, (1.7, 1.7), 0.0, 0.6), (21, (3.0, 0.7), 0.8, 1.0), (15, (0.3, 2.9), -2.9, 3.7)]


def reference(size: int, sigma: tuple[float, float], angle: float, beta: float, shape: str) -> NDArray[np.float64]:
    """The kernel pixel by pixel, by inverting the 2 x 2 covariance matrix."""
    turn = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    inverse = np.linalg.inv(turn @ np.diag([sigma[0] ** 2, sigma[1] ** 2]) @ turn.T)
    kernel = np.zeros((size, size))
    for row in range(size):
        for column in range(size):
            place = np.array([column - size // 2, row - size // 2], dtype=float)
            squared = max(float(place @ inverse @ place), 0.0)
            kernel[row, column] = math.exp(-0.5 * squared**beta) if shape == "gaussian" else 1 / (squared**beta + 1)
    return kernel / kernel.sum()


@pytest.mark.parametrize("size, sigma, angle, beta", CASES)
def test_gaussian_family(size: int, sigma: tuple[float, float], angle: float, beta: float) -> None:
    np.testing.assert_allclose(
        generalised_gaussian(size, sigma, angle, beta), reference(size, sigma, angle, beta, "gaussian"), rtol=1e-9, atol=1e-15
    )


@pytest.mark.parametrize("size, sigma, angle, beta", CASES)
def test_plateau_family(size: int, sigma: tuple[float, float], angle: float, beta: float) -> None:
    np.testing.assert_allclose(
        plateau(size, sigma, angle, beta), reference(size, sigma, angle, beta, "plateau"), rtol=1e-9, atol=1e-15
    )


def test_gaussian_by_hand() -> None:
    """Sigma 1, 3 x 3: neighbours exp(-1/2), corners exp(-1) of the centre."""
    kernel = generalised_gaussian(3, (1.0, 1.0))
    assert kernel[1, 2] / kernel[1, 1] == pytest.approx(math.exp(-0.5), rel=1e-12)
    assert kernel[0, 0] / kernel[1, 1] == pytest.approx(math.exp(-1.0), rel=1e-12)


def test_angle_turns_the_first_axis_from_x_to_y() -> None:
    flat, upright = generalised_gaussian(11, (3.0, 0.5)), generalised_gaussian(11, (3.0, 0.5), math.pi / 2)
    assert flat[5, 8] > 100 * flat[8, 5]
    np.testing.assert_allclose(upright, flat.T, atol=1e-12)


@pytest.mark.parametrize("size, cutoff", [(7, math.pi / 3), (13, math.pi / 5), (21, math.pi), (21, 1.234)])
def test_sinc(size: int, cutoff: float) -> None:
    """J1(x) = 1/pi times the integral of cos(t - x sin t) over 0 to pi."""
    expected = np.zeros((size, size))
    for row in range(size):
        for column in range(size):
            radius = math.hypot(row - size // 2, column - size // 2)
            if radius == 0:
                expected[row, column] = cutoff**2 / (4 * math.pi)
                continue
            bessel = (
                quad(lambda t, x: math.cos(t - x * math.sin(t)), 0, math.pi, args=(cutoff * radius,), limit=200)[0] / math.pi
            )
            expected[row, column] = cutoff * bessel / (2 * math.pi * radius)
    np.testing.assert_allclose(sinc(size, cutoff), expected / expected.sum(), atol=1e-11)


def test_sinc_cuts_where_it_says() -> None:
    """What it lets through: low frequencies whole, those well above the cutoff hardly."""
    response = np.abs(np.fft.fft2(sinc(21, math.pi / 2), (64, 64)))[0, :33]
    assert response[4] == pytest.approx(1.0, abs=0.12) and response[26:].max() < 0.12  # 4/32 and 26/32 of pi


@pytest.mark.parametrize("kind", [*KERNEL_KINDS, "sinc"])
@pytest.mark.parametrize("size", [7, 13, 21])
def test_values_are_on_the_grid_and_sum_to_one(kind: str, size: int) -> None:
    kernel = Kernel(kind, size, (2.1, 0.9), 0.4, 1.3, 1.9)  # type: ignore[arg-type]
    values = kernel.values()
    assert values.shape == (size, size)
    assert np.array_equal(values * 2**22, np.rint(values * 2**22)), "not multiples of 2^-22"
    assert math.fsum(values.ravel()) == 1.0
    exact = {
        "sinc": lambda: sinc(size, 1.9),
        "plateau": lambda: plateau(size, (2.1, 0.9), 0.4, 1.3),
        "gaussian": lambda: generalised_gaussian(size, (2.1, 0.9), 0.4, 1.3),
    }[next((shape for shape in ("sinc", "plateau") if kind.startswith(shape)), "gaussian")]()
    assert np.abs(values - exact).max() < 1e-5  # the largest weight takes what rounding the others left
    assert np.abs(np.delete(values.ravel() - exact.ravel(), values.argmax())).max() <= 2**-23 + 1e-12


@pytest.mark.parametrize("size", [0, 8, -3])
def test_even_sizes_are_refused(size: int) -> None:
    with pytest.raises(ValueError, match="odd"):
        sinc(size, 1.0)
