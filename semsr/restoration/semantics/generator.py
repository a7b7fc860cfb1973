"""The ablation: semantics in the generator, of what it has, which is LR. Our reading, the paper's own is not published."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast

import torch
import torch.nn.functional as F
from pydantic import Field
from torch import Tensor, nn

from semsr.cards.base import parse_card
from semsr.errors import WeightsError
from semsr.restoration.generators import RrdbOptions, export_state, load_state, make_generator
from semsr.restoration.semantics.block import SemanticBlock
from semsr.restoration.semantics.extractor import STRIDE, Extractor
from semsr.restoration.semantics.extractors import extractor_kind, make_extractor
from semsr.restoration.semantics.loading import fill_strictly

ROLE = "extractor"
_SCALE = 4
_FUSION = "fusion."


class SemanticRrdbOptions(RrdbOptions):
    """An RRDB's sizes, and what it sees LR through.

    `batch_norm` is "eval" here: what is restored must not depend on the other pictures of a batch. `width`: of the fusion's tokens.
    """

    extractor: str = "clip-rn50"
    layer: str | None = None
    batch_norm: Literal["train", "eval"] = "eval"
    channels: int | None = Field(default=None, ge=1)
    fusion: Literal["cross-attention", "concatenation"] = "cross-attention"
    width: int = Field(default=64, ge=1)


class SemanticRrdb(nn.Module):
    """An RRDB with one fusion block between its trunk and its upscaling.

    LR is enlarged (bicubic, torch's) to the size of SR, its edges repeated up to a multiple of 16, and seen by the extractor. What the
    block says is added to the features, and starts at zero: with the weights of a plain RRDB it is that RRDB.
    The extractor is frozen, and no part of the weights that are kept.

    Attributes:
        rrdb: the plain network. `semantics`: its extractor.
    """

    def __init__(self, rrdb: nn.Module, extractor: Extractor, options: SemanticRrdbOptions) -> None:
        super().__init__()
        self.rrdb = rrdb
        self.fusion = SemanticBlock(
            options.features, extractor.channels, STRIDE // _SCALE, fusion=options.fusion, width=options.width, normalise=False
        )
        nn.init.zeros_(self.fusion.conv.weight)
        nn.init.zeros_(cast(Tensor, self.fusion.conv.bias))
        # Not zero as well: two zero layers one after the other would never learn.
        self.fusion.fusion.proj_out.reset_parameters()
        self.semantics = extractor

    def forward(self, lr: Tensor) -> Tensor:
        """(B, 3, H, W) RGB in [0, 1] -> (B, 3, 4H, 4W), not clipped; any size."""
        with torch.no_grad():
            semantics = self.semantics(_enlarge(lr))
        layers = cast(nn.Sequential, self.rrdb.get_submodule("model"))
        first, trunk, *tail = layers
        features = trunk(first(lr))
        features = features + self.fusion(features, semantics)
        for layer in tail:
            features = layer(features)
        return cast(Tensor, features)

    def export_state(self) -> dict[str, Tensor]:
        """The RRDB's weights under their published names, and the fusion block's."""
        own = {f"{_FUSION}{name}": tensor.detach().contiguous() for name, tensor in self.fusion.state_dict().items()}
        return export_state(self.rrdb) | own

    def load_published(self, state: Mapping[str, Tensor]) -> None:
        """Load what `export_state` gave, or a plain RRDB's weights under any of their names (the fusion block stays as it is).

        Raises: WeightsError: neither.
        """
        fused = {name.removeprefix(_FUSION): tensor for name, tensor in state.items() if name.startswith(_FUSION)}
        rest = {name: tensor for name, tensor in state.items() if not name.startswith(_FUSION)}
        before = {name: tensor.clone() for name, tensor in self.rrdb.state_dict().items()}
        load_state(self.rrdb, rest)
        if fused:
            try:
                fill_strictly(self.fusion, fused, Path("the weights given"), "the fusion block of this generator")
            except WeightsError:
                self.rrdb.load_state_dict(before)
                raise


def _enlarge(lr: Tensor) -> Tensor:
    large = F.interpolate(lr, scale_factor=_SCALE, mode="bicubic", align_corners=False)
    missing = [-side % STRIDE for side in large.shape[2:]]
    return F.pad(large, (0, missing[1], 0, missing[0]), mode="replicate") if any(missing) else large


def make_semantic_rrdb(files: Mapping[str, Path], **options: Any) -> SemanticRrdb:
    """An RRDB with semantics, freshly initialised (the RRDB as `make_generator("rrdb")`, the extractor from its file).

    Args:
        files: by role; `extractor` where the extractor has weights.
        options: see `SemanticRrdbOptions`.

    Raises:
        SemsrError: unknown option or extractor, or channels that can't be upscaled. WeightsError: no file, or another network's.
    """
    card = parse_card(SemanticRrdbOptions, options, "generator 'rrdb-semantic'")
    batch_norm = card.batch_norm if extractor_kind(card.extractor).normalises else None
    extractor = make_extractor(
        card.extractor, weights=files.get(ROLE), layer=card.layer, batch_norm=batch_norm, channels=card.channels
    )
    rrdb = make_generator("rrdb", features=card.features, blocks=card.blocks, growth=card.growth)
    return SemanticRrdb(rrdb, extractor, card)
