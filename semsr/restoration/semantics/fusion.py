"""Semantic-aware fusion (SeFB): what a pretrained network saw in HR asks the features of a picture, and answers on their grid."""

from __future__ import annotations

from typing import Literal, cast

import torch
from torch import Tensor, nn

from semsr.errors import SemsrError, SizeMismatchError
from semsr.restoration.semantics import subpixel
from semsr.restoration.semantics.attention import SemanticTransformer
from semsr.restoration.semantics.subpixel import Order

Kind = Literal["cross-attention", "concatenation"]
KINDS: tuple[Kind, ...] = ("cross-attention", "concatenation")
WIDTH = 64
_MOST_GROUPS, _EPSILON = 32, 1e-6


class _Fusion(nn.Module):
    """What both kinds have: how semantics come in, and how the answer is brought to the features' grid."""

    def __init__(self, features: int, semantics: int, up: int, last: bool, width: int, order: Order) -> None:
        super().__init__()
        if semantics % up**2:
            raise SemsrError(
                f"semantics of {semantics} channels can't be upscaled by {up}: channels must be a multiple of {up**2}; choose another "
                "layer of the extractor"
            )
        if last and up < 2:
            raise SemsrError("the last fusion block upscales by 2 at least")
        self.features, self.semantics, self.up, self.last, self.order = features, semantics, up, last, order
        self.channels = semantics // up**2
        groups = next(groups for groups in range(min(_MOST_GROUPS, semantics), 0, -1) if semantics % groups == 0)
        self.norm = nn.GroupNorm(groups, semantics, eps=_EPSILON)
        self.proj_in = nn.Conv2d(semantics, width, 1)

    def _finish(self, width: int) -> None:
        self.proj_out = nn.Conv2d(width, self.semantics, 1)
        # Nothing is fused at first; so it is upstream, unless the discriminator overwrites it.
        nn.init.zeros_(self.proj_out.weight)
        nn.init.zeros_(cast(Tensor, self.proj_out.bias))
        self.conv_out = nn.Conv2d(self.channels, self.channels, 4 if self.last else 3, padding=1)

    def _answer(self, maps: Tensor) -> Tensor:
        places = maps.shape[0] * maps.shape[2] * maps.shape[3]
        # Both ways give the same to rounding.
        way = subpixel.at_once if subpixel.is_less_work(places, self.proj_out, self.conv_out, self.up) else subpixel.separately
        return way(maps, self.proj_out, self.conv_out, self.up, self.order)

    def _reference_answer(self, maps: Tensor) -> Tensor:
        answer: Tensor = self.conv_out(subpixel.rearrange(self.proj_out(maps), self.up, self.order))
        return answer

    def _check(self, semantics: Tensor, features: Tensor) -> None:
        wanted = (features.shape[0], self.semantics)
        if tuple(semantics.shape[:2]) != wanted or features.shape[1] != self.features:
            raise SizeMismatchError(
                f"fusion: expected semantics {wanted[0]}x{wanted[1]} and {self.features} features, "
                f"found semantics {_shape(semantics)} and features {_shape(features)}"
            )


