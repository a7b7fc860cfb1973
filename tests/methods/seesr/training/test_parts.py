"""SeeSR's parts: what is trained, what is left behind, and what is refused."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from semsr.errors import SemsrError, WeightsError
from semsr.training.checkpoint import Checkpoints
from semsr.training.networks import make_step
from semsr.training.process import Processes
from semsr.training.run import train

NETWORKS = ("autoencoder", "tagger", "diffusion", "controlled-diffusion")


def moved(tiny: ModuleType, folder: Path, card: Any, files: Any) -> tuple[set[str], set[str]]:
    """Names of parameters that a step changes, and of those that it does not."""
    step = make_step(tiny.job(folder, card, files), Processes("cpu"))
    network = step.generator.network
    before = {name: value.detach().clone() for name, value in network.named_parameters()}
    frozen = {name: value.detach().clone() for name, value in step.objective.state_dict().items()}
    part = tiny.batch()
    for _ in range(2):  # behind zero convolutions and LoRA's zeros, gradients come with the second step
        step([part])
    assert all(torch.equal(value, frozen[name]) for name, value in step.objective.state_dict().items())
    changed = {name for name, value in network.named_parameters() if not torch.equal(value, before[name])}
    return changed, set(before) - changed


def test_stage_two_trains_what_is_published(tiny: ModuleType, tmp_path: Path, recipe: Any, files: Any) -> None:
    changed, still = moved(tiny, tmp_path, recipe("controlled-diffusion"), files)
    expected = {name for name in changed | still if name.startswith("controlnet.") or ".image_attentions." in name}
    assert changed <= expected and {name.split(".")[0] for name in changed} == {"unet", "controlnet"}
    # Some never get a gradient: nothing depends on a softmax's or a group norm's constant.
    assert len(expected - changed) < 0.1 * len(expected)
    everything, rest = moved(tiny, tmp_path / "all", recipe("controlled-diffusion", objective={"train": "all"}), files)
    assert len(rest) < 0.1 * len(everything) and {"unet.conv_in.weight", "unet.conv_out.weight"} <= everything


def test_only_lora_of_a_tagger_is_trained(tiny: ModuleType, tmp_path: Path, recipe: Any, files: Any) -> None:
    changed, _ = moved(tiny, tmp_path, recipe("tagger"), files)
    assert changed and all("lora_" in name for name in changed)


@pytest.mark.parametrize("network", NETWORKS)
def test_what_is_left_behind(tiny: ModuleType, tmp_path: Path, recipe: Any, files: Any, make_parts: Any, network: str) -> None:
    """The result loads into a fresh network, and what needs it; the checkpoint on the way holds what is trained alone."""
    card = recipe(network)
    job = tiny.job(tmp_path, card, files)
    train(type(job)(**{**job.__dict__, "stop_after": 2}))
    state = Checkpoints(tmp_path, job.identity, job.name).load()
    assert state is not None
    parts = make_parts(network)
    fresh = parts.generator()
    trained = {name for name, parameter in fresh.named_parameters() if parameter.requires_grad}
    frozen = {name for name, parameter in fresh.named_parameters() if not parameter.requires_grad}
    assert trained <= set(state["generator"]["network"]) and not frozen & set(state["generator"]["network"])
    assert bool(frozen) == (network in ("tagger", "controlled-diffusion"))
    train(job)
    left = load_file(tmp_path / "generator.safetensors")
    parts.load(fresh, tmp_path / "generator.safetensors")
    again = parts.export(fresh)
    assert set(left) == set(again) and all(torch.equal(left[name], again[name]) for name in left)
    start = {
        "autoencoder": "decoder.",
        "tagger": "visual_encoder.",
        "diffusion": "down_blocks.",
        "controlled-diffusion": "unet.",
    }
    assert any(name.startswith(start[network]) for name in left)
    if network == "tagger":
        assert all("lora_" in name for name in left)


def test_a_chain_of_trainings(tiny: ModuleType, tmp_path: Path, recipe: Any, files: Any) -> None:
    """Each made from what was left before, as the recipes of the lite profile are."""
    made = dict(files)
    for network, role in zip(NETWORKS, ("autoencoder", "dape", "unet", "generator"), strict=True):
        folder = tmp_path / network
        train(tiny.job(folder, recipe(network, steps=1), made))
        made[role] = folder / "generator.safetensors"
    whole = load_file(made["generator"])
    assert {name.split(".")[0] for name in whole} == {"unet", "controlnet"}
    base = load_file(made["unet"])
    assert torch.equal(whole["unet.conv_in.weight"], base["conv_in.weight"])


@pytest.mark.parametrize("network", ["autoencoder", "diffusion", "controlled-diffusion"])
def test_recomputing_gives_the_same_gradients(make_parts: Any, tiny: ModuleType, network: str) -> None:
    found = []
    for again in (False, True):
        parts = make_parts(network, recompute=again, objective={"train": "all"} if network == "controlled-diffusion" else {})
        torch.manual_seed(0)
        generator, objective = parts.generator().train(), parts.objective()
        torch.manual_seed(1)
        torch.stack([*objective(generator, tiny.batch(2)).values()]).sum().backward()
        found.append({name: value.grad for name, value in generator.named_parameters() if value.grad is not None})
        on = [module for module in generator.modules() if getattr(module, "gradient_checkpointing", False)]
        assert bool(on) == again
    assert set(found[0]) == set(found[1]) and found[0]
    assert all(torch.allclose(found[0][name], found[1][name], rtol=1e-5, atol=1e-8) for name in found[0])


def test_multiples(make_parts: Any) -> None:
    """The autoencoder's factor, 4, and the U-Net's, 2."""
    assert [make_parts(network).multiple() for network in NETWORKS] == [4, 1, 8, 8]


def test_refused(make_parts: Any, tiny: ModuleType, recipe: Any, files: Any, tmp_path: Path) -> None:
    def said(card: Any, roles: Any = files) -> str:
        with pytest.raises(SemsrError) as caught:
            tiny.parts(card, roles)
        assert "\n" not in str(caught.value)
        return str(caught.value)

    whole = recipe("diffusion")
    other = whole.model_copy(update={"generator": whole.generator.model_copy(update={"network": "unet"})})
    assert "generator.network: found 'unet'; allowed: autoencoder, tagger, diffusion, controlled-diffusion" in said(other)
    kind = whole.objective.model_copy(update={"kind": "control"})
    assert "objective.kind: found 'control'; 'diffusion' is trained by 'diffusion'" in said(
        whole.model_copy(update={"objective": kind})
    )
    assert "null_txt" in said(recipe("diffusion", objective={"null_txt": 0.1}))
    assert "unknown key 'difusion'" in said(
        whole.model_copy(update={"generator": whole.generator.model_copy(update={"options": {"difusion": {}}})})
    )
    lacking = {role: path for role, path in files.items() if role != "dape"}
    assert "is trained with the role 'dape', and the recipe names none" in said(recipe("controlled-diffusion"), lacking)
    save_file({"x": torch.ones(1)}, tmp_path / "other.safetensors")
    for network in NETWORKS:
        parts = make_parts(network)
        generator = parts.generator()
        with pytest.raises(WeightsError, match=r"other\.safetensors"):
            parts.load(generator, tmp_path / "other.safetensors")
        with pytest.raises(SemsrError, match=r"start\.key: found 'params'"):
            parts.load(generator, files["unet"], "params")
