from __future__ import annotations

import math

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.signal import fftconvolve

from semsr.imaging.degradation.sharpen import SIGMA, TAPS, gaussian_taps, sharpen

from .conftest import make_picture


def reference(picture: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unsharp masking with a dense 51 x 51 kernel, in the range 0-1 as published; (H, W), 0-255."""
    sigma = 0.3 * ((51 - 1) * 0.5 - 1) + 0.8
    line = np.array([math.exp(-((at - 25) ** 2) / (2 * sigma**2)) for at in range(51)])
    kernel = np.outer(line, line) / line.sum() ** 2

    def blur(plane: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(fftconvolve(np.pad(plane, 25, mode="reflect"), kernel, mode="valid"))

    unit = picture / 255
    residual = unit - blur(unit)
    soft = blur((np.abs(residual) * 255 > 10).astype(np.float64))
    sharp = np.clip(unit + 0.5 * residual, 0, 1)
    return 255 * (soft * sharp + (1 - soft) * unit)


def test_against_the_dense_filter() -> None:
    planes = make_picture(150, 203).transpose(2, 0, 1).astype(np.float64)
    ours = sharpen(torch.from_numpy(planes)).numpy()
    expected = np.stack([reference(plane) for plane in planes])
    assert np.abs(expected - planes).max() > 20, "nothing was sharpened"
    # 1e-3: a weight's rounding (2^-23) on 51 taps; a pixel that is 10 from its surroundings may fall on either side of the threshold.
    assert np.abs(ours - expected).max() < 1e-3


def test_the_gaussian() -> None:
    assert (TAPS, SIGMA) == (51, 8.0)
    taps = gaussian_taps()
    assert math.fsum(taps) == 1.0 and np.array_equal(taps, taps[::-1])
    assert abs(taps[25 + 8] / taps[25] - math.exp(-0.5)) < 5e-5


def test_small_differences_are_left_alone() -> None:
    """Nothing is more than 10 levels from its surroundings: nothing changes, to the last bit."""
    picture = torch.from_numpy(100.0 + np.random.default_rng(0).integers(-4, 5, (3, 64, 70)))
    assert torch.equal(sharpen(picture), picture)


def test_an_edge_overshoots_and_stays_in_range() -> None:
    picture = torch.full((3, 80, 80), 60.0, dtype=torch.float64)
    picture[:, :, 40:] = 200.0
    sharp = sharpen(picture)
    assert sharp[0, 40, 39] < 40 and sharp[0, 40, 40] > 220
    extreme = sharpen((picture > 100).double() * 255.0)
    assert extreme.min() >= 0.0 and extreme.max() <= 255.0


def test_small_pictures() -> None:
    for height, width in ((1, 1), (4, 30), (24, 24)):
        planes = make_picture(height, width).transpose(2, 0, 1).astype(np.float64)
        ours = sharpen(torch.from_numpy(planes)).numpy()
        assert np.abs(ours - np.stack([reference(plane) for plane in planes])).max() < 1e-3
