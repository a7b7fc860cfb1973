"""Sizes on the way to the autoencoder and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image

from semsr.restoration.diffusion.sizes import resize, working_sizes


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (128, 128, [(512, 512), (512, 512)]),
        (100, 60, [(213, 128), (852, 512), (848, 512)]),
        (60, 100, [(128, 213), (512, 852), (512, 848)]),
        (131, 129, [(524, 516), (520, 512)]),
        (127, 300, [(128, 302), (512, 1208), (512, 1208)]),
    ],
)
def test_working_sizes(width: int, height: int, expected: list[tuple[int, int]]) -> None:
    assert working_sizes(width, height, scale=4, smallest=128, multiple=8) == expected


def test_the_shorter_side_is_met_exactly() -> None:
    for side in range(1, 128):
        assert working_sizes(side, 130, scale=4, smallest=128, multiple=8)[0] == (128, 130 * 128 // side)


def test_resize_is_pils_on_the_very_bytes() -> None:
    rgb = np.random.default_rng(0).integers(0, 256, (2, 9, 13, 3), dtype=np.uint8)
    sizes = [(20, 30), (16, 24)]
    found = resize(torch.from_numpy(rgb).permute(0, 3, 1, 2).float().div(255), sizes)
    for picture, one in zip(rgb, found, strict=True):
        image = Image.fromarray(picture)
        for size in sizes:
            image = image.resize(size, Image.Resampling.BICUBIC)
        assert np.array_equal((one.double().numpy() * 255).round().astype(np.uint8), np.asarray(image).transpose(2, 0, 1))
        assert torch.equal(one, one.mul(255).round().div(255))


def test_a_size_it_has_changes_nothing() -> None:
    picture = torch.randint(0, 256, (1, 3, 8, 12)).float().div(255)
    assert torch.equal(resize(picture, [(12, 8)]), picture)
