"""RAM's tagging head: tags ask the picture, as in Query2Label (arXiv 2107.10834), by BERT layers without self-attention."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from semsr.errors import SemsrError

from ..options import HeadOptions

_EPSILON = 1e-12
"""Of BERT's normalisations."""


class Asking(nn.Module):
    """Attention with queries from one sequence, keys and values from another, of another width."""

    def __init__(self, card: HeadOptions, width: int) -> None:
        super().__init__()
        if card.hidden % card.heads:
            raise SemsrError(f"tagging head: hidden {card.hidden} is no multiple of heads {card.heads}")
        self.heads = card.heads
        self.query = nn.Linear(card.hidden, card.hidden)
        self.key = nn.Linear(width, card.hidden)
        self.value = nn.Linear(width, card.hidden)
        self.dropout = nn.Dropout(card.dropout)

    def forward(self, tags: Tensor, tokens: Tensor) -> Tensor:
        """tags (B, K, hidden), tokens (B, n, width) -> (B, K, hidden)."""
        query, key, value = (
            part.unflatten(-1, (self.heads, -1)).transpose(1, 2)
            for part in (self.query(tags), self.key(tokens), self.value(tokens))
        )
        weights = (query @ key.transpose(-2, -1) / query.shape[-1] ** 0.5).softmax(-1)
        found: Tensor = self.dropout(weights).to(value.dtype) @ value
        return found.transpose(1, 2).flatten(2)


class Added(nn.Module):
    """A linear layer whose result is added to what came before, and normalised."""

    def __init__(self, width: int, card: HeadOptions) -> None:
        super().__init__()
        self.dense = nn.Linear(width, card.hidden)
        self.LayerNorm = nn.LayerNorm(card.hidden, eps=_EPSILON)
        self.dropout = nn.Dropout(card.dropout)

    def forward(self, found: Tensor, before: Tensor) -> Tensor:
        """(B, K, width), (B, K, hidden) -> (B, K, hidden)."""
        normalised: Tensor = self.LayerNorm(self.dropout(self.dense(found)) + before)
        return normalised


class CrossAttention(nn.Module):
    """Tags ask tokens; added and normalised."""

    def __init__(self, card: HeadOptions, width: int) -> None:
        super().__init__()
        self.self = Asking(card, width)
        self.output = Added(card.hidden, card)

    def forward(self, tags: Tensor, tokens: Tensor) -> Tensor:
        """tags (B, K, hidden), tokens (B, n, width) -> (B, K, hidden)."""
        found: Tensor = self.output(self.self(tags, tokens), tags)
        return found


class Intermediate(nn.Module):
    """The wide half of the feed-forward part."""

    def __init__(self, card: HeadOptions) -> None:
        super().__init__()
        self.dense = nn.Linear(card.hidden, card.feed_forward)

    def forward(self, tags: Tensor) -> Tensor:
        """(B, K, hidden) -> (B, K, feed_forward)."""
        return nn.functional.gelu(self.dense(tags))


class HeadLayer(nn.Module):
    """Cross-attention and feed-forward."""

    def __init__(self, card: HeadOptions, width: int) -> None:
        super().__init__()
        self.crossattention = CrossAttention(card, width)
        self.intermediate = Intermediate(card)
        self.output = Added(card.feed_forward, card)

    def forward(self, tags: Tensor, tokens: Tensor) -> Tensor:
        """tags (B, K, hidden), tokens (B, n, width) -> (B, K, hidden)."""
        tags = self.crossattention(tags, tokens)
        found: Tensor = self.output(self.intermediate(tags), tags)
        return found


class Encoder(nn.Module):
    """The layers, under the name that BERT has for them."""

    def __init__(self, card: HeadOptions, width: int) -> None:
        super().__init__()
        self.layer = nn.ModuleList(HeadLayer(card, width) for _ in range(card.layers))


class TaggingHead(nn.Module):
    """Tags (B, K, hidden) look at tokens (B, n, width), layer by layer -> (B, K, hidden)."""

    def __init__(self, card: HeadOptions, width: int) -> None:
        super().__init__()
        self.encoder = Encoder(card, width)

    def forward(self, tags: Tensor, tokens: Tensor) -> Tensor:
        """See the class."""
        for layer in self.encoder.layer:
            tags = layer(tags, tokens)
        return tags


def draw_labels(count: int, width: int) -> nn.Parameter:
    """Fresh embeddings of tags; the published ones come from CLIP's text encoder and lie in RAM's weights."""
    return nn.Parameter(torch.randn(count, width) * 0.02)
