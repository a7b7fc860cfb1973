"""DAT-light: the published PSNR, picture by picture, and a golden picture."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semsr.imaging.pictures import read_rgb

SET5 = {"img_001": 33.92, "img_002": 35.36, "img_003": 29.28, "img_004": 33.06, "img_005": 31.24}


@pytest.mark.slow
def test_published_psnr_on_set5(test_data: Path, make_runner: Any, y_psnr: Any) -> None:
    """The paper's DAT-light row: 32.57 dB on Set5 x4."""
    runner = make_runner("dat")
    values = {}
    for name in SET5:
        lr = read_rgb(test_data / "set5" / "lr_x4" / f"{name}.png")
        values[name] = y_psnr(runner.restore([name], [lr])[0], read_rgb(test_data / "set5" / "hr" / f"{name}.png"))
    assert values == pytest.approx(SET5, abs=0.01)
    assert np.mean(list(values.values())) == pytest.approx(32.57, abs=0.01)


@pytest.mark.slow
def test_golden_picture(golden: Path, make_runner: Any) -> None:
    sr = make_runner("dat").restore(["golden"], [read_rgb(golden / "lr.png")])[0]
    difference = np.abs(sr.astype(int) - read_rgb(golden / "dat.png").astype(int))
    assert difference.max() <= 1
