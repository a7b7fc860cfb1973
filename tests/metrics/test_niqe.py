"""NIQE's parts against SciPy, and what must hold. Its values: test_published_logs.py, test_calibration_pairs.py."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.ndimage import correlate
from scipy.stats import gennorm

from semsr.errors import MetricUnavailableError, WeightsError
from semsr.evaluation.metric import Batch
from semsr.plugins import load_plugin


@pytest.fixture(scope="module")
def part(project):
    return lambda name: load_plugin(project, "metric", "naturalness", f"niqe:{name}")


@pytest.mark.parametrize("shape", [0.7, 1.0, 2.0, 3.5])
def test_the_fit_finds_the_shape_of_drawn_samples(shape, part):
    """Generalised Gaussians drawn by SciPy: shape and scale of both sides come back."""
    sample = gennorm.rvs(shape, scale=1.5, size=(1, 500, 500), random_state=0)
    found, left, right = part("_fit")(sample)
    assert found[0] == pytest.approx(shape, rel=0.03)
    assert left[0] == pytest.approx(1.5, rel=0.03)
    assert right[0] == pytest.approx(1.5, rel=0.03)


def test_the_two_sides_are_told_apart(part):
    """Left of zero twice as wide as right, and, as the model has it, twice as many samples there."""
    sample = np.abs(np.random.default_rng(0).normal(size=(1, 600, 400)))
    sample[0, :400] *= -2
    found, left, right = part("_fit")(sample)
    assert left[0] / right[0] == pytest.approx(2, rel=0.02)
    assert found[0] == pytest.approx(2, rel=0.03)


def test_a_block_with_one_side_only_has_no_scale(part):
    found, left, right = part("_fit")(np.ones((1, 4, 4)))
    assert found[0] == pytest.approx(0.2)
    assert np.isnan(left[0])
    assert right[0] > 0


def test_coefficients_equal_a_plain_convolution(part):
    """The float32 7 x 7 Gaussian of sigma 7/6 that published values were made with, in one two-dimensional pass."""
    grey = np.random.default_rng(0).integers(0, 256, (40, 50)).astype(float)
    axis = np.arange(-3, 4)
    window = np.exp(-(axis[:, None] ** 2 + axis**2) / (2 * (7 / 6) ** 2))
    window = (window / window.sum()).astype(np.float32).astype(float)
    mean = correlate(grey, window, mode="nearest")
    deviation = np.sqrt(np.abs(correlate(grey**2, window, mode="nearest") - mean**2))
    np.testing.assert_allclose(part("_normalise")(grey), (grey - mean) / (deviation + 1), atol=1e-6)


def test_flat_regions_fall_on_the_same_side_as_in_pyiqa(part):
    """The float32 window sums to 1 + 1.1e-8, so flat coefficients are slightly negative; with a window of exactly 1 they were noise,
    and Canon_026 was 0.024 off."""
    flat = part("_normalise")(np.full((20, 20), 255.0))
    assert (flat < 0).all()
    assert (flat > -1e-5).all()


def test_the_remainder_right_and_below_is_not_looked_at(part, asset):
    grey = np.random.default_rng(0).integers(0, 256, (300, 310)).astype(float)
    pristine = part("Pristine").read(asset("niqe-live"))
    assert part("niqe")(grey, pristine) == part("niqe")(grey[:288, :288], pristine)


def test_too_small_and_flat_pictures_say_so(make_metric):
    metric = make_metric("niqe")
    with pytest.raises(MetricUnavailableError, match="200 x 95 are smaller than NIQE's block of 96 x 96"):
        metric.measure(Batch(["a"], [np.zeros((95, 200, 3), np.uint8)]), None)
    with pytest.raises(MetricUnavailableError, match="no texture for NIQE to judge in flat"):
        metric.measure(Batch(["flat"], [np.full((96, 96, 3), 7, np.uint8)]), None)


def test_a_wrong_model_is_named(tmp_path, part):
    np.savez(tmp_path / "model.npz", mu_pris_param=np.zeros((1, 35)), cov_pris_param=np.zeros((35, 35)))
    with pytest.raises(WeightsError, match=r"model\.npz: a model of 35 features, expected 36"):
        part("Pristine").read(tmp_path / "model.npz")
    (tmp_path / "damaged.npz").write_bytes(b"nothing")
    with pytest.raises(WeightsError, match=r"damaged\.npz: not a NIQE model"):
        part("Pristine").read(tmp_path / "damaged.npz")
