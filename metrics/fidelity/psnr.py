"""Peak signal-to-noise ratio."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from semsr.evaluation.metric import Batch, Metric, Values

from .planes import Planes, planes, same_shape


def psnr(sr: NDArray[np.float64], hr: NDArray[np.float64], *, data_range: float = 255.0, epsilon: float = 0.0) -> float:
    """Peak signal-to-noise ratio of one picture, in dB: 10 log10(1 / (MSE / range² + epsilon)).

    Args:
        sr, hr: (C, H, W) float64 in [0, data_range], border already cut. The mean square error is over all values; with three
            channels this is not the mean of the channels' PSNRs.
        data_range: the peak. It is 255 for limited-range luma too, whose values span 219: this is what everybody does, and why
            the two lumas differ by exactly 20·log10(255/219) = 1.322 dB.
        epsilon: added to the mean square error at unit range. pyiqa's 1e-8 caps PSNR at 80 dB and costs 0.0025 dB at 48 dB.

    Returns:
        dB; +inf for identical pictures unless epsilon > 0.

    Raises:
        SizeMismatchError: sr and hr differ in size.

    Source: cswry/OSEDiff@fcc4f09c:test_metrics.py (limited luma, epsilon 1e-8); per-picture agreement in
        tests/metrics/test_published_logs.py.
    """
    same_shape(sr, hr)
    difference = (sr - hr).ravel()
    error = float(difference @ difference) / difference.size / data_range**2 + epsilon
    return float(-10.0 * np.log10(error)) if error > 0 else float("inf")


class Psnr(Metric):
    """PSNR on the planes the protocol chooses."""

    def reference(self, hr: Batch) -> Planes:
        """The HR planes."""
        return planes(hr, self.workshop.options)

    def measure(self, sr: Batch, reference: Planes) -> Values:
        """(B,) dB."""
        epsilon = float(self.workshop.options["epsilon"] or 0.0)
        pairs = zip(planes(sr, self.workshop.options), reference, strict=True)
        return np.array([psnr(mine, theirs, epsilon=epsilon) for mine, theirs in pairs])

    def pooled(self, values: Values, sizes: Sequence[tuple[int, int]]) -> float:
        """PSNR of the mean square error over the pixels of all pictures, as torchmetrics has it; never above the mean of PSNRs."""
        border = int(self.workshop.options["border"] or 0)
        pixels = [(height - 2 * border) * (width - 2 * border) for height, width in sizes]
        error = float(np.average(10.0 ** (-values / 10.0), weights=pixels))  # each has epsilon in it
        return float(-10.0 * np.log10(error)) if error > 0 else float("inf")
