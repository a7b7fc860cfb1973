"""Bicubic against the literature's values, and a picture computed by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semsr.imaging.pictures import read_rgb


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
