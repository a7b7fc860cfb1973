"""EfficientNet-Lite0 as a tagger: its tokens, logits that are softmax's, its additions, and that it knows what it sees."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

from semsr.errors import WeightsError


@pytest.fixture
def tagger(seesr: Callable[[str], Any]) -> Any:
    return seesr("tagger")


@pytest.fixture
def lite(seesr: Callable[[str], Any]) -> Any:
    """Options of the tagger at 64 pixels."""
    return seesr("options").TaggerOptions(kind="efficientnet", size=64, threshold=0.1)


def test_tokens_are_the_map_with_its_mean_first(tagger: Any, lite: Any) -> None:
    made = tagger.make_tagger(lite, {})
    pictures = torch.rand(2, 3, 64, 64)
    tokens, logits = made(pictures)
    assert (made.width, len(made.tags), logits.shape) == (1280, 1000, (2, 1000))
    assert tokens.shape == (2, 1 + 4, 1280)
    seen = made.network.forward_features((pictures * 255 - 127) / 128)
    for row in range(2):
        for column in range(2):
            assert torch.equal(tokens[:, 1 + 2 * row + column], seen[:, :, row, column])
    torch.testing.assert_close(tokens[:, 0], seen.mean((2, 3)))
    torch.testing.assert_close(
        torch.sigmoid(logits), made.network((pictures * 255 - 127) / 128).softmax(-1), rtol=1e-4, atol=1e-7
    )
    assert made(torch.rand(1, 3, 40, 90))[0].shape == (1, 5, 1280)


def test_sigmoids_of_the_logits_are_the_softmax(seesr: Callable[[str], Any]) -> None:
    logits_of = seesr("tagger.efficientnet").sigmoid_logits
    scores = torch.randn(5, 9, dtype=torch.float64, generator=torch.Generator().manual_seed(0)) * 4
    scores[4] = 1.5
    torch.testing.assert_close(torch.sigmoid(logits_of(scores)), scores.softmax(-1), rtol=1e-12, atol=1e-15)
    probability = scores.softmax(-1)
    torch.testing.assert_close(logits_of(scores), (probability / (1 - probability)).log(), rtol=1e-9, atol=1e-9)
    assert torch.autograd.gradcheck(logits_of, scores.requires_grad_())


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16, torch.bfloat16])
def test_scores_far_apart_give_finite_logits_and_gradients(seesr: Callable[[str], Any], dtype: torch.dtype) -> None:
    """Where probabilities are 1 and 0 to the last bit: log p - log(1 - p) would be infinite."""
    scores = torch.tensor([[3072.0, 0.0, -3072.0], [512.0, 512.0, -512.0], [0.0, 0.0, 0.0]], dtype=dtype, requires_grad=True)
    logits = seesr("tagger.efficientnet").sigmoid_logits(scores)
    assert logits.dtype == torch.float32
    assert logits[0].tolist() == [3072.0, -3072.0, -6144.0]
    assert logits[1].tolist() == pytest.approx([0.0, 0.0, -1024.6931], abs=1e-2)
    logits.sum().backward()
    assert torch.isfinite(scores.grad).all()


def test_training_leaves_the_statistics_alone(tagger: Any, lite: Any) -> None:
    made = tagger.start_dape(lite, {})
    assert made.training
    assert not any(module.training for module in made.modules() if isinstance(module, nn.BatchNorm2d))
    before = {name: buffer.clone() for name, buffer in made.named_buffers()}
    pictures = torch.rand(2, 3, 64, 64)
    first = made(pictures)[0]
    assert torch.equal(first, made.eval()(pictures)[0])
    assert all(torch.equal(buffer, before[name]) for name, buffer in made.named_buffers())


def test_additions_lie_on_every_convolution_of_one_pixel(seesr: Callable[[str], Any], tagger: Any, lite: Any) -> None:
    made = tagger.start_dape(lite, {})
    convolutions = {
        name: module
        for name, module in tagger.make_tagger(lite, {}).named_modules()
        if isinstance(module, nn.Conv2d) and module.kernel_size == (1, 1) and module.groups == 1
    }
    state = tagger.lora_state(made)
    assert len(convolutions) == 32
    assert state.keys() == {f"{name}.lora_{part}" for name in convolutions for part in "AB"}
    for name, module in convolutions.items():
        assert state[f"{name}.lora_A"].shape == (8, module.in_channels)
        assert state[f"{name}.lora_B"].shape == (module.out_channels, 8)
    assert sum(tensor.numel() for tensor in state.values()) == 182_272


def test_merged_is_unmerged_is_written_out(tagger: Any, lite: Any) -> None:
    torch.manual_seed(2)
    by_hand = tagger.make_tagger(lite, {}).double()
    base = {name: tensor.clone() for name, tensor in by_hand.state_dict().items()}
    made = tagger.start_dape(lite, {}).double().eval()
    made.load_state_dict(base, strict=False)
    for name, parameter in made.named_parameters():
        if parameter.requires_grad:
            parameter.data.normal_(std=0.3)
            layer, _, part = name.rpartition(".")
            if part == "lora_B":
                low = made.get_parameter(f"{layer}.lora_A")
                by_hand.get_submodule(layer).weight.data += (parameter @ low / 8).detach()[:, :, None, None]
    pictures = torch.rand(2, 3, 64, 64, dtype=torch.float64)
    reference = tagger.make_tagger(lite, {})
    reference.load_state_dict(base)
    expected, unmerged = by_hand(pictures), made(pictures)
    assert not torch.allclose(expected[0], reference.double()(pictures)[0])
    merged = tagger.merge_lora(made)(pictures)
    for found in (unmerged, merged):
        for pair in zip(found, expected, strict=True):
            torch.testing.assert_close(*pair, rtol=1e-9, atol=1e-9)
    assert made.state_dict().keys() == base.keys()


def test_it_knows_a_cat_and_a_coffee(tagger: Any, seesr: Callable[[str], Any], lite0: Path) -> None:
    """The weights fit their names of classes: a shift by one would name neighbours."""
    data = pytest.importorskip("skimage.data", reason="needs scikit-image, an extra of the tests")
    card = seesr("options").TaggerOptions(kind="efficientnet", size=224, threshold=0.25, antialias=True)
    made = tagger.make_tagger(card, {"tagger": lite0})
    said = [
        made.say(made(torch.from_numpy(picture).permute(2, 0, 1)[None] / 255)[1])[0]
        for picture in (data.chelsea(), data.coffee())
    ]
    assert set(said[0]) & {"Egyptian cat", "tabby", "tiger cat"}
    assert "espresso" in said[1]


def test_another_network_s_weights_are_refused(tagger: Any, lite: Any, tmp_path: Path) -> None:
    state = {
        name: tensor for name, tensor in tagger.make_tagger(lite, {}).network.state_dict().items() if name != "classifier.bias"
    }
    torch.save(state, tmp_path / "lite0.pth")
    with pytest.raises(WeightsError, match=r"lite0\.pth: not EfficientNet-Lite0: classifier\.bias is missing"):
        tagger.make_tagger(lite, {"tagger": tmp_path / "lite0.pth"})
