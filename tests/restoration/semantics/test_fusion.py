"""The fusion block against a plain float64 version, its names and shapes, and what its options change."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import pytest
import torch
from torch import Tensor, nn

from semsr.errors import SemsrError, SizeMismatchError
from semsr.restoration.semantics import subpixel
from semsr.restoration.semantics.block import SemanticBlock
from semsr.restoration.semantics.fusion import ConcatenationFusion, SemanticFusion, make_fusion

Shake = Callable[[nn.Module], nn.Module]

# features, upscaling, last, semantics, groups of the norm: those of P, of U, and others that authors may want.
SHAPES = (
    (128, 4, False, 1024, 32),
    (256, 2, False, 1024, 32),
    (512, 2, True, 1024, 32),
    (128, 8, False, 1024, 32),
    (256, 4, False, 1024, 32),
    (512, 2, False, 1024, 32),
    (24, 1, False, 40, 20),
    (16, 2, True, 1280, 32),
)
KEYS = """
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


def inputs(fusion: nn.Module, up: int, dtype: torch.dtype) -> tuple[Tensor, Tensor]:
    """Two pictures, not square."""
    draw = torch.Generator().manual_seed(7)
    semantics = torch.randn(2, fusion.semantics, 2, 3, generator=draw, dtype=torch.float64).to(dtype)
    features = torch.randn(2, fusion.features, 2 * up, 3 * up, generator=draw, dtype=torch.float64).to(dtype)
    return semantics.requires_grad_(), features.requires_grad_()


def run(
    function: Callable[[Tensor, Tensor], Tensor], leaves: dict[str, Tensor], given: tuple[Tensor, Tensor]
) -> dict[str, Tensor]:
    """Result and gradients of a fixed scalar, by name, in float64."""
    for leaf in (*leaves.values(), *given):
        leaf.grad = None
    result = function(*given)
    torch.sin(result).sum().backward()
    found = {"result": result, "semantics": given[0].grad, "features": given[1].grad}
    found |= {name: leaf.grad for name, leaf in leaves.items()}
    return {name: value.detach().double() for name, value in found.items() if value is not None}


def worst(found: dict[str, Tensor], expected: dict[str, Tensor]) -> float:
    assert found.keys() == expected.keys()
    return max(float((found[name] - value).abs().max() / value.abs().max()) for name, value in expected.items())


