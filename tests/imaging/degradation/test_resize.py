"""Resizing against explicit loops written from the definitions, and against torch's own operator."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from semsr.imaging.degradation.parameters import RESIZE_MODES, ResizeMode
from semsr.imaging.degradation.resize import resize_by, resize_to

from .test_blur import grid_picture

STEP = 2.0**-14


def sample(line: NDArray[np.float64], outputs: int, step: float, mode: str) -> NDArray[np.float64]:
    """One side, pixel by pixel."""
    length, result = len(line), np.zeros((outputs, *line.shape[1:]))
    for place in range(outputs):
        if mode == "area":
            start, stop = math.floor(place * length / outputs), math.ceil((place + 1) * length / outputs)
            result[place] = line[start:stop].mean(axis=0)
            continue
        centre = (place + 0.5) * step - 0.5
        if mode == "bilinear":
            centre = max(centre, 0.0)
        first = math.floor(centre)
        for tap in range(first - 1, first + 3):
            distance = abs(centre - tap)
            if mode == "bilinear":
                weight = max(0.0, 1.0 - distance)
            elif distance <= 1:
                weight = 1.25 * distance**3 - 2.25 * distance**2 + 1
            else:
                weight = max(0.0, 2.0 - distance) * -0.75 * (distance - 1) * (2 - distance) if distance < 2 else 0.0
            result[place] += weight * line[min(max(tap, 0), length - 1)]
    return result


def reference(planes: NDArray[np.float64], size: tuple[int, int], steps: tuple[float, float], mode: str) -> NDArray[np.float64]:
    rows = sample(planes.transpose(1, 2, 0), size[0], steps[0], mode)
    return sample(rows.transpose(1, 0, 2), size[1], steps[1], mode).transpose(2, 1, 0)


@pytest.mark.parametrize("mode", RESIZE_MODES)
@pytest.mark.parametrize("scale", [0.15, 0.303, 0.5, 0.999, 1.0, 1.17, 1.5])
def test_by_a_factor(mode: ResizeMode, scale: float) -> None:
    picture = grid_picture(67, 130)
    ours = resize_by(picture, scale, mode).numpy()
    size = int(67 * scale), int(130 * scale)
    assert ours.shape == (3, *size)
    assert np.abs(ours - reference(picture.numpy(), size, (1 / scale, 1 / scale), mode)).max() < 1.5 * STEP
    theirs = torch.nn.functional.interpolate(picture[None], scale_factor=scale, mode=mode)[0].numpy()
    assert np.abs(ours - theirs).max() < 1.5 * STEP
    assert np.array_equal(ours, np.rint(ours / STEP) * STEP), "not on the grid"


@pytest.mark.parametrize("mode", RESIZE_MODES)
@pytest.mark.parametrize("size", [(17, 33), (67, 130), (80, 60), (128, 128), (1, 1), (200, 131)])
def test_to_a_size(mode: ResizeMode, size: tuple[int, int]) -> None:
    picture = grid_picture(67, 130)
    ours = resize_to(picture, size, mode).numpy()
    steps = 67 / size[0], 130 / size[1]
    assert np.abs(ours - reference(picture.numpy(), size, steps, mode)).max() < 1.5 * STEP
    theirs = torch.nn.functional.interpolate(picture[None], size=size, mode=mode)[0].numpy()
    assert np.abs(ours - theirs).max() < 1.5 * STEP


@pytest.mark.parametrize("mode", RESIZE_MODES)
def test_by_nothing_is_the_same_picture(mode: ResizeMode) -> None:
    picture = grid_picture(20, 31)
    assert torch.equal(resize_by(picture, 1.0, mode), picture)
    assert torch.equal(resize_to(picture, (20, 31), mode), picture)


@pytest.mark.parametrize("mode", RESIZE_MODES)
def test_flat_stays_flat(mode: ResizeMode) -> None:
    picture = torch.full((3, 50, 60), 200.5, dtype=torch.float64)
    assert torch.all(resize_by(picture, 0.37, mode) == 200.5) and torch.all(resize_by(picture, 1.43, mode) == 200.5)


def test_down_and_up_again_is_not_antialiased() -> None:
    """A checkerboard halved by bilinear interpolation is grey, but by bicubic at a third it is not: samples in between are not seen."""
    y, x = np.mgrid[:60, :60]
    board = torch.from_numpy(np.broadcast_to(255.0 * ((x + y) % 2), (3, 60, 60)).copy())
    assert torch.all(resize_to(board, (30, 30), "bilinear") == 127.5)
    assert resize_to(board, (20, 20), "bicubic").unique().numel() == 2


def test_tiny_pictures_keep_a_pixel() -> None:
    assert resize_by(grid_picture(4, 5), 0.15, "area").shape == (3, 1, 1)
