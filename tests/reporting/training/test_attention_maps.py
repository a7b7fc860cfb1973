"""Heat maps: which tokens, which pixels, which numbers."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from semsr.imaging.pictures import Rgb, read_rgb
from semsr.preparation.manifest import read_manifest
from semsr.project import Project
from semsr.reporting.training.attention import Attention
from semsr.reporting.training.attention_maps import PatchPair, choose_tokens, cut_pairs, draw_maps, numbers

Prepare = Callable[..., Path]
Waves = Callable[..., Rgb]


def one(weights: torch.Tensor, tokens: tuple[int, int], pixels: tuple[int, int]) -> Attention:
    return Attention("att1", weights.double(), tokens, pixels, 1e-7)


def test_tokens_on_a_grid_and_those_that_differ_most() -> None:
    real, fake = torch.zeros(64), torch.zeros(64)
    fake[5], fake[60], fake[18] = 0.3, -0.4, 0.9
    chosen, on_grid = choose_tokens(8, real, fake)
    assert (chosen, on_grid) == ([2 * 8 + 2, 2 * 8 + 5, 5 * 8 + 2, 5 * 8 + 5, 60, 5], 4)  # 18 stands on the grid already
    assert choose_tokens(1, torch.zeros(1), torch.zeros(1)) == ([0], 1)
    chosen, on_grid = choose_tokens(2, torch.zeros(4), torch.zeros(4))
    assert sorted(chosen) == [0, 1, 2, 3]


def test_numbers_by_hand() -> None:
    alike = torch.full((1, 2, 4), 0.25)
    apart = torch.tensor([[[1.0, 0, 0, 0], [0, 0, 0, 1.0]]])
    (found,) = numbers("seed 1", [one(apart, (1, 2), (2, 2))], [one(alike, (1, 2), (2, 2))])
    assert (found.who, found.block, found.tokens, found.pixels) == ("seed 1", "att1", 2, 4)
    assert (found.entropy_hr, found.entropy_sr) == pytest.approx((0, 1))
    assert found.apart == pytest.approx(1)
    assert found.moved == pytest.approx(0.75)
    (found,) = numbers("seed 1", [one(alike, (1, 2), (2, 2))], [one(alike, (1, 2), (2, 2))])
    assert (found.apart, found.moved) == (0, 0)


def test_the_map_is_bright_where_the_weight_is(tmp_path: Path, waves: Waves) -> None:
    """All of a token's weight on the pixel of row 1, column 3 of 4 x 4: its ninth of the tile is the brightest."""
    weights = torch.zeros(1, 4, 16)
    weights[:, :, 1 * 4 + 3] = 1.0
    alike = torch.full((1, 4, 16), 1 / 16)
    pair = PatchPair("p", waves(1, 16, 16), waves(1, 64, 64))
    maps = draw_maps(pair, pair.hr, one(weights, (2, 2), (4, 4)), one(alike, (2, 2), (4, 4)), 0, tmp_path, "key")
    assert maps is not None
    image = read_rgb(tmp_path / maps.shown.file)
    assert image.shape == (maps.shown.height, maps.shown.width, 3) == (3 * 160 + 2 * 4, 4 * 160 + 3 * 4, 3)
    assert maps.peak == pytest.approx(16)
    on_hr = image[164 : 164 + 160, :160].astype(float).mean(axis=2)
    cells = on_hr.reshape(4, 40, 4, 40).mean(axis=(1, 3))
    assert np.unravel_index(int(cells.argmax()), cells.shape) == (1, 3)
    assert cells[1, 3] > 2 * np.delete(cells.flatten(), 7).max()
    on_sr = image[2 * 164 : 2 * 164 + 160, :160].astype(float).mean(axis=2).reshape(4, 40, 4, 40).mean(axis=(1, 3))
    assert on_sr.max() < cells[1, 3] / 2  # one sixteenth of the peak is nearly black
    assert maps.entropies[0] == pytest.approx((0, 1))


def test_even_weights_are_not_drawn(tmp_path: Path, waves: Waves) -> None:
    alike = one(torch.full((1, 4, 16), 1 / 16), (2, 2), (4, 4))
    pair = PatchPair("p", waves(1, 16, 16), waves(1, 64, 64))
    assert draw_maps(pair, pair.hr, alike, alike, 0, tmp_path, "key") is None
    assert not list(tmp_path.iterdir())


def test_pairs_are_the_same_square(workspace: Project, prepare: Prepare, waves: Waves) -> None:
    """LR of `prepare` is every fourth pixel of HR."""
    folder = prepare("urban100", {f"p{number}": waves(number, 96, 128) for number in range(9)} | {"small": waves(9, 40, 40)})
    prepared = read_manifest(workspace.dataset("urban100"), folder)
    pairs, problems = cut_pairs(prepared.test, 64, 4)
    assert (len(pairs), problems) == (6, [])
    for pair in pairs:
        assert pair.hr.shape == (64, 64, 3)
        np.testing.assert_array_equal(pair.hr[::4, ::4], pair.lr)
    (folder / "hr" / "p0.png").write_bytes(b"torn")
    pairs, problems = cut_pairs(prepared.test, 64, 4)
    assert len(pairs) == 5 and "p0.png" in problems[0]
