"""The transformer block inside semantic-aware fusion: self-attention over semantics, cross-attention to the picture, feed-forward.

Nothing is added back to what came in: SeD took the residuals out (lbc12345/SeD@311195f:models/module_attention.py). Every step is there
twice: `forward` is quick, `reference` is written as the description has it, and tests hold them together.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

_WIDER = 4
"""How much wider the feed-forward is inside."""


class Attention(nn.Module):
    """softmax(q k' / sqrt(width)) v with one head; q, k, v without bias, the projection after it with one.

    Args:
        width: of queries, of what they attend to, and of the result.
    """

    def __init__(self, width: int) -> None:
        super().__init__()
        self.scale = width**-0.5
        self.to_q = nn.Linear(width, width, bias=False)
        self.to_k = nn.Linear(width, width, bias=False)
        self.to_v = nn.Linear(width, width, bias=False)
        self.to_out = nn.Sequential(nn.Linear(width, width))

    def forward(self, tokens: Tensor, seen: Tensor) -> Tensor:
        """Attend from `tokens` (B, N, width) to `seen` (B, M, width) -> (B, N, width).

        Keys and values are linear in `seen`, so both projections are moved to the side of the N queries: (q Wk) x' for q (x Wk')', and
        (p x) Wv' for p (x Wv'). It saves two passes over the M places, of which a discriminator's first block has 16384.
        """
        queries = F.linear(self.to_q(tokens), self.to_k.weight.t())
        # The fused kernel wants (B, heads, N, width).
        found = F.scaled_dot_product_attention(queries.unsqueeze(1), seen.unsqueeze(1), seen.unsqueeze(1), scale=self.scale)
        result: Tensor = self.to_out(self.to_v(found.squeeze(1)))
        return result

    def weights(self, tokens: Tensor, seen: Tensor) -> Tensor:
        """How much each token looks at each place: (B, N, M), rows sum to 1."""
        scores: Tensor = self.to_q(tokens) @ self.to_k(seen).transpose(1, 2) * self.scale
        return scores.softmax(dim=-1)

    def reference(self, tokens: Tensor, seen: Tensor) -> Tensor:
        """What `forward` computes, as the description has it."""
        result: Tensor = self.to_out(self.weights(tokens, seen) @ self.to_v(seen))
        return result


class GatedGelu(nn.Module):
    """Linear to twice the width, one half (the value, first) times GELU of the other (the gate)."""

    def __init__(self, width: int, inside: int) -> None:
        super().__init__()
        self.proj = nn.Linear(width, 2 * inside)

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, width) -> (B, N, inside)."""
        value, gate = self.proj(tokens).chunk(2, dim=-1)
        return torch.mul(value, F.gelu(gate))


class FeedForward(nn.Module):
    """GEGLU and a linear layer, four times as wide inside."""

    def __init__(self, width: int) -> None:
        super().__init__()
        inside = _WIDER * width
        # Upstream has dropout of rate 0 between the two; it keeps its place for the names.
        self.net = nn.Sequential(GatedGelu(width, inside), nn.Identity(), nn.Linear(inside, width))

    def forward(self, tokens: Tensor) -> Tensor:
        """(B, N, width) -> the same."""
        result: Tensor = self.net(tokens)
        return result


class SemanticTransformer(nn.Module):
    """Self-attention over semantics, cross-attention with semantics as queries and the picture's features as keys and values, GEGLU."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.attn1 = Attention(width)
        self.ff = FeedForward(width)
        self.attn2 = Attention(width)
        self.norm1 = nn.LayerNorm(width)
        self.norm2 = nn.LayerNorm(width)
        self.norm3 = nn.LayerNorm(width)

    def forward(self, tokens: Tensor, seen: Tensor) -> Tensor:
        """Semantic tokens (B, N, width) and what they look at (B, M, width) -> (B, N, width)."""
        normed = self.norm1(tokens)
        tokens = self.attn1(normed, normed)
        tokens = self.attn2(self.norm2(tokens), seen)
        result: Tensor = self.ff(self.norm3(tokens))
        return result

    def reference(self, tokens: Tensor, seen: Tensor) -> Tensor:
        """What `forward` computes, as the description has it."""
        normed = self.norm1(tokens)
        tokens = self.attn1.reference(normed, normed)
        tokens = self.attn2.reference(self.norm2(tokens), seen)
        result: Tensor = self.ff(self.norm3(tokens))
        return result

    @torch.no_grad()
    def cross_weights(self, tokens: Tensor, seen: Tensor) -> Tensor:
        """How much each semantic token looks at each place of the picture: (B, N, M)."""
        normed = self.norm1(tokens)
        return self.attn2.weights(self.norm2(self.attn1(normed, normed)), seen)
