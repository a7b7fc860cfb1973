"""Schedules against torch's own schedulers, optimisers against their papers' first step."""

from __future__ import annotations

import json
from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import CosineAnnealingLR, LinearLR, LRScheduler, MultiStepLR, SequentialLR

from semsr.cards.recipe import Optimiser, Schedule
from semsr.errors import SemsrError
from semsr.training.schedules import make_optimiser, make_scheduler

RATE, STEPS = 3e-4, 60


def optimiser(rate: float = RATE) -> Optimizer:
    return make_optimiser(Optimiser(rate=rate), [nn.Parameter(torch.zeros(1))])


def rates(scheduler: LRScheduler, steps: int) -> list[float]:
    found = []
    for _ in range(steps):
        found.append(scheduler.optimizer.param_groups[0]["lr"])
        scheduler.optimizer.step()
        scheduler.step()
    return found


def warmed(base: Callable[[Optimizer], LRScheduler], warmup: int) -> Callable[[Optimizer], LRScheduler]:
    def made(o: Optimizer) -> LRScheduler:
        first = LinearLR(o, start_factor=1 / warmup, total_iters=warmup - 1)
        return SequentialLR(o, [first, base(o)], milestones=[warmup])

    return made


@pytest.mark.filterwarnings("ignore:The epoch parameter")
@pytest.mark.parametrize(
    ("card", "theirs"),
    [
        ({"kind": "steps", "at": (20, 40), "factor": 0.5}, lambda o: MultiStepLR(o, [20, 40], gamma=0.5)),
        ({"kind": "steps", "at": (40, 20, 20), "factor": 0.1}, lambda o: MultiStepLR(o, [20, 20, 40], gamma=0.1)),
        ({"kind": "cosine", "factor": 0.0}, lambda o: CosineAnnealingLR(o, STEPS)),
        ({"kind": "cosine", "factor": 0.1}, lambda o: CosineAnnealingLR(o, STEPS, eta_min=0.1 * RATE)),
        (
            {"kind": "cosine", "factor": 0.1, "warmup": 10},
            warmed(lambda o: CosineAnnealingLR(o, STEPS - 10, eta_min=0.1 * RATE), 10),
        ),
        ({"kind": "constant", "warmup": 5}, lambda o: LinearLR(o, start_factor=0.2, total_iters=4)),
        ({"kind": "steps", "at": (30,), "factor": 0.5, "warmup": 10}, warmed(lambda o: MultiStepLR(o, [20], gamma=0.5), 10)),
    ],
)
def test_rates_equal_torchs(card: dict[str, object], theirs: Callable[[Optimizer], LRScheduler]) -> None:
    ours = rates(make_scheduler(Schedule.model_validate(card), optimiser(), STEPS), STEPS)
    assert ours == pytest.approx(rates(theirs(optimiser()), STEPS), rel=1e-9)
    assert min(ours) > 0


def test_seds_rate_is_halved_after_100000_and_200000_steps() -> None:
    scheduler = make_scheduler(Schedule(kind="steps", at=(100_000, 200_000)), optimiser(1e-4), 300_000)
    share = scheduler.lr_lambdas[0]
    assert [share(done) for done in (0, 99_999, 100_000, 199_999, 200_000, 299_999)] == [1, 1, 0.5, 0.5, 0.25, 0.25]


@pytest.mark.parametrize("kind", ["steps", "cosine", "constant"])
def test_going_on_from_the_state_gives_the_same_rates(kind: str) -> None:
    card = Schedule.model_validate({"kind": kind, "at": (20, 40), "warmup": 8})
    whole = rates(make_scheduler(card, optimiser(), STEPS), STEPS)
    for stop in (3, 8, 27, 40):
        first = optimiser()
        scheduler = make_scheduler(card, first, STEPS)
        begun = rates(scheduler, stop)
        state = json.loads(json.dumps(scheduler.state_dict()))  # plain values only
        second = optimiser()
        continued = make_scheduler(card, second, STEPS)
        second.load_state_dict(first.state_dict())
        continued.load_state_dict(state)
        assert begun + rates(continued, STEPS - stop) == whole


def test_a_warm_up_without_steps_left_for_the_cosine_is_refused() -> None:
    with pytest.raises(SemsrError, match=r"schedule.warmup: found 60; a cosine needs it below the number of steps, 60"):
        make_scheduler(Schedule(kind="cosine", warmup=60), optimiser(), 60)


@pytest.mark.parametrize("kind", ["adam", "adamw"])
def test_the_first_steps_follow_the_papers(kind: str) -> None:
    """Kingma and Ba 2015, algorithm 1; Loshchilov and Hutter 2019, algorithm 2; two steps in plain floats."""
    rate, decay, (first, second) = 0.01, 0.1, (0.9, 0.99)
    parameter = nn.Parameter(torch.tensor([2.0], dtype=torch.float64))
    made = make_optimiser(Optimiser(kind=kind, rate=rate, betas=(first, second), decay=decay), [parameter])  # type: ignore[arg-type]
    value, mean, square = 2.0, 0.0, 0.0
    for step, slope in enumerate((0.5, -3.0), start=1):
        parameter.grad = torch.tensor([slope], dtype=torch.float64)
        made.step()
        push = slope + (decay * value if kind == "adam" else 0.0)
        mean, square = first * mean + (1 - first) * push, second * square + (1 - second) * push**2
        shrunk = value if kind == "adam" else value * (1 - rate * decay)
        value = shrunk - rate * (mean / (1 - first**step)) / ((square / (1 - second**step)) ** 0.5 + 1e-8)
        assert parameter.item() == pytest.approx(value, rel=1e-12)


def test_only_parameters_that_learn_are_taken() -> None:
    frozen, free = nn.Parameter(torch.zeros(1), requires_grad=False), nn.Parameter(torch.zeros(1))
    made = make_optimiser(Optimiser(), iter([frozen, free]))
    assert made.param_groups[0]["params"] == [free]
    assert made.param_groups[0]["lr"] == 1e-4 and made.param_groups[0]["betas"] == (0.9, 0.99)
    with pytest.raises(SemsrError, match="no parameter that needs gradients"):
        make_optimiser(Optimiser(), [frozen])
