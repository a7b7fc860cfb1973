"""Semantics in the generator: an RRDB at first, its own weights out and in, the extractor kept out of them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from semsr.errors import SemsrError, WeightsError
from semsr.restoration.generators import export_state, load_state, make_generator
from semsr.restoration.semantics.generator import SemanticRrdb, make_semantic_rrdb

Shake = Callable[[nn.Module], nn.Module]
SIZES = {"features": 8, "blocks": 1, "growth": 4}


def make(**options: Any) -> SemanticRrdb:
    torch.manual_seed(1)
    return make_semantic_rrdb({}, extractor="hr-pixels", channels=64, **SIZES, **options)


@pytest.mark.parametrize("size", [(16, 16), (13, 18), (4, 5)])
def test_it_starts_as_the_plain_network(size: tuple[int, int]) -> None:
    generator = make()
    lr = torch.rand(2, 3, *size)
    with torch.no_grad():
        sr = generator(lr)
        assert sr.shape == (2, 3, 4 * size[0], 4 * size[1])
        assert torch.equal(sr, generator.rrdb(lr))


def test_semantics_are_those_of_the_enlarged_picture(shaken: Shake) -> None:
    """Written out: features of the trunk, and the block's answer added to them."""
    generator = make()
    shaken(generator.fusion)
    lr = torch.rand(1, 3, 6, 8)
    layers = generator.rrdb.model
    with torch.no_grad():
        features = layers[1](layers[0](lr))
        large = nn.functional.interpolate(lr, size=(24, 32), mode="bicubic", align_corners=False)
        large = torch.cat([large, large[:, :, -1:].expand(-1, -1, 8, -1)], dim=2)  # 24 rows up to 32
        fused = generator.fusion.fusion(generator.semantics(large), features)[:, :, :6]
        features = features + generator.fusion.conv(torch.cat([features, fused], dim=1))
        for layer in layers[2:]:
            features = layer(features)
        assert torch.allclose(generator(lr), features, atol=1e-6)
        assert not torch.allclose(generator(lr), generator.rrdb(lr), atol=1e-3)


def test_its_weights_go_out_and_in(shaken: Shake, tmp_path: Path) -> None:
    generator = shaken(make())
    state = export_state(generator)
    assert "RRDB_trunk.0.RDB1.conv1.weight" in state and "fusion.conv.weight" in state
    assert not any(name.startswith("semantics") for name in state)
    save_file(state, tmp_path / "generator.safetensors")
    other = make()
    load_state(other, tmp_path / "generator.safetensors")
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in generator.state_dict().items())


def test_it_starts_from_a_plain_network_s_weights() -> None:
    plain, generator = make_generator("rrdb", **SIZES), make()
    load_state(generator, export_state(plain))
    lr = torch.rand(1, 3, 8, 8)
    with torch.no_grad():
        assert torch.equal(generator(lr), plain(lr))


def test_another_network_s_weights_leave_it_as_it_was() -> None:
    generator = make()
    before = {name: tensor.clone() for name, tensor in generator.state_dict().items()}
    other = export_state(make(width=32))
    with pytest.raises(WeightsError, match="not the fusion block of this generator"):
        load_state(generator, other)
    with pytest.raises(WeightsError):
        load_state(generator, export_state(make_generator("rrdb", features=8, blocks=2, growth=4)))
    assert all(torch.equal(tensor, before[name]) for name, tensor in generator.state_dict().items())


def test_what_is_fused_learns() -> None:
    """The last convolution in the first step, all else in the second; the extractor never."""
    generator = make_generator("rrdb-semantic", extractor="hr-pixels", channels=64, **SIZES)
    optimiser = torch.optim.SGD(generator.parameters(), lr=0.1)
    for _ in range(2):
        optimiser.zero_grad()
        generator(torch.rand(2, 3, 8, 8)).square().mean().backward()
        optimiser.step()
    moved = [name for name, parameter in generator.named_parameters() if parameter.grad is None or not parameter.grad.any()]
    assert moved == []


def test_a_picture_does_not_depend_on_its_neighbours(tmp_path: Path) -> None:
    """CLIP's batch norm is in evaluation mode here, and stays so while the generator trains."""
    from semsr.restoration.semantics.clip import ClipRN50

    torch.save(ClipRN50().state_dict(), tmp_path / "clip.pth")
    generator = make_semantic_rrdb({"extractor": tmp_path / "clip.pth"}, layer="layer1", **SIZES).train()
    nn.init.normal_(generator.fusion.conv.weight, std=0.1)
    pictures = torch.rand(2, 3, 8, 8)
    with torch.no_grad():
        assert torch.allclose(generator(pictures)[:1], generator(pictures[:1]), atol=1e-5)


def test_what_is_missing_is_said() -> None:
    with pytest.raises(WeightsError, match="extractor 'clip-rn50' needs weights"):
        make_semantic_rrdb({}, **SIZES)
    with pytest.raises(SemsrError, match="generator 'rrdb-semantic': unknown key 'depth'"):
        make_semantic_rrdb({}, depth=3)
