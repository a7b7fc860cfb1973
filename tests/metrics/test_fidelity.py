"""PSNR, SSIM and luma against closed forms, scikit-image, and what must hold for any picture."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from skimage.metrics import structural_similarity

from semsr.errors import SizeMismatchError
from semsr.evaluation.metric import Batch
from semsr.imaging.colour import Luma, channels
from semsr.plugins import load_plugin

PICTURES = arrays(np.uint8, (16, 20, 3), elements=st.integers(0, 255))


@pytest.fixture(scope="module")
def psnr(project):
    return load_plugin(project, "metric", "fidelity", "psnr:psnr")


@pytest.fixture(scope="module")
def ssim(project):
    return load_plugin(project, "metric", "fidelity", "ssim:ssim")


@pytest.fixture(scope="module")
def photographs(test_data):
    from semsr.imaging.pictures import read_rgb

    folder = test_data / "realsr_crop128"
    return [read_rgb(folder / side / "Canon_007_LR4.png") for side in ("osediff", "hr")]


def test_luma_of_black_white_and_primaries():
    """ITU-R BT.601: 16 to 235; full range: 0 to 255. Values of MATLAB's rgb2ycbcr documentation."""
    corners = np.array([[[0, 0, 0], [255, 255, 255], [255, 0, 0], [0, 255, 0], [0, 0, 255]]], np.uint8)
    limited = channels(corners, Luma.BT601_LIMITED)[0, 0]
    np.testing.assert_allclose(limited, [16, 235, 81.481, 144.553, 40.966], atol=1e-9)
    full = channels(corners, Luma.BT601_FULL)[0, 0]
    np.testing.assert_allclose(full, [0, 255, 76.245, 149.685, 29.07], atol=1e-9)
    assert channels(corners, Luma.BT601_LIMITED, rounded=True)[0, 0].tolist() == [16, 235, 81, 145, 41]


def test_luma_cuts_the_border_and_refuses_to_cut_everything():
    picture = np.zeros((10, 12, 3), np.uint8)
    assert channels(picture, Luma.RGB, border=4).shape == (3, 2, 4)
    with pytest.raises(SizeMismatchError, match="border of 5"):
        channels(picture, Luma.RGB, border=5)


def test_a_known_error(psnr):
    """All values one grey level apart: MSE 1, so 20 log10(255) dB."""
    hr = np.full((1, 8, 8), 100.0)
    assert psnr(hr + 1, hr) == pytest.approx(20 * math.log10(255))
    assert psnr(hr + 1, hr, epsilon=1e-8) == pytest.approx(-10 * math.log10(1 / 255**2 + 1e-8))


def test_rgb_pools_the_error_over_channels(psnr):
    """Not the mean of the channels' PSNRs, which would be infinite here."""
    hr = np.zeros((3, 4, 4))
    sr = hr.copy()
    sr[0] = 3
    assert psnr(sr, hr) == pytest.approx(10 * math.log10(255**2 / 3))


def test_identical_pictures(psnr, ssim, photographs):
    plane = channels(photographs[1], Luma.BT601_LIMITED)
    assert psnr(plane, plane) == math.inf
    assert psnr(plane, plane, epsilon=1e-8) == pytest.approx(80, abs=1e-12)
    assert ssim(plane, plane) == pytest.approx(1, abs=1e-12)


@pytest.mark.parametrize("rounded", [False, True])
def test_the_lumas_differ_by_a_constant(rounded, psnr, photographs):
    """20 log10(255/219) = 1.322 dB, exactly without rounding: the most common wrong number of the field."""
    limited, full = (
        psnr(*(channels(p, luma, rounded=rounded) for p in photographs)) for luma in (Luma.BT601_LIMITED, Luma.BT601_FULL)
    )
    assert limited - full == pytest.approx(20 * math.log10(255 / 219), abs=0.01 if rounded else 1e-9)


@pytest.mark.parametrize("luma", list(Luma))
@pytest.mark.parametrize("border", [0, 4])
def test_ssim_equals_scikit_image(luma, border, ssim, photographs):
    sr, hr = (channels(picture, luma, border=border) for picture in photographs)
    _, theirs = structural_similarity(
        sr, hr, channel_axis=0, gaussian_weights=True, sigma=1.5, use_sample_covariance=False, data_range=255, full=True
    )
    assert ssim(sr, hr) == pytest.approx(theirs[:, 5:-5, 5:-5].mean(), abs=1e-9)


