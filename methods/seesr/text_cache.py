"""Prompts that were embedded before."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

if TYPE_CHECKING:
    from .networks.text import TextEncoder

KEPT = 64
"""Embedded prompts that are kept; the negative one is asked for with every batch, and stays."""


class TextCache:
    """Embeds each distinct prompt once, as long as it is asked for often enough.

    Args:
        encoder: `encode(prompts)` -> (B, L, D).
    """

    def __init__(self, encoder: TextEncoder) -> None:
        self.encoder = encoder
        self.kept: OrderedDict[str, Tensor] = OrderedDict()

    def embed(self, prompts: Sequence[str]) -> Tensor:
        """(B, L, D); each distinct prompt goes through the encoder once, alone, so that it depends on no other."""
        for prompt in prompts:
            if prompt not in self.kept:
                self.kept[prompt] = self.encoder.encode([prompt])[0]
            self.kept.move_to_end(prompt)
        embedded = torch.stack([self.kept[prompt] for prompt in prompts])
        while len(self.kept) > max(KEPT, len(prompts)):
            self.kept.popitem(last=False)
        return embedded
