"""Weights: published files and our own, strictly, safely, and plain Stable Diffusion 2 as a start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from semsr.errors import WeightsError

RCA = ".image_attentions."


@pytest.fixture
def loading(seesr: Any) -> Any:
    return seesr("networks.loading")


@pytest.fixture
def published(diffusion: Any, tmp_path: Path) -> dict[str, Path]:
    """Files by role: the two of a release, that of a training, and the U-Net without attention to the image."""
    unet, controlnet = diffusion.unet.state_dict(), diffusion.controlnet.state_dict()
    plain = {name: tensor for name, tensor in unet.items() if RCA not in name}
    contents = {"unet": unet, "controlnet": controlnet, "generator": diffusion.state_dict(), "plain": plain}
    for role, state in contents.items():
        save_file({name: tensor.contiguous() for name, tensor in state.items()}, tmp_path / f"{role}.safetensors")
    return {role: tmp_path / f"{role}.safetensors" for role in contents}


def equal(one: dict[str, Tensor], other: dict[str, Tensor]) -> bool:
    return set(one) == set(other) and all(torch.equal(one[name], other[name]) for name in one)


def test_the_two_published_files_and_our_own_hold_the_same(loading, card, diffusion, published, given):
    for roles in (("unet", "controlnet"), ("generator",)):
        network = loading.load_networks(card, {role: published[role] for role in roles})
        assert equal(network.state_dict(), diffusion.state_dict())
        assert not network.training and not any(parameter.requires_grad for parameter in network.parameters())
        with torch.no_grad():
            assert torch.equal(network(*given()), diffusion(*given()))


def test_a_training_starts_where_another_ended(loading, card, diffusion, published):
    network = loading.start_networks(card, {"generator": published["generator"]})
    assert equal(network.state_dict(), diffusion.state_dict())
    assert all(parameter.requires_grad for parameter in network.parameters())
    torch.manual_seed(0)
    other = loading.start_networks(card, {})
    assert not equal(other.state_dict(), diffusion.state_dict())
    loading.load_into(other, published["generator"])
    assert equal(other.state_dict(), diffusion.state_dict())


@pytest.mark.parametrize("prefix", ["", "unet."])
def test_a_plain_unet_is_a_start(loading, card, diffusion, published, tmp_path, prefix):
    """Attention to the image is drawn from the seed, nothing else is; the ControlNet is a copy of it all."""
    state = loading.read(published["plain"])
    save_file({prefix + name: tensor for name, tensor in state.items()}, tmp_path / "start.safetensors")
    torch.manual_seed(7)
    network = loading.start_networks(card, {"unet": tmp_path / "start.safetensors"})
    torch.manual_seed(7)
    again = loading.start_networks(card, {"unet": tmp_path / "start.safetensors"})
    assert equal(network.state_dict(), again.state_dict())
    torch.manual_seed(8)
    other = loading.start_networks(card, {"unet": tmp_path / "start.safetensors"}).unet.state_dict()
    theirs = diffusion.unet.state_dict()
    for name, tensor in network.unet.state_dict().items():
        if RCA not in name:
            assert torch.equal(tensor, theirs[name]), name
        elif name.endswith("attn2.to_k.weight"):
            assert not torch.equal(tensor, theirs[name]) and not torch.equal(tensor, other[name])
    for name, tensor in network.controlnet.state_dict().items():
        if name.startswith(("conv_in.", "time_embedding.", "down_blocks.", "mid_block.")):
            assert torch.equal(tensor, network.unet.state_dict()[name]), name
    assert not any(tensor.is_meta for tensor in network.state_dict().values())


def test_a_published_unet_and_controlnet_are_a_start_too(loading, card, diffusion, published):
    network = loading.start_networks(card, {role: published[role] for role in ("unet", "controlnet")})
    assert equal(network.state_dict(), diffusion.state_dict())


def test_a_text_to_image_model_has_no_attention_to_the_image(loading, card, published, diffusion):
    unet = loading.load_unet(card, published["plain"])
    assert equal(unet.state_dict(), {name: tensor for name, tensor in diffusion.unet.state_dict().items() if RCA not in name})
    with pytest.raises(
        WeightsError, match=r"not a U-Net of these sizes: holds what is not known: 'down_blocks\.0\.image_attentions"
    ):
        loading.load_unet(card, published["unet"])


@pytest.mark.parametrize("seeing", ["unet", "generator"])
@pytest.mark.parametrize("base", ["plain", "unet"])
def test_seesr_turbo_joins_two_files(loading, card, published, redraw, seesr, tmp_path, seeing, base):
    """Another U-Net's weights with SeeSR's attention to the image."""
    other = redraw(seesr("networks.unet").make_unet(card, base == "unet"), seed=11).state_dict()
    save_file(other, tmp_path / "turbo.safetensors")
    files = {
        "unet": tmp_path / "turbo.safetensors",
        "image-attentions": published[seeing],
        "controlnet": published["controlnet"],
    }
    network, seesrs = loading.load_networks(card, files), loading.read(published["unet"])
    for name, tensor in network.unet.state_dict().items():
        assert torch.equal(tensor, (seesrs if RCA in name else other)[name]), name


def test_half_precision_files_are_read_as_float32(loading, card, published, tmp_path):
    state = {name: tensor.half() for name, tensor in loading.read(published["plain"]).items()}
    save_file(state, tmp_path / "half.safetensors")
    unet = loading.load_unet(card, tmp_path / "half.safetensors")
    assert equal(unet.state_dict(), {name: tensor.float() for name, tensor in state.items()})
    assert {parameter.dtype for parameter in unet.parameters()} == {torch.float32}


NAME = "mid_block.image_attentions.0.proj_in.weight"


@pytest.mark.parametrize(
    "change, message",
    [
        (lambda state: state.pop(NAME), f"lacks '{NAME}'; compare"),
        (lambda state: state.update(extra=torch.ones(1)), "holds what is not known: 'extra'; compare"),
        (lambda state: state.update({NAME: torch.ones(3, 2)}), rf"'{NAME}' is \(3, 2\), expected \(32, 32\); compare"),
        (lambda state: state.update({NAME: torch.ones(32, 32, dtype=torch.int64)}), "numbers that are not floats"),
        (lambda state: state.clear(), r"lacks 'conv_in\.weight' and \d+ more of \d+; compare"),
    ],
)
def test_files_that_do_not_fit_are_refused_in_one_line(loading, card, published, tmp_path, change, message):
    state = loading.read(published["unet"])
    change(state)
    path = tmp_path / "wrong.safetensors"
    save_file(state, path)
    for load in (
        lambda: loading.load_networks(card, {"unet": path, "controlnet": published["controlnet"]}),
        lambda: loading.load_unet(card, path, image_attention=True),
    ):
        with pytest.raises(WeightsError, match=message) as caught:
            load()
        assert "\n" not in str(caught.value) and str(path) in str(caught.value)


def test_a_plain_unet_restores_nothing(loading, card, published):
    """Only a training may draw what is missing."""
    with pytest.raises(WeightsError, match=r"lacks 'down_blocks\.0\.image_attentions\.0\.norm\.weight' and 155 more"):
        loading.load_networks(card, {"unet": published["plain"], "controlnet": published["controlnet"]})


def test_a_start_may_lack_all_of_the_attention_to_the_image_or_none(loading, card, published, tmp_path):
    state = loading.read(published["unet"])
    del state[NAME]
    save_file(state, tmp_path / "part.safetensors")
    with pytest.raises(WeightsError, match=f"lacks '{NAME}'"):
        loading.start_networks(card, {"unet": tmp_path / "part.safetensors"})


def test_missing_roles_are_named(loading, card, published):
    with pytest.raises(WeightsError, match=r"role 'controlnet'; found \['unet'\]"):
        loading.load_networks(card, {"unet": published["unet"]})


def test_other_networks_files_are_refused(loading, card, diffusion, published):
    with pytest.raises(WeightsError, match=r"'unet\.' and 'controlnet\.'"):
        loading.load_into(diffusion, published["unet"])
    with pytest.raises(WeightsError, match="ControlNet"):
        loading.load_networks(card, {"unet": published["unet"], "controlnet": published["unet"]})


def test_gigabytes_are_held_once(seesr, card):
    """A network made without memory takes a file's tensors over; one that is there keeps its place, precision and what is frozen."""
    fitting, unets = seesr("networks.fitting"), seesr("networks.unet")
    state = {name: tensor.clone() for name, tensor in unets.make_unet(card).state_dict().items()}
    held = fitting.on_meta(lambda: unets.make_unet(card))
    assert all(tensor.is_meta for tensor in held.state_dict().values())
    fitting.fit(held, state, Path("made up"), "a U-Net")
    assert all(held.state_dict()[name].data_ptr() == tensor.data_ptr() for name, tensor in state.items())
    there = unets.make_unet(card).double().requires_grad_(False)
    parameters = dict(there.named_parameters())
    fitting.fit(there, state, Path("made up"), "a U-Net")
    for name, parameter in there.named_parameters():
        assert parameter is parameters[name] and parameter.dtype == torch.float64 and not parameter.requires_grad
        assert torch.equal(parameter, state[name].double())


