"""The autoencoder in windows: the same numbers as at once."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from semsr.restoration.diffusion.tiled_vae import TiledVae


@pytest.fixture(scope="module", params=[True, False], ids=["attention", "no-attention"])
def vae(request: pytest.FixtureRequest) -> Any:
    from diffusers import AutoencoderKL

    torch.manual_seed(0)
    made = AutoencoderKL(
        down_block_types=("DownEncoderBlock2D",) * 3,
        up_block_types=("UpDecoderBlock2D",) * 3,
        block_out_channels=(8, 16, 16),
        layers_per_block=1,
        norm_num_groups=4,
        mid_block_add_attention=request.param,
    )
    # Fresh normalisations and biases change nothing; trained ones do.
    for name, parameter in made.named_parameters():
        if "norm" in name or name.endswith("bias"):
            torch.nn.init.normal_(parameter, 0.5, 0.3)
    return made.double().eval().requires_grad_(False)


@pytest.mark.parametrize("tile", [16, 21, 36, 64])
def test_encoder(vae: Any, tile: int) -> None:
    picture = torch.rand(2, 3, 60, 92, dtype=torch.float64) * 2 - 1
    for found, expected in zip(
        TiledVae(vae, tile, None).moments(picture), TiledVae(vae, None, None).moments(picture), strict=True
    ):
        assert (found - expected).abs().max() < 1e-12
        assert expected.std() > 1e-3


@pytest.mark.parametrize("tile", [4, 7, 12])
@pytest.mark.parametrize("store", [None, torch.device("cpu")])
def test_decoder(vae: Any, tile: int, store: torch.device | None) -> None:
    latents = torch.randn(2, 4, 13, 18, dtype=torch.float64)
    found, expected = TiledVae(vae, None, tile, store).decode(latents), vae.decode(latents).sample
    assert (found - expected).abs().max() < 1e-11
    assert expected.std() > 1e-2


def test_single_precision_is_as_close_as_rounding(vae: Any) -> None:
    import copy

    single = copy.deepcopy(vae).float()
    latents = torch.randn(1, 4, 13, 18)
    expected = vae.decode(latents.double()).sample
    tiled = (TiledVae(single, None, 5).decode(latents) - expected).abs().max()
    at_once = (single.decode(latents).sample - expected).abs().max()
    assert tiled < max(4 * at_once, 1e-5)


def test_small_ones_go_through_at_once(vae: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """At the published sizes nothing changes for pictures of 1024 pixels, or for latents of 224 places."""

    def refuse(*args: object, **options: object) -> None:
        raise AssertionError("windows were made")

    monkeypatch.setattr("semsr.restoration.diffusion.tiled_vae._Maps", refuse)
    TiledVae(vae, 64, 16).moments(torch.zeros(1, 3, 64, 64, dtype=torch.float64))
    TiledVae(vae, 64, 16).decode(torch.zeros(1, 4, 16, 16, dtype=torch.float64))
    with pytest.raises(AssertionError, match="windows"):
        TiledVae(vae, 64, 16).decode(torch.zeros(1, 4, 16, 17, dtype=torch.float64))
