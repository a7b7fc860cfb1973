"""Words as fixed random vectors: no weights, no meaning, but the same word is the same vector everywhere."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

import torch
from torch import Tensor

from ...options import TextOptions
from .encoder import TextEncoder

WORD = re.compile(r"\w+|[^\w\s]")


class HashedText(TextEncoder):
    """A start vector, then one normal vector a word or mark, drawn from a seed that the word is hashed to; zeros behind."""

    _device: Tensor

    def __init__(self, card: TextOptions) -> None:
        super().__init__(card.length, card.width)
        self.register_buffer("_device", torch.empty(0), persistent=False)

    def encode(self, prompts: Sequence[str]) -> Tensor:
        """See `TextEncoder.encode`; upper and lower case are the same."""
        encoded = torch.zeros(len(prompts), self.length, self.width)
        for row, prompt in zip(encoded, prompts, strict=True):
            for place, word in zip(row, ("", *WORD.findall(prompt.lower())), strict=False):
                place.copy_(word_vector(word, self.width))
        return encoded.to(self._device)


def word_vector(word: str, width: int) -> Tensor:
    """(width,) standard normal numbers that depend on the word alone."""
    seed = int.from_bytes(hashlib.sha256(word.encode()).digest()[:8], "big") >> 1
    return torch.randn(width, generator=torch.Generator().manual_seed(seed))
