"""Colour fixes against plain loops in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from semsr.restoration.diffusion.colour import adain, blur, fix_colour, wavelet

Array = np.ndarray


def pictures(height: int = 20, width: int = 23) -> tuple[torch.Tensor, torch.Tensor]:
    drawn = torch.Generator().manual_seed(1)
    sr = torch.rand(2, 3, height, width, generator=drawn, dtype=torch.float64)
    return sr, 0.3 + 0.2 * torch.rand(2, 3, height, width, generator=drawn, dtype=torch.float64)


def plain_adain(sr: Array, lr: Array) -> Array:
    out = np.empty_like(sr)
    for b in range(sr.shape[0]):
        for c in range(sr.shape[1]):
            x, y = sr[b, c], lr[b, c]
            n = x.size
            ours = np.sqrt(((x - x.sum() / n) ** 2).sum() / (n - 1) + 1e-5)
            theirs = np.sqrt(((y - y.sum() / n) ** 2).sum() / (n - 1) + 1e-5)
            out[b, c] = (x - x.sum() / n) / ours * theirs + y.sum() / n
    return out


def plain_blur(x: Array, radius: int) -> Array:
    height, width = x.shape
    out = np.zeros_like(x)
    for i in range(height):
        for j in range(width):
            for di, wi in ((-1, 1), (0, 2), (1, 1)):
                for dj, wj in ((-1, 1), (0, 2), (1, 1)):
                    row, column = min(max(i + di * radius, 0), height - 1), min(max(j + dj * radius, 0), width - 1)
                    out[i, j] += wi * wj * x[row, column] / 16
    return out


def plain_wavelet(sr: Array, lr: Array) -> Array:
    out = np.empty_like(sr)
    for b in range(sr.shape[0]):
        for c in range(sr.shape[1]):
            ours, theirs = sr[b, c], lr[b, c]
            for radius in (1, 2, 4, 8, 16):
                ours, theirs = plain_blur(ours, radius), plain_blur(theirs, radius)
            out[b, c] = sr[b, c] - ours + theirs
    return out


def test_adain() -> None:
    sr, lr = pictures()
    assert np.abs(adain(sr, lr).numpy() - plain_adain(sr.numpy(), lr.numpy())).max() < 1e-13
    assert (adain(sr.float(), lr.float()) - adain(sr, lr)).abs().max() < 2e-6


def test_adain_of_one_colour() -> None:
    """The floor of the variance keeps a picture of one colour finite."""
    flat, lr = torch.full((1, 3, 8, 8), 0.25), pictures(8, 8)[1][:1].float()
    assert torch.allclose(adain(flat, lr), lr.mean((2, 3), keepdim=True).expand_as(lr), atol=1e-6)


def test_wavelet() -> None:
    sr, lr = pictures()
    assert np.abs(wavelet(sr, lr).numpy() - plain_wavelet(sr.numpy(), lr.numpy())).max() < 1e-13
    assert (wavelet(sr.float(), lr.float()) - wavelet(sr, lr)).abs().max() < 2e-6


@pytest.mark.parametrize("level", [0, 2])
def test_blur_of_a_point(level: int) -> None:
    point = torch.zeros(1, 1, 17, 17)
    point[..., 8, 8] = 16
    found = blur(point, level)[0, 0]
    r = 1 << level
    assert found[8 - r :: r, 8 - r :: r][:3, :3].tolist() == [[1, 2, 1], [2, 4, 2], [1, 2, 1]]
    assert found.sum() == 16


def test_a_picture_of_its_own_colours_stays() -> None:
    sr, _ = pictures()
    for kind in ("adain", "wavelet", "none"):
        assert (fix_colour(sr, sr, kind) - sr).abs().max() < 1e-13


def test_kinds_differ() -> None:
    sr, lr = pictures()
    assert fix_colour(sr, lr, "none") is sr
    assert not torch.allclose(fix_colour(sr, lr, "adain"), fix_colour(sr, lr, "wavelet"), atol=1e-3)
