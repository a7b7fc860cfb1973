"""HR cut from photographs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semsr.cards.dataset import Photo
from semsr.errors import PictureError, SizeMismatchError
from semsr.preparation.photographs import cut

skimage_data = pytest.importorskip("skimage.data", reason="needs scikit-image, an extra of the tests")


def photo(box: tuple[int, int, int, int], shrink: int = 1) -> Photo:
    return Photo(name="x", asset="x", shrink=shrink, box=box, split="test", subject="a test")


@pytest.fixture
def coffee(tmp_path: Path) -> Path:
    Image.fromarray(skimage_data.coffee()).save(tmp_path / "coffee.png")
    return tmp_path / "coffee.png"


def test_the_box_is_left_top_right_bottom(coffee: Path) -> None:
    assert np.array_equal(cut(photo((140, 8, 524, 392)), coffee), skimage_data.coffee()[8:392, 140:524])


def test_shrinking_is_antialiased_and_before_the_crop(coffee: Path) -> None:
    """Pillow's float resampler has the same kernel; ours is rounded at the end."""
    ours = cut(photo((8, 8, 200, 136), shrink=2), coffee)
    for channel, plane in enumerate(Image.open(coffee).split()):
        pillow = np.asarray(plane.convert("F").resize((300, 200), Image.Resampling.BICUBIC))[8:136, 8:200]
        assert np.abs(ours[..., channel] - np.clip(pillow, 0, 255)).max() < 0.501


def test_a_box_outside_is_refused(coffee: Path) -> None:
    with pytest.raises(
        SizeMismatchError, match=r"coffee\.png: photo 'x': box \[0, 0, 400, 400\] .* is 300x200 after shrinking by 2"
    ):
        cut(photo((0, 0, 400, 400), shrink=2), coffee)


def test_a_grey_photograph_is_refused(tmp_path: Path) -> None:
    Image.fromarray(skimage_data.camera()).save(tmp_path / "camera.png")
    with pytest.raises(PictureError, match=r"camera\.png: 8-bit grey"):
        cut(photo((0, 0, 4, 4)), tmp_path / "camera.png")
