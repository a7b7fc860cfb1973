"""How SeeSR restores: everything that is chosen after the networks are made. Defaults are the published script's."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from semsr.cards.base import Card
from semsr.errors import CardError
from semsr.restoration.diffusion.colour import ColourFix
from semsr.restoration.diffusion.noise import Start
from semsr.restoration.diffusion.tiled_vae import DECODER_TILE, ENCODER_TILE

from .options import Count, SchedulerOptions
from .prompts import NEGATIVE, QUALITY, Wording


class SamplingOptions(Card):
    """What a variant's `options` may say besides `generator` and `files`.

    Attributes:
        steps: of DDPM. `guidance`: 1 leaves the negative prompt away (SeeSR-turbo: 2 steps, guidance 1, overlap 32).
        start: the LR embedding, see `semsr.restoration.diffusion.noise.start_latents`.
        colour: what gives the result the colours of LR.
        smallest: LR pictures with a side below this are enlarged first, and the result brought back (published: 128).
        tile, overlap: in latents; pictures of more than tile * tile latents are predicted in tiles (published: 320/4, later 96/32, now
            96/4); the overlap is below the tile.
        encoder_tile, decoder_tile: sides of the autoencoder's windows, in pixels and latents; None: never.
        words: what the positive prompt says of the picture: DAPE's tags, a caption or a class (`describer` says how), or nothing.
        describer: options of `describe.SeesrDescriber` for a caption or a class; its `files` name roles or assets of this variant.
        wording, user_prompt, quality, negative: of the prompts.
        image_tokens: False: zeros in the place of DAPE's tokens, the ablation without soft prompt. Our reading: keys and values are
            then zero, and the attention to the image adds its bias alone, whatever the picture.
        randomness: "picture": one generator a picture, out of the run's seed and the picture's name, on the CPU. "published": one
            generator for all files, with torch's default seed, and the global one for the autoencoder's draw: a picture then depends
            on those before it, and a run that was stopped goes on with other noise. Pictures are then restored one by one.
        precision: of everything but the tagger and the sums between steps; "fp32" is the reference (published: fp16 by autocast).
        channels_last, compile: memory layout of, and torch's compiler for, U-Net and ControlNet.
        offload: networks wait on the CPU and come to the GPU one after the other, and the autoencoder's feature maps wait there.
        together: pictures that go through the networks at once; None: one on a CPU, where a batch must not change a byte, all on a GPU.
    """

    steps: Count = 50
    guidance: Annotated[float, Field(ge=1)] = 5.5
    start: Start = "published"
    colour: ColourFix = "adain"
    smallest: Count = 128
    tile: Count | None = 96
    overlap: Annotated[int, Field(ge=0)] = 4
    encoder_tile: Count | None = ENCODER_TILE
    decoder_tile: Count | None = DECODER_TILE
    words: Literal["tags", "none", "caption", "classification"] = "tags"
    describer: dict[str, Any] = Field(default_factory=dict)
    wording: Wording = "double-comma"
    user_prompt: str = ""
    quality: str = QUALITY
    negative: str = NEGATIVE
    image_tokens: bool = True
    randomness: Literal["picture", "published"] = "picture"
    precision: Literal["fp32", "bf16", "fp16"] = "fp32"
    channels_last: bool = False
    compile: bool = False
    offload: bool = False
    together: Count | None = None

    @model_validator(mode="after")
    def _tiles_go_on(self) -> SamplingOptions:
        if self.tile is not None and self.overlap >= self.tile:
            raise ValueError(f"overlap: found {self.overlap}; must be below tile, {self.tile}")
        return self

    @property
    def looks(self) -> bool:
        """Whether anything of the tagger is wanted."""
        return self.words == "tags" or self.image_tokens

    @property
    def describes(self) -> bool:
        """Whether the prompt says what the tagger does not."""
        return self.words in ("caption", "classification")

    def check_steps(self, scheduler: SchedulerOptions) -> None:
        """Make sure that the scheduler has the levels that are stepped through. Raises: CardError: it has too few."""
        most = min(self.steps, scheduler.levels)
        while scheduler.highest(most) >= scheduler.levels:
            most -= 1
        if self.steps > most:
            raise CardError(
                f"options: steps: found {self.steps}; {most} fit generator.options.scheduler (levels {scheduler.levels}, "
                f"spacing {scheduler.spacing!r}, offset {scheduler.offset})"
            )
