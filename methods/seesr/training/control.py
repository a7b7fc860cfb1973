"""Training stage two: ControlNet and representation attention, of degraded pictures and the words of clean ones (SeeSR, Eq. 2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsr.training.objective import Called, Objective

from .dape import enlarge
from .latents import Latents, Noising
from .words import Words


class Representation(nn.Module):
    """The soft prompt: tokens of the tagger that knows degradations, DAPE.

    Args:
        tagger: with its LoRA, (B, 3, H, W) in [0, 1] -> (tokens (B, N, D), logits).
        size: side of the square that it looks at.
    """

    def __init__(self, tagger: nn.Module, size: int) -> None:
        super().__init__()
        self.tagger, self.size = tagger.eval(), size

    @torch.no_grad()
    def forward(self, image: Tensor) -> Tensor:
        """Enlarged LR (B, 3, H, W) -> (B, N, D); bicubic to the tagger's square, as in SeeSR's training (bilinear in its inference)."""
        seen = F.interpolate(image, size=(self.size, self.size), mode="bicubic", align_corners=False).clamp(0, 1)
        tokens: Tensor = self.tagger(seen)[0]
        return tokens.to(image.dtype)


class ControlObjective(Objective):
    """The mean square error of the noise, given text, image tokens and the enlarged LR; only the text is ever left away.

    Args:
        latents, noising, words: of the batch's ground truth, and drawn from in this order.
        representation: of the batch's LR.
    """

    terms: ClassVar[tuple[str, ...]] = ("noise",)
    wants: ClassVar[tuple[str, ...]] = ("lr", "hr")

    def __init__(self, latents: Latents, noising: Noising, words: Words, representation: Representation) -> None:
        super().__init__()
        self.latents, self.noising, self.words, self.representation = latents, noising, words, representation

    def forward(self, network: Called, part: Mapping[str, Any]) -> Mapping[str, Tensor]:
        """See `Objective.forward`."""
        hr: Tensor = part["hr"]
        noisy, levels, noise = self.noising(self.latents(hr))
        text = self.words(part)
        with torch.no_grad():
            image = enlarge(part["lr"], (hr.shape[2], hr.shape[3]))
        found = network(noisy, levels, text, self.representation(image), image)
        return {"noise": F.mse_loss(found, noise)}


class TaggedControlObjective(ControlObjective):
    """The same where a batch brings its tags."""

    wants: ClassVar[tuple[str, ...]] = ("lr", "hr", "tags")
