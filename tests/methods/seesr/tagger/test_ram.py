"""RAM: the head against loops, the whole from end to end, counts and names of the published one, its checkpoint and its lists."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from semsr.errors import SemsrError, WeightsError


def test_tokens_and_logits_are_what_loops_give(small: Any, pictures: Tensor, plain: SimpleNamespace) -> None:
    tokens, logits = small(pictures)
    assert tokens.shape == (2, 1 + 36, 6)
    assert logits.shape == (2, 7)
    state = plain.below(small.state_dict(), "")
    mean, std = (np.float32(values).astype(float) for values in ([0.485, 0.456, 0.406], [0.229, 0.224, 0.225]))
    normalised = (pictures - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    places = small.visual_encoder(normalised).detach().numpy()
    for at in range(2):
        seen = plain.linear(np.concatenate([places[at].mean(0, keepdims=True), places[at]]), state, "image_proj")
        np.testing.assert_allclose(tokens[at].numpy(), seen, atol=1e-12)
        tags = np.maximum(plain.linear(state["label_embed"], state, "wordvec_proj"), 0)
        for layer in range(2):
            tags = plain.tagging_layer(tags, seen, plain.below(state, f"tagging_head.encoder.layer.{layer}."), 3)
        np.testing.assert_allclose(logits[at].numpy(), plain.linear(tags, state, "fc")[:, 0], atol=1e-12)


def test_the_published_one_s_size_and_names(seesr: Callable[[str], Any]) -> None:
    with torch.device("meta"):
        tagger = seesr("tagger").make_tagger(seesr("options").TaggerOptions(), {})
        tokens, logits = tagger(torch.empty(2, 3, 128, 130))
    assert (tokens.shape, logits.shape) == ((2, 145, 512), (2, 4585))
    assert round(sum(parameter.numel() for parameter in tagger.parameters()) / 1e6, 1) == 212.1
    shapes = {
        name: tuple(tensor.shape) for name, tensor in tagger.state_dict().items() if not name.startswith("visual_encoder.")
    }
    layer = {
        "crossattention.self.query": (768, 768),
        "crossattention.self.key": (768, 512),
        "crossattention.self.value": (768, 512),
        "crossattention.output.dense": (768, 768),
        "crossattention.output.LayerNorm": (768,),
        "intermediate.dense": (3072, 768),
        "output.dense": (768, 3072),
        "output.LayerNorm": (768,),
    }
    parts = {"image_proj": (512, 1536), "wordvec_proj": (768, 512), "fc": (1, 768)}
    parts |= {f"tagging_head.encoder.layer.{at}.{name}": shape for at in range(2) for name, shape in layer.items()}
    expected = {f"{name}.weight": shape for name, shape in parts.items()} | {
        f"{name}.bias": shape[:1] for name, shape in parts.items()
    }
    assert shapes == expected | {"label_embed": (4585, 512)}


def test_training_drops_and_evaluating_does_not(
    seesr: Callable[[str], Any], card: Callable[..., Any], pictures: Tensor
) -> None:
    """Dropout of the head, and drop path of the encoder, both in training alone."""
    calm = card().swin.model_dump() | {"drop_path": 0.0}
    head = {"hidden": 12, "heads": 3, "feed_forward": 20}
    for changes, index in (({"swin": calm, "head": head | {"dropout": 0.3}}, 1), ({"head": head | {"dropout": 0.0}}, 0)):
        tagger = seesr("tagger").make_tagger(card(**changes), {})
        assert torch.equal(tagger(pictures.float())[index], tagger(pictures.float())[index])
        if index:
            assert torch.equal(tagger.train()(pictures.float())[0], tagger.eval()(pictures.float())[0])
        tagger.train()
        torch.manual_seed(0)
        assert not torch.equal(tagger(pictures.float())[index], tagger(pictures.float())[index])


def test_training_may_forget_activations(seesr: Callable[[str], Any], card: Callable[..., Any], pictures: Tensor) -> None:
    """The same gradients of the additions, from one activation a block; counted by how often a block runs."""
    gradients, runs = [], []
    for recompute in (False, True):
        torch.manual_seed(0)
        student = seesr("tagger").start_dape(card(), {}, recompute=recompute)
        for name, parameter in student.named_parameters():
            if name.endswith("lora_B"):
                parameter.data.normal_()
        count = [0]
        block = student.visual_encoder.layers[0].blocks[1]
        block.register_forward_pre_hook(lambda *_, count=count: count.__setitem__(0, count[0] + 1))
        torch.manual_seed(1)
        student(pictures.float())[1].square().sum().backward()
        gradients.append(torch.cat([parameter.grad.flatten() for parameter in student.parameters() if parameter.requires_grad]))
        runs += count
    assert torch.equal(*gradients)
    assert runs == [1, 2]


@pytest.mark.parametrize("antialias", [False, True])
def test_pictures_are_squeezed_into_a_square(seesr: Callable[[str], Any], antialias: bool) -> None:
    """Bilinear by hand along each axis: two neighbours, or with antialiasing a triangle as wide as pixels shrink."""
    picture = torch.rand(1, 3, 9, 20, generator=torch.Generator().manual_seed(2), dtype=torch.float64)

    def weights(old: int, new: int) -> Any:
        step = old / new
        reach = max(step, 1.0) if antialias else 1.0
        matrix = np.zeros((new, old))
        for at in range(new):
            centre = min(max((at + 0.5) * step - 0.5, 0), old - 1) if not antialias else (at + 0.5) * step - 0.5
            matrix[at] = np.maximum(1 - np.abs(np.arange(old) - centre) / reach, 0)
        return matrix / matrix.sum(1, keepdims=True)

    expected = weights(9, 12) @ picture.numpy() @ weights(20, 12).T
    found = seesr("tagger.contract").to_square(picture, 12, antialias=antialias)
    np.testing.assert_allclose(found.numpy(), expected, atol=1e-12)


def test_a_tag_counts_above_its_threshold_not_at_it(
    seesr: Callable[[str], Any], card: Callable[..., Any], tmp_path: Path
) -> None:
    (tmp_path / "tags.txt").write_text("a\nb c\nd\ne\nf\ng\nh")
    (tmp_path / "thresholds.txt").write_text("0.5\n0.5\n0.75\n0.75\n0.9\n0.65\n0.65\n")
    files = {"tag-list": tmp_path / "tags.txt", "tag-thresholds": tmp_path / "thresholds.txt"}
    tagger = seesr("tagger").make_tagger(card(), files)
    assert tagger.tags == ("a", "b c", "d", "e", "f", "g", "h")
    odds = torch.tensor([[1.0, 1.0001, 2.99, 3.01, 8.9, 1.8, 1.9], [2.0, 1.0, 1.0, 1.0, 9.1, 1.8, 1.8]])
    assert tagger.say(odds.log()) == [("b c", "e", "h"), ("a", "f")]
    assert tagger.say(odds.log().half())[1] == ("a", "f")
    # Without a file every tag has the card's.
    assert seesr("tagger").make_tagger(card(threshold=0.7), {}).say(odds.log())[1] == ("tag 4",)


def published(tagger: Any) -> dict[str, Any]:
    """A checkpoint as RAM's is: the head under its old name, buffers, parts that SeeSR does not need, and no tensors beside the group."""
    state = {name.replace("tagging_head", "vision_multi"): tensor.clone() for name, tensor in tagger.state_dict().items()}
    state["visual_encoder.layers.0.blocks.0.attn.relative_position_index"] = torch.zeros(9, 9, dtype=torch.long)
    state["visual_encoder.layers.0.blocks.1.attn_mask"] = torch.zeros(4, 9, 9)
    state["tag_encoder.encoder.layer.0.attention.self.query.weight"] = torch.zeros(2, 2)
    state["text_decoder.cls.predictions.bias"] = torch.zeros(2)
    state["vision_multi.encoder.layer.0.attention.self.query.weight"] = torch.zeros(2, 2)
    state["vision_multi.embeddings.word_embeddings.weight"] = torch.zeros(2, 2)
    return {"model": state, "optimizer": {"state": {}}, "epoch": 3}


