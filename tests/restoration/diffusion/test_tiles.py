"""Tiles of latents: where they lie, how they weigh, and what their mean is."""

from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from torch import Tensor

from semsr.restoration.diffusion.tiles import gaussian, needs_tiles, predict_tiled, starts

T = torch.tensor(981)


@pytest.mark.parametrize(
    ("length", "tile", "overlap", "expected"),
    [
        (64, 96, 4, [0]),
        (96, 96, 4, [0]),
        (97, 96, 4, [0, 1]),
        (188, 96, 4, [0, 92]),
        (189, 96, 4, [0, 92, 93]),
        (200, 96, 32, [0, 64, 104]),
        (80, 32, 4, [0, 28, 48]),
        (5, 2, 4, [0, 1, 2, 3]),
    ],
)
def test_starts(length: int, tile: int, overlap: int, expected: list[int]) -> None:
    assert starts(length, tile, overlap) == expected


@pytest.mark.parametrize(("tile", "overlap"), [(16, 4), (7, 0), (9, 8)])
def test_starts_leave_no_gap(tile: int, overlap: int) -> None:
    for length in range(1, 60):
        found = starts(length, tile, overlap)
        assert found[0] == 0
        assert found[-1] + min(tile, length) == length
        assert all(0 < b - a <= tile - overlap for a, b in itertools.pairwise(found))


@pytest.mark.parametrize(("height", "width"), [(96, 96), (5, 8)])
def test_gaussian_is_off_its_centre_in_y(height: int, width: int) -> None:
    found = gaussian(height, width).double().numpy()
    for i in range(height):
        for j in range(width):
            x = math.exp(-((j - (width - 1) / 2) ** 2) / width**2 / 0.02) / math.sqrt(2 * math.pi * 0.01)
            y = math.exp(-((i - height / 2) ** 2) / height**2 / 0.02) / math.sqrt(2 * math.pi * 0.01)
            assert found[i, j] == pytest.approx(x * y, rel=1e-6)
    assert np.array_equal(found, found[:, ::-1])
    assert not np.allclose(found, found[::-1])


def prediction(latents: Tensor, t: Tensor, image: Tensor) -> Tensor:
    """Depends on its window as a whole, on the picture's part, and on the time."""
    seen = torch.nn.functional.avg_pool2d(image, 2).mean(1, keepdim=True)
    return torch.sin(latents * 2) + latents.mean((2, 3), keepdim=True) + seen + t / 1000


def test_weighted_mean() -> None:
    torch.manual_seed(0)
    latents, image = torch.randn(2, 4, 12, 21, dtype=torch.float64), torch.rand(2, 3, 24, 42, dtype=torch.float64)
    found = predict_tiled(prediction, latents, T, image, tile=8, overlap=3)
    total, weight = np.zeros((2, 4, 12, 21)), np.zeros((12, 21))
    for top in (0, 4):
        for left in (0, 5, 10, 13):
            part = prediction(
                latents[..., top : top + 8, left : left + 8], T, image[..., 2 * top : 2 * top + 16, 2 * left : 2 * left + 16]
            ).numpy()
            for i in range(8):
                for j in range(8):
                    w = math.exp(-((j - 3.5) ** 2) / 1.28 - (i - 4) ** 2 / 1.28)
                    total[..., top + i, left + j] += w * part[..., i, j]
                    weight[top + i, left + j] += w
    assert np.abs(found.numpy() - total / weight).max() < 1e-6


def test_one_tile_is_no_tile() -> None:
    torch.manual_seed(0)
    latents, image = torch.randn(1, 4, 16, 16), torch.rand(1, 3, 32, 32)
    assert torch.equal(predict_tiled(prediction, latents, T, image, tile=16, overlap=4), prediction(latents, T, image))
    assert torch.equal(predict_tiled(prediction, latents, T, image, tile=99, overlap=4), prediction(latents, T, image))


def test_tiles_are_square_and_no_larger_than_the_shorter_side() -> None:
    seen: list[tuple[int, ...]] = []

    def predict(latents: Tensor, t: Tensor, image: Tensor) -> Tensor:
        seen.append(tuple(latents.shape[-2:]))
        return latents

    predict_tiled(predict, torch.zeros(1, 4, 10, 40), T, torch.zeros(1, 3, 80, 320), tile=16, overlap=4)
    assert set(seen) == {(10, 10)}


@pytest.mark.parametrize(
    ("height", "width", "tile", "expected"),
    [(96, 96, 96, False), (97, 96, 96, True), (64, 140, 96, False), (64, 150, 96, True)],
)
def test_the_area_decides(height: int, width: int, tile: int, *, expected: bool) -> None:
    assert needs_tiles(torch.empty(1, 4, height, width, device="meta"), tile) is expected
    assert not needs_tiles(torch.empty(1, 4, height, width, device="meta"), None)
