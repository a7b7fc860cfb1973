"""The attention weights that the page shows are the block's own: by loops, by the output, by the author's own method."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from semsr.reporting.training.attention import Attention, attend, attentions, fused, fusion_blocks, mixed
from semsr.restoration.semantics.fusion import ConcatenationFusion, SemanticFusion


@pytest.fixture(autouse=True)
def _seeded() -> None:
    torch.manual_seed(0)


def block(
    features: int = 12, semantics: int = 64, up: int = 4, *, last: bool = False, order: str = "c-uw-uh"
) -> SemanticFusion:
    """All parameters random: a projection of zeros would hide the attention."""
    made = SemanticFusion(features, semantics, up, last=last, order=order)  # type: ignore[arg-type]
    for parameter in made.parameters():
        nn.init.normal_(parameter, std=0.3)
    return made.eval()


class Net(nn.Module):
    """A discriminator with one block; `by_name` calls it by keywords."""

    def __init__(self, inner: nn.Module, *, by_name: bool = False) -> None:
        super().__init__()
        self.down = nn.Conv2d(3, 12, 4, 4)
        self.att1 = inner
        self.by_name = by_name

    def forward(self, image: Tensor, condition: Tensor) -> Tensor:
        x = self.down(image)
        if self.by_name:
            return self.att1(semantics=condition, features=x)  # type: ignore[no-any-return]
        return self.att1(condition, x)  # type: ignore[no-any-return]


@pytest.mark.parametrize("heads", [1, 3])
def test_attend_equals_loops(heads: int) -> None:
    batch, queries, keys, width = 2, 4, 5, 6
    q, k, v = (torch.randn(batch, count, width, dtype=torch.float64) for count in (queries, keys, keys))
    weights = attend(q, k, heads)
    result = mixed(weights, v)
    d = width // heads
    for b in range(batch):
        for h in range(heads):
            part = range(h * d, (h + 1) * d)
            for n in range(queries):
                logits = [sum(float(q[b, n, c] * k[b, m, c]) for c in part) / math.sqrt(d) for m in range(keys)]
                total = sum(map(math.exp, logits))
                for m in range(keys):
                    assert float(weights[b, h, n, m]) == pytest.approx(math.exp(logits[m]) / total, abs=1e-14)
                for c in part:
                    wanted = sum(math.exp(logits[m]) / total * float(v[b, m, c]) for m in range(keys))
                    assert float(result[b, n, c]) == pytest.approx(wanted, abs=1e-13)


@pytest.mark.parametrize(("up", "last"), [(2, False), (4, False), (8, False), (2, True)])
def test_the_written_out_block_gives_the_modules_output_and_weights(up: int, last: bool) -> None:
    """Not square, so that rows and columns can't be mixed up."""
    made = block(up=up, last=last).double()
    semantics, features = torch.randn(2, 64, 3, 5, dtype=torch.float64), torch.randn(2, 12, 3 * up, 5 * up, dtype=torch.float64)
    weights, output = fused({name: value.detach() for name, value in made.named_parameters()}, semantics, features)
    torch.testing.assert_close(output, made(semantics, features), rtol=1e-11, atol=1e-11)
    torch.testing.assert_close(weights[:, 0], made.attention_weights(semantics, features), rtol=1e-11, atol=1e-13)
    torch.testing.assert_close(weights.sum(-1), torch.ones(2, 1, 15, dtype=torch.float64))


@pytest.mark.parametrize("by_name", [False, True])
def test_hooks_take_what_went_in(by_name: bool) -> None:
    net = Net(block(), by_name=by_name).eval()
    image, condition = torch.rand(2, 3, 64, 32), torch.randn(2, 64, 4, 2)
    (found,) = attentions(net, image, condition)
    assert (found.block, found.tokens, found.pixels) == ("att1", (4, 2), (16, 8))
    assert found.error < 1e-5
    wanted = net.att1.attention_weights(condition, net.down(image))  # type: ignore[operator]
    torch.testing.assert_close(found.weights.float(), wanted, rtol=1e-4, atol=1e-6)
    assert not net.att1._forward_hooks and not net.att1._forward_hooks_with_kwargs


def test_a_block_that_is_not_the_published_one_is_noticed() -> None:
    """Another order of sub-pixels: the same weights lead to another output."""
    image, condition = torch.rand(1, 3, 32, 32), torch.randn(1, 64, 2, 2)
    (found,) = attentions(Net(block(order="pixel-shuffle")), image, condition)
    assert found.error > 0.01


def test_without_cross_attention_there_are_no_blocks() -> None:
    assert fusion_blocks(Net(ConcatenationFusion(12, 64, 4))) == {}
    assert fusion_blocks(nn.Conv2d(3, 3, 1)) == {}
    assert list(fusion_blocks(Net(block()))) == ["att1"]


def test_entropy_by_hand() -> None:
    weights = torch.tensor([[[0.25, 0.25, 0.25, 0.25], [1.0, 0.0, 0.0, 0.0], [0.5, 0.5, 0.0, 0.0]]], dtype=torch.float64)
    entropy = Attention("att", weights, (1, 3), (2, 2), 0.0).entropy
    torch.testing.assert_close(entropy, torch.tensor([[1.0, 0.0, 0.5]], dtype=torch.float64))