@pytest.fixture
def lists(tmp_path: Path) -> dict[str, Path]:
    (tmp_path / "tags.txt").write_text("\n".join("abcdefg"))
    return {"tagger": tmp_path / "ram.pth", "tag-list": tmp_path / "tags.txt"}


def test_the_published_checkpoint_fits(
    seesr: Callable[[str], Any], card: Callable[..., Any], small: Any, pictures: Tensor, lists: dict[str, Path]
) -> None:
    small.float()
    torch.save(published(small), lists["tagger"])
    loaded = seesr("tagger").make_tagger(card(), lists)
    assert loaded.tags == tuple("abcdefg")
    assert not loaded.training
    assert not any(parameter.requires_grad for parameter in loaded.parameters())
    for found, expected in zip(loaded(pictures.float()), small(pictures.float()), strict=True):
        assert torch.equal(found, expected)
    save_file(small.state_dict(), lists["tagger"].with_suffix(".safetensors"))
    again = seesr("tagger").make_tagger(card(), lists | {"tagger": lists["tagger"].with_suffix(".safetensors")})
    assert torch.equal(again(pictures.float())[1], loaded(pictures.float())[1])


def test_tables_of_another_window_are_resized(
    seesr: Callable[[str], Any], card: Callable[..., Any], small: Any, lists: dict[str, Path]
) -> None:
    """A ramp over relative positions stays a ramp from edge to edge, and each head its own."""
    data = published(small.float())
    ramp = torch.arange(7.0).repeat_interleave(7)
    name = "visual_encoder.layers.0.blocks.1.attn.relative_position_bias_table"
    data["model"][name] = torch.stack([ramp, -2 * ramp], dim=1)
    torch.save(data, lists["tagger"])
    table = seesr("tagger").make_tagger(card(), lists).state_dict()[name]
    assert table.shape == (25, 2)
    rows = table[:, 0].view(5, 5)
    torch.testing.assert_close(rows, rows[:, :1].expand(5, 5))
    assert float(rows[2, 0]) == pytest.approx(3, abs=1e-5)
    assert (rows[1:, 0] > rows[:-1, 0]).all()
    torch.testing.assert_close(table[:, 1], -2 * table[:, 0])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda state: state.pop("fc.bias"), "fc.bias is missing"),
        (
            lambda state: state.pop("vision_multi.encoder.layer.1.output.dense.weight"),
            "tagging_head.encoder.layer.1.output.dense.weight is missing",
        ),
        (lambda state: state.update({"fc.more": torch.zeros(1)}), "fc.more is too many"),
        (lambda state: state.update({"label_embed": torch.zeros(8, 6)}), "label_embed is (8, 6), not (7, 6)"),
        (
            lambda state: state.update(
                {"visual_encoder.layers.0.blocks.0.attn.relative_position_bias_table": torch.zeros(26, 2)}
            ),
            "relative_position_bias_table is (26, 2), not (25, 2)",
        ),
    ],
)
def test_another_network_s_weights_are_refused(
    seesr: Callable[[str], Any], card: Callable[..., Any], small: Any, lists: dict[str, Path], change: Any, said: str
) -> None:
    data = published(small.float())
    change(data["model"])
    torch.save(data, lists["tagger"])
    with pytest.raises(WeightsError, match=re.escape(said)) as caught:
        seesr("tagger").make_tagger(card(), lists)
    assert str(lists["tagger"]) in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_checkpoint_without_its_group_is_refused(
    seesr: Callable[[str], Any], card: Callable[..., Any], small: Any, lists: dict[str, Path]
) -> None:
    torch.save({"params": small.state_dict()}, lists["tagger"])
    with pytest.raises(WeightsError, match="no group 'model'"):
        seesr("tagger").make_tagger(card(), lists)
    with pytest.raises(WeightsError, match="role tag-list"):
        seesr("tagger").make_tagger(card(), {"tagger": lists["tagger"]})


