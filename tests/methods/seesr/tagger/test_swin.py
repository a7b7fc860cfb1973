"""Swin: blocks against loops over places, the whole against timm's, names and counts as published."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from semsr.errors import SemsrError


@pytest.fixture
def swin(seesr: Callable[[str], Any]) -> Any:
    return seesr("tagger.swin")


@pytest.mark.parametrize(("side", "window", "rolled"), [(6, 3, False), (6, 3, True), (8, 4, True), (4, 4, True), (3, 4, True)])
def test_a_block_is_what_loops_over_places_give(
    swin: Any, plain: SimpleNamespace, shaken: Callable[[nn.Module], Any], side: int, window: int, rolled: bool
) -> None:
    block = shaken(swin.Block(8, side, window, 2, rolled=rolled, drop_path=0.5)).eval()
    with torch.no_grad():
        block.attn.relative_position_bias_table.mul_(3)
    grid = torch.randn(2, side, side, 8, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    found = block(grid.flatten(1, 2)).detach()
    state = plain.below(block.state_dict(), "")
    # In rolled blocks windows begin at half a window, but one window is never rolled.
    shift = window // 2 if rolled and side > window else 0
    for at in range(2):
        expected = plain.swin_block(grid[at].numpy(), state, 2, min(side, window), shift)
        np.testing.assert_allclose(found[at].numpy(), expected.reshape(-1, 8), atol=1e-12)


def test_the_whole_is_timm_s(seesr: Callable[[str], Any], swin: Any, shaken: Callable[[nn.Module], Any]) -> None:
    """timm has the same parts, but merges neighbours at a stage's beginning; also with a last stage that is one window."""
    from timm.models.swin_transformer import SwinTransformer

    card = seesr("options").SwinOptions(embed=8, depths=(2, 3, 2), heads=(2, 4, 8), window=4, drop_path=0.1)
    ours = shaken(swin.Swin(card, 64)).eval()
    theirs = SwinTransformer(
        img_size=64, patch_size=4, window_size=4, embed_dim=8, depths=(2, 3, 2), num_heads=(2, 4, 8), num_classes=0
    )
    state = {
        re.sub(r"layers\.(\d)\.downsample", lambda at: f"layers.{int(at[1]) + 1}.downsample", k): v
        for k, v in ours.state_dict().items()
    }
    own = theirs.state_dict()
    assert {name for name in own if not name.endswith(("relative_position_index", "attn_mask"))} == set(state)
    theirs.double().load_state_dict({**own, **state})
    pictures = torch.randn(2, 3, 64, 64, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    expected = theirs.eval().forward_features(pictures).flatten(1, 2)
    assert ours(pictures).shape == (2, 16, 32)
    torch.testing.assert_close(ours(pictures), expected, rtol=0, atol=1e-10)


def test_the_published_one_s_tensors(seesr: Callable[[str], Any], swin: Any) -> None:
    with torch.device("meta"):
        network = swin.Swin(seesr("options").SwinOptions(), 384)
    shapes = {name: tuple(tensor.shape) for name, tensor in network.state_dict().items()}
    depths = (2, 2, 18, 2)
    names = {"patch_embed.proj", "patch_embed.norm", "norm"} | {f"layers.{at}.downsample.norm" for at in range(3)}
    inside = ("norm1", "attn.qkv", "attn.proj", "norm2", "mlp.fc1", "mlp.fc2")
    places = [f"layers.{stage}.blocks.{at}" for stage, depth in enumerate(depths) for at in range(depth)]
    names |= {f"{place}.{part}" for place in places for part in inside}
    expected = {f"{name}.{end}" for name in names for end in ("weight", "bias")}
    expected |= {f"layers.{at}.downsample.reduction.weight" for at in range(3)}
    expected |= {f"{place}.attn.relative_position_bias_table" for place in places}
    assert set(shapes) == expected
    assert shapes["layers.3.blocks.1.attn.relative_position_bias_table"] == (529, 48)
    assert shapes["layers.2.blocks.17.attn.qkv.weight"] == (2304, 768)
    assert network.width == 1536
    # 24 tables of indices and 11 masks make the 35 buffers of the published dictionary: nothing is rolled in the last stage.
    assert len(list(network.buffers())) == 35
    rates = [block.drop_path.rate for stage in network.layers for block in stage.blocks]
    np.testing.assert_allclose(rates, np.linspace(0, 0.1, 24), atol=1e-12)


def test_a_branch_is_left_out_for_whole_samples(swin: Any) -> None:
    drop = swin.DropPath(0.25)
    torch.manual_seed(0)
    found = drop(torch.ones(4000, 2, 3))
    values = found.flatten(1)
    assert torch.equal(values.amin(1), values.amax(1))
    assert sorted(set(values[:, 0].tolist())) == pytest.approx([0, 1 / 0.75])
    assert float(found.mean()) == pytest.approx(1, abs=0.03)
    assert torch.equal(drop.eval()(torch.ones(9, 2)), torch.ones(9, 2))


@pytest.mark.parametrize("precision", [torch.float64, torch.bfloat16])
def test_forgetting_activations_changes_no_gradient(
    seesr: Callable[[str], Any], swin: Any, shaken: Callable[[nn.Module], Any], pictures: Tensor, precision: torch.dtype
) -> None:
    card = seesr("options").SwinOptions(patch=2, embed=8, depths=(2, 2), heads=(2, 2), window=3, drop_path=0.5)
    gradients = []
    for recompute in (False, True):
        network = shaken(swin.Swin(card, 24, recompute=recompute)).train()
        torch.manual_seed(3)
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=precision == torch.bfloat16):
            network.float()(pictures.float()).square().mean().backward()
        gradients.append(torch.cat([parameter.grad.flatten() for parameter in network.parameters()]))
    assert torch.equal(*gradients)
    assert float(gradients[0].abs().max()) > 0


@pytest.mark.parametrize(
    ("changes", "size", "said"),
    [
        ({"window": 5}, 24, "12x12 does not divide into windows of 5"),
        ({"patch": 5}, 24, "size 24 is no multiple of patch 5"),
        ({"patch": 8, "window": 3}, 24, "3x3 can't be halved"),
        ({"heads": (2,)}, 24, "heads: found 1, but depths: 2"),
    ],
)
def test_sizes_that_do_not_fit_are_refused(seesr: Callable[[str], Any], swin: Any, changes: Any, size: int, said: str) -> None:
    options = {"patch": 2, "embed": 8, "depths": (2, 2), "heads": (2, 2), "window": 3} | changes
    with pytest.raises(SemsrError, match=re.escape(said)):
        swin.Swin(seesr("options").SwinOptions(**options), size)
