"""Losses between pictures, and between a generator and its discriminator. Weights are the caller's business."""

from __future__ import annotations

from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsr.errors import SemsrError, SizeMismatchError

CHARBONNIER_EPSILON = 1e-3
PIXEL_KINDS = ("l1", "l2", "charbonnier")
ADVERSARIAL_KINDS = ("vanilla", "lsgan", "relativistic")


class PixelLoss(nn.Module):
    """The mean over all values of |d| ("l1"), d² ("l2") or sqrt(d² + 1e-6) ("charbonnier"; Lai et al. 2017), where d = sr - hr.

    Raises: SemsrError: unknown kind. SizeMismatchError: pictures of different shapes.
    """

    def __init__(self, kind: Literal["l1", "l2", "charbonnier"]) -> None:
        super().__init__()
        if kind not in PIXEL_KINDS:
            raise SemsrError(f"losses.pixel.kind: found {kind!r}; allowed: {', '.join(PIXEL_KINDS)}")
        self.kind = kind

    def forward(self, sr: Tensor, hr: Tensor) -> Tensor:
        """Pictures (B, 3, H, W), as they are, not clipped -> a scalar."""
        if sr.shape != hr.shape:
            raise SizeMismatchError(f"pixel loss: sr is {tuple(sr.shape)}, hr is {tuple(hr.shape)}; they must be alike")
        sr, hr = _wide(sr), _wide(hr)
        if self.kind == "l1":
            return F.l1_loss(sr, hr)
        if self.kind == "l2":
            return F.mse_loss(sr, hr)
        return torch.sqrt(torch.square(sr - hr) + CHARBONNIER_EPSILON**2).mean()


def pixel_loss(kind: Literal["l1", "l2", "charbonnier"]) -> PixelLoss:
    """See `PixelLoss`."""
    return PixelLoss(kind)


class AdversarialLoss:
    """What a discriminator and its generator are trained by, from logits of any shape, higher for real; means over all of them.

    With softplus s(x) = log(1 + exp(x)), r and f logits of real and fake:

    - "vanilla" (Goodfellow et al. 2014, the generator's side not saturating): D: mean s(-r) + mean s(f); G: mean s(-f).
    - "lsgan" (Mao et al. 2017): D: mean (r - 1)² + mean f²; G: mean (f - 1)².
    - "relativistic" (average; Jolicoeur-Martineau 2018, as in ESRGAN): with r' = r - mean f and f' = f - mean r,
      D: (mean s(-r') + mean s(f')) / 2; G: (mean s(r') + mean s(-f')) / 2. The means are of the logits given, so they are a part's own
      where a step's batch is worked off in parts or on several devices.

    D's loss is neither halved (but "relativistic", by definition) nor weighted. Logits of half precision are widened first.

    Attributes:
        needs_real: the generator's side needs the logits of real pictures, too.

    Raises: SemsrError: unknown kind.
    """

    def __init__(self, kind: Literal["vanilla", "lsgan", "relativistic"]) -> None:
        if kind not in ADVERSARIAL_KINDS:
            raise SemsrError(f"losses.adversarial.kind: found {kind!r}; allowed: {', '.join(ADVERSARIAL_KINDS)}")
        self.kind = kind
        self.needs_real = kind == "relativistic"

    def generator(self, fake_logits: Tensor, real_logits: Tensor | None = None) -> Tensor:
        """The generator's side, a scalar; no gradient flows into `real_logits`, which only "relativistic" uses."""
        fake = _wide(fake_logits)
        if self.kind == "vanilla":
            return _as_real(fake)
        if self.kind == "lsgan":
            return torch.square(fake - 1).mean()
        if real_logits is None:
            raise SemsrError("a relativistic adversarial loss needs the logits of real pictures on the generator's side, too")
        real = _wide(real_logits).detach()
        return (_as_fake(real - fake.mean()) + _as_real(fake - real.mean())) / 2

    def discriminator(self, real_logits: Tensor, fake_logits: Tensor) -> Tensor:
        """The discriminator's side, a scalar; `fake_logits` are of pictures detached from the generator."""
        real, fake = _wide(real_logits), _wide(fake_logits)
        if self.kind == "vanilla":
            return _as_real(real) + _as_fake(fake)
        if self.kind == "lsgan":
            return torch.square(real - 1).mean() + torch.square(fake).mean()
        return (_as_real(real - fake.mean()) + _as_fake(fake - real.mean())) / 2


def _as_real(logits: Tensor) -> Tensor:
    """Binary cross-entropy against "real"."""
    return F.softplus(-logits).mean()


def _as_fake(logits: Tensor) -> Tensor:
    """Binary cross-entropy against "fake"."""
    return F.softplus(logits).mean()


def _wide(values: Tensor) -> Tensor:
    return values.float() if values.dtype in (torch.float16, torch.bfloat16) else values
