"""The autoencoder: the published count, values as a plain version gives them, and files under older names."""

from __future__ import annotations

from typing import Any

import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from torch import Tensor

from semsr.errors import MethodError, WeightsError

State = dict[str, Tensor]
OLDER = {"to_q": "query", "to_k": "key", "to_v": "value", "to_out.0": "proj_attn"}


@pytest.fixture
def card(seesr: Any) -> Any:
    return seesr("options").AutoencoderOptions(channels=(8, 16, 16), layers=1, groups=4)


@pytest.fixture
def module(seesr: Any) -> Any:
    return seesr("networks.autoencoder")


class Plain:
    """Both ways over a state dict."""

    def __init__(self, state: State, card: Any) -> None:
        self.state, self.card = state, card

    def encode(self, x: Tensor) -> Tensor:
        x = self.conv("encoder.conv_in.", x)
        for level in range(len(self.card.channels)):
            for at in range(self.card.layers):
                x = self.resnet(f"encoder.down_blocks.{level}.resnets.{at}.", x)
            if level < len(self.card.channels) - 1:  # a row and a column of zeros, below and on the right alone
                x = self.conv(f"encoder.down_blocks.{level}.downsamplers.0.conv.", F.pad(x, (0, 1, 0, 1)), stride=2, pad=0)
        x = self.conv("encoder.conv_out.", F.silu(self.norm("encoder.conv_norm_out.", self.middle("encoder.", x))))
        return self.conv("quant_conv.", x, pad=0)

    def decode(self, z: Tensor) -> Tensor:
        x = self.middle("decoder.", self.conv("decoder.conv_in.", self.conv("post_quant_conv.", z, pad=0)))
        for level in range(len(self.card.channels)):
            for at in range(self.card.layers + 1):
                x = self.resnet(f"decoder.up_blocks.{level}.resnets.{at}.", x)
            if level < len(self.card.channels) - 1:
                x = x.repeat_interleave(2, 2).repeat_interleave(2, 3)
                x = self.conv(f"decoder.up_blocks.{level}.upsamplers.0.conv.", x)
        return self.conv("decoder.conv_out.", F.silu(self.norm("decoder.conv_norm_out.", x)))

    def middle(self, side: str, x: Tensor) -> Tensor:
        x, name = self.resnet(f"{side}mid_block.resnets.0.", x), f"{side}mid_block.attentions.0."
        tokens = self.norm(name + "group_norm.", x).flatten(2).mT
        q, k, v = (self.linear(f"{name}to_{part}.", tokens) for part in "qkv")
        attended = (q @ k.mT / q.shape[-1] ** 0.5).softmax(-1) @ v
        x = x + self.linear(name + "to_out.0.", attended).mT.reshape(x.shape)
        return self.resnet(f"{side}mid_block.resnets.1.", x)

    def resnet(self, name: str, x: Tensor) -> Tensor:
        y = self.conv(name + "conv1.", F.silu(self.norm(name + "norm1.", x)))
        y = self.conv(name + "conv2.", F.silu(self.norm(name + "norm2.", y)))
        return y + (self.conv(name + "conv_shortcut.", x, pad=0) if name + "conv_shortcut.weight" in self.state else x)

    def norm(self, name: str, x: Tensor) -> Tensor:
        groups = x.reshape(len(x), self.card.groups, -1)
        spread, mean = torch.var_mean(groups, 2, correction=0, keepdim=True)
        normed = ((groups - mean) / (spread + 1e-6).sqrt()).view_as(x)
        return normed * self.state[name + "weight"][:, None, None] + self.state[name + "bias"][:, None, None]

    def conv(self, name: str, x: Tensor, stride: int = 1, pad: int = 1) -> Tensor:
        return F.conv2d(x, self.state[name + "weight"], self.state[name + "bias"], stride, pad)

    def linear(self, name: str, x: Tensor) -> Tensor:
        return x @ self.state[name + "weight"].mT + self.state[name + "bias"]


def test_the_published_size(seesr, module):
    """83,653,863 parameters, Stable Diffusion's count (diffusers' class at the sizes of the facts); latents of an eighth."""
    card = seesr("options").AutoencoderOptions()
    network = seesr("networks.fitting").on_meta(lambda: module.make_autoencoder(card))
    assert sum(parameter.numel() for parameter in network.parameters()) == 83_653_863
    assert card.factor == 8
    assert network.config.scaling_factor == 0.18215


def test_both_ways_equal_a_plain_version(module, card, redraw):
    network = redraw(module.make_autoencoder(card)).double().eval()
    with torch.no_grad():
        network.quant_conv.bias.mul_(150)  # so that limits are reached
        pictures = torch.rand(2, 3, 16, 24, generator=torch.Generator().manual_seed(1), dtype=torch.float64) * 2 - 1
        posterior = network.encode(pictures).latent_dist
        mean, logvar = posterior.mean, posterior.logvar
        plain = Plain(network.state_dict(), card)
        expected = plain.encode(pictures)
        torch.testing.assert_close(mean, expected[:, :4], rtol=1e-9, atol=1e-9)
        torch.testing.assert_close(logvar, expected[:, 4:].clamp(-30, 20), rtol=1e-9, atol=1e-9)
        assert mean.shape == (2, 4, 4, 6) and (expected[:, 4:].abs() > 30).any()
        torch.testing.assert_close(network.decode(mean).sample, plain.decode(mean), rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("older, convolutions", [(False, False), (True, False), (True, True)])
@pytest.mark.parametrize("suffix", ["safetensors", "bin"])
def test_files_under_new_and_older_names(module, card, redraw, tmp_path, older, convolutions, suffix):
    network = redraw(module.make_autoencoder(card))
    state = {}
    for name, tensor in network.state_dict().items():
        for new, old in OLDER.items() if older else ():
            if f".attentions.0.{new}." in name:
                name = name.replace(f".{new}.", f".{old}.")
                tensor = tensor[..., None, None] if convolutions and tensor.ndim == 2 else tensor
        state[name] = tensor.contiguous()
    path = tmp_path / f"vae.{suffix}"
    save_file(state, path) if suffix == "safetensors" else torch.save(state, path)
    loaded = module.make_autoencoder(card, path)
    assert all(torch.equal(tensor, network.state_dict()[name]) for name, tensor in loaded.state_dict().items())
    assert not loaded.training and not any(parameter.requires_grad for parameter in loaded.parameters())
    assert module.make_autoencoder(card).training  # without a file it is there to be trained


def test_what_does_not_fit_is_refused(module, card, tmp_path):
    state = module.make_autoencoder(card).state_dict()
    del state["quant_conv.bias"]
    save_file(state, tmp_path / "vae.safetensors")
    with pytest.raises(WeightsError, match=r"not an autoencoder of these sizes: lacks 'quant_conv\.bias'; compare"):
        module.make_autoencoder(card, tmp_path / "vae.safetensors")
    with pytest.raises(MethodError, match=r"autoencoder\.channels has 10; expected multiples of autoencoder\.groups, 4"):
        module.make_autoencoder(card.model_copy(update={"channels": (8, 10)}))
