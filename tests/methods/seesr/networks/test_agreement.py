"""Options of networks that work together, and which of them is named where they do not."""

from __future__ import annotations

from typing import Any

import pytest

from semsr.errors import MethodError


@pytest.fixture
def options(seesr: Any) -> Any:
    return seesr("options").SeeSrOptions


def test_the_published_sizes_agree(seesr, options):
    seesr("networks.agreement").check_agreement(options())


@pytest.mark.parametrize(
    "changes, message",
    [
        ({"text": {"kind": "minilm", "width": 384}}, r"diffusion\.text_width is 1024; expected 384: .*text\.width"),
        ({"autoencoder": {"latent": 8}}, r"diffusion\.latent is 4; expected 8: .*autoencoder\.latent"),
        ({"tagger": {"kind": "efficientnet"}}, r"diffusion\.image_width is 512; expected 1280: .*'efficientnet'"),
        ({"tagger": {"width": 64}}, r"diffusion\.image_width is 512; expected 64: .*'ram'"),
        ({"autoencoder": {"channels": (32, 64)}}, r"diffusion\.condition has 4 entries; expected 2: .* factor, 2 "),
    ],
)
def test_what_does_not_agree_is_named(seesr, options, changes: dict[str, Any], message: str):
    check = seesr("networks.agreement").check_agreement
    with pytest.raises(MethodError, match=message):
        check(options.model_validate(changes))
    if "tagger" in changes or "condition" in message:  # a text-to-image model does not look at pictures
        check(options.model_validate(changes), image=False)


def test_networks_of_sizes_that_agree_do_work_together(seesr, options):
    """The rule on `condition` is the shapes' own: what the ControlNet makes of a picture is as large as the latents."""
    import torch

    small = options.model_validate(
        {
            "autoencoder": {"channels": (8, 8, 8), "groups": 4, "layers": 1},
            "text": {"kind": "hashed", "width": 16},
            "tagger": {"width": 12},
            "diffusion": {
                "channels": (8, 8), "heads": (2, 2), "attention": (True, False), "groups": 4, "layers": 1,
                "text_width": 16, "image_width": 12, "condition": (4, 4, 4),
            },
        }
    )  # fmt: skip
    seesr("networks.agreement").check_agreement(small)
    image = torch.rand(1, 3, 32, 32)
    latents = seesr("networks.autoencoder").make_autoencoder(small.autoencoder).encode(image).latent_dist.mean
    text = seesr("networks.text").make_text_encoder(small.text, {}).encode(["a dog"])
    unets = seesr("networks.unet")
    both = unets.make_unet(small.diffusion), unets.make_controlnet(small.diffusion)
    diffusion = seesr("networks.controlled").ControlledDiffusion(*both)
    assert diffusion(latents, 5, text, torch.zeros(1, 3, 12), image).shape == latents.shape == (1, 4, 8, 8)
