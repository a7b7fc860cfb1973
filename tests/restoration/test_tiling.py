"""Tiles against the whole picture, with networks whose receptive field is known."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from semsr.errors import MethodError
from semsr.imaging.tiling import Tiler, out_of_memory, pad_to_multiple, windows


class Convs(nn.Module):
    """`depth` 3x3 convolutions: receptive field of `depth` pixels, zero padding at the edges as the usual networks have."""

    def __init__(self, depth: int) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(*(nn.Conv2d(3 if i == 0 else 8, 8, 3, padding=1) for i in range(depth - 1)))
        self.tail = nn.Conv2d(8, 3 * 16, 3, padding=1)
        self.double()

    def forward(self, lr: Tensor) -> Tensor:
        return nn.functional.pixel_shuffle(self.tail(self.body(lr)), 4)


@pytest.mark.parametrize("height, width, tile", [(50, 37, 16), (64, 64, 32), (17, 90, 20), (33, 33, 32), (5, 100, 16)])
def test_exact_when_the_halo_is_the_receptive_field(height: int, width: int, tile: int) -> None:
    network, lr = Convs(4), torch.rand(2, 3, height, width, dtype=torch.float64)
    with torch.no_grad():
        whole = network(lr)
        exact = Tiler(scale=4, halo=4, tile=tile)(network, lr)
        short = Tiler(scale=4, halo=3, tile=tile)(network, lr)
    assert torch.allclose(exact, whole, rtol=0, atol=1e-12)
    assert (short - whole).abs().max() > 1e-4, "a halo too small must show, or this test shows nothing"


class Strided(nn.Module):
    """Works on a grid of 4x4 blocks, so that tiles must start on the grid."""

    def forward(self, lr: Tensor) -> Tensor:
        assert lr.shape[-1] % 4 == lr.shape[-2] % 4 == 0
        return nn.functional.interpolate(nn.functional.avg_pool2d(lr, 4), scale_factor=16)


@pytest.mark.parametrize("height, width", [(52, 40), (30, 41), (3, 70), (1, 1)])
def test_tiles_keep_to_the_grid_of_multiples(height: int, width: int) -> None:
    lr = torch.rand(1, 3, height, width)
    padded = pad_to_multiple(lr, 4)
    expected = Strided()(padded)[..., : height * 4, : width * 4]
    for halo in (0, 1, 5):
        assert torch.equal(Tiler(scale=4, halo=halo, multiple=4, tile=18)(Strided(), lr), expected)


def test_padding_is_reflection_also_where_the_picture_is_smaller_than_the_padding() -> None:
    lr = torch.arange(3.0).reshape(1, 1, 1, 3)
    assert pad_to_multiple(lr, 8)[0, 0, 0].tolist() == [0, 1, 2, 1, 0, 1, 2, 1]
    assert pad_to_multiple(lr, 8).shape == (1, 1, 8, 8)
    big = torch.rand(1, 3, 10, 13)
    assert torch.equal(pad_to_multiple(big, 8), nn.functional.pad(big, (0, 3, 0, 6), mode="reflect"))
    assert pad_to_multiple(big, 1) is big


def test_windows_cover_every_pixel_once_and_no_window_exceeds_tile_and_halo() -> None:
    seen = torch.zeros(97, 61)
    for window, core, inner in windows(97, 61, 20, 5):
        seen[core] += 1
        assert all(part.stop - part.start <= 30 for part in window)
        assert all(window[axis].start + inner[axis].start == core[axis].start for axis in (0, 1))
    assert bool((seen == 1).all())


def test_shrinks_when_memory_runs_out_and_stays_so() -> None:
    network, lr, told = Convs(3), torch.rand(1, 3, 60, 40, dtype=torch.float64), list[int]()

    def hungry(window: Tensor) -> Tensor:
        if window.shape[-2] * window.shape[-1] > 700:
            raise RuntimeError(
                "[enforce fail at alloc_cpu.cpp:118] DefaultCPUAllocator: can't allocate memory: you tried to allocate"
            )
        return network(window)

    tiler = Tiler(scale=4, halo=3, on_shrink=told.append)
    with torch.no_grad():
        assert torch.allclose(tiler(hungry, lr), network(lr), rtol=0, atol=1e-12)
    assert told == [30, 16] and tiler.tile == 16


def test_other_errors_are_not_taken_for_a_lack_of_memory() -> None:
    def wrong(window: Tensor) -> Tensor:
        raise RuntimeError("mat1 and mat2 shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="mat1"):
        Tiler(scale=4, halo=3)(wrong, torch.rand(1, 3, 40, 40))
    assert out_of_memory(torch.OutOfMemoryError("CUDA out of memory")) and out_of_memory(MemoryError())
    assert not out_of_memory(ValueError("out of memory"))


def test_a_tile_of_the_wrong_size_is_an_error() -> None:
    with pytest.raises(MethodError, match=r"returned shape \(1, 3, 40, 40\); expected \(1, 3, 80, 80\)"):
        Tiler(scale=4, halo=3)(lambda lr: nn.functional.interpolate(lr, scale_factor=2), torch.rand(1, 3, 20, 20))
