"""Fréchet and kernel Inception distance between two sets of pictures."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigvalsh, sqrtm

from semsr.errors import MetricUnavailableError
from semsr.evaluation.metric import Batch, SetMetric, Workshop

from .inception import Inception

Floats = NDArray[np.float64]


def frechet_distance(sr: Floats, hr: Floats) -> float:
    """|mean difference|² + trace(S + H - 2 (S H)^½) of the Gaussians fitted to two clouds of features.

    Args:
        sr, hr: (N, D) and (M, D), at least two rows each.

    Returns:
        >= 0 up to rounding.

    Raises:
        MetricUnavailableError: fewer than two pictures.

    Source: Heusel et al. 2017, eq. (6). The trace of the root is the sum of the roots of the eigenvalues of S^½ H S^½, which is
        symmetric: no complex intermediate values, no offset on the diagonal where a covariance is singular (N <= D).
    """
    _enough(sr, hr)
    difference = sr.mean(axis=0) - hr.mean(axis=0)
    # The non-zero eigenvalues of S H are the squares of the singular values of A Bᵀ for S = AᵀA, H = BᵀB, a matrix of only N x M.
    root_sr, root_hr = ((cloud - cloud.mean(axis=0)) / np.sqrt(len(cloud) - 1) for cloud in (sr, hr))
    if min(len(sr), len(hr)) < sr.shape[1]:
        cross = np.linalg.svd(root_sr @ root_hr.T, compute_uv=False).sum()
    else:
        middle = np.real(sqrtm(root_sr.T @ root_sr))
        cross = np.sqrt(np.maximum(eigvalsh(middle @ (root_hr.T @ root_hr) @ middle), 0)).sum()
    return float(difference @ difference + np.sum(root_sr**2) + np.sum(root_hr**2) - 2 * cross)


def kernel_distance(sr: Floats, hr: Floats) -> float:
    """Unbiased squared maximum mean discrepancy with the kernel (x·y / D + 1)³.

    Args:
        sr, hr: (N, D) and (M, D), at least two rows each.

    Returns:
        0 on average for two samples of one distribution; may be negative.

    Raises:
        MetricUnavailableError: fewer than two pictures.

    Source: Bińkowski et al. 2018, eq. (4) and section 4.
    """
    _enough(sr, hr)

    def kernel(first: Floats, second: Floats) -> Floats:
        return np.asarray((first @ second.T / first.shape[1] + 1) ** 3)

    def within(cloud: Floats) -> float:
        values = kernel(cloud, cloud)
        return float((values.sum() - np.trace(values)) / (len(cloud) * (len(cloud) - 1)))

    return within(sr) + within(hr) - 2 * float(kernel(sr, hr).mean())


def _enough(sr: Floats, hr: Floats) -> None:
    if min(len(sr), len(hr)) < 2:
        raise MetricUnavailableError(
            f"a distance between sets needs at least two pictures a side, found {min(len(sr), len(hr))}"
        )


class Fid(SetMetric):
    """Fréchet Inception distance in clean-fid's manner."""

    def __init__(self, workshop: Workshop) -> None:
        super().__init__(workshop)
        self._inception = Inception(workshop.asset("inception-fid"), workshop.device)

    def features(self, batch: Batch) -> Floats:
        """(B, 2048)."""
        return batch.once(("inception", "clean"), lambda: self._inception(batch.pictures))

    def distance(self, sr: Floats, hr: Floats) -> float:
        """`frechet_distance`."""
        return frechet_distance(sr, hr)


class Kid(Fid):
    """Kernel Inception distance on the same features."""

    def distance(self, sr: Floats, hr: Floats) -> float:
        """`kernel_distance`."""
        return kernel_distance(sr, hr)
