"""The text that a picture is trained with: the ground truth's tags, or none."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn

from ..prompts import training_prompt


class Words(nn.Module):
    """Tags of the ground truth as text embeddings, left away now and then so that the network learns to do without (guidance needs both).

    Args:
        text: the frozen text encoder, `encode(prompts)` -> (B, L, D).
        tagger: RAM as it was published, without LoRA: (B, 3, H, W) in [0, 1] -> (tokens, logits), `say(logits)` -> tags; None: a batch
            brings its tags.
        null_text: how often a text is left away.
    """

    def __init__(self, text: nn.Module, tagger: nn.Module | None, null_text: float) -> None:
        super().__init__()
        self.text, self.tagger, self.null_text = text.eval(), tagger, null_text
        if tagger is not None:
            tagger.eval()

    def prompts(self, part: Mapping[str, Any]) -> list[str]:
        """One a picture of the batch; "" where the text is left away. Draws one number a picture."""
        hr: Tensor = part["hr"]
        kept = (torch.rand(len(hr)) >= self.null_text).nonzero().flatten().tolist()
        found = [""] * len(hr)
        if self.tagger is None:
            said = [tuple(part["tags"][at].split(", ")) for at in kept]
        else:
            said = self._look(self.tagger, hr[kept]) if kept else []
        for at, tags in zip(kept, said, strict=True):
            found[at] = training_prompt(tags)
        return found

    @torch.no_grad()
    def forward(self, part: Mapping[str, Any]) -> Tensor:
        """The batch's text embeddings, (B, L, D)."""
        encoder: Any = self.text
        embedded: Tensor = encoder.encode(self.prompts(part))
        return embedded.to(part["hr"].device, part["hr"].dtype)

    @staticmethod
    @torch.no_grad()
    def _look(tagger: Any, pictures: Tensor) -> list[tuple[str, ...]]:
        with torch.autocast(pictures.device.type, enabled=False):  # in half precision tags at their thresholds would be others
            said: list[tuple[str, ...]] = tagger.say(tagger(pictures)[1])
        return said
