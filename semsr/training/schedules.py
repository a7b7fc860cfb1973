"""Optimisers and the learning rate over the steps, as recipes say them."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable
from functools import partial
from math import cos, pi
from typing import Any

from torch import nn
from torch.optim import Adam, AdamW, Optimizer
from torch.optim.lr_scheduler import LambdaLR

from semsr.cards.recipe import Optimiser, Schedule
from semsr.errors import SemsrError


def make_optimiser(card: Optimiser, params: Iterable[nn.Parameter]) -> Optimizer:
    """Adam, with `decay` as an L2 term of the gradient, or AdamW, with it decoupled (Loshchilov and Hutter 2019). epsilon is 1e-8.

    Only parameters that need gradients are taken. Raises: SemsrError: there are none, or bitsandbytes is not installed for 8 bits.
    """
    wanted = [parameter for parameter in params if parameter.requires_grad]
    if not wanted:
        raise SemsrError("the optimiser was given no parameter that needs gradients; is the whole network frozen?")
    kinds: dict[str, Callable[..., Optimizer]] = {"adam": Adam, "adamw": AdamW, "adamw-8bit": _eight_bit}
    return kinds[card.kind](wanted, lr=card.rate, betas=card.betas, weight_decay=card.decay)


def _eight_bit(*arguments: Any, **named: Any) -> Optimizer:
    try:
        from bitsandbytes.optim import AdamW8bit
    except ImportError:
        raise SemsrError(
            "optimiser.kind: found 'adamw-8bit', but the package bitsandbytes, which needs a GPU, is not installed; "
            "run `pip install bitsandbytes`, or write 'adamw'"
        ) from None
    made: Optimizer = AdamW8bit(*arguments, **named)
    return made


def make_scheduler(card: Schedule, optimiser: Optimizer, steps: int) -> LambdaLR:
    """The learning rate before each step, to be moved on by `.step()` after each; `state_dict()` is all it needs to go on.

    With n steps done, the rate is the optimiser's own times

    - "constant": 1;
    - "steps": factor ^ (how many of `at` are <= n), as torch's MultiStepLR;
    - "cosine": factor + (1 - factor) * (1 + cos(pi * (n - warmup) / (steps - warmup))) / 2, from the end of the warm-up on;

    and times (n + 1) / warmup while n < warmup. So the first step has a rate above 0, and the last one of the warm-up the full one.

    Args:
        card: what the recipe says.
        optimiser: its present rates are the full ones.
        steps: of the whole training.

    Raises: SemsrError: the warm-up leaves no step for the cosine.
    """
    if card.kind == "cosine" and card.warmup >= steps:
        raise SemsrError(f"schedule.warmup: found {card.warmup}; a cosine needs it below the number of steps, {steps}")
    return LambdaLR(optimiser, rate_after(card, steps))


def rate_after(card: Schedule, steps: int) -> Callable[[int], float]:
    """The factor of the learning rate as a function of the number of steps done; see `make_scheduler`."""
    return partial(_share, card, tuple(sorted(card.at)), steps)


def _share(card: Schedule, at: tuple[int, ...], steps: int, done: int) -> float:
    rise = min((done + 1) / card.warmup, 1.0) if card.warmup else 1.0
    if card.kind == "steps":
        return float(rise * card.factor ** bisect_right(at, done))
    if card.kind == "cosine":
        progress = min(max(done - card.warmup, 0) / (steps - card.warmup), 1.0)
        return rise * (card.factor + (1 - card.factor) * (1 + cos(pi * progress)) / 2)
    return rise