def test_ssim_downsamples_like_wangs_script(ssim, photographs):
    """At 512² the factor is 2, and MATLAB's box filter with its centre up-left is the mean of 2 x 2 pixels."""
    planes = [channels(picture, Luma.BT601_LIMITED) for picture in photographs]
    halves = [plane.reshape(1, 256, 2, 256, 2).mean((2, 4)) for plane in planes]
    assert ssim(*planes, downsample=True) == pytest.approx(ssim(*halves), abs=1e-12)


def test_ssim_downsamples_by_an_odd_factor(ssim):
    """768 -> factor 3: every third pixel from the first, means centred on it, mirrored at the edge (MATLAB's imfilter 'symmetric')."""
    from scipy.ndimage import uniform_filter

    generator = np.random.default_rng(0)
    planes = [generator.uniform(0, 255, (1, 768, 800)) for _ in range(2)]
    smaller = [uniform_filter(plane, (1, 3, 3), mode="reflect")[:, ::3, ::3] for plane in planes]
    assert ssim(*planes, downsample=True) == pytest.approx(ssim(*smaller), abs=1e-12)


def test_clamping_only_ever_raises_ssim(ssim):
    """A negative picture: contrast and structure are opposed, so the map is negative and the clamp takes all of it."""
    hr = np.random.default_rng(1).uniform(0, 255, (1, 64, 64))
    assert ssim(255 - hr, hr) < 0
    assert ssim(255 - hr, hr, clamp_contrast=True) == 0


@settings(max_examples=30, deadline=None)
@given(sr=PICTURES, hr=PICTURES)
def test_both_are_symmetric_and_bounded(sr, hr, psnr, ssim):
    planes = [channels(picture, Luma.BT601_LIMITED) for picture in (sr, hr)]
    assert psnr(*planes) == psnr(*planes[::-1])
    assert ssim(*planes) == pytest.approx(ssim(*planes[::-1]), abs=1e-12)
    assert -1 <= ssim(*planes) <= 1 + 1e-12
    assert 0 <= ssim(*planes, clamp_contrast=True) <= 1 + 1e-12


def test_sizes_must_agree_and_hold_a_window(psnr, ssim):
    with pytest.raises(SizeMismatchError, match="SR is 9 x 8, HR is 8 x 8"):
        psnr(np.zeros((1, 8, 9)), np.zeros((1, 8, 8)))
    with pytest.raises(SizeMismatchError, match="11 x 11 window"):
        ssim(np.zeros((1, 10, 40)), np.zeros((1, 10, 40)))


def test_planes_are_made_once_for_both_metrics(make_metric, photographs, monkeypatch, project):
    from semsr.evaluation.metric import Batch

    planes = load_plugin(project, "metric", "fidelity", "planes:planes")
    calls = []
    monkeypatch.setitem(planes.__globals__, "channels", lambda *args, **options: calls.append(1) or channels(*args, **options))
    sr, hr = (Batch(["a"], [picture]) for picture in photographs)
    for metric in (make_metric("psnr"), make_metric("ssim")):
        metric.measure(sr, metric.reference(hr))
    assert len(calls) == 2


@pytest.mark.parametrize(("border", "epsilon"), [(0, 0.0), (3, 0.0), (0, 1e-8)])
def test_psnr_of_all_pictures_as_one_is_that_of_all_their_pixels(make_metric, border, epsilon):
    """From the pictures' own values, against one mean over every square error; pictures of different sizes."""
    rng = np.random.default_rng(0)
    metric = make_metric("psnr", luma="rgb", border=border, epsilon=epsilon)
    pairs = [
        (rng.integers(0, 256, (*size, 3), dtype=np.uint8), rng.integers(0, spread, (*size, 3), dtype=np.uint8))
        for size, spread in (((20, 30), 256), ((40, 16), 90), ((25, 25), 10))
    ]
    values = [float(metric.measure(Batch(["a"], [sr]), metric.reference(Batch(["a"], [hr])))[0]) for sr, hr in pairs]
    inner = slice(border, -border or None)
    errors = [((sr.astype(float) - hr)[inner, inner] ** 2).ravel() for sr, hr in pairs]
    expected = 10 * np.log10(1 / (np.concatenate(errors).mean() / 255**2 + epsilon))
    found = metric.pooled(np.array(values), [sr.shape[:2] for sr, _ in pairs])
    assert found == pytest.approx(expected, abs=1e-9)
    assert found < np.mean(values)
    assert metric.pooled(np.array([np.inf, np.inf]), [(20, 20)] * 2) == math.inf
