"""The Fourier blur must give the exact result: compared with sums of whole numbers."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy.ndimage import correlate

from semsr.imaging.degradation.blur import blur
from semsr.imaging.degradation.kernels import Kernel

KERNELS = [
    Kernel("aniso", 21, (3.0, 1.2), 0.7),
    Kernel("sinc", 21, cutoff=1.1),
    Kernel("sinc", 7, cutoff=3.0),
    Kernel("generalised-iso", 13, (0.4, 0.4), 0.0, 0.5),
    Kernel("plateau-aniso", 9, (2.0, 0.3), -1.0, 2.0),
]


def grid_picture(height: int, width: int, low: float = 0.0, high: float = 255.0) -> torch.Tensor:
    """Values with all 14 binary places in use."""
    whole = np.random.default_rng(height).integers(int(low * 2**14), int(high * 2**14), (3, height, width), endpoint=True)
    return torch.from_numpy(whole / 2.0**14)


@pytest.mark.parametrize("kernel", KERNELS, ids=lambda kernel: f"{kernel.kind}-{kernel.size}")
@pytest.mark.parametrize("height, width", [(75, 131), (512, 512), (90, 64)])
def test_every_bit_is_that_of_whole_numbers(kernel: Kernel, height: int, width: int) -> None:
    picture = grid_picture(height, width, -60.0, 320.0)  # bicubic overshoots
    values = kernel.values()
    reach = kernel.size // 2
    whole = np.rint(np.pad(picture.numpy(), ((0, 0), (reach, reach), (reach, reach)), mode="reflect") * 2**14).astype(np.int64)
    taps = np.rint(values * 2**22).astype(np.int64)
    sums = np.zeros((3, height, width), dtype=np.int64)
    for row in range(kernel.size):
        for column in range(kernel.size):
            sums += taps[row, column] * whole[:, row : row + height, column : column + width]
    expected = np.rint(sums / 2.0**22) / 2.0**14  # whole numbers below 2^53: the division by a power of two is exact
    assert np.array_equal(blur(picture, values).numpy(), expected)


@pytest.mark.parametrize("height, width", [(1, 1), (3, 40), (5, 5), (10, 11)])
def test_pictures_smaller_than_the_kernel_are_mirrored_again(height: int, width: int) -> None:
    picture, values = grid_picture(height, width), KERNELS[0].values()
    expected = np.stack([correlate(plane, values, mode="mirror") for plane in picture.numpy()])
    np.testing.assert_allclose(blur(picture, values).numpy(), expected, atol=2**-15 + 1e-9)


def test_it_correlates() -> None:
    """A kernel is not turned over: a weight right of the centre brings the right neighbour."""
    values = np.zeros((7, 7))
    values[3, 4] = 1.0
    picture = grid_picture(20, 30)
    assert torch.equal(blur(picture, values)[:, :, :-1], picture[:, :, 1:])


def test_a_flat_picture_stays_as_it_is() -> None:
    picture = torch.full((3, 40, 50), 37.25, dtype=torch.float64)
    for kernel in KERNELS:
        assert torch.equal(blur(picture, kernel.values()), picture)


def test_the_transform_leaves_room_to_round() -> None:
    """The error of the transform stays far below the half step (7.3e-12 grey levels) that rounding forgives, on a large picture too."""
    picture = grid_picture(2040, 2040)
    values = KERNELS[1].values()
    spectrum = torch.fft.rfft2(picture, s=(2160, 2160)) * torch.fft.rfft2(torch.from_numpy(values), s=(2160, 2160))
    steps = torch.fft.irfft2(spectrum, s=(2160, 2160))[:, 20:2040, 20:2040] * 2.0**36
    assert (steps - steps.round()).abs().max() < 0.1
