"""P, U, P+SeD, U+SeD: names, counts and sizes as published, values and gradients as plain versions give them, and what options change."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from semsr.errors import MethodError, SemsrError, SizeMismatchError

FUSION = """
norm.weight norm.bias proj_in.weight proj_in.bias proj_context.weight proj_context.bias
transformer_blocks.0.attn1.to_q.weight transformer_blocks.0.attn1.to_k.weight transformer_blocks.0.attn1.to_v.weight
transformer_blocks.0.attn1.to_out.0.weight transformer_blocks.0.attn1.to_out.0.bias
transformer_blocks.0.attn2.to_q.weight transformer_blocks.0.attn2.to_k.weight transformer_blocks.0.attn2.to_v.weight
transformer_blocks.0.attn2.to_out.0.weight transformer_blocks.0.attn2.to_out.0.bias
transformer_blocks.0.ff.net.0.proj.weight transformer_blocks.0.ff.net.0.proj.bias
transformer_blocks.0.ff.net.2.weight transformer_blocks.0.ff.net.2.bias
transformer_blocks.0.norm1.weight transformer_blocks.0.norm1.bias transformer_blocks.0.norm2.weight transformer_blocks.0.norm2.bias
transformer_blocks.0.norm3.weight transformer_blocks.0.norm3.bias proj_out.weight proj_out.bias conv_out.weight conv_out.bias
""".split()  # noqa: SIM905
WEIGHTS, NORMALISED = ("weight", "bias"), ("weight_orig", "weight_u", "weight_v")


def names(parts: dict[str, tuple[str, ...] | list[str]]) -> set[str]:
    return {f"{part}.{tensor}" for part, tensors in parts.items() for tensor in tensors}


PLAIN_P = names(dict.fromkeys(("conv_first", "conv_last"), WEIGHTS) | {f"conv{at}": ("bias", *NORMALISED) for at in (1, 2, 3)})
PLAIN_U = names(dict.fromkeys(("conv0", "conv9"), WEIGHTS) | {f"conv{at}": NORMALISED for at in range(1, 9)})
SEMANTIC = names({f"att{at}": FUSION for at in (1, 2, 3)} | {f"conv{at}1": ("bias", *NORMALISED) for at in (1, 2, 3)})


@pytest.fixture
def tiny(make_parts: Any) -> Any:
    """A narrow discriminator with semantics of 64 channels, its parameters drawn anew, in float64."""

    def make(network: str, semantics: dict[str, Any] | None = None, **options: Any) -> nn.Module:
        told = {"extractor": "hr-pixels", "channels": 64, **(semantics or {})}
        made = make_parts(network, width=4, semantics=told, **options).discriminator()
        draw = torch.Generator().manual_seed(3)
        with torch.no_grad():
            for name, parameter in made.named_parameters():
                fan_in = parameter[0].numel() if parameter.ndim > 1 else 9
                parameter.copy_(
                    torch.randn(parameter.shape, generator=draw) / fan_in**0.5
                    + (name.endswith("weight") and parameter.ndim == 1)
                )
        made = made.double().train()
        with torch.no_grad():  # until spectral norm knows the weights that were drawn
            for _ in range(5):
                made(*given())
        return made

    return make


def given(height: int = 32, width: int = 48, channels: int = 64) -> tuple[Tensor, Tensor]:
    draw = torch.Generator().manual_seed(8)
    image = torch.rand(2, 3, height, width, generator=draw, dtype=torch.float64)
    return image, torch.randn(2, channels, height // 16, width // 16, generator=draw, dtype=torch.float64)


# Names and counts.


@pytest.mark.parametrize(
    "network, semantics, expected, parameters",
    [
        ("patch", None, PLAIN_P, 2_764_737),
        ("patch", {}, PLAIN_P | SEMANTIC, 10_090_433),
        ("pixel", None, PLAIN_U, 4_376_897),
        ("pixel", {}, PLAIN_U | SEMANTIC, 10_158_417),
    ],
)
def test_names_and_counts_are_the_published_ones(
    network: str, semantics: dict[str, Any] | None, expected: set[str], parameters: int, make_parts: Any
) -> None:
    with torch.device("meta"):
        made = make_parts(network, semantics=semantics).discriminator()
    assert set(made.state_dict()) == expected
    assert sum(parameter.numel() for parameter in made.parameters()) == parameters
    assert (
        len(expected)
        == {("patch", False): 16, ("patch", True): 118, ("pixel", False): 28, ("pixel", True): 130}[
            network, semantics is not None
        ]
    )


def test_shapes_are_the_published_ones(make_parts: Any) -> None:
    with torch.device("meta"):
        patch, pixel = (make_parts(network, semantics={}).discriminator().state_dict() for network in ("patch", "pixel"))
    for at, (p, u, context) in enumerate(
        (
            ((64, 64, 3, 3), (16, 16, 3, 3), 128),
            ((256, 256, 3, 3), (64, 64, 3, 3), 256),
            ((256, 256, 4, 4), (256, 256, 3, 3), 512),
        ),
        start=1,
    ):
        assert tuple(patch[f"att{at}.conv_out.weight"].shape) == p
        assert tuple(pixel[f"att{at}.conv_out.weight"].shape) == u
        for state in (patch, pixel):
            assert tuple(state[f"att{at}.proj_context.weight"].shape) == (64, context, 1, 1)
            assert tuple(state[f"att{at}.proj_in.weight"].shape) == (64, 1024, 1, 1)
    assert [patch[f"conv{at}.weight_orig"].shape[1] for at in (11, 21, 31)] == [192, 512, 768]
    assert [pixel[f"conv{at}.weight_orig"].shape[1] for at in (11, 21, 31)] == [144, 320, 768]


def test_equal_capacity_controls_are_equal(make_parts: Any) -> None:
    """Other semantics of 1024 channels change no shape; concatenation keeps the count to 0.1 %."""
    with torch.device("meta"):
        for network in ("patch", "pixel"):
            states = [
                make_parts(network, semantics=semantics).discriminator()
                for semantics in (
                    {},
                    {"extractor": "own-pixels"},
                    {"extractor": "hr-pixels"},
                    {"layer": "layer3", "batch_norm": "eval"},
                )
            ]
            shapes = [{name: tensor.shape for name, tensor in state.state_dict().items()} for state in states]
            assert all(other == shapes[0] for other in shapes[1:])
            counts = [
                sum(parameter.numel() for parameter in made.parameters())
                for made in (states[0], make_parts(network, semantics={"fusion": "concatenation"}).discriminator())
            ]
            assert abs(counts[1] / counts[0] - 1) < 0.001


def test_kair_s_layout(make_parts: Any) -> None:
    with torch.device("meta"):
        made = make_parts("patch", layout="kair").discriminator()
        assert sum(parameter.numel() for parameter in made.parameters()) == 2_764_737
        assert made(torch.rand(1, 3, 256, 256)).shape == (1, 1, 35, 35)
    with pytest.raises(SemsrError, match="layout 'kair' has no place for semantics"):
        make_parts("patch", layout="kair", semantics={})


# Sizes.


def test_sizes_of_the_patch_wise_one(make_parts: Any) -> None:
    with torch.device("meta"):
        made = make_parts("patch", semantics={}).discriminator()
        plain = make_parts("patch").discriminator()
        for side, logits in ((32, 2), (64, 6), (96, 10), (128, 14), (192, 22), (256, 30), (320, 38), (512, 62)):
            image, semantics = torch.rand(1, 3, side, side), torch.rand(1, 1024, side // 16, side // 16)
            assert made(image, semantics).shape == plain(image).shape == (1, 1, logits, logits)
        for height, width, tall, wide in ((128, 256, 14, 30), (272, 256, 32, 30)):
            image, semantics = torch.rand(1, 3, height, width), torch.rand(1, 1024, height // 16, width // 16)
            assert made(image, semantics).shape == (1, 1, tall, wide)


@pytest.mark.parametrize("network", ["patch", "pixel", "image"])
@pytest.mark.parametrize("side", [248, 250, 264])
def test_other_sizes_are_refused(network: str, side: int, make_parts: Any) -> None:
    with torch.device("meta"):
        parts = make_parts(network, semantics={})
        made = parts.discriminator()
        assert parts.multiple() == 16
        with pytest.raises(
            SizeMismatchError, match=f"found a picture of {side}x{side}; sides must be multiples of 16.*set data.patch"
        ):
            made(torch.rand(1, 3, side, side), torch.rand(1, 1024, side // 16, side // 16))


def test_sizes_of_plain_ones(make_parts: Any) -> None:
    with torch.device("meta"):
        pixel = make_parts("pixel")
        assert pixel.multiple() == 8 and make_parts("patch").multiple() == 1
        assert pixel.discriminator()(torch.rand(1, 3, 248, 264)).shape == (1, 1, 248, 264)
        with pytest.raises(SizeMismatchError, match="multiples of 8"):
            pixel.discriminator()(torch.rand(1, 3, 250, 256))
        with pytest.raises(SizeMismatchError, match="at least 32"):
            make_parts("patch").discriminator()(torch.rand(1, 3, 16, 64))
        assert make_parts("pixel", semantics={}).discriminator()(torch.rand(2, 3, 64, 48), torch.rand(2, 1024, 4, 3)).shape == (
            2,
            1,
            64,
            48,
        )


def test_semantics_that_do_not_fit_are_refused(make_parts: Any) -> None:
    with torch.device("meta"):
        made = make_parts("pixel", semantics={}).discriminator()
        image = torch.rand(2, 3, 64, 64)
        with pytest.raises(MethodError, match=r"no semantics were given; pass what Parts\.condition\(\) makes of HR"):
            made(image)
        with pytest.raises(MethodError, match="semantics were given to a plain discriminator"):
            make_parts("pixel").discriminator()(image, torch.rand(2, 1024, 4, 4))
        for shape in ((2, 512, 4, 4), (1, 1024, 4, 4), (2, 1024, 2, 2)):
            with pytest.raises(SizeMismatchError, match=r"needs semantics of \(2, 1024, 4, 4\), found"):
                made(image, torch.rand(shape))


# Values.

VARIANTS: tuple[tuple[str, str, dict[str, Any], dict[str, Any]], ...] = (
    ("patch", "patch", {}, {}),
    ("patch", "patch", {}, {"sub_pixel": "pixel-shuffle", "beside": "fusion-first"}),
    ("patch", "patch", {}, {"fusion": "concatenation"}),
    ("image", "image", {}, {}),
    ("pixel", "decoder", {}, {}),
    ("pixel", "encoder", {"position": "encoder"}, {}),
    ("pixel", "decoder", {}, {"sub_pixel": "pixel-shuffle", "beside": "fusion-first"}),
)


@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("network, plainly, options, semantics", VARIANTS)
def test_equal_plain_versions(
    network: str,
    plainly: str,
    options: dict[str, Any],
    semantics: dict[str, Any],
    training: bool,
    tiny: Any,
    plain: SimpleNamespace,
) -> None:
    """Result, gradient of the picture and of every parameter, and spectral norm's vectors after the pass."""
    made = tiny(network, semantics, **options).train(training)
    before = {name: tensor.detach().clone() for name, tensor in made.state_dict().items()}
    leaves = {name: before[name].requires_grad_() for name, _ in made.named_parameters()}
    image, seen = given()
    theirs = plain.Plain(
        before,
        plain.fusion,
        training=training,
        order=semantics.get("sub_pixel", "c-uw-uh"),
        features_first=semantics.get("beside") != "fusion-first",
    )
    mine, other = image.clone().requires_grad_(), image.clone().requires_grad_()
    result, expected = made(mine, seen), getattr(theirs, plainly)(other, seen)
    assert (result - expected).abs().max() < 1e-9 * expected.abs().max()
    torch.sin(3 * result).sum().backward()
    torch.sin(3 * expected).sum().backward()
    pairs = {"image": (mine.grad, other.grad)} | {name: (p.grad, leaves[name].grad) for name, p in made.named_parameters()}
    for name, (found, wanted) in pairs.items():
        assert found is not None and wanted is not None, name
        # Nothing is zero by accident: everything takes part. (What multiplies a row of equal values may be nearly so.)
        assert (found - wanted).abs().max() < 1e-6 * wanted.abs().max(), name
    for name, vector in theirs.vectors.items():
        assert torch.allclose(made.state_dict()[f"{name}.weight_u"], vector, atol=1e-12), name


