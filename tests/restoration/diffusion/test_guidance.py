"""Guidance and the loop against plain versions."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

from semsr.restoration.diffusion.guidance import Guided
from semsr.restoration.diffusion.loop import sample

T = torch.tensor(500)


class Recorder:
    """A network that is linear in everything, and remembers what it was given."""

    def __init__(self) -> None:
        self.calls: list[tuple[Tensor, ...]] = []

    def __call__(self, latents: Tensor, t: Tensor, text: Tensor, tokens: Tensor, image: Tensor) -> Tensor:
        self.calls.append((latents, t, text, tokens, image))
        return latents + text.mean((1, 2))[:, None, None, None] * image.mean((1, 2, 3))[:, None, None, None]


def given() -> tuple[Tensor, ...]:
    torch.manual_seed(0)
    return torch.randn(2, 4, 6, 6), torch.rand(2, 7, 5), torch.rand(2, 7, 5), torch.rand(2, 3, 9), torch.rand(2, 3, 12, 12)


def test_negative_comes_first_in_one_batch() -> None:
    latents, negative, positive, tokens, image = given()
    network = Recorder()
    found = Guided(network, negative, positive, tokens, 5.5)(latents, T, image)
    (call,) = network.calls
    assert torch.equal(call[2], torch.cat([negative, positive]))
    assert torch.equal(call[3][:2], call[3][2:])
    away, toward = network(latents, T, negative, tokens, image), network(latents, T, positive, tokens, image)
    assert torch.allclose(found, away + 5.5 * (toward - away), atol=1e-6)
    assert not torch.allclose(found, toward, atol=1e-2)


def test_at_one_nothing_is_doubled() -> None:
    latents, negative, positive, tokens, image = given()
    network = Recorder()
    found = Guided(network, negative, positive, tokens, 1.0)(latents, T, image)
    assert network.calls[0][0].shape[0] == 2
    assert torch.equal(found, network(latents, T, positive, tokens, image))


def scheduler(steps: int) -> Any:
    from diffusers import DDPMScheduler

    made = DDPMScheduler(
        beta_start=0.00085,
        beta_end=0.012,
        beta_schedule="scaled_linear",
        clip_sample=False,
        steps_offset=1,
        timestep_spacing="leading",
    )
    made.set_timesteps(steps)
    return made


def test_golden_numbers_of_three_steps() -> None:
    """As measured with the published code: seed 1, x and then e drawn, a constant prediction, three steps of fifty."""
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(1, 4, 8, 8, generator=generator)
    e = torch.randn(1, 4, 8, 8, generator=generator)
    made = scheduler(50)
    assert made.timesteps.tolist() == list(range(981, 0, -20))
    # Only the loop is cut short: the scheduler must know which step comes next.
    cut = SimpleNamespace(timesteps=made.timesteps[:3], step=made.step)
    found = sample(lambda latents, t: e, x, cut, [generator], torch.device("cpu"))
    assert found.double().sum().item() == pytest.approx(44.29120919108391, abs=2e-5)
    assert found.flatten()[:3].tolist() == pytest.approx([-0.95702529, -1.40397632, -1.15226293], abs=1e-6)


def test_ddpm_written_out() -> None:
    """Every step in float64, from the formula of the posterior: mean and the smaller of the fixed variances."""
    alphas = np.cumprod(1 - np.linspace(np.sqrt(0.00085), np.sqrt(0.012), 1000) ** 2)
    torch.manual_seed(3)
    first = torch.randn(2, 4, 4, 4)
    found = sample(
        lambda latents, t: torch.tanh(latents) * (t / 1000),
        first,
        scheduler(10),
        [torch.Generator().manual_seed(seed) for seed in (7, 8)],
        torch.device("cpu"),
    )
    for index, seed in enumerate((7, 8)):
        generator, x = torch.Generator().manual_seed(seed), first[index].double().numpy()
        for t in range(901, 0, -100):
            now, before = alphas[t], alphas[t - 100] if t > 100 else 1.0
            step = now / before
            e = np.tanh(x) * (t / 1000)
            clean = (x - np.sqrt(1 - now) * e) / np.sqrt(now)
            mean = (np.sqrt(before) * (1 - step) * clean + np.sqrt(step) * (1 - before) * x) / (1 - now)
            variance = max((1 - before) / (1 - now) * (1 - step), 1e-20)
            x = mean + np.sqrt(variance) * torch.randn(1, 4, 4, 4, generator=generator)[0].double().numpy()
        assert np.abs(found[index].double().numpy() - x).max() < 2e-4
