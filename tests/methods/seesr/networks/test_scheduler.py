"""The noise schedule's golden numbers (measured on the published code with diffusers 0.21; facts, sections 4 and 8)."""

from __future__ import annotations

import numpy as np
import pytest
import torch


def test_its_levels_and_factors(seesr):
    scheduler = seesr("networks.scheduler").make_scheduler(seesr("options").SchedulerOptions())
    scheduler.set_timesteps(50)
    assert scheduler.timesteps.tolist() == list(range(981, 0, -20))
    kept = scheduler.alphas_cumprod[999]  # float32, in which the published code computes
    assert float(kept) == pytest.approx(0.00466010, abs=5e-9)
    assert float(kept.sqrt()) == pytest.approx(0.0682649, abs=5e-8)
    assert float((1 - kept).sqrt()) == pytest.approx(0.9976673, abs=5e-8)
    betas = np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2
    np.testing.assert_allclose(scheduler.alphas_cumprod.double().numpy(), np.cumprod(1 - betas), rtol=1e-5)


def test_three_steps(seesr):
    scheduler = seesr("networks.scheduler").make_scheduler(seesr("options").SchedulerOptions())
    scheduler.set_timesteps(50)
    draw = torch.Generator().manual_seed(1)
    x, noise = torch.randn(1, 4, 8, 8, generator=draw), torch.randn(1, 4, 8, 8, generator=draw)
    for t in scheduler.timesteps[:3]:
        x = scheduler.step(noise, t, x, generator=draw).prev_sample
    assert float(x.double().sum()) == pytest.approx(44.29120919108391, abs=1e-4)
    assert x.flatten()[:3].tolist() == pytest.approx([-0.95702529, -1.40397632, -1.15226293], abs=1e-6)


def test_a_step_is_ancestral_sampling_written_out(seesr):
    """Ho et al. 2020, algorithm 2 with the smaller variance, in float64; also the last step, which adds no noise."""
    scheduler = seesr("networks.scheduler").make_scheduler(seesr("options").SchedulerOptions())
    scheduler.set_timesteps(50)
    kept = np.cumprod(1 - np.linspace(0.00085**0.5, 0.012**0.5, 1000) ** 2)
    draw = torch.Generator().manual_seed(2)
    x, noise = torch.randn(1, 4, 8, 8, generator=draw) * 3, torch.randn(1, 4, 8, 8, generator=draw)
    for t in (981, 501, 1):
        found = scheduler.step(noise, t, x, generator=torch.Generator().manual_seed(5)).prev_sample
        now, before = kept[t], kept[t - 20] if t > 20 else 1.0
        clean = (x.double() - (1 - now) ** 0.5 * noise.double()) / now**0.5  # not clipped
        alpha = now / before
        mean = before**0.5 * (1 - alpha) / (1 - now) * clean + alpha**0.5 * (1 - before) / (1 - now) * x.double()
        if t > 1:
            drawn = torch.randn(x.shape, generator=torch.Generator().manual_seed(5)).double()
            mean = mean + ((1 - before) / (1 - now) * (1 - alpha)) ** 0.5 * drawn
        torch.testing.assert_close(found.double(), mean, rtol=1e-4, atol=1e-4)


def test_seesr_turbo_takes_two_steps(seesr):
    scheduler = seesr("networks.scheduler").make_scheduler(seesr("options").SchedulerOptions(spacing="trailing"))
    scheduler.set_timesteps(2)
    assert scheduler.timesteps.tolist() == [999, 499]
