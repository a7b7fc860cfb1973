"""Masks over pictures."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from semsr.reporting.semantic.tints import SIDE, TINT, Area, encode_rgba, frame_of, inside, shrunk, tint

RED, BLUE = "#ff0000", "#0000ff"


def block(top: int, bottom: int, left: int, right: int, size: tuple[int, int] = (8, 10)) -> np.ndarray:
    mask = np.zeros(size, bool)
    mask[top:bottom, left:right] = True
    return mask


def test_a_mask_tints_its_pixels_only() -> None:
    mask = block(2, 5, 3, 9)
    made = tint([Area("stuff", RED, mask, outlined=False)], (8, 10))
    assert (made[mask] == (255, 0, 0, TINT)).all()
    assert not made[~mask].any()


def test_an_outline_is_the_border_of_the_mask() -> None:
    made = tint([Area("thing", BLUE, block(2, 6, 3, 8), outlined=True)], (8, 10))
    alpha = made[..., 3]
    assert (alpha[3:5, 4:7] == TINT).all()
    border = block(2, 6, 3, 8) & ~block(3, 5, 4, 7)
    assert (alpha[border] == 255).all()
    assert not alpha[~block(2, 6, 3, 8)].any()


def test_the_picture_s_own_border_is_an_outline_too() -> None:
    alpha = tint([Area("thing", BLUE, block(0, 8, 0, 10), outlined=True)], (8, 10))[..., 3]
    assert (alpha[0] == 255).all() and (alpha[:, -1] == 255).all() and (alpha[1:-1, 1:-1] == TINT).all()


def test_the_last_is_on_top() -> None:
    made = tint([Area("a", RED, block(0, 4, 0, 4), False), Area("b", BLUE, block(2, 6, 2, 6), False)], (8, 10))
    assert tuple(made[1, 1, :3]) == (255, 0, 0) and tuple(made[3, 3, :3]) == (0, 0, 255)


def test_masks_of_another_size_are_brought_to_the_frame() -> None:
    """Every pixel becomes a block of 2 x 3."""
    mask = np.random.default_rng(1).random((8, 10)) > 0.5
    made = tint([Area("a", RED, mask, False)], (16, 30))
    np.testing.assert_array_equal(made[..., 3] > 0, np.kron(mask, np.ones((2, 3), bool)))


@pytest.mark.parametrize(
    ("size", "frame"), [((512, 512), (256, 256)), ((480, 640), (192, 256)), ((32, 16), (256, 128)), ((1, 4000), (1, 256))]
)
def test_the_longer_side_is_always_the_same(size: tuple[int, int], frame: tuple[int, int]) -> None:
    assert frame_of(size) == frame and max(frame) == SIDE


def test_small_pictures_keep_their_pixels_and_large_ones_shrink() -> None:
    random = np.random.default_rng(0)
    small = random.integers(0, 256, (60, 100, 3), np.uint8)
    np.testing.assert_array_equal(shrunk(small), small)
    assert shrunk(random.integers(0, 256, (300, 600, 3), np.uint8)).shape == (128, 256, 3)


def test_a_name_stands_on_its_area() -> None:
    """The centroid of a ring is not on it."""
    y, x = np.mgrid[:41, :41]
    ring = np.hypot(y - 20, x - 20) > 12
    column, row = inside(ring)
    assert ring[int(row), int(column)]
    assert inside(block(2, 5, 3, 6)) == (4.5, 3.5)


def test_bytes_are_a_function_of_the_pixels() -> None:
    rgba = tint([Area("a", RED, block(2, 6, 3, 8), True)], (8, 10))
    assert encode_rgba(rgba) == encode_rgba(rgba.copy())
    with Image.open(io.BytesIO(encode_rgba(rgba))) as image:
        np.testing.assert_array_equal(np.asarray(image), rgba)