class SemanticFusion(_Fusion):
    """The core of SeD's SeFB: self-attention over semantics, cross-attention to the features, upscaled to their grid; 30 tensors.

    Args:
        features: channels of the picture's features.
        semantics: channels of the semantics, a multiple of up * up.
        up: features' grid over the semantics' (16 over the features' stride).
        last: end with a 4x4 convolution in the place of 3x3, which makes the result one smaller a side (P+SeD's last block).
        width: of the tokens.
        order: of the sub-pixels.

    Attributes:
        channels: of the result, semantics / up².

    Raises:
        SemsrError: channels that can't be upscaled.

    Source: lbc12345/SeD@311195f:models/module_attention.py (behaviour); figure 2(c) of the paper.
    """

    def __init__(
        self,
        features: int,
        semantics: int = 1024,
        up: int = 4,
        *,
        last: bool = False,
        width: int = WIDTH,
        order: Order = "c-uw-uh",
    ) -> None:
        super().__init__(features, semantics, up, last, width, order)
        self.proj_context = nn.Conv2d(features, width, 1)
        # A list of one, for the names.
        self.transformer_blocks = nn.ModuleList([SemanticTransformer(width)])
        self._finish(width)

    def forward(self, semantics: Tensor, features: Tensor) -> Tensor:
        """What the semantics make of the features.

        Args:
            semantics: (B, semantics, h, w).
            features: (B, features, H, W), any H and W.

        Returns:
            (B, channels, up * h, up * w), one less a side where `last`.

        Raises:
            SizeMismatchError: other channels, or other batches.
        """
        tokens = self._transformer()(*self._tokens(semantics, features))
        return self._answer(self._as_map(tokens, semantics, features))

    def reference(self, semantics: Tensor, features: Tensor) -> Tensor:
        """What `forward` computes, step by step as the description has it."""
        tokens = self._transformer().reference(*self._tokens(semantics, features))
        return self._reference_answer(self._as_map(tokens, semantics, features))

    @torch.no_grad()
    def attention_weights(self, semantics: Tensor, features: Tensor) -> Tensor:
        """Which places of the features each semantic token looks at.

        Args:
            semantics, features: as for `forward`.

        Returns:
            (B, h * w, H * W), both row by row; what a token gives to all places sums to 1.
        """
        return self._transformer().cross_weights(*self._tokens(semantics, features))

    def _transformer(self) -> SemanticTransformer:
        (block,) = self.transformer_blocks
        return cast(SemanticTransformer, block)

    def _tokens(self, semantics: Tensor, features: Tensor) -> tuple[Tensor, Tensor]:
        self._check(semantics, features)
        tokens = self.proj_in(self.norm(semantics)).flatten(2).transpose(1, 2)
        return tokens, self.proj_context(features).flatten(2).transpose(1, 2)

    def _as_map(self, tokens: Tensor, semantics: Tensor, features: Tensor) -> Tensor:
        return _laid_out(tokens.view(tokens.shape[0], *semantics.shape[2:], -1).permute(0, 3, 1, 2), features)


class ConcatenationFusion(_Fusion):
    """The ablation: semantics are projected and upscaled alike, but never look at the features; they only come to lie beside them.

    As wide inside as gives it about as many parameters as `SemanticFusion` of the same arguments. Our reading: the paper's own
    alternative is not published.
    """

    def __init__(
        self,
        features: int,
        semantics: int = 1024,
        up: int = 4,
        *,
        last: bool = False,
        width: int = WIDTH,
        order: Order = "c-uw-uh",
    ) -> None:
        inside = _equal_width(features, semantics, width)
        super().__init__(features, semantics, up, last, inside, order)
        self.act = nn.GELU()
        self._finish(inside)

    def forward(self, semantics: Tensor, features: Tensor) -> Tensor:
        """See `SemanticFusion.forward`; of the features, only the batch and channels are looked at."""
        self._check(semantics, features)
        return self._answer(_laid_out(self.act(self.proj_in(self.norm(semantics))), features))

    def reference(self, semantics: Tensor, features: Tensor) -> Tensor:
        """What `forward` computes, step by step."""
        self._check(semantics, features)
        return self._reference_answer(self.act(self.proj_in(self.norm(semantics))))


def _equal_width(features: int, semantics: int, width: int) -> int:
    """Inner width at which two 1x1 convolutions have the parameters of the transformer and its three projections."""
    transformer = 8 * width**2 + 2 * width + (8 * width**2 + 8 * width) + (4 * width**2 + width) + 6 * width
    projections = semantics * width + width + features * width + width + semantics * width + semantics
    return max(1, round((transformer + projections - semantics) / (2 * semantics + 1)))


def _laid_out(maps: Tensor, features: Tensor) -> Tensor:
    """In the memory layout of the features, beside which the answer comes to lie: in another, all that follows would be reordered."""
    last = features.is_contiguous(memory_format=torch.channels_last) and not features.is_contiguous()
    return maps.contiguous(memory_format=torch.channels_last if last else torch.contiguous_format)


def make_fusion(
    kind: Kind,
    features: int,
    semantics: int,
    up: int,
    *,
    last: bool = False,
    width: int = WIDTH,
    order: Order = "c-uw-uh",
) -> SemanticFusion | ConcatenationFusion:
    """A fusion block by the name of its kind. Raises: SemsrError: unknown kind, or channels that can't be upscaled."""
    kinds: dict[str, type[SemanticFusion | ConcatenationFusion]] = {
        "cross-attention": SemanticFusion,
        "concatenation": ConcatenationFusion,
    }
    if kind not in kinds:
        raise SemsrError(f"semantics.fusion: found {kind!r}; allowed: {', '.join(kinds)}")
    return kinds[kind](features, semantics, up, last=last, width=width, order=order)


def _shape(tensor: Tensor) -> str:
    return "x".join(map(str, tensor.shape))
