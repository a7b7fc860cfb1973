"""Structural similarity (Wang et al. 2004) with the 11 x 11 Gaussian window."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import correlate1d

from semsr.errors import SizeMismatchError
from semsr.evaluation.metric import Batch, Metric, Values

from .planes import planes, same_shape

Floats = NDArray[np.float64]
_RADIUS, _SIGMA = 5, 1.5
_WINDOW = np.exp(-(np.arange(-_RADIUS, _RADIUS + 1) ** 2) / (2 * _SIGMA**2))
_WINDOW /= _WINDOW.sum()


@dataclass(frozen=True)
class HrSide:
    """What SSIM needs of one HR picture: the (downsampled) planes and their local means, (C, H, W) and (C, H - 10, W - 10)."""

    planes: Floats
    mean: Floats


def hr_side(hr: Floats, *, downsample: bool = False) -> HrSide:
    """The HR half of SSIM, computed once and used for every method. `hr` is (C, H, W), see `ssim`."""
    hr = _box_downsample(hr) if downsample else hr
    return HrSide(hr, _blur(hr))


def ssim(
    sr: Floats, hr: Floats | HrSide, *, data_range: float = 255.0, clamp_contrast: bool = False, downsample: bool = False
) -> float:
    """Structural similarity of one picture: the mean of the map over all channels and all places where the window fits.

    Args:
        sr: (C, H, W) float64 in [0, data_range], border already cut.
        hr: the same shape, or its `hr_side` (made with the same `downsample`).
        data_range: the L of C1 = (0.01 L)² and C2 = (0.03 L)².
        clamp_contrast: negative values of the contrast-structure map count as 0. pyiqa does it; 0.0024 on the mean of a hundred
            real photographs, up to 0.022 on one.
        downsample: first average over f x f pixels, f = round(shorter side / 256), as Wang's own script does and pyiqa does not;
            0.06 on 512² pictures.

    Returns:
        [-1, 1], or [0, 1] with `clamp_contrast`; 1 for identical pictures.

    Raises:
        SizeMismatchError: sr and hr differ in size, or are smaller than the window.

    Source: Wang et al., "Image quality assessment: from error visibility to structural similarity", eq. (13), section III-C;
        the choices of cswry/OSEDiff@fcc4f09c:test_metrics.py. Per-picture agreement in tests/metrics/test_published_logs.py.
    """
    sr = _box_downsample(sr) if downsample else sr
    side = hr if isinstance(hr, HrSide) else hr_side(hr, downsample=downsample)
    same_shape(sr, side.planes)
    c1, c2 = (0.01 * data_range) ** 2, (0.03 * data_range) ** 2
    # The two variances are only ever needed as their sum, which saves one of the four blurs.
    squares = sr * sr
    squares += side.planes * side.planes
    mean = _blur(sr)
    product = mean * side.mean
    mean *= mean
    mean += side.mean * side.mean
    variances = _blur(squares)
    variances -= mean
    covariance = _blur(np.multiply(sr, side.planes, out=squares))
    covariance -= product
    contrast = (2 * covariance + c2) / (variances + c2)
    if clamp_contrast:
        np.maximum(contrast, 0.0, out=contrast)
    contrast *= (2 * product + c1) / (mean + c1)
    return float(contrast.mean())


def _blur(maps: Floats) -> Floats:
    """Gaussian-weighted means of (C, H, W) where the window fits: (C, H - 10, W - 10). Separable: 22 products, not 121."""
    if min(maps.shape[1:]) <= 2 * _RADIUS:
        raise SizeMismatchError(f"a picture of {maps.shape[2]} x {maps.shape[1]} is smaller than SSIM's 11 x 11 window")
    rows = correlate1d(maps, _WINDOW, axis=1)[:, _RADIUS:-_RADIUS]
    return correlate1d(rows, _WINDOW, axis=2)[:, :, _RADIUS:-_RADIUS]


def _box_downsample(maps: Floats) -> Floats:
    """Wang's automatic downsampling: box means, mirrored at the edges, every f-th taken."""
    factor = max(1, round(min(maps.shape[1:]) / 256))
    if factor == 1:
        return maps
    height, width = maps.shape[1:]
    before, after = (factor - 1) // 2, factor // 2
    padded = np.pad(maps, ((0, 0), (before, after), (before, after)), mode="symmetric")
    total = sum(
        padded[:, down : down + height : factor, right : right + width : factor]
        for down in range(factor)
        for right in range(factor)
    )
    return np.asarray(total / factor**2)


class Ssim(Metric):
    """SSIM on the planes the protocol chooses."""

    def reference(self, hr: Batch) -> list[HrSide]:
        """The HR planes and their local means."""
        downsample = bool(self.workshop.options["downsample"])
        return [hr_side(plane, downsample=downsample) for plane in planes(hr, self.workshop.options)]

    def measure(self, sr: Batch, reference: list[HrSide]) -> Values:
        """(B,) similarities."""
        clamp, downsample = (bool(self.workshop.options[name]) for name in ("clamp_contrast", "downsample"))
        pairs = zip(planes(sr, self.workshop.options), reference, strict=True)
        return np.array([ssim(mine, theirs, clamp_contrast=clamp, downsample=downsample) for mine, theirs in pairs])
