"""Losses against torch's own and against formulas written out in NumPy, float64, values and gradients."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from semsr.errors import SemsrError, SizeMismatchError
from semsr.training.losses import AdversarialLoss, pixel_loss


def noise(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(*shape, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))


def gradient(loss: Callable[[Tensor], Tensor], at: Tensor) -> Tensor:
    at = at.clone().requires_grad_()
    (found,) = torch.autograd.grad(loss(at), at)
    return found


# Pixels


@pytest.mark.parametrize(
    ("kind", "formula", "slope"),
    [
        ("l1", lambda d: np.abs(d).mean(), lambda d: np.sign(d) / d.size),
        ("l2", lambda d: (d**2).mean(), lambda d: 2 * d / d.size),
        ("charbonnier", lambda d: np.sqrt(d**2 + 1e-6).mean(), lambda d: d / np.sqrt(d**2 + 1e-6) / d.size),
    ],
)
def test_pixel_losses(kind: str, formula: Callable[..., float], slope: Callable[..., float]) -> None:
    sr, hr = noise(2, 3, 5, 4), noise(2, 3, 5, 4, seed=1)
    difference = (sr - hr).numpy()
    loss = pixel_loss(kind)  # type: ignore[arg-type]
    assert float(loss(sr, hr)) == pytest.approx(formula(difference), rel=1e-12)
    found = gradient(lambda x: loss(x, hr), sr)
    np.testing.assert_allclose(found, slope(difference), rtol=1e-10, atol=1e-15)
    assert float(loss(hr, hr)) == pytest.approx(1e-3 if kind == "charbonnier" else 0.0)


def test_pixel_losses_widen_half_precision_and_refuse_other_shapes() -> None:
    sr, hr = torch.full((1, 3, 64, 64), 0.25), torch.zeros(1, 3, 64, 64)
    assert pixel_loss("l1")(sr.bfloat16(), hr.bfloat16()).dtype == torch.float32
    with pytest.raises(SizeMismatchError, match=r"sr is \(1, 3, 64, 64\), hr is \(1, 1, 64, 64\)"):
        pixel_loss("l1")(sr, hr[:, :1])
    with pytest.raises(SemsrError, match=r"losses.pixel.kind: found 'l3'; allowed: l1, l2, charbonnier"):
        pixel_loss("l3")  # type: ignore[arg-type]


# Generator and discriminator


def cross_entropy(logits: Tensor, real: float) -> Tensor:
    """torch's own, with a target."""
    return nn.BCEWithLogitsLoss()(logits, torch.full_like(logits, real))


def square(logits: Tensor, real: float) -> Tensor:
    return nn.MSELoss()(logits, torch.full_like(logits, real))


def expected_generator(kind: str, fake: Tensor, real: Tensor) -> Tensor:
    if kind == "relativistic":
        first = cross_entropy(real.detach() - fake.mean(), 0.0)
        return (first + cross_entropy(fake - real.detach().mean(), 1.0)) / 2
    return {"vanilla": cross_entropy, "lsgan": square}[kind](fake, 1.0)


def expected_discriminator(kind: str, real: Tensor, fake: Tensor) -> Tensor:
    if kind == "relativistic":
        return (cross_entropy(real - fake.mean(), 1.0) + cross_entropy(fake - real.mean(), 0.0)) / 2
    judge = {"vanilla": cross_entropy, "lsgan": square}[kind]
    return judge(real, 1.0) + judge(fake, 0.0)


@pytest.mark.parametrize("kind", ["vanilla", "lsgan", "relativistic"])
@pytest.mark.parametrize("shape", [(2, 1, 6, 6), (3, 1)])
def test_adversarial_losses_equal_torchs(kind: str, shape: tuple[int, ...]) -> None:
    real, fake = noise(*shape, scale=3), noise(*shape, seed=1, scale=3)
    loss = AdversarialLoss(kind)  # type: ignore[arg-type]
    assert loss.needs_real == (kind == "relativistic")
    for ours, theirs, at in (
        (lambda x: loss.generator(x, real), lambda x: expected_generator(kind, x, real), fake),
        (lambda x: loss.discriminator(x, fake), lambda x: expected_discriminator(kind, x, fake), real),
        (lambda x: loss.discriminator(real, x), lambda x: expected_discriminator(kind, real, x), fake),
    ):
        assert float(ours(at)) == pytest.approx(float(theirs(at)), rel=1e-12)
        torch.testing.assert_close(gradient(ours, at), gradient(theirs, at), rtol=1e-10, atol=1e-15)


def test_values_worked_out_by_hand() -> None:
    real, fake = torch.tensor([0.0, 2.0]), torch.tensor([0.0])
    vanilla, least, relative = (AdversarialLoss(kind) for kind in ("vanilla", "lsgan", "relativistic"))  # type: ignore[arg-type]
    assert float(vanilla.generator(fake)) == pytest.approx(math.log(2))
    assert float(vanilla.discriminator(real, fake)) == pytest.approx((math.log(2) + math.log1p(math.exp(-2))) / 2 + math.log(2))
    assert float(least.generator(fake)) == 1.0
    assert float(least.discriminator(real, fake)) == 1.0  # ((0-1)² + (2-1)²) / 2 + 0²
    # Real are 0 and 2 above the mean of fake, 0; fake is 1 below the mean of real, 1.
    both = (math.log(2) + math.log1p(math.exp(-2))) / 2 + math.log1p(math.exp(-1))
    assert float(relative.discriminator(real, fake)) == pytest.approx(both / 2)


def test_the_generator_is_pushed_towards_real_and_the_discriminator_apart() -> None:
    real, fake = noise(8, 1), noise(8, 1, seed=1)
    for kind in ("vanilla", "lsgan", "relativistic"):
        loss = AdversarialLoss(kind)  # type: ignore[arg-type]
        assert float(gradient(lambda x: loss.generator(x, real), fake - 3).sum()) < 0  # noqa: B023
        assert float(gradient(lambda x: loss.discriminator(x, fake), real - 3).sum()) < 0  # noqa: B023
        assert float(gradient(lambda x: loss.discriminator(real, x), fake + 3).sum()) > 0  # noqa: B023


def test_no_gradient_reaches_the_real_logits_on_the_generators_side() -> None:
    real, fake = noise(4, 1).requires_grad_(), noise(4, 1, seed=1).requires_grad_()
    AdversarialLoss("relativistic").generator(fake, real).backward()
    assert real.grad is None and fake.grad is not None


def test_extreme_and_half_precision_logits_stay_finite() -> None:
    far = torch.tensor([[-1e4], [1e4]])
    for kind in ("vanilla", "relativistic"):
        loss = AdversarialLoss(kind)  # type: ignore[arg-type]
        for logits in (far, far.bfloat16(), far.half()):
            found = loss.generator(logits, -logits), loss.discriminator(logits, -logits)
            assert all(value.dtype == torch.float32 and bool(torch.isfinite(value)) for value in found)


def test_bad_input_is_one_line() -> None:
    with pytest.raises(SemsrError, match=r"losses.adversarial.kind: found 'wgan'; allowed: vanilla, lsgan, relativistic"):
        AdversarialLoss("wgan")  # type: ignore[arg-type]
    with pytest.raises(SemsrError, match="needs the logits of real pictures on the generator's side"):
        AdversarialLoss("relativistic").generator(torch.zeros(1))
