"""One step against a transcription of it that shares no code, in float64."""

from __future__ import annotations

import copy
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from semsr.training import networks as networks_module
from semsr.training.loop import Step
from semsr.training.networks import make_step
from semsr.training.process import Processes


class Look(nn.Module):
    """Stands for VGG: a frozen convolution, L1 of its maps."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(3, 5, 3, padding=1).requires_grad_(False)

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        return (self.conv(sr) - self.conv(hr)).abs().mean()


@pytest.fixture
def look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(networks_module, "make_perceptual", lambda card, file: Look())


def made(toy: ModuleType, folder: Path, **changes: Any) -> Step:
    card = toy.recipe(precision="fp64", assets={"perceptual": ["vgg"]} if "losses__perceptual" in changes else {}, **changes)
    return make_step(toy.job(folder, card, files={"perceptual": Path("vgg")}), Processes("cpu"))


def batches(toy: ModuleType, steps: int, parts: int, batch: int = 2) -> list[list[dict[str, Tensor]]]:
    pictures, number = toy.Pictures(100), iter(range(1000))
    taken = []
    for _ in range(steps):
        step = []
        for _ in range(parts):
            samples = [pictures[0, next(number)] for _ in range(batch)]
            step.append({key: torch.stack([s[key] for s in samples]).double() for key in ("lr", "hr", "target")})
        taken.append(step)
    return taken


class Transcribed:
    """The step written out: plain loops, Adam by its formula, losses by their definitions."""

    def __init__(self, step: Step, kind: str, *, semantic: bool) -> None:
        assert step.discriminator is not None
        self.g, self.d = copy.deepcopy(step.generator.network), copy.deepcopy(step.discriminator.network)
        self.extractor = copy.deepcopy(step.condition) if semantic else None
        self.look = copy.deepcopy(step.losses.perceptual)
        self.kind, self.n = kind, 0
        self.moments: dict[Any, tuple[Tensor, Tensor]] = {}

    def bce(self, logits: Tensor, target: float) -> Tensor:
        chance = 1 / (1 + torch.exp(-logits))
        return -(target * torch.log(chance) + (1 - target) * torch.log(1 - chance)).mean()

    def for_g(self, fake: Tensor, real: Tensor | None) -> Tensor:
        if self.kind == "vanilla":
            return self.bce(fake, 1.0)
        if self.kind == "lsgan":
            return ((fake - 1) ** 2).mean()
        assert real is not None
        return 0.5 * (self.bce(real - fake.mean(), 0.0) + self.bce(fake - real.mean(), 1.0))

    def for_d(self, real: Tensor, fake: Tensor) -> Tensor:
        if self.kind == "vanilla":
            return self.bce(real, 1.0) + self.bce(fake, 0.0)
        if self.kind == "lsgan":
            return ((real - 1) ** 2).mean() + (fake**2).mean()
        return 0.5 * (self.bce(real - fake.mean(), 1.0) + self.bce(fake - real.mean(), 0.0))

    def adam(self, network: nn.Module, gradients: list[Tensor], rate: float, betas: tuple[float, float]) -> None:
        rate *= min((self.n + 1) / 2, 1.0) * (0.5 if self.n >= 4 else 1.0)
        trained = [p for name, p in network.named_parameters() if name != "idle"]
        for parameter, gradient in zip(trained, gradients, strict=True):
            m, v = self.moments.get(parameter, (torch.zeros_like(gradient), torch.zeros_like(gradient)))
            m = betas[0] * m + (1 - betas[0]) * gradient
            v = betas[1] * v + (1 - betas[1]) * gradient**2
            self.moments[parameter] = m, v
            m_hat, v_hat = m / (1 - betas[0] ** (self.n + 1)), v / (1 - betas[1] ** (self.n + 1))
            parameter.data -= rate * m_hat / (v_hat.sqrt() + 1e-8)

    def step(self, parts: list[dict[str, Tensor]]) -> dict[str, float]:
        said: dict[str, float] = {}
        wanted = list(self.g.parameters())
        total = [torch.zeros_like(p) for p in wanted]
        fakes, conditions = [], []
        for part in parts:
            with torch.no_grad():
                condition = self.extractor(part["hr"]) if self.extractor else None
            conditions.append(condition)
            sr = self.g(part["lr"])
            real = self.d(part["hr"], condition).detach() if self.kind == "relativistic" else None
            adversarial = 0.1 * self.for_g(self.d(sr, condition), real)
            pixel = 1.0 * (sr - part["hr"]).abs().mean()
            difference = sr - part["hr"]
            extra = 0.3 * (difference[:, :, :, 1:] - difference[:, :, :, :-1]).abs().mean()
            loss = pixel + adversarial + extra
            if self.look is not None:
                perceptual = 0.2 * (self.look.conv(sr) - self.look.conv(part["hr"])).abs().mean()
                loss = loss + perceptual
                said["perceptual"] = said.get("perceptual", 0) + float(perceptual.detach()) / len(parts)
            for mine, gradient in zip(total, torch.autograd.grad(loss, wanted), strict=True):
                mine += gradient / len(parts)
            for name, value in (("pixel", pixel), ("adversarial", adversarial), ("gradients", extra)):
                said[name] = said.get(name, 0) + float(value.detach()) / len(parts)
            fakes.append(sr.detach())
        said["norm_generator"] = float(torch.cat([t.flatten() for t in total]).norm())
        self.adam(self.g, total, 1e-3, (0.9, 0.99))

        wanted = [p for name, p in self.d.named_parameters() if name != "idle"]
        total = [torch.zeros_like(p) for p in wanted]
        for part, fake, condition in zip(parts, fakes, conditions, strict=True):
            real_logits = self.d(part["hr"], condition)
            fake_logits = self.d(fake, condition)
            loss = self.for_d(real_logits, fake_logits)
            for mine, gradient in zip(total, torch.autograd.grad(loss, wanted), strict=True):
                mine += gradient / len(parts)
            for name, value in (
                ("discriminator", loss),
                ("logit_real", real_logits.mean()),
                ("logit_fake", fake_logits.mean()),
            ):
                said[name] = said.get(name, 0) + float(value.detach()) / len(parts)
        said["norm_discriminator"] = float(torch.cat([t.flatten() for t in total]).norm())
        self.adam(self.d, total, 2e-3, (0.5, 0.9))
        self.n += 1
        return said


@pytest.mark.parametrize("parts", [1, 3])
@pytest.mark.parametrize("kind", ["vanilla", "lsgan", "relativistic"])
@pytest.mark.parametrize("semantic", [True, False])
def test_equals_the_transcription(toy: ModuleType, tmp_path: Path, look: None, parts: int, kind: str, semantic: bool) -> None:
    step = made(
        toy,
        tmp_path,
        losses__adversarial={"kind": kind, "weight": 0.1},
        losses__perceptual={"layers": {2: 1.0}, "weight": 0.2},
        discriminator__options={"semantic": semantic},
    )
    plain = Transcribed(step, kind, semantic=semantic)
    for batch in batches(toy, 6, parts):
        ours, theirs = step([{"lr": part["lr"], "hr": part["hr"]} for part in batch]), plain.step(batch)
        assert set(ours) == set(theirs)
        for name, value in theirs.items():
            # A relativistic loss leaves the last bias no gradient but rounding, which Adam makes 1e-11 of.
            assert float(ours[name]) == pytest.approx(value, rel=1e-10, abs=1e-10), name
    assert step.discriminator is not None
    for mine, other in ((step.generator.network, plain.g), (step.discriminator.network, plain.d)):
        for (name, a), b in zip(mine.state_dict().items(), other.state_dict().values(), strict=True):
            assert (a - b).abs().max() < 1e-10, name


def test_the_generator_half_moves_no_discriminator(toy: ModuleType, tmp_path: Path) -> None:
    """Only the power iterations of its spectral norm go on, as upstream; what the method froze is frozen afterwards, too."""
    step = made(toy, tmp_path)
    assert step.discriminator is not None
    before = copy.deepcopy(step.discriminator.network.state_dict())
    views = [step._look(part) for part in batches(toy, 1, 1)[0]]
    step._train_generator(views, {})
    network = step.discriminator.network
    moved = {name for name, value in network.state_dict().items() if not torch.equal(value, before[name])}
    assert moved == {"middle.weight_u", "middle.weight_v", "last.weight_v"}  # last.weight_u is a single 1
    assert all(p.requires_grad != (name == "idle") and p.grad is None for name, p in network.named_parameters())


def test_target_is_what_pictures_are_compared_with(toy: ModuleType, tmp_path: Path, look: None) -> None:
    """The discriminator, its condition and extra losses see plain HR."""
    options = {"losses__perceptual": {"layers": {2: 1.0}}}
    part = batches(toy, 1, 1)[0][0]
    plain = made(toy, tmp_path / "a", **options)([{"lr": part["lr"], "hr": part["hr"]}])
    sharp = made(toy, tmp_path / "b", **options)([part])
    same = {name for name in plain if torch.equal(plain[name], sharp[name])}
    assert same == {"adversarial", "gradients", "discriminator", "logit_real", "logit_fake", "norm_discriminator"}


def test_condition_is_computed_once_a_step(toy: ModuleType, tmp_path: Path) -> None:
    step = made(toy, tmp_path, losses__adversarial={"kind": "relativistic", "weight": 0.1})
    toy.Extractor.calls = 0
    step(batches(toy, 1, 3)[0])
    assert toy.Extractor.calls == 3  # parts, each once; the discriminator ran 12 times


def test_unclipped(toy: ModuleType, tmp_path: Path) -> None:
    """Values outside [0, 1] count in full: SR is clipped for metrics and files only."""
    step = made(toy, tmp_path)
    with torch.no_grad():
        step.generator.network.last.bias += 5.0
    part = batches(toy, 1, 1)[0][0]
    assert 4.0 < float(step([part])["pixel"]) < 6.0