@pytest.mark.parametrize("network, plainly, side", [("patch", "patch", 32), ("pixel", "decoder", 32)])
def test_plain_discriminators_equal_plain_versions(
    network: str, plainly: str, side: int, make_parts: Any, plain: SimpleNamespace
) -> None:
    made = make_parts(network).discriminator().double().train()
    state = {name: tensor.detach().clone() for name, tensor in made.state_dict().items()}
    image, _ = given(side, side)
    with torch.no_grad():
        expected = getattr(plain.Plain(state, plain.fusion, training=True), plainly)(image, None)
        assert (made(image) - expected).abs().max() < 1e-9 * expected.abs().max()


@pytest.mark.parametrize("network, plainly", [("patch", "patch"), ("pixel", "decoder")])
def test_published_widths_equal_plain_versions(network: str, plainly: str, make_parts: Any, plain: SimpleNamespace) -> None:
    made = make_parts(network, semantics={}, proj_out="normal").discriminator().double().eval()
    state = {name: tensor.detach().clone() for name, tensor in made.state_dict().items()}
    image, seen = given(32, 32, channels=1024)
    with torch.no_grad():
        expected = getattr(plain.Plain(state, plain.fusion, training=False), plainly)(image, seen)
        assert (made(image, seen) - expected).abs().max() < 1e-9 * expected.abs().max()
        single = made.float()(image.float(), seen.float())
    assert (single - expected).abs().max() < 1e-4 * expected.abs().max()


