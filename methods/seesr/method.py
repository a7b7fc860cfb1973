"""SeeSR: text-to-image diffusion, guided by what a tagger that bears degradation sees in LR, and controlled by LR itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from semsr.cards.base import parse_card
from semsr.errors import MethodError, located
from semsr.restoration.diffusion.colour import fix_colour
from semsr.restoration.diffusion.guidance import Guided
from semsr.restoration.diffusion.loop import sample
from semsr.restoration.diffusion.noise import DEFAULT_SEED, draw, start_latents
from semsr.restoration.diffusion.sizes import resize, working_sizes
from semsr.restoration.diffusion.tiled_vae import TiledVae
from semsr.restoration.diffusion.tiles import needs_tiles, predict_tiled
from semsr.restoration.restorer import Restorer
from semsr.restoration.seeding import picture_generator

from .networks.agreement import check_agreement
from .options import SeeSrOptions
from .prompts import join, positive_prompt, wordless_prompt
from .roles import files_by_role
from .sampling import SamplingOptions
from .text_cache import TextCache

if TYPE_CHECKING:
    from semsr.restoration.describer import Describer

    from .networks.text import TextEncoder
    from .tagger import Tagger

NETWORK = "controlled-diffusion"
PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class Networks:
    """What restores, frozen and in evaluation mode.

    Attributes:
        tagger: DAPE; None where neither tags nor tokens are wanted.
        text: the text encoder.
        autoencoder: diffusers' AutoencoderKL.
        diffusion: a `ControlledDiffusion`.
        describer: what gives a caption or a class in the place of tags.
    """

    tagger: Tagger | None
    text: TextEncoder
    autoencoder: Any
    diffusion: Any
    describer: Describer | None = None


class SeeSr(Restorer):
    """Stable Diffusion 2 with a ControlNet and cross-attention to a tagger's tokens; RGB in [0, 1], any size.

    The whole picture is seen at once; latents of large ones are predicted in tiles (Gaussian weights) and the autoencoder works in
    windows, so that the harness never tiles it. A picture depends on the run's seed and its own name, never on the files before it.

    Published steps between which PIL images are rounded to 8 bits are rounded once, at the end; a result that must be resized to four times
    LR (an odd side, or one below `smallest`) is rounded before that, too.

    Attributes:
        prompts: the positive prompt of each picture restored, by name.

    Source: facts on cswry/SeeSR@8edecc7.
    """

    scale = 4
    halo = None

    def __init__(
        self, generator: Mapping[str, Any] | None = None, files: Mapping[str, str] | None = None, **options: Any
    ) -> None:
        """Options.

        Args:
            generator: `network` and its `options` (`SeeSrOptions`), as a recipe names them; default: the published sizes.
            files: roles of published weights and the assets that hold them; those trained here come by role.
            options: see `SamplingOptions`.

        Raises:
            SemsrError: an unknown option or value, or a recipe of another network.
        """
        super().__init__()
        made = dict(generator or {"network": NETWORK})
        if made["network"] != NETWORK:
            raise MethodError(f"generator.network: found {made['network']!r}; SeeSR restores with {NETWORK!r} alone")
        self.card = parse_card(SeeSrOptions, made.get("options") or {}, "generator.options")
        with located("generator.options"):
            check_agreement(self.card)
        self.sampling = parse_card(SamplingOptions, options, "options")
        self.sampling.check_steps(self.card.scheduler)
        self.roles = None if files is None else dict(files)
        self.prompts: dict[str, str] = {}

    def load(self, weights: Path | None, device: torch.device) -> None:
        """See `Restorer.load`. Raises: SemsrError: a role without a file, or a file that does not fit."""
        from .networks.autoencoder import make_autoencoder
        from .networks.loading import load_networks
        from .networks.text import make_text_encoder
        from .tagger import make_dape

        files = files_by_role(self.files, self.roles, self.card, looks=self.sampling.looks)
        self.assemble(
            Networks(
                tagger=make_dape(self.card.tagger, files) if self.sampling.looks else None,
                text=make_text_encoder(self.card.text, files),
                autoencoder=make_autoencoder(self.card.autoencoder, files["autoencoder"]),
                diffusion=load_networks(self.card.diffusion, files),
                describer=self._make_describer(files, device) if self.sampling.describes else None,
            ),
            device,
        )

    def assemble(self, networks: Networks, device: torch.device) -> None:
        """Restore with these networks, on this device; what `load` does once it has them. Their precision and place are changed."""
        from .networks.scheduler import make_scheduler

        chosen = self.sampling
        self.networks, self.device = networks, device
        self.texts = TextCache(networks.text)
        self.scheduler = make_scheduler(self.card.scheduler)
        self.scheduler.set_timesteps(chosen.steps)
        self.vae = TiledVae(
            networks.autoencoder,
            chosen.encoder_tile,
            chosen.decoder_tile,
            store=torch.device("cpu") if chosen.offload else None,
        )
        self.shared = torch.Generator(device).manual_seed(DEFAULT_SEED) if chosen.randomness == "published" else None
        self.drawing = 0
        if chosen.precision != "fp32":
            # Autocast alone would bring frozen weights down again in every call.
            for network in (networks.text, networks.autoencoder, networks.diffusion):
                network.to(PRECISIONS[chosen.precision])
        if chosen.channels_last:
            networks.diffusion.to(memory_format=torch.channels_last)
        if chosen.compile:
            networks.diffusion.compile()
        if not chosen.offload:
            for network in (networks.tagger, networks.text, networks.autoencoder, networks.diffusion):
                if network is not None:
                    network.to(device)

    def restore(self, lr: Tensor, *, names: tuple[str, ...], seed: int) -> Tensor:
        """See `Restorer.restore`."""
        together = self.sampling.together or (1 if self.device.type == "cpu" else len(names))
        if self.shared is not None:
            together = 1
            if seed != self.drawing:  # seed 0 is the published one, which nobody set; others are further draws of the same kind
                self.shared.manual_seed(DEFAULT_SEED + seed)
                self.drawing = seed
        groups = [slice(at, at + together) for at in range(0, len(names), together)]
        return torch.cat([self._restore(lr[group], names[group], seed) for group in groups])

    def _restore(self, lr: Tensor, names: Sequence[str], seed: int) -> Tensor:
        height, width = lr.shape[-2:]
        sizes = working_sizes(
            width, height, scale=self.scale, smallest=self.sampling.smallest, multiple=self.card.autoencoder.factor
        )
        large = resize(lr, sizes)
        words, tokens = self._see(lr)
        self.prompts.update(zip(names, words, strict=True))
        generators = [self.shared if self.shared is not None else picture_generator(seed, name) for name in names]
        with torch.autocast(self.device.type, PRECISIONS[self.sampling.precision], enabled=self.sampling.precision != "fp32"):
            with self._on(self.networks.text):
                positive, negative = self.texts.embed(words), self.texts.embed([self.sampling.negative] * len(names))
            latents = self._start(large, generators)
            with self._on(self.networks.diffusion):
                guided = Guided(self.networks.diffusion, negative, positive, tokens, self.sampling.guidance)
                latents = sample(
                    lambda x, t: self._predict(guided, x, t, large), latents, self.scheduler, generators, self.device
                )
            with self._on(self.networks.autoencoder):
                sr = self.vae.decode(latents / self.card.autoencoder.scaling).float()
        sr = fix_colour((sr / 2 + 0.5).clamp(0, 1), large, self.sampling.colour)
        wanted = (width * self.scale, height * self.scale)
        return sr if sizes[-1] == wanted else resize(sr, [wanted])

    def _see(self, lr: Tensor) -> tuple[list[str], Tensor]:
        """Positive prompts, and tokens (B, N, E), of LR at its own size."""
        chosen = self.sampling
        tokens, words = lr.new_zeros(len(lr), 1, self.card.diffusion.image_width), [""] * len(lr)
        if self.networks.tagger is not None:
            with self._on(self.networks.tagger):
                # One by one: a batch changes the last bits, and with them now and then a tag at its threshold.
                looked = [self.networks.tagger(one[None]) for one in lr]
                seen, logits = (torch.cat(parts) for parts in zip(*looked, strict=True))
                tokens = seen if chosen.image_tokens else tokens
                words = [join(tags) for tags in self.networks.tagger.say(logits)] if chosen.words == "tags" else words
        if self.networks.describer is not None:
            words = [said.text for said in self.networks.describer.describe(lr)]
        if chosen.words == "none":
            return [wordless_prompt(user_prompt=chosen.user_prompt, quality=chosen.quality)] * len(lr), tokens
        own = {"wording": chosen.wording, "user_prompt": chosen.user_prompt, "quality": chosen.quality}
        return [positive_prompt(one, **own) for one in words], tokens

    def _start(self, large: Tensor, generators: Sequence[torch.Generator]) -> Tensor:
        """The first latents. Whatever the start, a picture's generator gives the same numbers, in the same order: noise, then posterior."""
        shape = (self.card.autoencoder.latent, *(side // self.card.autoencoder.factor for side in large.shape[-2:]))
        noise = draw(generators, shape, self.device)
        if self.shared is None:
            spread = draw(generators, shape, self.device)
        else:  # as published: of a batch doubled for guidance, from the global generator, the first kept
            halves = 1 if self.sampling.guidance == 1 else 2
            spread = draw([None], (halves, *shape), self.device)[:, 0]
        if self.sampling.start == "none":
            return noise
        with self._on(self.networks.autoencoder):
            mean, deviation = self.vae.moments(2 * large - 1)
        latents = (mean.float() + deviation.float() * spread) * self.card.autoencoder.scaling
        return start_latents(
            latents, noise, self.scheduler.alphas_cumprod, int(self.scheduler.timesteps[0]), self.sampling.start
        )

    def _predict(self, guided: Guided, latents: Tensor, t: Tensor, large: Tensor) -> Tensor:
        tile = self.sampling.tile
        if tile is None or not needs_tiles(latents, tile):
            return guided(latents, t, large)
        return predict_tiled(guided, latents, t, large, tile=tile, overlap=self.sampling.overlap)

    @contextmanager
    def _on(self, network: nn.Module) -> Iterator[None]:
        """Have a network on the device for as long as it is needed; without `offload` it is there always."""
        if not self.sampling.offload:
            yield
            return
        network.to(self.device)
        try:
            yield
        finally:
            network.to("cpu")

    def _make_describer(self, files: Mapping[str, Path], device: torch.device) -> Describer:
        from .describe import SeesrDescriber

        with located("options.describer"):
            describer: Describer = SeesrDescriber(style=self.sampling.words, **self.sampling.describer)
            describer.files = {**self.files, **files}
            describer.load(device)
        return describer
