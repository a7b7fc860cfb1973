"""Extractors against plain versions, their names and counts, their modes, their sizes, and files of every kind."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from safetensors.torch import save_file
from torch import Tensor, nn

from semsr.assets.network import MirrorError
from semsr.assets.packages import package_archive
from semsr.assets.store import Store
from semsr.assets.tensors import load_tensors
from semsr.cards.asset import PypiMirror
from semsr.errors import SemsrError, SizeMismatchError, WeightsError
from semsr.files import sha256_file
from semsr.restoration.semantics import clip, extractors
from semsr.restoration.semantics.clip import ClipRN50
from semsr.restoration.semantics.efficientnet import EfficientNetLite0, timm_names
from semsr.restoration.semantics.extractor import Extractor, Layer, to_stride
from semsr.restoration.semantics.extractors import make_extractor, plan_extractor, register_extractor
from semsr.restoration.semantics.vgg import Vgg16

Shake = Callable[[nn.Module], nn.Module]


@pytest.fixture(scope="module")
def tower() -> ClipRN50:
    """CLIP's tower with random weights, batch norm's statistics included."""
    torch.manual_seed(2)
    network = ClipRN50()
    with torch.no_grad():
        for name, tensor in network.state_dict().items():
            if name.endswith("running_var") or (name.startswith(("bn", "layer")) and tensor.ndim == 1 and "weight" in name):
                tensor.uniform_(0.5, 1.5)
            elif name.endswith(("running_mean", "bias")):
                tensor.normal_(0, 0.2)
    return network


def plain_tower(
    state: dict[str, Tensor], picture: Tensor, depth: int, own_statistics: bool, convolve: Callable[..., Tensor]
) -> Tensor:
    """CLIP's RN50 up to layer `depth`, from its description."""

    def normed(x: Tensor, name: str) -> Tensor:
        mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        if not own_statistics:
            mean = x.mean(dim=(0, 2, 3))
            variance = ((x - mean[None, :, None, None]) ** 2).mean(dim=(0, 2, 3))
        scaled = (x - mean[None, :, None, None]) / (variance[None, :, None, None] + 1e-5) ** 0.5
        return scaled * state[f"{name}.weight"][None, :, None, None] + state[f"{name}.bias"][None, :, None, None]

    def half(x: Tensor) -> Tensor:
        return (x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]) / 4

    mean = torch.tensor([0.48145466, 0.4578275, 0.40821073], dtype=torch.float64)[None, :, None, None]
    std = torch.tensor([0.26862954, 0.26130258, 0.27577711], dtype=torch.float64)[None, :, None, None]
    x = (picture - mean) / std
    for at, stride in ((1, 2), (2, 1), (3, 1)):
        x = normed(convolve(x, state[f"conv{at}.weight"], stride=stride, padding=1), f"bn{at}").clamp_min(0)
    x = half(x)
    for layer, blocks in zip(range(1, depth + 1), (3, 4, 6, 3), strict=False):
        for block in range(blocks):
            name, coarser = f"layer{layer}.{block}", block == 0 and layer > 1
            y = normed(convolve(x, state[f"{name}.conv1.weight"]), f"{name}.bn1").clamp_min(0)
            y = normed(convolve(y, state[f"{name}.conv2.weight"], padding=1), f"{name}.bn2").clamp_min(0)
            y = half(y) if coarser else y
            y = normed(convolve(y, state[f"{name}.conv3.weight"]), f"{name}.bn3")
            shortcut = half(x) if coarser else x
            if block == 0:
                shortcut = normed(convolve(shortcut, state[f"{name}.downsample.0.weight"]), f"{name}.downsample.1")
            x = (y + shortcut).clamp_min(0)
    return x