@pytest.mark.parametrize(
    ("tags", "thresholds", "said"),
    [
        ("a\nb\nc", None, "tag list of 3 lines; the tagger has 7 tags"),
        ("a\nb\n\nd\ne\nf\ng", None, "tags.txt:3: an empty tag"),
        (b"\xff\xfe", None, "not a list in UTF-8"),
        (None, "0.5\n" * 6, "6 thresholds; the tagger has 7 tags"),
        (
            None,
            "0.5\n" * 3 + "high\n" + "0.5\n" * 3,
            "thresholds.txt:4: threshold: found 'high'; allowed: a number from 0 to 1",
        ),
        (None, "0.5\n" * 6 + "65", "thresholds.txt:7: threshold: found '65'"),
        (None, "0.5\n" * 6 + "nan", "thresholds.txt:7: threshold: found 'nan'"),
    ],
)
def test_lists_that_do_not_fit_are_refused(
    seesr: Callable[[str], Any], card: Callable[..., Any], tmp_path: Path, tags: Any, thresholds: Any, said: str
) -> None:
    files = {}
    for role, content, name in (("tag-list", tags, "tags.txt"), ("tag-thresholds", thresholds, "thresholds.txt")):
        if content is not None:
            files[role] = tmp_path / name
            files[role].write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(WeightsError, match=re.escape(said)):
        seesr("tagger").make_tagger(card(), files)


def test_a_head_that_does_not_divide_is_refused(seesr: Callable[[str], Any], card: Callable[..., Any]) -> None:
    with pytest.raises(SemsrError, match="hidden 12 is no multiple of heads 5"):
        seesr("tagger").make_tagger(card(head={"hidden": 12, "heads": 5}), {})
