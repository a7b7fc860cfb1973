"""Natural image quality evaluator (Mittal et al. 2013), as pyiqa's `niqe` measures it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d
from scipy.special import gammaln

from semsr.errors import MetricUnavailableError, WeightsError
from semsr.evaluation.metric import Batch, Metric, Values, Workshop
from semsr.imaging.colour import Luma, channels
from semsr.imaging.resize import resize

Floats = NDArray[np.float64]
BLOCK = 96
_SHIFTS = ((0, 1), (1, 0), (1, 1), (1, -1))

_RADIUS, _SIGMA = 3, 7 / 6
_WINDOW = np.exp(-(np.arange(-_RADIUS, _RADIUS + 1) ** 2) / (2 * _SIGMA**2))
_WINDOW /= _WINDOW.sum()
# The 7 x 7 window that everybody's values were made with is stored in float32, and sums to this much more than 1. In flat (black or
# burnt-out) regions nothing but this excess decides on which side of zero a coefficient falls, and so how it is counted.
_WINDOW *= np.sqrt(1 + 1.1350493878126144e-08)

# The generalised Gaussian's shape is looked up: ratio of moments for each shape, growing with it.
_SHAPES = np.arange(0.2, 10.001, 0.001)
_RATIOS = np.exp(2 * gammaln(2 / _SHAPES) - gammaln(1 / _SHAPES) - gammaln(3 / _SHAPES))
_MIDDLES = (_RATIOS[1:] + _RATIOS[:-1]) / 2


@dataclass(frozen=True)
class Pristine:
    """The multivariate Gaussian of pristine pictures' features: (36,) means and (36, 36) covariances."""

    mean: Floats
    covariance: Floats

    @classmethod
    def read(cls, path: Path) -> Pristine:
        """Raises: WeightsError where the file is not a model of 36 features."""
        try:
            with np.load(path, allow_pickle=False) as held:
                model = cls(held["mu_pris_param"].ravel().astype(np.float64), held["cov_pris_param"].astype(np.float64))
        except (OSError, ValueError, KeyError) as error:
            raise WeightsError(f"{path}: not a NIQE model ({error}); delete it, it is fetched again") from None
        if model.mean.shape != (36,) or model.covariance.shape != (36, 36):
            raise WeightsError(f"{path}: a model of {model.mean.size} features, expected 36")
        return model


def niqe(grey: Floats, pristine: Pristine) -> float:
    """NIQE of one picture: the distance between the Gaussians of its blocks' features and of pristine pictures'.

    Args:
        grey: (H, W) float64, whole grey levels in [0, 255]. What is left over right and below after whole blocks is not looked at.
        pristine: the model.

    Returns:
        >= 0, lower is more natural; NaN where no block has texture on both sides of zero, or the picture is smaller than a block.

    Source: Mittal et al. 2013, eq. (1)-(10). Agreement with published values of single pictures in
        tests/metrics/test_published_logs.py.
    """
    height, width = (side // BLOCK * BLOCK for side in grey.shape)
    if not height or not width:
        return float("nan")
    large = grey[:height, :width]
    small = resize(large, 0.5)
    features = np.concatenate([_features(_normalise(large), BLOCK), _features(_normalise(small), BLOCK // 2)], axis=1)
    whole = features[~np.isnan(features).any(axis=1)]
    if not len(whole):
        return float("nan")
    # One block has no covariance; pyiqa takes it as zero.
    covariance = np.cov(whole, rowvar=False) if len(whole) > 1 else np.zeros_like(pristine.covariance)
    difference = pristine.mean - np.nanmean(features, axis=0)
    inverse = np.linalg.pinv((pristine.covariance + covariance) / 2)
    return float(np.sqrt(difference @ inverse @ difference))


def _normalise(grey: Floats) -> Floats:
    """Mean-subtracted, contrast-normalised coefficients, eq. (1)-(3)."""
    mean = _blur(grey)
    deviation = _blur(grey * grey)
    deviation -= mean * mean
    np.sqrt(np.abs(deviation, out=deviation), out=deviation)
    deviation += 1
    return np.divide(grey - mean, deviation, out=mean)


def _blur(grey: Floats) -> Floats:
    return correlate1d(correlate1d(grey, _WINDOW, axis=0, mode="nearest"), _WINDOW, axis=1, mode="nearest")


def _features(coefficients: Floats, size: int) -> Floats:
    """(blocks, 18): fits to the coefficients and to the products of neighbours in four directions, block by block."""
    rows, columns = coefficients.shape[0] // size, coefficients.shape[1] // size
    blocks = coefficients.reshape(rows, size, columns, size).swapaxes(1, 2).reshape(-1, size, size)
    shape, left, right = _fit(blocks)
    features = [shape, (left + right) / 2]
    for shift in _SHIFTS:
        shape, left, right = _fit(blocks * np.roll(blocks, shift, axis=(1, 2)))
        mean = (right - left) * np.exp(gammaln(2 / shape) - gammaln(1 / shape))
        features += [shape, mean, left, right]
    return np.stack(features, axis=1)


def _fit(blocks: Floats) -> tuple[Floats, Floats, Floats]:
    """Asymmetric generalised Gaussians of (N, h, w) blocks by moment matching, eq. (4)-(8): shape, left and right scale, (N,) each.

    Scales are NaN where a block has no value on that side of zero; the shape is then the table's first, as everywhere.
    """
    negative, positive = np.minimum(blocks, 0.0), np.maximum(blocks, 0.0)
    left_square, right_square = (np.einsum("nij,nij->n", side, side) for side in (negative, positive))
    count = blocks.shape[1] * blocks.shape[2]
    with np.errstate(divide="ignore", invalid="ignore"):
        left = np.sqrt(left_square / np.count_nonzero(negative, axis=(1, 2)))
        right = np.sqrt(right_square / np.count_nonzero(positive, axis=(1, 2)))
        ratio = left / right
        absolute = (positive.sum(axis=(1, 2)) - negative.sum(axis=(1, 2))) / count
        moments = absolute**2 / ((left_square + right_square) / count)
        moments *= (ratio**3 + 1) * (ratio + 1) / (ratio**2 + 1) ** 2
    nearest = np.where(np.isnan(moments), 0, np.searchsorted(_MIDDLES, moments))
    shape = _SHAPES[nearest]
    scale = np.exp((gammaln(1 / shape) - gammaln(3 / shape)) / 2)
    return shape, left * scale, right * scale


class Niqe(Metric):
    """NIQE on the grey that the protocol chooses."""

    def __init__(self, workshop: Workshop) -> None:
        super().__init__(workshop)
        self._pristine = Pristine.read(workshop.asset("niqe-live"))

    def measure(self, sr: Batch, reference: Any) -> Values:
        """(B,) distances.

        Raises:
            MetricUnavailableError: names the pictures that are smaller than a block or have no texture.
        """
        luma, border = Luma(str(self.workshop.options["luma"])), int(self.workshop.options["border"] or 0)
        if min(sr.size) - 2 * border < BLOCK:
            height, width = sr.size
            raise MetricUnavailableError(f"pictures of {width} x {height} are smaller than NIQE's block of {BLOCK} x {BLOCK}")
        greys = (channels(rgb, luma, rounded=True, border=border)[0] for rgb in sr.pictures)
        values = np.array([niqe(grey, self._pristine) for grey in greys])
        if bare := [name for name, value in zip(sr.names, values, strict=True) if np.isnan(value)]:
            raise MetricUnavailableError(f"no texture for NIQE to judge in {', '.join(bare)}")
        return values