@pytest.mark.parametrize("order", ["c-uw-uh", "pixel-shuffle"])
@pytest.mark.parametrize("kind", ["cross-attention", "concatenation"])
@pytest.mark.parametrize("shape", SHAPES, ids=str)
def test_equals_a_plain_version(
    shape: tuple[int, int, bool, int, int], kind: str, order: str, plain: SimpleNamespace, shaken: Shake
) -> None:
    features, up, last, semantics, groups = shape
    fusion = shaken(make_fusion(kind, features, semantics, up, last=last, order=order)).double()
    given = inputs(fusion, up, torch.float64)
    leaves = dict(fusion.named_parameters())
    ours = run(fusion, leaves, given)
    state = {name: tensor.detach().clone().requires_grad_() for name, tensor in leaves.items()}
    theirs = run(lambda s, f: plain.fuse(state, s, f, groups=groups, up=up, order=order), state, given)
    assert ours["result"].shape == (2, semantics // up**2, 2 * up - last, 3 * up - last)
    assert worst(ours, theirs) < 1e-9
    assert worst(run(fusion.reference, leaves, given), theirs) < 1e-9


@pytest.mark.parametrize("shape", SHAPES[:6], ids=str)
def test_equals_it_in_single_precision(shape: tuple[int, int, bool, int, int], plain: SimpleNamespace, shaken: Shake) -> None:
    features, up, last, semantics, groups = shape
    fusion = shaken(SemanticFusion(features, semantics, up, last=last))
    with torch.no_grad():
        result = fusion(*inputs(fusion, up, torch.float32))
        state = {name: tensor.double() for name, tensor in fusion.state_dict().items()}
        expected = plain.fuse(state, *inputs(fusion, up, torch.float64), groups=groups, up=up)
    assert (result - expected).abs().max() / expected.abs().max() < 1e-5


@pytest.mark.parametrize("order", ["c-uw-uh", "pixel-shuffle"])
@pytest.mark.parametrize("up, size", [(1, 3), (2, 3), (3, 3), (4, 3), (8, 3), (2, 4), (4, 4)])
def test_three_linear_steps_at_once(up: int, size: int, order: subpixel.Order) -> None:
    """Whichever way is less work for a block, both must be right at any upscaling, edges and biases included."""
    torch.manual_seed(0)
    project = nn.Conv2d(6, 5 * up**2, 1).double()
    convolve = nn.Conv2d(5, 5, size, padding=1).double()
    maps = torch.randn(2, 6, 4, 3, dtype=torch.float64)
    expected = convolve(subpixel.rearrange(project(maps), up, order))
    for way in (subpixel.at_once, subpixel.separately):
        assert torch.allclose(way(maps, project, convolve, up, order), expected, atol=1e-12)


def test_the_way_with_fewer_products_is_chosen() -> None:
    """By hand for SeD's second block: apart 16.8 M + 604 M, at once 153 M for the kernel + 153 M; on 16 places the kernel is too dear."""
    project, convolve = nn.Conv2d(64, 1024, 1), nn.Conv2d(256, 256, 3, padding=1)
    assert subpixel.is_less_work(256, project, convolve, 2)
    assert not subpixel.is_less_work(16, project, convolve, 2)
    assert not subpixel.is_less_work(256, project, nn.Conv2d(16, 16, 3, padding=1), 8)


def test_names_and_shapes_are_the_published_ones() -> None:
    with torch.device("meta"):
        state = SemanticFusion(512, 1024, 2, last=True).state_dict()
    assert sorted(state) == sorted(KEYS)
    assert len(state) == 30
    shapes = {name: tuple(tensor.shape) for name, tensor in state.items()}
    assert shapes["proj_in.weight"] == (64, 1024, 1, 1)
    assert shapes["proj_context.weight"] == (64, 512, 1, 1)
    assert shapes["transformer_blocks.0.ff.net.0.proj.weight"] == (512, 64)
    assert shapes["transformer_blocks.0.ff.net.2.weight"] == (64, 256)
    assert shapes["proj_out.weight"] == (1024, 64, 1, 1)
    assert shapes["conv_out.weight"] == (256, 256, 4, 4)


def test_it_starts_without_a_word() -> None:
    fusion = SemanticFusion(8, 64, 2)
    with torch.no_grad():
        result = fusion(*inputs(fusion, 2, torch.float32))
    assert torch.allclose(result, fusion.conv_out.bias[None, :, None, None].expand_as(result), atol=1e-7)


def test_the_answer_depends_on_where_the_features_are() -> None:
    """Not for concatenation, which never looks at them."""
    for kind, depends in (("cross-attention", True), ("concatenation", False)):
        torch.manual_seed(0)
        fusion = make_fusion(kind, 8, 64, 2)
        nn.init.normal_(fusion.proj_out.weight)
        semantics, features = inputs(fusion, 2, torch.float32)
        with torch.no_grad():
            changed = not torch.equal(fusion(semantics, features), fusion(semantics, features + torch.randn_like(features)))
        assert changed == depends, kind


@pytest.mark.parametrize("shape", SHAPES[:6], ids=str)
def test_concatenation_has_as_many_parameters(shape: tuple[int, int, bool, int, int]) -> None:
    features, up, last, semantics, _ = shape
    with torch.device("meta"):
        counts = [
            sum(parameter.numel() for parameter in kind(features, semantics, up, last=last).parameters())
            for kind in (SemanticFusion, ConcatenationFusion)
        ]
    assert abs(counts[1] / counts[0] - 1) < 0.005


def test_attention_weights(plain: SimpleNamespace, shaken: Shake) -> None:
    fusion = shaken(SemanticFusion(8, 64, 2)).double()
    semantics, features = inputs(fusion, 2, torch.float64)
    weights = fusion.attention_weights(semantics, features)
    assert weights.shape == (2, 6, 24)
    assert torch.allclose(weights.sum(dim=2), torch.ones(2, 6, dtype=torch.float64))
    # With features that are one-hot places in disguise, what is attended to is what the result is made of.
    seen = fusion.proj_context(features).flatten(2).transpose(1, 2)
    attention = fusion.transformer_blocks[0].attn2
    tokens = torch.randn(2, 6, 64, dtype=torch.float64)
    expected = attention.to_out(attention.weights(tokens, seen) @ attention.to_v(seen))
    assert torch.allclose(attention(tokens, seen), expected, atol=1e-12)


def test_orders_differ_by_a_transposition(shaken: Shake) -> None:
    """Swapping the inner axes of proj_out's channels makes one order of the other."""
    theirs = shaken(SemanticFusion(8, 64, 4))
    torchs = SemanticFusion(8, 64, 4, order="pixel-shuffle")
    state = theirs.state_dict()
    for name in ("proj_out.weight", "proj_out.bias"):
        state[name] = state[name].unflatten(0, (4, 4, 4)).transpose(1, 2).flatten(0, 2)
    torchs.load_state_dict(state)
    given = inputs(theirs, 4, torch.float32)
    assert torch.allclose(theirs(*given), torchs(*given), atol=1e-6)
    torchs.load_state_dict(theirs.state_dict())
    assert not torch.allclose(theirs(*given), torchs(*given), atol=1e-2)


def test_in_half_precision_gradients_arrive(shaken: Shake) -> None:
    fusion = shaken(SemanticFusion(8, 256, 2))
    semantics, features = inputs(fusion, 2, torch.float32)
    expected = fusion(semantics, features)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        result = fusion(semantics, features)
    result.float().sum().backward()
    assert (result.float() - expected).abs().max() < 0.05 * expected.abs().max()
    assert all(parameter.grad is not None and parameter.grad.isfinite().all() for parameter in fusion.parameters())


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(SemsrError, match="multiple of 64"):
        SemanticFusion(8, 112, 8)
    with pytest.raises(SemsrError, match="allowed: cross-attention, concatenation"):
        make_fusion("addition", 8, 64, 2)
    fusion = SemanticFusion(8, 64, 2)
    with pytest.raises(SizeMismatchError, match=r"found semantics 2x32x2x2 and features 2x8x4x4"):
        fusion(torch.zeros(2, 32, 2, 2), torch.zeros(2, 8, 4, 4))
    with pytest.raises(SizeMismatchError, match="expected semantics 2x64"):
        fusion(torch.zeros(1, 64, 2, 2), torch.zeros(2, 8, 4, 4))


def test_a_block_is_fusion_concatenation_and_convolution(shaken: Shake, plain: SimpleNamespace) -> None:
    for beside in ("features-first", "fusion-first"):
        block = shaken(SemanticBlock(8, 64, 4, beside=beside, normalise=False)).double()
        semantics, features = inputs(block.fusion, 4, torch.float64)
        fused = block.fusion(semantics, features)
        joined = torch.cat([features, fused] if beside == "features-first" else [fused, features], dim=1)
        expected = plain.convolve(joined, block.conv.weight, block.conv.bias, padding=1)
        assert torch.allclose(block(features, semantics), expected, atol=1e-10)
    normalised = SemanticBlock(8, 64, 4)
    assert {name for name in normalised.state_dict() if name.startswith("conv.")} == {
        "conv.bias", "conv.weight_orig", "conv.weight_u", "conv.weight_v"
    }  # fmt: skip
