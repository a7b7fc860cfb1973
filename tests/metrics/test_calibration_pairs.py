"""Five lossless pairs with published values: to every printed digit. I04 and I06 are distorted almost only in colour."""

from __future__ import annotations

import pytest

pytestmark = pytest.mark.slow  # the pairs are in a wheel of 8 MB, VGG16 in a source archive of 64 MB


@pytest.mark.parametrize(
    ("column", "metric", "options", "tolerance"),
    [
        ("psnr-rgb", "psnr", {"luma": "rgb"}, 0.00501),
        ("psnr-y", "psnr", {}, 0.00006),
        ("lpips", "lpips", {}, 0.00006),
        ("lpips-vgg", "lpips-vgg", {}, 0.00006),
        ("dists", "dists", {}, 0.00006),
    ],
)
def test_equals_every_printed_digit(column, metric, options, tolerance, calibration, make_metric):
    measured = make_metric(metric, **options)
    for pair in calibration:
        assert pair.value(measured) == pytest.approx(pair.published[column], abs=tolerance), pair.name


def test_niqe_is_pyiqas_not_matlabs(calibration, make_metric):
    """LIVE's MATLAB differs by up to 0.5 here. pyiqa's authors print another value for I19 than pyiqa 0.1.16 gives on a CPU (0.033
    apart): two thirds of its pixels are flat, and rounding noise decides there."""
    measured = make_metric("niqe")
    for pair in calibration:
        value = pair.value(measured)
        assert value == pytest.approx(pair.published["niqe-cpu"], abs=0.01), pair.name
        assert value == pytest.approx(pair.published["niqe-pyiqa"], abs=0.04 if pair.name == "I19" else 0.02), pair.name
