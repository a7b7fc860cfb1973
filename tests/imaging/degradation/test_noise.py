"""Moments and distributions of the noise, against their definitions and scipy's Poisson distribution."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats

from semsr.imaging.degradation import noise
from semsr.imaging.degradation.noise import add_gaussian, add_poisson, poisson_noise

from .test_blur import grid_picture

GREY = torch.full((3, 300, 400), 120.0, dtype=torch.float64)


def random(seed: int = 0) -> np.random.Generator:
    return np.random.Generator(np.random.Philox(key=seed))


@pytest.mark.parametrize("sigma", [1.0, 12.5, 30.0])
def test_gaussian_moments(sigma: float) -> None:
    difference = (add_gaussian(GREY, sigma, False, random()) - GREY).numpy()
    count = difference.size
    assert abs(difference.mean()) < 5 * sigma / count**0.5
    assert difference.std() == pytest.approx(sigma, rel=5 / (2 * count) ** 0.5)
    assert abs(stats.kurtosis(difference.ravel())) < 5 * (24 / count) ** 0.5
    assert stats.kstest(difference.ravel() / sigma, "norm").pvalue > 1e-4
    assert abs(np.corrcoef(difference.reshape(3, -1))[0, 1]) < 5 / (count / 3) ** 0.5, "channels are not independent"
    assert abs(np.corrcoef(difference[:, :, :-1].ravel(), difference[:, :, 1:].ravel())[0, 1]) < 5 / count**0.5


def test_grey_gaussian_is_the_same_in_all_channels() -> None:
    difference = add_gaussian(GREY, 10.0, True, random()) - GREY
    assert torch.equal(difference[0], difference[1]) and torch.equal(difference[0], difference[2])
    assert float(difference[0].std()) == pytest.approx(10.0, rel=5 / (2 * 120_000) ** 0.5)


def test_noise_is_clipped_and_on_the_grid() -> None:
    dark = torch.full((3, 50, 50), 2.0, dtype=torch.float64)
    for noisy in (add_gaussian(dark, 30.0, False, random()), add_poisson(255.0 - dark, 3.0, True, random())):
        assert noisy.min() >= 0.0 and noisy.max() <= 255.0 and (noisy == noisy.clamp(0.001, 254.999)).float().mean() < 0.9
        assert torch.equal(noisy * 2**14, (noisy * 2**14).round())


@pytest.mark.parametrize("values", [1, 2, 16, 64, 128, 256])
def test_poisson_tables_hold_the_distribution(values: int) -> None:
    """Adding up what each column and its alias give restores every probability to the last of its 32 binary places."""
    limits, others = noise._table(values)
    counts = limits.shape[1]
    column = (1 << 32) // counts
    assert limits.max() <= column and others.max() < counts
    for level in (0, 1, 60, 128, 254, 255):
        held = limits[level].astype(np.int64).copy()
        np.add.at(held, others[level], column - limits[level].astype(np.int64))
        assert held.sum() == 1 << 32 and held.min() >= 0
        mean = values * level / 255
        np.testing.assert_allclose(held / 2**32, stats.poisson.pmf(np.arange(counts), mean), atol=2**-33 + 300 * 2**-33 * 0.2)
        assert stats.poisson.sf(counts - 1, mean) < 2**-32, "the table is too short"


@pytest.mark.parametrize("values", [1, 32, 256])
@pytest.mark.parametrize("level", [0, 3, 100, 255])
def test_poisson_noise_is_poisson(values: int, level: int) -> None:
    drawn = poisson_noise(np.full((500, 600), level, np.uint8), values, random(level))
    counts = np.rint((drawn + level) * values / 255)
    assert np.allclose(drawn, counts * 255 / values - level)
    mean = values * level / 255
    if level == 0:
        assert not drawn.any()
        return
    assert counts.mean() == pytest.approx(mean, abs=5 * (mean / counts.size) ** 0.5)
    assert counts.var() == pytest.approx(mean, rel=5 * ((2 + 1 / mean) / counts.size) ** 0.5)
    low, high = stats.poisson.ppf(0.001, mean), stats.poisson.ppf(0.999, mean)
    bins = np.arange(low, high + 1)
    observed = np.array([np.count_nonzero(counts == count) for count in bins])
    expected = stats.poisson.pmf(bins, mean) * counts.size
    rest = [counts.size - observed.sum(), counts.size - expected.sum()]
    square = ((observed - expected) ** 2 / expected).sum() + (rest[0] - rest[1]) ** 2 / max(rest[1], 1.0)
    assert stats.chi2.sf(square, len(bins)) > 1e-4


@pytest.mark.parametrize("levels, values", [(1, 1), (2, 2), (3, 4), (100, 128), (200, 256)])
def test_strength_follows_the_number_of_grey_levels(levels: int, values: int) -> None:
    """v = 2^ceil(log2 n); the variance at level x is scale² 255 x / v."""
    picture = torch.full((3, 200, 300), 90.0, dtype=torch.float64)
    picture[0, 0, :levels] = torch.arange(levels, dtype=torch.float64) + (90 - levels // 2 if levels < 100 else 0)
    noisy = add_poisson(picture, 0.25, False, random(1))
    difference = (noisy - picture)[:, 1:]
    assert difference.unique().numel() > 1
    expected = 0.25**2 * 255 * 90 / values
    if values > 2:  # else much is clipped
        assert float(difference.var()) == pytest.approx(expected, rel=0.03)
    counts = (difference + 90.0 * 0.25) * (values / 255 / 0.25)
    inside = ((noisy > 0) & (noisy < 255))[:, 1:]
    assert float((counts - counts.round())[inside].abs().max()) < 0.01, "not whole counts"
    assert np.gcd.reduce(counts[inside].round().long().unique().numpy()) == 1


def test_grey_poisson_comes_from_the_luma() -> None:
    picture = torch.empty((3, 300, 400), dtype=torch.float64)
    picture[0], picture[1], picture[2] = 200.0, 40.0, 90.0
    difference = add_poisson(picture, 0.02, True, random()) - picture
    assert torch.allclose(difference[0], difference[1]) and torch.allclose(difference[0], difference[2])
    luma = round(0.2989 * 200 + 0.587 * 40 + 0.114 * 90)
    assert float(difference.var()) == pytest.approx(0.0004 * 255 * luma, rel=0.03)  # a flat luma has one grey level


def test_the_picture_keeps_its_fractions() -> None:
    """Noise is computed from the 8-bit picture but added to the picture itself."""
    picture = grid_picture(64, 64, 100.0, 101.0)
    levels = picture.round()
    difference = add_poisson(picture, 1.0, False, random()) - picture
    assert difference.abs().max() > 0
    counts = (difference + levels) * 2 / 255  # levels 100 and 101: v = 2
    inside = (picture + difference > 0) & (picture + difference < 255)
    assert torch.allclose(counts[inside], counts[inside].round(), atol=1e-6)
