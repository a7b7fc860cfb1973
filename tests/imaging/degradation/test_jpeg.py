"""The JPEG round trip against a baseline codec written here in float64."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from scipy.fft import dctn, idctn

from semsr.imaging.degradation.jpeg import compress

from .conftest import make_picture

# ITU-T T.81, tables K.1 and K.2.
LUMINANCE = np.array([
    [16, 11, 10, 16, 24, 40, 51, 61], [12, 12, 14, 19, 26, 58, 60, 55], [14, 13, 16, 24, 40, 57, 69, 56],
    [14, 17, 22, 29, 51, 87, 80, 62], [18, 22, 37, 56, 68, 109, 103, 77], [24, 35, 55, 64, 81, 104, 113, 92],
    [49, 64, 78, 87, 103, 121, 120, 101], [72, 92, 95, 98, 112, 100, 103, 99],
])  # fmt: skip
CHROMINANCE = np.full((8, 8), 99)
CHROMINANCE[:4, :4] = [[17, 18, 24, 47], [18, 21, 26, 66], [24, 26, 56, 99], [47, 66, 99, 99]]

Floats = NDArray[np.float64]


def table(base: NDArray[np.int64], quality: int) -> Floats:
    percent = 5000 // quality if quality < 50 else 200 - 2 * quality
    return np.clip((base * percent + 50) // 100, 1, 255).astype(float)


def through_dct(plane: Floats, quantum: Floats) -> Floats:
    """Blocks of 8 x 8, the picture continued by its last row and column."""
    height, width = plane.shape
    padded = np.pad(plane, ((0, -height % 8), (0, -width % 8)), mode="edge") - 128
    rows, columns = padded.shape
    blocks = padded.reshape(rows // 8, 8, columns // 8, 8).transpose(0, 2, 1, 3)
    coefficients = np.rint(dctn(blocks, axes=(2, 3), norm="ortho") / quantum) * quantum
    back = idctn(coefficients, axes=(2, 3), norm="ortho").transpose(0, 2, 1, 3).reshape(rows, columns)
    return np.clip(np.rint(back + 128), 0, 255)[:height, :width]


def triangle(plane: Floats, axis: int) -> Floats:
    """Twice as many samples, 3/4 of the nearer and 1/4 of the farther neighbour ("fancy upsampling")."""
    lines = np.moveaxis(plane, axis, 0)
    before, after = np.concatenate([lines[:1], lines[:-1]]), np.concatenate([lines[1:], lines[-1:]])
    doubled = np.stack([0.75 * lines + 0.25 * before, 0.75 * lines + 0.25 * after], axis=1).reshape(-1, *lines.shape[1:])
    return np.moveaxis(doubled, 0, axis)


def reference(rgb: Floats, quality: int) -> Floats:
    """(H, W, 3), even sides, 0-255: JFIF's YCbCr, 4:2:0, quantised cosines, and back."""
    red, green, blue = np.moveaxis(rgb, 2, 0)
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    colours = [128 + (blue - luma) / 1.772, 128 + (red - luma) / 1.402]
    luma = through_dct(np.rint(luma), table(LUMINANCE, quality))
    height, width = luma.shape
    halves = []
    for colour in colours:
        fours = np.rint(colour).reshape(height // 2, 2, width // 2, 2).sum(axis=(1, 3))
        halves.append(np.floor((fours + 1 + np.arange(width // 2) % 2) / 4))  # libjpeg rounds halves down and up in turn
    halves = [through_dct(half, table(CHROMINANCE, quality)) for half in halves]
    ups = [triangle(triangle(half, 0), 1) for half in halves]
    cb, cr = (np.floor(up + (8 - np.arange(width) % 2) / 16) - 128 for up in ups)  # likewise
    back = [luma + 1.402 * cr, luma - 0.344136 * cb - 0.714136 * cr, luma + 1.772 * cb]
    return np.clip(np.rint(np.stack(back, axis=2)), 0, 255)


@pytest.mark.parametrize("quality", [30, 47, 60, 75, 95, 100])
@pytest.mark.parametrize("height, width", [(128, 160), (70, 94)])
def test_against_a_codec_in_float64(quality: int, height: int, width: int) -> None:
    """libjpeg computes with whole numbers; where a coefficient lies between two quanta, it may take the other one."""
    picture = make_picture(height, width)
    planes = torch.from_numpy(picture.transpose(2, 0, 1).astype(np.float64))
    ours = compress(planes, quality).numpy().transpose(1, 2, 0)
    expected = reference(picture.astype(np.float64), quality)
    loss = np.abs(expected - picture).mean()
    difference = np.abs(ours - expected)
    assert difference.mean() < 0.4 and np.mean(difference == 0) > 0.7 and np.quantile(difference, 0.99) <= 3
    assert np.abs(ours - picture).mean() == pytest.approx(loss, rel=0.02)


def test_it_rounds_to_8_bits_before_and_gives_8_bits_after() -> None:
    planes = torch.from_numpy(make_picture(64, 64).transpose(2, 0, 1).astype(np.float64))
    shifted = planes + 0.4 * (planes > 128) - 0.4 * (planes < 100)
    assert torch.equal(compress(shifted, 80), compress(planes, 80))
    wide = planes * 3.0 - 200.0
    decoded = compress(wide, 80)
    assert torch.equal(decoded, compress(wide.clamp(0.0, 255.0), 80)) and torch.equal(decoded, decoded.round())
    assert decoded.dtype == torch.float64 and decoded.is_contiguous() and decoded.shape == planes.shape


def test_chroma_is_halved() -> None:
    """Stripes of one pixel in colour of one luma vanish even at quality 100."""
    picture = torch.empty((3, 64, 64), dtype=torch.float64)
    picture[:] = 128.0
    picture[2, :, ::2], picture[2, :, 1::2] = 228.0, 28.0
    assert float(compress(picture, 100)[2].std()) < 15 < float(picture[2].std())


@pytest.mark.parametrize("height, width", [(1, 1), (17, 33), (8, 9)])
def test_any_size(height: int, width: int) -> None:
    assert compress(torch.full((3, height, width), 77.0, dtype=torch.float64), 90).sub(77.0).abs().max() <= 1
