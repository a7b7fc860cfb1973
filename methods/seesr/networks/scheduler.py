"""The noise of diffusion, as Stable Diffusion 2 has it."""

from __future__ import annotations

from diffusers import DDPMScheduler

from ..options import SchedulerOptions


def make_scheduler(card: SchedulerOptions) -> DDPMScheduler:
    """Ancestral sampling (Ho et al. 2020) that predicts noise: betas linear in their square roots, variance "fixed_small", no clipping.

    With the defaults and 50 steps the levels are 981, 961, ..., 1; with 2 steps and trailing spacing (SeeSR-turbo) 999, 499.
    """
    return DDPMScheduler(
        num_train_timesteps=card.levels,
        beta_start=card.first,
        beta_end=card.last,
        beta_schedule="scaled_linear",
        prediction_type="epsilon",
        variance_type="fixed_small",
        clip_sample=False,
        steps_offset=card.offset,
        timestep_spacing=card.spacing,
    )
