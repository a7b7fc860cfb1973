"""What a recipe may say of SeD's networks."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from semsr.cards.base import Card

Count = Annotated[int, Field(ge=1)]


class SemanticOptions(Card):
    """Where semantics come from and how they are fused; defaults are SeD's own.

    `layer`, `batch_norm` and `channels` (repeated in turn up to so many) are the extractor's, each where it has it: null leaves it to it.
    `beside`: which comes first where features and what was fused are concatenated.
    """

    extractor: str = "clip-rn50"
    layer: str | None = None
    batch_norm: Literal["train", "eval"] | None = None
    channels: Count | None = None
    fusion: Literal["cross-attention", "concatenation"] = "cross-attention"
    width: Count = 64
    sub_pixel: Literal["c-uw-uh", "pixel-shuffle"] = "c-uw-uh"
    beside: Literal["features-first", "fusion-first"] = "features-first"

    def of_extractor(self) -> dict[str, str | int | None]:
        """The options that its extractor is made with."""
        return {"layer": self.layer, "batch_norm": self.batch_norm, "channels": self.channels}


class PatchOptions(Card):
    """P and P+SeD. `layout` "kair" pads by 2 and normalises every layer; it has no place for semantics."""

    width: Count = 64
    semantics: SemanticOptions | None = None
    proj_out: Literal["normal", "zero"] = "normal"
    layout: Literal["plain", "kair"] = "plain"


class PixelOptions(Card):
    """U and U+SeD. `position`: where the three fusion blocks are, as in the code ("decoder") or as the paper draws it ("encoder")."""

    width: Count = 64
    semantics: SemanticOptions | None = None
    proj_out: Literal["normal", "zero"] = "zero"
    position: Literal["decoder", "encoder"] = "decoder"


class ImageOptions(Card):
    """The image-wise one: our reading, no published definition."""

    width: Count = 64
    semantics: SemanticOptions | None = None
    proj_out: Literal["normal", "zero"] = "normal"
