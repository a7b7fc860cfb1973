"""DAPE's training (SeeSR, Eq. 1): what the tagger sees and says of a degraded picture becomes what it sees and says of the clean one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor

from semsr.cards.base import Card
from semsr.training.objective import Called, Objective

from ..tagger import Tagger


class DapeOptions(Card):
    """`weight`: of the tags' loss beside the representation's; lambda of Eq. 1, 1 in the published code."""

    weight: Annotated[float, Field(ge=0)] = 1.0


class DapeObjective(Objective):
    """mean (f_LR - f_HR)^2 + weight * mean BCE(sigmoid(logit_LR), sigmoid(logit_HR)).

    HR is seen by the frozen tagger in evaluation mode; LR, enlarged to HR's size as the published pairs are (bicubic, 8 bits), by the
    tagger under training, with dropout and drop path. The second term is computed from logits: the published code takes logarithms of
    sigmoids, which are infinite where those saturate.

    Args:
        teacher: the plain tagger.
        options: see `DapeOptions`.

    Source: cswry/SeeSR@8edecc7 (basicsr/), described in words.
    """

    terms: ClassVar[tuple[str, ...]] = ("representation", "tags")
    wants: ClassVar[tuple[str, ...]] = ("lr", "hr")

    def __init__(self, teacher: Tagger, options: DapeOptions | None = None) -> None:
        super().__init__()
        self.teacher = teacher.eval().requires_grad_(False)
        self.options = options or DapeOptions()

    def forward(self, network: Called, part: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """See `Objective.forward`."""
        with torch.no_grad():
            tokens_hr, logits_hr = self.teacher(part["hr"])
            large = enlarge(part["lr"], part["hr"].shape[-2:])
        tokens_lr, logits_lr = network(large)
        return {
            "representation": representation_loss(tokens_lr, tokens_hr),
            "tags": self.options.weight * tags_loss(logits_lr, logits_hr),
        }


def enlarge(lr: Tensor, size: tuple[int, int] | torch.Size) -> Tensor:
    """torch's bicubic, no antialiasing, rounded to 8 bits as what is saved to a file: (B, 3, h, w) in [0, 1] -> (B, 3, *size) in [0, 1]."""
    large = F.interpolate(lr, tuple(size), mode="bicubic", align_corners=False)
    return (large * 255).round().clamp(0, 255) / 255


def representation_loss(lr: Tensor, hr: Tensor) -> Tensor:
    """Mean squared difference of tokens (B, n, C); a scalar, in full precision."""
    return F.mse_loss(_full(lr), _full(hr).to(_full(lr).dtype))


def tags_loss(lr: Tensor, hr: Tensor) -> Tensor:
    """Mean binary cross-entropy of logits (B, K) against the probabilities that the others give; a scalar, in full precision.

    Finite with gradients for any finite logits.
    """
    return F.binary_cross_entropy_with_logits(_full(lr), torch.sigmoid(_full(hr)).to(_full(lr).dtype))


def _full(values: Tensor) -> Tensor:
    return values.to(torch.promote_types(values.dtype, torch.float32))
