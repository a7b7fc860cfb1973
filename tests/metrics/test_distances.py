"""FID and KID as formulas: closed forms, the definitions' own sums, SciPy's matrix root. The network is not needed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import sqrtm

from semsr.errors import MetricUnavailableError
from semsr.plugins import load_plugin


@pytest.fixture(scope="module")
def frechet(project):
    return load_plugin(project, "metric", "distribution", "distances:frechet_distance")


@pytest.fixture(scope="module")
def kernel(project):
    return load_plugin(project, "metric", "distribution", "distances:kernel_distance")


@pytest.fixture
def generator():
    return np.random.default_rng(0)


@pytest.mark.parametrize("count", [400, 30])
def test_frechet_equals_scipys_matrix_root(count, frechet, generator):
    """More pictures than features, and fewer: then the covariance is singular and clean-fid's root needs an offset."""
    sr, hr = generator.normal(size=(count, 40)), generator.normal(0.3, 1.5, size=(count + 7, 40))
    product = np.cov(sr, rowvar=False) @ np.cov(hr, rowvar=False)
    expected = np.sum((sr.mean(0) - hr.mean(0)) ** 2) + np.trace(np.cov(sr, rowvar=False)) + np.trace(np.cov(hr, rowvar=False))
    expected -= 2 * np.trace(sqrtm(product).real)
    assert frechet(sr, hr) == pytest.approx(expected, rel=1e-4 if count < 40 else 1e-9)


def test_frechet_of_one_feature(frechet):
    """(m - n)² + (s - t)² for one-dimensional Gaussians: means 1 and 5, standard deviations 1 and 3."""
    assert frechet(np.array([[0.0], [1], [2]]), np.array([[2.0], [5], [8]])) == pytest.approx(4**2 + 2**2)


def test_frechet_of_a_moved_and_stretched_cloud(frechet, generator):
    """Commuting covariances S and 4 S: |shift|² + trace(S)."""
    cloud = generator.normal(size=(200, 6))
    cloud -= cloud.mean(0)
    moved = 2 * cloud + np.arange(6)
    assert frechet(moved, cloud) == pytest.approx(np.sum(np.arange(6) ** 2) + np.trace(np.cov(cloud, rowvar=False)))
    assert frechet(cloud, cloud) == pytest.approx(0, abs=1e-9)
    assert frechet(cloud, moved) == pytest.approx(frechet(moved, cloud))


def test_kernel_equals_the_double_sum_of_its_definition(kernel, generator):
    sr, hr = generator.normal(size=(5, 3)), generator.normal(1, 1, size=(4, 3))

    def k(x, y):
        return (np.dot(x, y) / 3 + 1) ** 3

    within = [
        sum(k(a, b) for i, a in enumerate(cloud) for j, b in enumerate(cloud) if i != j) / (len(cloud) * (len(cloud) - 1))
        for cloud in (sr, hr)
    ]
    across = sum(k(a, b) for a in sr for b in hr) / 20
    assert kernel(sr, hr) == pytest.approx(sum(within) - 2 * across)


def test_kernel_is_unbiased_where_frechet_is_not(kernel, frechet, generator):
    """Two samples of one distribution: KID is 0 on average whatever N; FID falls with N. Why N stands beside FID."""
    draws = {n: [(generator.normal(size=(n, 8)), generator.normal(size=(n, 8))) for _ in range(200)] for n in (10, 40)}
    for pairs in draws.values():
        values = [kernel(*pair) for pair in pairs]
        assert abs(np.mean(values)) < 4 * np.std(values) / np.sqrt(len(values))
    small, large = (np.mean([frechet(*pair) for pair in draws[n]]) for n in (10, 40))
    assert small > 2 * large > 0.2


def test_one_picture_is_no_set(kernel, frechet):
    for distance in (kernel, frechet):
        with pytest.raises(MetricUnavailableError, match="at least two pictures a side, found 1"):
            distance(np.zeros((1, 4)), np.zeros((5, 4)))


def test_inception_sees_what_clean_fid_shows_it(project, generator):
    """Antialiased, and not rounded: a fine checkerboard becomes even grey, and a constant stays what it is."""
    to_inception = load_plugin(project, "metric", "distribution", "inception:to_inception")
    board = np.indices((1196, 1196)).sum(0) % 2 * 255
    shown = to_inception(np.repeat(board[..., None], 3, 2).astype(np.uint8))
    assert shown.shape == (3, 299, 299)
    assert shown.dtype == np.float32
    np.testing.assert_allclose(shown[:, 2:-2, 2:-2], (127.5 - 128) / 128, atol=1e-3)
    constant = to_inception(np.full((512, 512, 3), (0, 64, 255), np.uint8))
    np.testing.assert_allclose(constant[:, 150, 150], [-1, -0.5, 127 / 128], atol=1e-6)
