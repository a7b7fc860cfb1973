"""What SeeSR's networks are made with; defaults are the published sizes, and everything tiny is the same classes with smaller numbers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from semsr.cards.base import Card

Count = Annotated[int, Field(ge=1)]
Counts = Annotated[tuple[Count, ...], Field(min_length=1)]
"""A number for each level or stage, of which there is at least one."""
Beta = Annotated[float, Field(gt=0, lt=1)]


class SwinOptions(Card):
    """RAM's image encoder; the published one is Swin-L with windows of 12 (of pictures of 384, `TaggerOptions.size`)."""

    patch: Count = 4
    embed: Count = 192
    depths: Counts = (2, 2, 18, 2)
    heads: Counts = (6, 12, 24, 48)
    window: Count = 12
    drop_path: Annotated[float, Field(ge=0, lt=1)] = 0.1


class HeadOptions(Card):
    """RAM's tagging head: two layers of cross-attention from tag queries to the image's tokens."""

    layers: Count = 2
    hidden: Count = 768
    heads: Count = 4
    feed_forward: Count = 3072
    dropout: Annotated[float, Field(ge=0, lt=1)] = 0.1


class LoraOptions(Card):
    """Low-rank additions to the tagger; alpha / rank scales them."""

    rank: Count = 8
    alpha: Annotated[float, Field(gt=0)] = 1.0


EFFICIENTNET_WIDTH = 1280
"""Channels of EfficientNet-Lite0's tokens, whatever `tagger.width` says of RAM's."""


class TaggerOptions(Card):
    """What names the things in a picture: "ram", the published one, or "efficientnet", EfficientNet-Lite0 where RAM can't be had.

    `size`: pictures are brought to this square first, bilinearly; `antialias`: by averaging where they shrink, as torchvision does since
    0.17 (the published code asks for an older one). `threshold`: above this a tag counts, where no file of thresholds gives one for each
    tag (RAM's own file overwrites it). `tags`, `width`, `swin`, `head` are RAM's; EfficientNet-Lite0 has 1000 tags and tokens of 1280.
    """

    kind: Literal["ram", "efficientnet"] = "ram"
    tags: Count = 4585
    width: Count = 512
    size: Count = 384
    antialias: bool = False
    threshold: Annotated[float, Field(gt=0, lt=1)] = 0.68
    swin: SwinOptions = SwinOptions()
    head: HeadOptions = HeadOptions()
    lora: LoraOptions | None = LoraOptions()


class AutoencoderOptions(Card):
    """Stable Diffusion's autoencoder (diffusers' AutoencoderKL). `scaling`: latents are multiplied by it; `attention`: in the middle, from
    everywhere to everywhere."""

    channels: Counts = (128, 256, 512, 512)
    layers: Count = 2
    latent: Count = 4
    groups: Count = 32
    attention: bool = True
    scaling: Annotated[float, Field(gt=0)] = 0.18215

    @property
    def factor(self) -> int:
        """Pixels a side of a latent."""
        return 1 << (len(self.channels) - 1)


class TextOptions(Card):
    """The text encoder. "clip": OpenCLIP ViT-H as Stable Diffusion 2 has it, its last-but-one layer; "minilm": a small sentence encoder in
    its place, token by token; "hashed": fixed vectors of words, for tests. `padding`: CLIP's number that fills prompts up; Stable Diffusion
    2's is 0, "!" (from memory, not verified)."""

    kind: Literal["clip", "minilm", "hashed"] = "clip"
    width: Count = 1024
    layers: Count = 23
    heads: Count = 16
    feed_forward: Count = 4096
    vocabulary: Count = 49408
    length: Count = 77
    padding: Annotated[int, Field(ge=0)] = 0


class DiffusionOptions(Card):
    """U-Net and ControlNet of Stable Diffusion 2 with representation cross-attention.

    `attention`: which levels attend to text and image, from the largest on; `condition`: channels of the ControlNet's way from picture to
    latents, whose length minus one says how often it halves; `image_width`: of the image's tokens.
    """

    latent: Count = 4
    channels: Counts = (320, 640, 1280, 1280)
    heads: Counts = (5, 10, 20, 20)
    attention: Annotated[tuple[bool, ...], Field(min_length=1)] = (True, True, True, False)
    layers: Count = 2
    groups: Count = 32
    text_width: Count = 1024
    image_width: Count = 512
    condition: Counts = (16, 32, 96, 256)


class SchedulerOptions(Card):
    """The noise of diffusion: 1000 levels, betas linear in their square roots from `first` to `last` (Stable Diffusion)."""

    levels: Count = 1000
    first: Beta = 0.00085
    last: Beta = 0.012
    offset: Annotated[int, Field(ge=0)] = 1
    spacing: Literal["leading", "trailing", "linspace"] = "leading"

    @model_validator(mode="after")
    def _possible(self) -> SchedulerOptions:
        if self.first >= self.last:
            raise ValueError(
                f"first: found {self.first}; must be below last, {self.last}, since noise grows from level to level"
            )
        if self.offset >= self.levels:
            raise ValueError(f"offset: found {self.offset}; must be below levels, {self.levels}")
        return self

    def highest(self, steps: int) -> int:
        """The level that so many steps begin with, which a scheduler has only below `levels`."""
        return (steps - 1) * (self.levels // steps) + self.offset if self.spacing == "leading" else self.levels - 1


class SeeSrOptions(Card):
    """Everything a recipe's `generator.options` may hold, whichever of the networks it trains."""

    tagger: TaggerOptions = TaggerOptions()
    autoencoder: AutoencoderOptions = AutoencoderOptions()
    text: TextOptions = TextOptions()
    diffusion: DiffusionOptions = DiffusionOptions()
    scheduler: SchedulerOptions = SchedulerOptions()