@pytest.mark.parametrize("mode", ["train", "eval"])
@pytest.mark.parametrize("layer", ["layer1", "layer2", "layer3", "layer4"])
def test_clip_equals_a_plain_version(layer: str, mode: str, tower: ClipRN50, plain: SimpleNamespace) -> None:
    network = ClipRN50(layer, mode)
    network.load_state_dict(tower.state_dict())
    network.double()
    # Normalisation constants are kept in single precision.
    network.mean, network.std = (torch.tensor(v, dtype=torch.float64)[None, :, None, None] for v in (clip.MEAN, clip.STD))
    pictures = torch.rand(2, 3, 32, 64, dtype=torch.float64)
    state = {name: tensor.double().clone() for name, tensor in tower.state_dict().items()}
    with torch.no_grad():
        found = network.maps(pictures)
        expected = plain_tower(state, pictures, int(layer[-1]), mode == "eval", plain.convolve)
    assert (
        found.shape
        == expected.shape
        == (2, *(network.layers[layer].channels,), 32 // network.layers[layer].stride, 64 // network.layers[layer].stride)
    )
    assert (found - expected).abs().max() / expected.abs().max() < 1e-9


def test_clip_has_the_published_names_and_counts(tower: ClipRN50) -> None:
    state = tower.state_dict()
    names = {re.sub(r"\d+", "#", name) for name in state}
    batch_norm = [f"{kind}" for kind in ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")]
    expected = {
        "mean",
        "std",
        "conv#.weight",
        "layer#.#.conv#.weight",
        "layer#.#.downsample.#.weight",
        "attnpool.positional_embedding",
    }
    expected |= {f"{part}.{kind}" for part in ("bn#", "layer#.#.bn#", "layer#.#.downsample.#") for kind in batch_norm}
    expected |= {f"attnpool.{part}_proj.{kind}" for part in "qkvc" for kind in ("weight", "bias")}
    assert names == expected
    assert len(state) == 341
    assert sum(parameter.numel() for parameter in tower.parameters()) == 38_316_896
    assert tower.used_parameters() == 8_562_528
    assert not any(parameter.requires_grad for parameter in tower.parameters())
    assert tower(torch.rand(1, 3, 256, 256)).shape == (1, 1024, 16, 16)


def test_deeper_layers_are_not_computed(tower: ClipRN50) -> None:
    network = ClipRN50("layer2")
    for name in ("layer3", "layer4", "attnpool"):
        network.add_module(name, nn.Module())  # has no forward
    assert network(torch.rand(1, 3, 32, 32)).shape == (1, 512, 2, 2)


def test_batch_norm_in_training_mode_depends_on_the_batch_and_drifts(tower: ClipRN50) -> None:
    """The faithful default: upstream never switches its extractor."""
    one, two = torch.rand(2, 3, 64, 64), torch.rand(1, 3, 64, 64)
    network = ClipRN50()
    network.load_state_dict(tower.state_dict())
    before = network.get_buffer("bn1.running_mean").clone()
    alone, together = network(one), network(torch.cat([one, two]))[:2]
    assert not torch.allclose(alone, together, atol=1e-3)
    assert not torch.equal(before, network.get_buffer("bn1.running_mean"))
    assert torch.equal(alone, network(one)), "the drift is not looked at"
    fixed = ClipRN50(batch_norm="eval")
    fixed.load_state_dict(tower.state_dict())
    state = {name: tensor.clone() for name, tensor in fixed.state_dict().items()}
    assert torch.allclose(fixed(one), fixed(torch.cat([one, two]))[:2], atol=1e-4)
    assert all(torch.equal(tensor, state[name]) for name, tensor in fixed.state_dict().items())
    assert not torch.allclose(fixed(one), alone, atol=0.1)


def test_the_mode_stays_whatever_is_switched(tower: ClipRN50) -> None:
    network = nn.Sequential(ClipRN50("layer1", "train"), ClipRN50("layer1", "eval"))
    for switch in (network.train, network.eval):
        switch()
        assert network[0].training and network[0].get_submodule("bn1").training
        assert not network[1].training and not network[1].get_submodule("bn1").training


def test_a_batch_of_one_works_while_there_is_more_than_one_value(tower: ClipRN50) -> None:
    assert ClipRN50()(torch.rand(1, 3, 32, 16)).isfinite().all()
    with pytest.raises(SizeMismatchError, match=r"raise batch or data\.patch, or set semantics\.batch_norm: eval"):
        ClipRN50()(torch.rand(1, 3, 16, 16))
    assert ClipRN50(batch_norm="eval")(torch.rand(1, 3, 16, 16)).isfinite().all()
    assert ClipRN50()(torch.rand(2, 3, 16, 16)).isfinite().all()


# Files.


def test_clip_from_open_clip_s_layout(tower: ClipRN50, tmp_path: Path) -> None:
    """`visual.` before the tower's names, the text tower beside it, in half precision."""
    own = {name: tensor for name, tensor in tower.state_dict().items() if name not in ("mean", "std")}
    state = {f"visual.{name}": tensor.half() if tensor.is_floating_point() else tensor for name, tensor in own.items()}
    save_file(state | {"logit_scale": torch.zeros(1), "positional_embedding": torch.zeros(3)}, tmp_path / "clip.safetensors")
    network = make_extractor("clip-rn50", weights=tmp_path / "clip.safetensors", batch_norm="eval")
    for name, tensor in network.state_dict().items():
        assert tensor.dtype == tower.state_dict()[name].dtype
        assert torch.equal(tensor, tensor.half().to(tensor.dtype) if name in own else tower.state_dict()[name]), name
    assert torch.allclose(network.get_parameter("conv1.weight"), tower.get_parameter("conv1.weight"), atol=1e-3)


def test_clip_from_upstream_s_own_state(tower: ClipRN50, tmp_path: Path) -> None:
    """341 tensors without a prefix."""
    torch.save(tower.state_dict(), tmp_path / "extractor.pth")
    network = make_extractor("clip-rn50", weights=tmp_path / "extractor.pth")
    assert all(torch.equal(tensor, network.state_dict()[name]) for name, tensor in tower.state_dict().items())
    assert network.training


class _Archive(nn.Module):
    def __init__(self, visual: nn.Module) -> None:
        super().__init__()
        self.visual = visual
        self.logit_scale = nn.Parameter(torch.zeros(()))

    def forward(self, picture: Tensor) -> Tensor:
        return picture * self.logit_scale


@pytest.mark.filterwarnings("ignore:.*torch.jit.trace.*:DeprecationWarning")
def test_clip_from_a_torchscript_archive(tower: ClipRN50, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Only OpenAI's is opened, recognised by its checksum."""
    visual = nn.Module()
    for name, part in tower.named_children():
        visual.add_module(name, part)
    path = tmp_path / "RN50.pt"
    torch.jit.trace(_Archive(visual), torch.zeros(1)).save(path)
    with pytest.raises(WeightsError, match=r"not OpenAI's RN50\.pt .*not opened, since it holds a program"):
        make_extractor("clip-rn50", weights=path)
    monkeypatch.setattr(clip, "OPENAI_SHA256", sha256_file(path))
    network = make_extractor("clip-rn50", weights=path)
    assert torch.equal(network.get_parameter("layer3.5.conv3.weight"), tower.get_parameter("layer3.5.conv3.weight"))
    assert network.get_parameter("conv1.weight").dtype == torch.float32


def test_another_network_s_weights_are_refused(tower: ClipRN50, tmp_path: Path) -> None:
    state = dict(tower.state_dict())
    broken = {
        "missing": (
            {name: tensor for name, tensor in state.items() if name != "layer2.0.conv1.weight"},
            "layer2.0.conv1.weight is missing",
        ),
        "more": (state | {"layer5.weight": torch.zeros(1)}, "layer5.weight is too many"),
        "shape": (state | {"conv1.weight": torch.zeros(64, 3, 3, 3)}, r"conv1.weight is \(64, 3, 3, 3\), not \(32, 3, 3, 3\)"),
    }
    for name, (found, message) in broken.items():
        torch.save(found, tmp_path / f"{name}.pth")
        with pytest.raises(WeightsError, match=f"not CLIP's RN50 image tower: {message}"):
            make_extractor("clip-rn50", weights=tmp_path / f"{name}.pth")
    (tmp_path / "text.pth").write_text("not weights")
    for name in ("clip-rn50", "vgg16", "efficientnet-lite0"):
        with pytest.raises(WeightsError):
            make_extractor(name, weights=tmp_path / "text.pth")
        with pytest.raises(WeightsError, match=f"extractor '{name}' needs weights"):
            make_extractor(name)


# VGG16.


@pytest.mark.parametrize("layer", ["conv1_2", "relu3_1", "conv4_3", "relu4_3", "conv5_3"])
def test_vgg_equals_a_plain_version(layer: str, plain: SimpleNamespace) -> None:
    torch.manual_seed(3)
    network = Vgg16(layer).double()
    network.mean, network.std = network.mean.double(), network.std.double()
    picture = torch.rand(1, 3, 32, 48, dtype=torch.float64)
    state, x, at = network.state_dict(), (picture - network.mean) / network.std, 0
    last_stage, last = map(int, layer[4:].split("_"))
    for stage, depth in enumerate((2, 2, 3, 3, 3), start=1):
        for number in range(1, depth + 1):
            if (stage, number) > (last_stage, last):
                break
            x = plain.convolve(x, state[f"features.{at}.weight"], state[f"features.{at}.bias"], padding=1)
            if (stage, number) != (last_stage, last) or layer.startswith("relu"):
                x = x.clamp_min(0)
            at += 2
        if stage < last_stage:
            x = torch.stack([x[:, :, i::2, j::2] for i in (0, 1) for j in (0, 1)]).amax(dim=0)
        at += 1
    with torch.no_grad():
        assert torch.allclose(network.maps(picture), x, atol=1e-10)
    assert x.shape[1:] == (network.channels, 32 // Vgg16.layers[layer].stride, 48 // Vgg16.layers[layer].stride)
    assert network(picture).shape == (1, network.channels, 2, 3)


def test_vgg_s_weights_are_torchvision_s(asset: Callable[[str], Path]) -> None:
    """torchvision's first values, and the parameters of 13 convolutions."""
    network = make_extractor("vgg16", weights=asset("vgg16-imagenet"))
    first = network.get_parameter("features.0.weight")[0, 0, 0]
    assert torch.allclose(first, torch.tensor([-0.5537, 0.1427, 0.5290]), atol=1e-4)
    assert network.used_parameters() == 14_714_688


# EfficientNet.


def test_efficientnet_s_layers() -> None:
    """Head and stages as timm computes them; sides that are no multiples of 32 are repeated up."""
    torch.manual_seed(5)
    reference = EfficientNetLite0("head", "eval")
    picture = torch.rand(1, 3, 48, 64)
    fed = (picture * 255 - 127) / 128
    with torch.no_grad():
        assert torch.equal(reference.maps(picture), reference.network.forward_features(fed))
        for at, (name, layer) in enumerate(list(EfficientNetLite0.layers.items())[:-1], start=1):
            network = EfficientNetLite0(name, "eval")
            network.load_state_dict(reference.state_dict())
            expected = reference.network.bn1(reference.network.conv_stem(fed))
            for stage in reference.network.blocks[:at]:
                expected = stage(expected)
            assert torch.equal(network.maps(picture), expected)
            assert network(picture).shape == (1, layer.channels, 3, 4)
            assert network.used_parameters() < reference.used_parameters()


def test_efficientnet_s_names(tmp_path: Path) -> None:
    for name, message in (
        ("_blocks.16._bn0.weight", "too many"),
        ("_blocks.0._expand_conv.weight", "too many"),
        ("layer.weight", "too many"),
    ):
        with pytest.raises(WeightsError, match=f"not EfficientNet-Lite0: {re.escape(name)} is {message}"):
            timm_names({"_conv_stem.weight": torch.zeros(1), name: torch.zeros(1)}, tmp_path)
    assert list(timm_names({"_blocks.3._project_conv.weight": torch.zeros(1)}, tmp_path)) == ["blocks.2.0.conv_pwl.weight"]


def test_efficientnet_s_weights_fit(asset: Callable[[str], Path]) -> None:
    network = make_extractor("efficientnet-lite0", weights=asset("efficientnet-lite0"))
    assert network.used_parameters() == 4_652_008 - 1281 * 1000  # without the classifier
    assert network.training and network(torch.rand(2, 3, 64, 64)).shape == (2, 1280, 4, 4)


# Pixels.


def test_pixels_are_rearranged_not_changed() -> None:
    picture = torch.rand(2, 3, 32, 48)
    semantics = make_extractor("hr-pixels")(picture)
    assert semantics.shape == (2, 1024, 2, 3)
    for channel in (0, 1, 255, 256, 767, 768, 1023):
        colour, place = divmod(channel % 768, 256)
        row, column = divmod(place, 16)
        assert torch.equal(semantics[:, channel], picture[:, colour, row::16, column::16])
    fewer = make_extractor("own-pixels", channels=100)(picture)
    quarter = F.avg_pool2d(picture, 4)
    assert fewer.shape == (2, 100, 2, 3)
    assert torch.equal(fewer[:, 17], quarter[:, 1, 0::4, 1::4]) and torch.equal(fewer[:, 48 + 17], fewer[:, 17])
    with pytest.raises(SemsrError, match="at least 3"):
        make_extractor("hr-pixels", channels=2)


def test_gradients_go_through_own_pixels() -> None:
    picture = torch.rand(1, 3, 16, 16, requires_grad=True)
    make_extractor("own-pixels")(picture).sum().backward()
    assert picture.grad is not None and set(picture.grad.unique().tolist()) == {1.0, 2.0}  # 1024 = 768 + 256


# What all share.


def test_channels_are_repeated_in_turn() -> None:
    """For equal capacity: a layer of 80 channels in the place of 200."""
    torch.manual_seed(6)
    own, more = EfficientNetLite0("stage4", "eval"), EfficientNetLite0("stage4", "eval", channels=200)
    more.load_state_dict(own.state_dict())
    picture = torch.rand(1, 3, 32, 32)
    semantics = more(picture)
    assert semantics.shape == (1, 200, 2, 2)
    assert torch.equal(semantics, own(picture)[:, torch.arange(200) % 80])
    assert plan_extractor("efficientnet-lite0", layer="stage4", channels=200) == Layer(200, 16)
    with pytest.raises(SemsrError, match="channels: found 79; stage4 has 80, give as many or more"):
        EfficientNetLite0("stage4", channels=79)


def test_layers_of_another_stride() -> None:
    maps = torch.arange(32.0).view(1, 2, 4, 4)
    assert torch.equal(to_stride(maps, (2, 2))[0, 0], torch.tensor([[2.5, 4.5], [10.5, 12.5]]))
    assert torch.equal(to_stride(maps[:, :, :1, :2], (2, 4))[0, 0], torch.tensor([[0.0, 0, 1, 1]] * 2))
    assert to_stride(maps, (4, 4)) is maps


@pytest.mark.parametrize("name", extractors.extractor_names())
def test_plans_say_what_is_made(name: str) -> None:
    kind = extractors.extractor_kind(name)
    made = kind()
    assert plan_extractor(name) == Layer(made.channels, kind.layers[made.layer].stride)
    assert made(torch.rand(1, 3, 64, 48)).shape == (1, made.channels, 4, 3)
    with pytest.raises(SizeMismatchError, match=r"sides must be multiples of 16; set data\.patch"):
        made(torch.rand(1, 3, 64, 40))


def test_nobody_s_initialisation_changes(tower: ClipRN50, tmp_path: Path) -> None:
    torch.save(tower.state_dict(), tmp_path / "clip.pth")
    torch.manual_seed(1)
    expected = torch.rand(3)
    torch.manual_seed(1)
    make_extractor("clip-rn50", weights=tmp_path / "clip.pth")
    assert torch.equal(torch.rand(3), expected)


@pytest.mark.parametrize(
    "name, options, message",
    [
        ("clip", {}, r"semantics\.extractor: found 'clip'; allowed: clip-rn50, vgg16, .* or module:Class of your own"),
        ("clip-rn50", {"layer": "layer5"}, "layer: found 'layer5'; allowed: layer1, layer2, layer3, layer4"),
        ("clip-rn50", {"batch_norm": "frozen"}, "batch_norm: found 'frozen'; allowed: 'train', 'eval'"),
        ("vgg16", {"batch_norm": "eval"}, "unknown option 'batch_norm'; allowed: layer, channels"),
        ("hr-pixels", {"layer": "layer3"}, "unknown option 'layer'; allowed: channels"),
        ("no_such_module:Class", {}, "there is no such class"),
        ("semsr.files:sha256_file", {}, "no subclass of"),
    ],
)
def test_what_is_unknown_is_said(name: str, options: dict[str, str], message: str) -> None:
    with pytest.raises(SemsrError, match=message):
        make_extractor(name, weights=Path("some.pth"), **options)


class Brightness(Extractor):
    """An extractor that somebody else may have written."""

    layers = {"mean": Layer(1, 1)}  # noqa: RUF012
    default = "mean"
    pretrained = False

    def maps(self, picture: Tensor) -> Tensor:
        return picture.mean(dim=1, keepdim=True)


def test_one_s_own_extractor() -> None:
    register_extractor("brightness", Brightness)
    try:
        picture = torch.rand(1, 3, 32, 32)
        assert torch.allclose(make_extractor("brightness")(picture), F.avg_pool2d(picture.mean(dim=1, keepdim=True), 16))
        register_extractor("brightness", Brightness)
        with pytest.raises(SemsrError, match="is there already"):
            register_extractor("brightness", Vgg16)
    finally:
        extractors._KNOWN.pop("brightness")
    assert isinstance(make_extractor("semsr.restoration.semantics.pixels:HrPixels"), Extractor)


@pytest.mark.slow
@pytest.mark.parametrize(
    "picture, index, probability", [("00000023", 948, 0.99), ("00000067", 101, 0.78), ("00000077", 159, 0.72)]
)
def test_efficientnet_knows_what_it_sees(picture: str, index: int, probability: float, asset: Callable[[str], Path]) -> None:
    """Three photographs of ImageNet's validation set that ship in a package: the classes (Granny Smith, tusker, ridgeback) and their
    probabilities as measured before with the package's own network code."""
    import timm

    mirror = PypiMirror(
        kind="pypi",
        package="gradio-yolov8-det",
        version="2.1.0",
        path=f"gradio_yolov8_det/img_examples/img_clas/*{picture}.JPEG",
    )
    try:
        wheel = package_archive(mirror, Store().folder / "packages")
    except MirrorError as error:
        pytest.skip(str(error))
    with zipfile.ZipFile(wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith(f"{picture}.JPEG")]
        photograph = Image.open(io.BytesIO(archive.read(name))).convert("RGB")
    shorter = 256 / min(photograph.size)
    photograph = photograph.resize([round(side * shorter) for side in photograph.size], Image.Resampling.BICUBIC)
    left, top = (side // 2 - 112 for side in photograph.size)
    pixels = torch.from_numpy(np.array(photograph.crop((left, top, left + 224, top + 224)))).permute(2, 0, 1)[None] / 255
    file = asset("efficientnet-lite0")
    whole = timm.create_model("tf_efficientnet_lite0", pretrained=False).eval()
    whole.load_state_dict(timm_names(load_tensors(file), file), strict=True)
    network = make_extractor("efficientnet-lite0", weights=file, batch_norm="eval")
    with torch.no_grad():
        likely = whole.classifier(network.maps(pixels).mean(dim=(2, 3))).softmax(dim=1)[0]
    assert int(likely.argmax()) == index
    assert float(likely[index]) == pytest.approx(probability, abs=0.02)
