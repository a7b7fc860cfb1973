"""DAPE's loss against the formula, where sigmoids saturate, and that it teaches what it should."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError
from torch import Tensor, nn

SMALL: dict[str, Any] = {
    "tags": 5,
    "width": 6,
    "size": 12,
    "swin": {"patch": 2, "embed": 8, "depths": [2], "heads": [2], "window": 3, "drop_path": 0.0},
    "head": {"layers": 1, "hidden": 12, "heads": 3, "feed_forward": 20, "dropout": 0.0},
    "lora": {"rank": 2, "alpha": 2.0},
}


@pytest.fixture
def dape(seesr: Callable[[str], Any]) -> Any:
    return seesr("training.dape")


@pytest.fixture
def pair(seesr: Callable[[str], Any]) -> tuple[Any, Any]:
    """(teacher, student) with the same weights."""
    tagger, card = seesr("tagger"), seesr("options").TaggerOptions.model_validate(SMALL)
    made = []
    for make in (tagger.make_tagger, tagger.start_dape):
        torch.manual_seed(0)
        made.append(make(card, {}))
    made[1].load_state_dict(made[0].state_dict(), strict=False)
    return made[0], made[1]


@pytest.fixture
def batch() -> dict[str, Tensor]:
    drawn = torch.Generator().manual_seed(3)
    hr = torch.rand(4, 3, 16, 16, generator=drawn)
    return {"hr": hr, "lr": torch.nn.functional.avg_pool2d(hr, 4)}


class Says(nn.Module):
    """Stands for a tagger: gives what it was told, and remembers what it saw."""

    def __init__(self, tokens: Tensor, logits: Tensor) -> None:
        super().__init__()
        self.told, self.seen = (tokens, logits), None

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        self.seen, self.mode, self.grad = pictures, self.training, torch.is_grad_enabled()
        return self.told


def test_the_losses_are_equation_1(dape: Any, batch: dict[str, Tensor]) -> None:
    drawn = torch.Generator().manual_seed(1)
    (f_lr, f_hr), (z_lr, z_hr) = (torch.randn(2, *shape, generator=drawn, dtype=torch.float64) for shape in ((4, 3, 6), (4, 5)))
    teacher, student = Says(f_hr, z_hr), Says(f_lr, z_lr)
    losses = dape.DapeObjective(teacher, dape.DapeOptions(weight=0.5))(student, batch)
    p, q = (1 / (1 + np.exp(-z.numpy())) for z in (z_lr, z_hr))
    assert list(losses) == list(dape.DapeObjective.terms) == ["representation", "tags"]
    assert float(losses["representation"]) == pytest.approx(float(np.mean((f_lr.numpy() - f_hr.numpy()) ** 2)), rel=1e-12)
    assert float(losses["tags"]) == pytest.approx(-0.5 * np.mean(q * np.log(p) + (1 - q) * np.log(1 - p)), rel=1e-12)
    whole = dape.DapeObjective(teacher)(student, batch)
    assert float(whole["tags"]) == pytest.approx(2 * float(losses["tags"]), rel=1e-12)


def test_the_teacher_sees_hr_and_the_student_lr_enlarged(dape: Any, batch: dict[str, Tensor]) -> None:
    teacher, student = (
        Says(torch.zeros(4, 3, 6), torch.zeros(4, 5)).train(),
        Says(torch.zeros(4, 3, 6), torch.zeros(4, 5)).train(),
    )
    dape.DapeObjective(teacher)(student, batch)
    assert torch.equal(teacher.seen, batch["hr"])
    assert (teacher.mode, teacher.grad) == (False, False)
    assert (student.mode, student.grad) == (True, True)
    assert torch.equal(student.seen, dape.enlarge(batch["lr"], (16, 16)))


def test_lr_is_enlarged_by_cubic_convolution_to_8_bits(dape: Any) -> None:
    """Keys's kernel with a = -0.75, edges repeated, both axes by hand; overshoot is cut."""
    lr = (torch.rand(1, 3, 4, 5, generator=torch.Generator().manual_seed(0)) > 0.5).double()

    def kernel(distance: float, a: float = -0.75) -> float:
        x = abs(distance)
        if x <= 1:
            return (a + 2) * x**3 - (a + 3) * x**2 + 1
        return a * (x**3 - 5 * x**2 + 8 * x - 4) if x < 2 else 0.0

    def weights(old: int) -> Any:
        matrix = np.zeros((4 * old, old))
        for at in range(4 * old):
            centre = (at + 0.5) / 4 - 0.5
            for tap in range(int(np.floor(centre)) - 1, int(np.floor(centre)) + 3):
                matrix[at, min(max(tap, 0), old - 1)] += kernel(centre - tap)
        return matrix

    exact = weights(4) @ lr.numpy() @ weights(5).T
    assert exact.min() < 0 < 1 < exact.max()
    found = dape.enlarge(lr, (16, 20)).numpy()
    np.testing.assert_allclose(found, exact.clip(0, 1), atol=0.5 / 255 + 1e-9)
    np.testing.assert_allclose(found * 255, np.round(found * 255), atol=1e-9)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_saturated_sigmoids_give_numbers(dape: Any, dtype: torch.dtype) -> None:
    """The published formula, a logarithm of a sigmoid, is not a number here already for 200 in single precision."""
    lr = torch.tensor([200.0, -200.0, 200.0, -200.0, 3e4, -3e4], dtype=dtype, requires_grad=True)
    hr = torch.tensor([-200.0, 200.0, 200.0, -200.0, 3e4, -3e4], dtype=dtype)
    p, q = torch.sigmoid(lr), torch.sigmoid(hr)
    assert not torch.isfinite((q * p.log() + (1 - q) * (1 - p).log()).mean())
    loss = dape.tags_loss(lr, hr)
    assert loss.dtype == torch.float32
    assert loss.item() == pytest.approx(400 / 6, rel=1e-6)
    loss.backward()
    assert torch.isfinite(lr.grad).all()
    torch.testing.assert_close(lr.grad.float(), torch.tensor([1.0, -1, 0, 0, 0, 0]) / 6, rtol=1e-2, atol=1e-6)


