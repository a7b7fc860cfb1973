"""Bicubic against the literature's values, and a picture computed by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semsr.errors import MethodError
from semsr.imaging.pictures import read_rgb
from semsr.project import Project


@pytest.mark.parametrize("dataset, expected", [("set5_gtmod12", 28.397), ("set5", 28.432), ("set14", 26.093)])
def test_psnr_of_the_standard_sets(test_data: Path, make_runner: Any, y_psnr: Any, dataset: str, expected: float) -> None:
    runner, values = make_runner("bicubic"), []
    for path in sorted((test_data / dataset / "lr_x4").iterdir()):
        lr, hr = (read_rgb(file, grey="replicate") for file in (path, test_data / dataset / "hr" / path.name))
        values.append(y_psnr(runner.restore([path.stem], [lr])[0], hr))
    assert np.mean(values) == pytest.approx(expected, abs=0.003)


def test_a_step_by_hand(make_runner: Any) -> None:
    """Keys' weights at the first of four positions between two pixels: -0.0439, 0.4307, 0.6846 - 0.0713 and so on; here 0 | 200."""
    lr = np.zeros((8, 8, 3), np.uint8)
    lr[:, 4:] = 200
    row = make_runner("bicubic").restore(["step"], [lr])[0][16, :, 0]

    # Distances .125, .375, .625, .875 to the pixel on the left; w(t) = sum of the weights of the two pixels on the right.
    def right(t: float) -> float:
        near = 1.5 * (1 - t) ** 3 - 2.5 * (1 - t) ** 2 + 1
        far = -0.5 * (2 - t) ** 3 + 2.5 * (2 - t) ** 2 - 4 * (2 - t) + 2
        return 200 * (near + far)

    expected = [min(255, max(0, round(right(t)))) for t in (0.125, 0.375, 0.625, 0.875)]
    assert row[14:18].tolist() == expected


def test_zoomed_lr_is_squares_of_its_own_pixels(make_runner: Any) -> None:
    lr = np.random.default_rng(0).integers(0, 256, (5, 7, 3), dtype=np.uint8)
    zoomed = make_runner("bicubic", "nearest").restore(["a"], [lr])[0]
    np.testing.assert_array_equal(zoomed, np.kron(lr, np.ones((4, 4, 1), np.uint8)))
    tiled = make_runner("bicubic", "nearest", tile=16).restore(["a"], [np.tile(lr, (8, 8, 1))])[0]
    np.testing.assert_array_equal(tiled, np.tile(zoomed, (8, 8, 1)))


def test_a_kernel_that_is_none_is_refused(make_runner: Any, project: Project) -> None:
    card = project.method("bicubic")
    wrong = card.variants["nearest"].model_copy(update={"options": {"kernel": "lanczos"}})
    with pytest.raises(MethodError, match="kernel: found 'lanczos'; allowed: cubic, nearest"):
        make_runner("bicubic", card=card.model_copy(update={"variants": {"default": wrong}}))