def test_own_pixels_see_what_is_judged(make_parts: Any) -> None:
    """The control's condition is nobody's: D makes its semantics of the judged picture, and gradients pass through them."""
    parts = make_parts("patch", {}, width=4, semantics={"extractor": "own-pixels", "channels": 64})
    own = parts.discriminator().double().eval()
    other = make_parts("patch", {}, width=4, semantics={"extractor": "hr-pixels", "channels": 64})
    told = other.discriminator().double().eval()
    told.load_state_dict(own.state_dict(), strict=True)
    assert parts.condition() is None
    image, _ = given(64, 64)
    mine, theirs = image.clone().requires_grad_(), image.clone().requires_grad_()
    look = other.condition().double()
    assert torch.equal(own(mine), told(theirs, look(theirs)))
    own(mine).sum().backward()
    told(theirs, look(theirs)).sum().backward()
    assert torch.allclose(mine.grad, theirs.grad, atol=1e-12)


# How they start, and spectral norm.


@pytest.mark.parametrize(
    "network, proj_out, zeros", [("pixel", None, 81), ("pixel", "normal", 0), ("patch", None, 0), ("patch", "zero", 81)]
)
def test_tensors_without_a_gradient_in_the_first_step(network: str, proj_out: str | None, zeros: int, make_parts: Any) -> None:
    torch.manual_seed(1)
    made = make_parts(network, semantics={}, **({"proj_out": proj_out} if proj_out else {})).discriminator()
    image, seen = given(64, 64, channels=1024)
    made(image.float(), seen.float()).square().mean().backward()
    still = [name for name, parameter in made.named_parameters() if parameter.grad is None or not parameter.grad.any()]
    assert len(still) == zeros
    assert all(name.startswith("att") and ".proj_out." not in name and not name.endswith("conv_out.bias") for name in still)