def test_tensors_that_share_memory_in_a_file_do_not_in_a_network(loading, card, diffusion, tmp_path):
    """Trained, one would change the other; and a small one may be a view of gigabytes."""
    state = {name: tensor.clone() for name, tensor in diffusion.unet.state_dict().items()}
    twins = [name for name in state if name.endswith("attn1.to_q.weight")][:2]
    state[twins[1]] = state[twins[0]].view(state[twins[0]].shape)
    state["conv_out.bias"] = torch.arange(1e6)[10:14]
    state["conv_in.bias"] = torch.ones(1).expand(16)
    torch.save(state, tmp_path / "unet.bin")
    loaded = loading.load_unet(card, tmp_path / "unet.bin", image_attention=True).state_dict()
    assert equal(loaded, state)
    memories = [tensor.untyped_storage() for tensor in loaded.values()]
    assert len({memory.data_ptr() for memory in memories}) == len(memories)
    assert all(memory.nbytes() == tensor.numel() * 4 for memory, tensor in zip(memories, loaded.values(), strict=True))


def test_code_in_a_file_is_not_run(loading, card, tmp_path):
    class Evil:
        def __reduce__(self):
            return (open, (str(tmp_path / "ran"), "w"))

    torch.save({"conv_in.weight": Evil()}, tmp_path / "evil.bin")
    with pytest.raises(WeightsError, match="more than plain tensors"):
        loading.load_unet(card, tmp_path / "evil.bin")
    assert not (tmp_path / "ran").exists()
    (tmp_path / "cut.safetensors").write_bytes(b"\x10\x00")
    with pytest.raises(WeightsError, match="damaged"):
        loading.load_unet(card, tmp_path / "cut.safetensors")
