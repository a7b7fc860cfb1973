"""Where sampling starts: the published factors, the named alternatives, and noise that is a picture's own."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from semsr.restoration.diffusion.noise import DEFAULT_SEED, draw, start_latents
from semsr.restoration.seeding import picture_generator


def plain_alphas() -> np.ndarray:
    """Stable Diffusion's noise levels in float64: betas linear in their square roots."""
    return np.cumprod(1 - np.linspace(math.sqrt(0.00085), math.sqrt(0.012), 1000) ** 2)


@pytest.mark.parametrize(
    ("kind", "of_latents", "of_noise"),
    [
        ("published", 0.0682649, 0.9976673),
        ("matched", math.sqrt(plain_alphas()[981]), math.sqrt(1 - plain_alphas()[981])),
        ("none", 0, 1),
    ],
)
def test_factors(kind: str, of_latents: float, of_noise: float) -> None:
    alphas = torch.from_numpy(plain_alphas()).float()
    ones, zeros = torch.ones(1, 4, 3, 5), torch.zeros(1, 4, 3, 5)
    assert start_latents(ones, zeros, alphas, 981, kind).unique().tolist() == pytest.approx([of_latents], abs=2e-7)
    assert start_latents(zeros, ones, alphas, 981, kind).unique().tolist() == pytest.approx([of_noise], abs=2e-7)


def test_the_published_mismatch_is_one() -> None:
    """The first step is at 981, the noise is that of 999."""
    alphas = plain_alphas()
    assert alphas[999] == pytest.approx(0.00466010, abs=1e-8)
    assert math.sqrt(alphas[981]) - math.sqrt(alphas[999]) > 0.005


def test_a_pictures_noise_is_its_own() -> None:
    device = torch.device("cpu")

    def noise(*names: str) -> torch.Tensor:
        return draw([picture_generator(3, name) for name in names], (4, 8, 8), device)

    together = noise("a", "b", "c")
    assert torch.equal(together[1:2], noise("b"))
    assert torch.equal(together.flip(0), noise("c", "b", "a"))
    assert not torch.equal(together[0], together[1])


def test_without_a_generator_the_global_one_is_drawn_from() -> None:
    torch.manual_seed(5)
    expected = torch.randn(2, 3)
    torch.manual_seed(5)
    assert torch.equal(draw([None], (2, 3), torch.device("cpu"))[0], expected)


def test_default_seed_is_torchs() -> None:
    assert torch.Generator().initial_seed() == DEFAULT_SEED