def test_the_patch_wise_one_starts_from_a_normal_distribution(make_parts: Any) -> None:
    torch.manual_seed(1)
    made = make_parts("patch", semantics={}).discriminator()
    drawn = [name for name, parameter in made.named_parameters() if parameter.ndim > 1]
    assert all(0.018 < made.get_parameter(name).std() < 0.022 for name in drawn)
    biases = [name for name, _ in made.named_parameters() if name.endswith("bias")]
    assert not any(made.get_parameter(name).any() for name in biases)
    assert 0.07 < made.get_parameter("att1.proj_out.weight").abs().max() < 0.11  # the facts say about 0.09
    pixel = make_parts("pixel", semantics={}).discriminator()
    assert not pixel.get_parameter("att1.proj_out.weight").any() and pixel.get_parameter("conv9.bias").any()


@pytest.mark.parametrize("network", ["patch", "pixel"])
def test_two_passes_differ_in_training_only(network: str, tiny: Any) -> None:
    """Old spectral norm iterates once a forward pass."""
    made = tiny(network).train()
    image, seen = given()
    with torch.no_grad():
        assert not torch.equal(made(image, seen), made(image, seen))
        made.eval()
        assert torch.equal(made(image, seen), made(image, seen))


def test_initialisation_depends_on_the_seed_alone(make_parts: Any) -> None:
    """What sees HR is made before or after: it draws nothing."""
    states = []
    for first in (False, True):
        parts = make_parts("patch", {}, width=4, semantics={"extractor": "hr-pixels"})
        torch.manual_seed(9)
        if first:
            parts.condition()
        states.append(parts.discriminator().state_dict())
    assert all(torch.equal(tensor, states[1][name]) for name, tensor in states[0].items())


# Options and errors.


def test_a_checkpoint_of_another_variant_is_refused(make_parts: Any) -> None:
    with torch.device("meta"):
        variants: list[tuple[str, dict[str, Any]]] = [
            ("patch", {}),
            ("patch", {"semantics": {}}),
            ("patch", {"semantics": {"fusion": "concatenation"}}),
            ("patch", {"semantics": {"layer": "layer2"}}),
            ("patch", {"layout": "kair"}),
            ("patch", {"width": 16}),
            ("pixel", {}),
            ("pixel", {"semantics": {}}),
            ("image", {}),
            ("image", {"semantics": {}}),
        ]
        made = [make_parts(network, **options).discriminator() for network, options in variants]
        for one in made:
            for other in made:
                if one is not other:
                    with pytest.raises(RuntimeError, match="Error"):
                        one.load_state_dict(other.state_dict(), strict=True)
        # Real-ESRGAN's discriminator is a part of U+SeD's.
        found = made[7].load_state_dict(made[6].state_dict(), strict=False)
        # torch's old spectral norm names the weight itself as missing, too.
        weights = {f"conv{at}1.weight" for at in (1, 2, 3)}
        assert not found.unexpected_keys and set(found.missing_keys) - weights == SEMANTIC


