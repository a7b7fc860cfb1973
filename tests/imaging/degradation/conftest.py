"""Pictures for the degradation's tests, made with whole-number arithmetic: the same on every machine."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray


def make_picture(height: int, width: int, seed: int = 0) -> NDArray[np.uint8]:
    """Slopes, edges, flat parts and grain: (H, W, 3) uint8."""
    y, x = np.mgrid[:height, :width]
    grain = np.random.Philox(key=seed).random_raw(height * width * 3).reshape(height, width, 3) % 23
    slopes = np.stack([(3 * x + y) // 4 % 200, (x + 5 * y) // 6 % 230, (2 * x + 2 * y) // 3 % 180], axis=-1)
    squares = ((x // 32 + y // 24 + seed) % 3 == 0)[..., None] * np.array([60, 20, 90])
    flat = ((x // 64 + y // 64) % 4 == 1)[..., None]
    return np.where(flat, 128, np.clip(slopes // 2 + squares + grain.astype(np.int64), 0, 255)).astype(np.uint8)


@pytest.fixture
def picture() -> NDArray[np.uint8]:
    return make_picture(128, 160)
