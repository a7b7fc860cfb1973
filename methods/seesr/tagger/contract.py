"""What names the things in a picture: tokens for the image cross-attention, and a logit for each tag of a list."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ..options import TaggerOptions


class Tagger(nn.Module, ABC):
    """A network: pictures (B, 3, H, W) RGB in [0, 1], of any size -> (tokens (B, 1 + n, width), logits (B, K)).

    The first token is the mean of the others. What comes with a picture in a batch may differ from what comes alone in the last bits.

    Args:
        card: what it is made with.
        tags: what the logits stand for, in order.
        thresholds: (K,), a tag counts above its own; None: `card.threshold` for each.
        width: of a token.

    Attributes:
        card, tags, width: as given.
        thresholds: (K,), on the tagger's device; in no checkpoint.
    """

    thresholds: Tensor

    def __init__(self, card: TaggerOptions, tags: Sequence[str], thresholds: Tensor | None, width: int) -> None:
        super().__init__()
        self.card, self.tags, self.width = card, tuple(tags), width
        values = torch.full((len(self.tags),), card.threshold) if thresholds is None else thresholds
        self.register_buffer("thresholds", values, persistent=False)

    @abstractmethod
    def look(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """What `forward` gives, of pictures that have the tagger's size."""

    def forward(self, pictures: Tensor) -> tuple[Tensor, Tensor]:
        """Tokens (B, 1 + n, width) and logits (B, K) of pictures (B, 3, H, W) in [0, 1]; they are brought to the tagger's square first."""
        return self.look(to_square(pictures, self.card.size, antialias=self.card.antialias))

    @torch.no_grad()
    def say(self, logits: Tensor) -> list[tuple[str, ...]]:
        """The tags of each picture, in the list's order: those whose probability is above, not at, their threshold.

        Args:
            logits: (B, K).
        """
        thresholds = self.thresholds.to(logits.device)
        above = torch.sigmoid(logits.to(thresholds.dtype)) > thresholds
        return [tuple(self.tags[at] for at in torch.nonzero(row).flatten().tolist()) for row in above]


def to_square(pictures: Tensor, size: int, *, antialias: bool) -> Tensor:
    """Bilinear, whatever the shape was: (B, 3, H, W) -> (B, 3, size, size).

    Args:
        pictures: as they come.
        size: of a side.
        antialias: where pictures shrink, average over all pixels that fall onto one.
    """
    if pictures.shape[2:] == (size, size):
        return pictures
    return F.interpolate(pictures, (size, size), mode="bilinear", align_corners=False, antialias=antialias)


def with_mean(places: Tensor) -> Tensor:
    """Prepend the mean: (B, n, C) -> (B, 1 + n, C)."""
    return torch.cat([places.mean(1, keepdim=True), places], dim=1)