def test_half_precision_tokens_are_compared_in_full(dape: Any) -> None:
    lr, hr = torch.full((1, 2, 3), 300.0).half(), torch.zeros(1, 2, 3).half()
    assert float(dape.representation_loss(lr, hr)) == 90_000


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_half_precision_trains_nearly_the_same(
    dape: Any, pair: tuple[Any, Any], batch: dict[str, Tensor], dtype: torch.dtype
) -> None:
    """Losses come in full precision, and gradients point where they do in full precision."""
    teacher, student = pair
    objective, found = dape.DapeObjective(teacher), []
    batch["lr"] *= 0.3
    for enabled in (False, True):
        with torch.autocast("cpu", dtype=dtype, enabled=enabled):
            losses = objective(student, batch)
        assert all(loss.dtype == torch.float32 for loss in losses.values())
        student.zero_grad()
        sum(losses.values()).backward()
        gradients = [parameter.grad.flatten() for parameter in student.parameters() if parameter.requires_grad]
        found.append((losses["representation"].item(), losses["tags"].item(), torch.cat(gradients)))
    full, half = found
    assert half[:2] == pytest.approx(full[:2], rel=0.02)
    assert float(torch.cosine_similarity(full[2], half[2], dim=0)) > 0.99


def test_only_additions_get_gradients_and_they_learn(dape: Any, pair: tuple[Any, Any], batch: dict[str, Tensor]) -> None:
    """LR is dark, too; what the student makes of it comes closer to what the teacher makes of HR; the teacher stays what it was."""
    teacher, student = pair
    batch["lr"] *= 0.3
    objective = dape.DapeObjective(teacher)
    kept = {name: tensor.clone() for name, tensor in teacher.state_dict().items()}
    assert not any(parameter.requires_grad for parameter in objective.parameters())
    trained = [parameter for parameter in student.parameters() if parameter.requires_grad]
    optimiser = torch.optim.AdamW(trained, lr=3e-2, weight_decay=0)
    sums = []
    for _ in range(40):
        losses = objective(student, batch)
        total = losses["representation"] + losses["tags"]
        optimiser.zero_grad()
        total.backward()
        optimiser.step()
        sums.append([float(loss.detach()) for loss in losses.values()])
    assert sums[-1][0] < 0.7 * sums[0][0]
    assert all(torch.equal(tensor, kept[name]) for name, tensor in teacher.state_dict().items())
    base = {name: tensor for name, tensor in student.state_dict().items() if "lora_" not in name}
    assert base.keys() == kept.keys()
    assert all(torch.equal(tensor, kept[name]) for name, tensor in base.items())


def test_checkpoints_hold_the_additions_alone(seesr: Callable[[str], Any], pair: tuple[Any, Any]) -> None:
    from semsr.training.side import load_trained_state, trained_state

    teacher, student = pair
    state = {name: tensor.clone() for name, tensor in trained_state(student).items()}
    assert state.keys() == seesr("tagger").lora_state(student).keys()
    load_trained_state(student, {name: tensor + 1 for name, tensor in state.items()})
    assert torch.equal(student.fc.weight, teacher.fc.weight)
    assert all(torch.equal(tensor, state[name] + 1) for name, tensor in trained_state(student).items())


def test_a_negative_weight_is_refused(dape: Any) -> None:
    with pytest.raises(ValidationError):
        dape.DapeOptions(weight=-1)
