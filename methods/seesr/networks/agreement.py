"""Sizes that one network's options share with another's."""

from __future__ import annotations

from semsr.errors import MethodError

from ..options import EFFICIENTNET_WIDTH, SeeSrOptions


def check_agreement(card: SeeSrOptions, *, image: bool = True) -> None:
    """Check that what one network gives is what the next one takes.

    Args:
        card: all networks' options.
        image: whether image tokens and the ControlNet are used; a text-to-image model has neither.

    Raises:
        MethodError: names both options and what they say.
    """
    diffusion, tagger = card.diffusion, card.tagger
    width = EFFICIENTNET_WIDTH if tagger.kind == "efficientnet" else tagger.width
    shared = [
        ("diffusion.text_width", diffusion.text_width, "the text encoder's vectors (text.width)", card.text.width),
        ("diffusion.latent", diffusion.latent, "the autoencoder's latents (autoencoder.latent)", card.autoencoder.latent),
    ]
    if image:
        shared += [
            ("diffusion.image_width", diffusion.image_width, f"the tokens of tagger.kind {tagger.kind!r}", width),
            (
                "diffusion.condition",
                len(diffusion.condition),
                f"halvings to the autoencoder's factor, {card.autoencoder.factor} (autoencoder.channels), and one entry more",
                len(card.autoencoder.channels),
            ),
        ]
    for name, found, of, expected in shared:
        if found != expected:
            found_is = f"has {found} entries" if name.endswith("condition") else f"is {found}"
            raise MethodError(f"{name} {found_is}; expected {expected}: {of}")