def test_widths_scale(make_parts: Any) -> None:
    with torch.device("meta"):
        for network in ("patch", "pixel", "image"):
            made = make_parts(network, width=16, semantics={"width": 32}).discriminator()
            assert made.get_parameter("att3.proj_context.weight").shape == (32, 128, 1, 1)
            assert made(torch.rand(2, 3, 64, 64), torch.rand(2, 1024, 4, 4)).shape[0] == 2


@pytest.mark.parametrize(
    "network, options, message",
    [
        ("patchgan", {}, r"discriminator\.network: found 'patchgan'; allowed: patch, pixel, image"),
        (
            "patch",
            {"position": "encoder"},
            r"discriminator\.options: unknown key 'position'.*allowed here: width, semantics, proj_out, layout",
        ),
        ("pixel", {"position": "neck"}, r"discriminator\.options: position: found 'neck'"),
        ("patch", {"semantics": {"layers": "layer3"}}, r"unknown key 'semantics\.layers'.*allowed here: extractor, layer"),
        ("patch", {"semantics": {"extractor": "clip"}}, "found 'clip'; allowed: clip-rn50"),
        ("patch", {"semantics": {"layer": "layer9"}}, "layer: found 'layer9'; allowed: layer1"),
        (
            "patch",
            {"semantics": {"extractor": "vgg16", "batch_norm": "train"}},
            "unknown option 'batch_norm'; allowed: layer, channels",
        ),
        ("patch", {"width": 0}, "width: found 0"),
    ],
)
def test_what_is_unknown_is_said(network: str, options: dict[str, Any], message: str, make_parts: Any) -> None:
    with pytest.raises(SemsrError, match=message) as caught:
        make_parts(network, **options)
    assert "\n" not in str(caught.value)


def test_missing_weights_are_said_before_anything_is_built(make_parts: Any) -> None:
    with pytest.raises(
        SemsrError, match=r"extractor 'clip-rn50' needs weights, and the recipe names none; add the role 'extractor'"
    ):
        make_parts("patch", {}, semantics={})
    assert make_parts("patch", {}, semantics={"extractor": "hr-pixels"}).condition() is not None


def test_channels_that_can_t_be_upscaled_are_said(make_parts: Any) -> None:
    with torch.device("meta"):
        parts = make_parts("pixel", semantics={"extractor": "efficientnet-lite0", "layer": "stage5"})
        with pytest.raises(SemsrError, match="semantics of 112 channels can't be upscaled by 8"):
            parts.discriminator()
        more = make_parts("pixel", semantics={"extractor": "efficientnet-lite0", "layer": "stage5", "channels": 448})
        assert more.discriminator().channels == 448


def test_the_generator_alone(make_parts: Any, tmp_path: Path) -> None:
    """Published names out, and in again."""
    from safetensors.torch import save_file

    parts = make_parts(None)
    generator = parts.generator()
    state = parts.export(generator)
    assert "RRDB_trunk.0.RDB1.conv1.weight" in state
    save_file(state, tmp_path / "generator.safetensors")
    other = parts.generator()
    parts.load(other, tmp_path / "generator.safetensors")
    assert all(torch.equal(tensor, other.state_dict()[name]) for name, tensor in generator.state_dict().items())
    assert parts.condition() is None and parts.multiple() == 1


@pytest.mark.slow
def test_a_step_with_real_semantics(make_parts: Any, project: Any) -> None:
    """VGG16's conv5_3 and EfficientNet-Lite0's head, with their published weights."""
    from semsr.assets.store import Store

    for extractor, asset in (("vgg16", "vgg16-imagenet"), ("efficientnet-lite0", "efficientnet-lite0")):
        file = Store().get(project.asset(asset))
        parts = make_parts("pixel", {"extractor": file}, width=16, semantics={"extractor": extractor}, proj_out="normal")
        made, look = parts.discriminator(), parts.condition()
        image = torch.rand(2, 3, 64, 64)
        with torch.no_grad():
            seen = look(image)
        made(image, seen).mean().backward()
        assert all(parameter.grad is not None and parameter.grad.any() for parameter in made.parameters())
        assert not any(parameter.requires_grad for parameter in look.parameters())
