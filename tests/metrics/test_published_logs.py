"""Our value of every picture against the value its authors published for it (OSEDiff, pyiqa 0.1.10), protocol `seesr`."""

from __future__ import annotations

import numpy as np
import pytest

# What must hold (facts of the field, issue of this project), for each of the 50 pictures: none may fall outside.
TOLERANCES = {"psnr": 1e-4, "ssim": 2e-6, "lpips": 2e-4, "dists": 1e-4, "niqe": 2e-2}
# What does hold, with a little room for other processors; a change of behaviour shows here first.
MEASURED = {"psnr": 1e-5, "ssim": 2e-6, "lpips": 1e-4, "dists": 5e-5, "niqe": 1e-2}
NETWORKS = [pytest.param("lpips", marks=pytest.mark.slow), pytest.param("dists", marks=pytest.mark.slow)]


@pytest.mark.parametrize("metric", ["psnr", "ssim", "niqe", *NETWORKS])
def test_equals_the_published_value_of_every_picture(metric, osediff, seesr_metric):
    measured = seesr_metric(metric)
    differences = {pair.name: abs(pair.value(measured) - pair.published[metric]) for pair in osediff}
    outside = {name: value for name, value in differences.items() if not value < TOLERANCES[metric]}
    assert not outside
    assert max(differences.values()) < MEASURED[metric]


def test_the_published_means_of_the_50_pictures(osediff):
    """The copy of the log beside the project is whole (means from the project's facts)."""
    means = {name: np.mean([pair.published[name] for pair in osediff]) for name in osediff[0].published}
    expected = {"psnr": 25.3243, "ssim": 0.7520, "lpips": 0.2795, "dists": 0.1999, "niqe": 5.1746}
    assert {name: round(float(means[name]), 4) for name in expected} == expected


@pytest.mark.parametrize(
    ("metric", "options", "away"),
    [
        ("psnr", {"luma": "bt601-full"}, -1.32),
        ("psnr", {"luma": "rgb"}, -1.5),
        ("ssim", {"clamp_contrast": False}, -0.002),
        ("ssim", {"luma": "bt601-full"}, -0.025),
        ("ssim", {"downsample": True}, 0.05),
    ],
)
def test_every_other_choice_is_visible(metric, options, away, osediff, project, make_metric):
    """The means move by at least about what the facts say when one option of `seesr` is changed: the choices are not idle."""
    protocol = {column.name: column.options for column in project.protocol("seesr").columns}
    other = make_metric(metric, **{**protocol[metric], **options})
    move = np.mean([pair.value(other) - pair.published[metric] for pair in osediff[::5]])
    assert np.sign(move) == np.sign(away)
    assert abs(move) > 0.5 * abs(away)


@pytest.mark.parametrize("options", [{"luma": "bt601-limited"}, {"border": 4}])
def test_niqe_of_single_pictures_hangs_on_the_choice(options, osediff, make_metric):
    """Means hardly move, but single pictures do, by far more than the tolerance above."""
    other = make_metric("niqe", **options)
    assert max(abs(pair.value(other) - pair.published["niqe"]) for pair in osediff[::5]) > 0.1
