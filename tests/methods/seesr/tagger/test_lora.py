"""Low-rank additions: the published names and counts, merged = unmerged = written out, and what a file may hold."""

from __future__ import annotations

import copy
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from semsr.errors import SemsrError, WeightsError


@pytest.fixture
def tagger(seesr: Callable[[str], Any]) -> Any:
    return seesr("tagger")


@pytest.fixture
def changed(tagger: Any) -> Callable[[Any], Any]:
    """Add to a tagger, and draw A and B."""

    def change(base: Any) -> Any:
        added = tagger.add_lora(base)
        generator = torch.Generator().manual_seed(8)
        for parameter in added.parameters():
            if parameter.requires_grad:
                parameter.data.copy_(torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
        return added

    return change


def dape_shapes() -> dict[str, tuple[int, int]]:
    """Every tensor of DAPE.pth with its shape: rank 8; q and v of each block of Swin-L; query and key of every BERT attention."""
    shapes = {}
    for stage, (depth, width) in enumerate(zip((2, 2, 18, 2), (192, 384, 768, 1536), strict=True)):
        for at in range(depth):
            name = f"visual_encoder.layers.{stage}.blocks.{at}.attn.qkv.lora_"
            shapes |= {f"{name}A": (16, width), f"{name}B": (2 * width, 8)}
    # The tagging head and the tag encoder, whose first two layers are tied to it, see tokens of 512; the text decoder those of 768.
    seen = {
        "tagging_head.encoder": (2, 512, ()),
        "tag_encoder.encoder": (12, 512, ("attention",)),
        "text_decoder.bert.encoder": (12, 768, ("attention",)),
    }
    for part, (layers, width, more) in seen.items():
        for layer in range(layers):
            for attention in ("crossattention", *more):
                for linear in ("query", "key"):
                    name = f"{part}.layer.{layer}.{attention}.self.{linear}.lora_"
                    inputs = width if (attention, linear) == ("crossattention", "key") else 768
                    shapes |= {f"{name}A": (8, inputs), f"{name}B": (768, 8)}
    return shapes


def is_built(name: str) -> bool:
    return name.startswith(("visual_encoder.", "tagging_head."))


def test_the_published_table() -> None:
    """What the other tests compare the code with is itself what is published: 248 tensors of 1,777,664 parameters."""
    shapes = dape_shapes()
    assert len(shapes) == 248
    assert sum(rows * columns for rows, columns in shapes.values()) == 1_777_664
    assert (
        sum(name.startswith("tag_encoder.") for name in shapes)
        == sum(name.startswith("text_decoder.") for name in shapes)
        == 96
    )


def test_the_published_one_s_additions(seesr: Callable[[str], Any], tagger: Any) -> None:
    with torch.device("meta"):
        network = tagger.start_dape(seesr("options").TaggerOptions(), {})
    found = {name: tuple(tensor.shape) for name, tensor in tagger.lora_state(network).items()}
    assert found == {name: shape for name, shape in dape_shapes().items() if is_built(name)}
    assert len(found) == 56
    assert sum(tensor.numel() for tensor in tagger.lora_state(network).values()) == 622_592
    assert {name for name, parameter in network.named_parameters() if parameter.requires_grad} == set(found)


def test_the_published_file_fits(seesr: Callable[[str], Any], tagger: Any, tmp_path: Path) -> None:
    """All 248 tensors, of which 192 are ignored; the small tagger's part in the place of the built ones."""
    options = seesr("options")
    swin = options.SwinOptions(patch=2, embed=8, depths=(1, 1), heads=(2, 2), window=3)
    card = options.TaggerOptions(tags=3, width=6, size=12, swin=swin, head=options.HeadOptions(hidden=12, feed_forward=8))
    network = tagger.start_dape(card, {})
    state = {name: torch.randn(tensor.shape) for name, tensor in tagger.lora_state(network).items()}
    never = {name: torch.zeros(shape) for name, shape in dape_shapes().items() if not is_built(name)}
    assert len(never) == 192
    torch.save(state | never, tmp_path / "DAPE.pth")
    loaded = tagger.load_lora(network, tmp_path / "DAPE.pth")
    assert all(torch.equal(tensor, state[name]) for name, tensor in tagger.lora_state(loaded).items())
    fresh = tagger.load_lora(tagger.make_tagger(card, {}), tmp_path / "DAPE.pth")
    assert tagger.lora_state(fresh).keys() == state.keys()


def test_at_first_nothing_is_added(small: Any, tagger: Any, pictures: Tensor) -> None:
    before = small(pictures)
    after = tagger.add_lora(small)(pictures)
    assert all(torch.equal(*pair) for pair in zip(before, after, strict=True))
    drawn = tagger.lora_state(small)
    assert all(bool(tensor.any()) == name.endswith("lora_A") for name, tensor in drawn.items())
    # As loralib draws A, which is as torch draws a linear layer: uniform up to 1 / sqrt(inputs).
    low = drawn["visual_encoder.layers.1.blocks.0.attn.qkv.lora_A"]
    assert 0.8 / 4 < float(low.abs().max()) <= 1 / 4


def test_merged_is_unmerged_is_written_out(small: Any, tagger: Any, changed: Callable[[Any], Any], pictures: Tensor) -> None:
    """Delta q = B[:dim] A[:r], delta v = B[dim:] A[r:], none for k; scale alpha / rank = 3 / 2."""
    by_hand = copy.deepcopy(small)
    added = changed(small)
    drawn = tagger.lora_state(added)
    for name in sorted({key.rpartition(".")[0] for key in drawn}):
        low, high = drawn[f"{name}.lora_A"], drawn[f"{name}.lora_B"]
        weight = by_hand.get_submodule(name).weight.data
        if name.endswith("qkv"):
            width = weight.shape[1]
            weight[:width] += 1.5 * high[:width] @ low[:2]
            weight[2 * width :] += 1.5 * high[width:] @ low[2:]
        else:
            weight += 1.5 * high @ low
    expected, unmerged = by_hand(pictures), added(pictures)
    merged_network = tagger.merge_lora(added)
    merged = merged_network(pictures)
    for found in (unmerged, merged):
        for pair in zip(found, expected, strict=True):
            torch.testing.assert_close(*pair, rtol=0, atol=1e-11)
    assert not tagger.lora_state(merged_network)
    assert merged_network.state_dict().keys() == by_hand.state_dict().keys()
    assert not any(parameter.requires_grad for parameter in merged_network.parameters())


def test_only_additions_learn_and_all_of_them_do(small: Any, changed: Callable[[Any], Any], pictures: Tensor) -> None:
    added = changed(small.requires_grad_(True)).train()
    tokens, logits = added(pictures)
    (tokens.square().sum() + logits.square().sum()).backward()
    for name, parameter in added.named_parameters():
        assert (parameter.grad is not None and bool(parameter.grad.any())) == ("lora_" in name), name


def test_each_gradient_is_the_true_one(seesr: Callable[[str], Any]) -> None:
    lora, card = seesr("tagger.lora"), seesr("options").LoraOptions(rank=2, alpha=3)
    torch.manual_seed(0)
    for layer, shape in (
        (lora.LoraLinear(torch.nn.Linear(4, 6).double(), card, (True, False, True)), (3, 4)),
        (lora.LoraConv(torch.nn.Conv2d(4, 6, 1).double(), card), (2, 4, 2, 2)),
    ):
        layer.lora_B.data.normal_()
        x = torch.randn(shape, dtype=torch.float64, requires_grad=True)

        def run(x: Tensor, low: Tensor, high: Tensor, layer: Any = layer) -> Tensor:
            return torch.func.functional_call(layer, {"lora_A": low, "lora_B": high}, x)

        assert torch.autograd.gradcheck(run, (x, layer.lora_A, layer.lora_B))


def test_what_was_trained_comes_back(
    seesr: Callable[[str], Any],
    card: Callable[..., Any],
    tagger: Any,
    changed: Callable[[Any], Any],
    pictures: Tensor,
    tmp_path: Path,
) -> None:
    torch.manual_seed(5)
    base = tagger.make_tagger(card(), {})
    save_file({name: tensor.clone() for name, tensor in base.state_dict().items()}, tmp_path / "base.safetensors")
    (tmp_path / "tags.txt").write_text("\n".join("abcdefg"))
    trained = changed(base).eval()
    save_file(tagger.lora_state(trained), tmp_path / "dape.safetensors")
    files = {"tagger": tmp_path / "base.safetensors", "tag-list": tmp_path / "tags.txt"}
    dape = tagger.make_dape(card(), files | {"dape": tmp_path / "dape.safetensors"})
    for pair in zip(dape(pictures.float()), trained(pictures.float()), strict=True):
        torch.testing.assert_close(*pair, rtol=1e-3, atol=1e-4)
    plain = tagger.make_dape(card(), files)
    assert not torch.allclose(plain(pictures.float())[1], dape(pictures.float())[1], atol=1e-2)
    assert not dape.training
    assert not any(parameter.requires_grad for parameter in dape.parameters())


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("tagging_head.encoder.layer.1.crossattention.self.key.lora_B"), "self.key.lora_B is missing"),
        (lambda state: state.update({"fc.lora_A": torch.zeros(2, 2)}), "fc.lora_A is too many"),
        (
            lambda state: state.update({"tag_encoder.encoder.layer.0.attention.self.query.weight": torch.zeros(2, 2)}),
            "query.weight is too many",
        ),
        (lambda state: state.update({"my.tag_encoder.lora_A": torch.zeros(2, 2)}), "my.tag_encoder.lora_A is too many"),
        (
            lambda state: state.update({"visual_encoder.layers.0.blocks.0.attn.qkv.lora_A": torch.zeros(16, 8)}),
            "is (16, 8), not (4, 8)",
        ),
    ],
)
def test_other_additions_are_refused(small: Any, tagger: Any, tmp_path: Path, change: Any, said: str) -> None:
    state = {name: tensor.clone() for name, tensor in tagger.lora_state(tagger.add_lora(small)).items()}
    change(state)
    torch.save(state, tmp_path / "DAPE.pth")
    with pytest.raises(WeightsError, match=re.escape(said)) as caught:
        tagger.load_lora(small, tmp_path / "DAPE.pth")
    assert "DAPE.pth" in str(caught.value)


def test_additions_are_made_once_and_only_where_wanted(small: Any, tagger: Any, card: Callable[..., Any]) -> None:
    tagger.add_lora(small)
    with pytest.raises(SemsrError, match="has low-rank additions already"):
        tagger.add_lora(small)
    with pytest.raises(SemsrError, match=r"tagger\.lora: found null"):
        tagger.start_dape(card(lora=None), {})
