"""Training by a method's own objective: one step against a plain float64 transcription, and what never moves."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from semsr.errors import SemsrError
from semsr.training.checkpoint import Checkpoints
from semsr.training.networks import make_step
from semsr.training.objective import Called, Objective, ObjectiveStep
from semsr.training.parts import Parts
from semsr.training.process import Processes
from semsr.training.run import train

RATE, BETAS, DECAY, CLIP = 1e-2, (0.9, 0.999), 0.05, 0.5


class Net(nn.Module):
    """A frozen layer under one that is trained."""

    def __init__(self) -> None:
        super().__init__()
        self.base = nn.Conv2d(3, 4, 3, padding=1).requires_grad_(False)
        self.head = nn.Conv2d(4, 3, 1)

    def forward(self, lr: Tensor, factor: float) -> tuple[Tensor, Tensor]:
        maps = self.base(lr).tanh()
        return self.head(maps) * factor, maps


class Compare(Objective):
    """Against a frozen teacher, and against noise that it draws."""

    terms: ClassVar[tuple[str, ...]] = ("teacher", "noise")
    wants: ClassVar[tuple[str, ...]] = ("lr", "name")

    def __init__(self) -> None:
        super().__init__()
        self.teacher = nn.Conv2d(3, 3, 1)

    def forward(self, network: Called, part: Mapping[str, Any]) -> Mapping[str, Tensor]:
        assert all(name.startswith("toy/") for name in part["name"]) and set(part) == {"lr", "name"}
        lr = part["lr"]
        noise = torch.randn(lr.shape, dtype=torch.float64).to(lr)
        made, _ = network(lr, factor=2.0)
        return {"teacher": (made - self.teacher(lr)).square().mean(), "noise": 0.1 * (made - noise).square().mean()}


class ObjectiveParts(Parts):
    def generator(self) -> nn.Module:
        return Net()

    def objective(self) -> Objective:
        return Compare()


def job(toy: ModuleType, folder: Path, **changes: Any) -> Any:
    card = toy.recipe(
        discriminator=None,
        losses=None,
        objective={"kind": "compare"},
        generator_optimiser={"kind": "adamw", "rate": RATE, "betas": BETAS, "decay": DECAY, "clip": CLIP},
        **changes,
    )
    return toy.job(folder, card, parts=ObjectiveParts(card.generator, None, {}, card.objective))


def parts_of(toy: ModuleType, count: int, batch: int) -> list[dict[str, Any]]:
    pictures = toy.Pictures(100)
    samples = [[pictures[0, part * batch + at] for at in range(batch)] for part in range(count)]
    return [
        {"lr": torch.stack([each["lr"] for each in some]).double(), "name": [each["name"] for each in some]} for some in samples
    ]


def made(toy: ModuleType, folder: Path, **changes: Any) -> ObjectiveStep:
    step = make_step(job(toy, folder, precision="fp64", **changes), Processes("cpu"))
    assert isinstance(step, ObjectiveStep)
    return step


@pytest.mark.parametrize("count", [1, 2])
def test_equals_the_transcription(toy: ModuleType, tmp_path: Path, count: int) -> None:
    """Loss, clipping by the norm, AdamW by its formula, warm-up and steps of the rate; six steps."""
    step = made(toy, tmp_path)
    net = step.generator.network
    weight, bias = (getattr(net.head, name).detach().clone().requires_grad_() for name in ("weight", "bias"))
    moments = [(torch.zeros_like(each), torch.zeros_like(each)) for each in (weight, bias)]
    for done in range(6):
        batch = parts_of(toy, count, 2)
        state = torch.get_rng_state()
        ours = step(batch)
        torch.set_rng_state(state)
        total, said = [torch.zeros_like(weight), torch.zeros_like(bias)], {"teacher": 0.0, "noise": 0.0}
        for part in batch:
            lr = part["lr"]
            noise = torch.randn(lr.shape, dtype=torch.float64)
            maps = torch.tanh(nn.functional.conv2d(lr, net.base.weight, net.base.bias, padding=1))
            sr = 2 * (torch.einsum("bchw,kc->bkhw", maps, weight[:, :, 0, 0]) + bias.view(1, -1, 1, 1))
            teacher = step.objective.teacher
            target = torch.einsum("bchw,kc->bkhw", lr, teacher.weight[:, :, 0, 0]) + teacher.bias.view(1, -1, 1, 1)
            losses = ((sr - target) ** 2).mean(), 0.1 * ((sr - noise) ** 2).mean()
            for mine, gradient in zip(total, torch.autograd.grad(sum(losses), (weight, bias)), strict=True):
                mine += gradient / count
            for name, loss in zip(said, losses, strict=True):
                said[name] += float(loss.detach()) / count
        norm = float(torch.cat([each.flatten() for each in total]).norm())
        assert {name: float(value) for name, value in ours.items()} == pytest.approx(
            {**said, "norm_generator": norm}, rel=1e-10
        )
        assert norm > CLIP  # else the test would not see clipping
        rate = RATE * min((done + 1) / 2, 1.0) * (0.5 if done >= 4 else 1.0)
        for at, (parameter, gradient) in enumerate(zip((weight, bias), total, strict=True)):
            clipped = gradient * CLIP / (norm + 1e-6)
            m, v = moments[at]
            m, v = BETAS[0] * m + (1 - BETAS[0]) * clipped, BETAS[1] * v + (1 - BETAS[1]) * clipped**2
            moments[at] = m, v
            m_hat, v_hat = m / (1 - BETAS[0] ** (done + 1)), v / (1 - BETAS[1] ** (done + 1))
            parameter.data -= rate * DECAY * parameter.data + rate * m_hat / (v_hat.sqrt() + 1e-8)
        assert (net.head.weight - weight).abs().max() < 1e-10 and (net.head.bias - bias).abs().max() < 1e-10


def test_two_parts_of_two_are_a_batch_of_four(toy: ModuleType, tmp_path: Path) -> None:
    """Where nothing is drawn for each part."""
    halves, whole = made(toy, tmp_path / "a"), made(toy, tmp_path / "b")
    for step in (halves, whole):
        step.objective.forward = lambda network, part, step=step: {  # type: ignore[method-assign, misc]
            "teacher": (network(part["lr"], factor=2.0)[0] - step.objective.teacher(part["lr"])).square().mean(),
            "noise": torch.zeros((), dtype=torch.float64),
        }
    (four,) = parts_of(toy, 1, 4)
    two = [{"lr": four["lr"][at : at + 2], "name": four["name"][at : at + 2]} for at in (0, 2)]
    for _ in range(3):
        a, b = halves(two), whole([four])
        assert float(a["teacher"]) == pytest.approx(float(b["teacher"]), rel=1e-12)
    weights = [step.generator.network.head.weight for step in (halves, whole)]
    assert (weights[0] - weights[1]).abs().max() < 1e-12


def test_only_what_is_trained_moves_and_is_kept(toy: ModuleType, tmp_path: Path) -> None:
    """Neither frozen layers nor the objective's networks are in checkpoints; the result holds everything."""
    before = {name: value.clone() for name, value in made(toy, tmp_path / "x").generator.network.state_dict().items()}
    train_ = job(toy, tmp_path, steps=4, save=2)
    train(type(train_)(**{**train_.__dict__, "stop_after": 2}))
    state = Checkpoints(tmp_path, train_.identity, train_.name).load()
    assert state is not None and set(state["generator"]["network"]) == {"head.weight", "head.bias"}
    assert "teacher" not in str(sorted(state))
    train(train_)
    after = load_file(tmp_path / "generator.safetensors")
    assert {name for name in after if not torch.equal(after[name].double(), before[name].float().double())} == {
        "head.weight",
        "head.bias",
    }


def test_continued_as_if_never_stopped(toy: ModuleType, tmp_path: Path) -> None:
    train(job(toy, tmp_path / "whole", steps=5, save=2))
    for stop in (1, 3, 4):
        other = job(toy, tmp_path / str(stop), steps=5, save=2)
        train(type(other)(**{**other.__dict__, "stop_after": stop}))
        torch.rand(3)
        train(other)
        a, b = (load_file(tmp_path / name / "generator.safetensors") for name in ("whole", str(stop)))
        assert list(a) == list(b) and all(torch.equal(a[name], b[name]) for name in a)


def test_what_the_data_lacks_is_said(toy: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Compare, "wants", ("lr", "tags"))
    with pytest.raises(SemsrError, match="the training data gives no 'tags', only: name, hr, lr"):
        train(job(toy, tmp_path))
