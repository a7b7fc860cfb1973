"""Classifier-free guidance: away from what the negative text describes, toward what the positive one does, in one batch."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

Network = Callable[[Tensor, Tensor, Tensor, Tensor, Tensor], Tensor]
"""(latents (B, C, h, w), t, text (B, L, D), tokens (B, N, E), image (B, 3, H, W) in [0, 1]) -> the noise predicted, as latents."""


class Guided:
    """A network under guidance: negative + scale * (positive - negative); at 1 the negative text does not count and is not computed.

    Both halves go through the network as one batch, in the order [negative, positive]; the tokens are the same in both.
    """

    def __init__(self, network: Network, negative: Tensor, positive: Tensor, tokens: Tensor, scale: float) -> None:
        """What stays the same over all steps is laid out once: text embeddings (B, L, D), the pictures' tokens (B, N, E)."""
        self.network, self.scale, self.text, self.tokens = network, scale, positive, tokens
        if scale != 1:
            self.text, self.tokens = torch.cat([negative, positive]), torch.cat([tokens, tokens])

    def __call__(self, latents: Tensor, t: Tensor, image: Tensor) -> Tensor:
        """Predicted noise, float32, for latents (B, C, h, w) at timestep t; `image`: the picture that controls."""
        if self.scale == 1:
            return self.network(latents, t, self.text, self.tokens, image).float()
        both = self.network(torch.cat([latents, latents]), t, self.text, self.tokens, torch.cat([image, image])).float()
        negative, positive = both.chunk(2)
        return negative + self.scale * (positive - negative)
