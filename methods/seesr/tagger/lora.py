"""Low-rank additions (LoRA, arXiv 2106.09685) to a tagger's layers: W + alpha / rank * B A, with W frozen and B zero at first.

Names and shapes are loralib 0.1.2's, under which DAPE's weights are published.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from semsr.assets.tensors import load_tensors
from semsr.errors import SemsrError
from semsr.restoration.semantics.loading import require_fitting

from ..options import LoraOptions
from .contract import Tagger
from .efficientnet import EfficientNetTagger

_NEVER_TRAINED = re.compile(r"(tag_encoder|text_decoder)\.([\w.]+\.)?lora_[AB]")
"""Of RAM's other parts, which get no gradient from DAPE's loss: their B is zero, they add nothing."""
_TARGETS = {"qkv": (True, False, True), "query": (True,), "key": (True,)}
"""Linear layers that are added to, by the last part of their names, and which thirds of them: Swin's q and v, BERT's query and key."""

T = TypeVar("T", bound=Tagger)


class LoraLinear(nn.Linear):
    """A linear layer with an addition to some of its equal parts.

    `lora_A` (rank * parts added to, in), `lora_B` (out of the parts added to, rank): of q and v, A[:rank] and B[:dim] are q's.
    """

    def __init__(self, plain: nn.Linear, card: LoraOptions, parts: tuple[bool, ...]) -> None:
        super().__init__(plain.in_features, plain.out_features, plain.bias is not None, device="meta")
        self.weight, self.bias = plain.weight, plain.bias
        self.rank, self.scale, self.parts = card.rank, card.alpha / card.rank, parts
        _draw(self, card.rank * sum(parts), plain.in_features, plain.out_features // len(parts) * sum(parts))

    def forward(self, x: Tensor) -> Tensor:
        """(..., in) -> (..., out)."""
        low = F.linear(x, self.lora_A).split(self.rank, dim=-1)
        added = iter(F.linear(each, rows) for each, rows in zip(low, self._rows(), strict=True))
        plain = F.linear(x, self.weight, self.bias)
        thirds = plain.chunk(len(self.parts), dim=-1)
        return torch.cat(
            [third + self.scale * next(added) if on else third for third, on in zip(thirds, self.parts, strict=True)], -1
        )

    def addition(self) -> Tensor:
        """What merging adds to the weight, (out, in)."""
        added = iter(rows @ low for low, rows in zip(self.lora_A.split(self.rank), self._rows(), strict=True))
        thirds = self.weight.chunk(len(self.parts))
        return self.scale * torch.cat(
            [next(added) if on else torch.zeros_like(third) for third, on in zip(thirds, self.parts, strict=True)]
        )

    def _rows(self) -> tuple[Tensor, ...]:
        return self.lora_B.chunk(sum(self.parts))


class LoraConv(nn.Conv2d):
    """A 1x1 convolution with an addition: `lora_A` (rank, in), `lora_B` (out, rank).

    The weights are added up before the convolution: for maps, that is less work than two convolutions more.
    """

    def __init__(self, plain: nn.Conv2d, card: LoraOptions) -> None:
        super().__init__(plain.in_channels, plain.out_channels, 1, plain.stride, bias=plain.bias is not None, device="meta")
        self.weight, self.bias = plain.weight, plain.bias
        self.rank, self.scale = card.rank, card.alpha / card.rank
        _draw(self, card.rank, plain.in_channels, plain.out_channels)

    def forward(self, x: Tensor) -> Tensor:
        """(B, in, H, W) -> (B, out, H, W)."""
        return self._conv_forward(x, self.weight + self.addition(), self.bias)

    def addition(self) -> Tensor:
        """What merging adds to the weight, (out, in, 1, 1)."""
        return (self.scale * self.lora_B @ self.lora_A)[:, :, None, None]


Lora = LoraLinear | LoraConv


def add_lora(tagger: T) -> T:
    """Freeze the tagger and add to its layers, in place; only the additions are trained from now on.

    RAM: q and v of each of Swin's blocks, query and key of the tagging head. EfficientNet-Lite0: every 1x1 convolution.

    Args:
        tagger: without additions.

    Raises:
        SemsrError: there are additions already, or the card says that there are none to be.
    """
    card = tagger.card.lora
    if card is None:
        raise SemsrError("tagger.lora: found null; DAPE is the tagger with additions: give rank and alpha")
    if any(_added(tagger)):
        raise SemsrError("the tagger has low-rank additions already; make a fresh one")
    tagger.requires_grad_(False)
    for name, layer in list(tagger.named_modules()):
        if isinstance(tagger, EfficientNetTagger):
            if isinstance(layer, nn.Conv2d) and layer.kernel_size == (1, 1) and layer.groups == 1:
                _replace(tagger, name, LoraConv(layer, card))
        elif isinstance(layer, nn.Linear) and name.rpartition(".")[2] in _TARGETS:
            _replace(tagger, name, LoraLinear(layer, card, _TARGETS[name.rpartition(".")[2]]))
    return tagger


def lora_state(tagger: Tagger) -> dict[str, Tensor]:
    """The additions' tensors by their published names: what DAPE.pth holds of the parts that are built."""
    return {name: tensor.detach() for name, tensor in tagger.state_dict().items() if _is_lora(name)}


def load_lora(tagger: T, weights: Path) -> T:
    """Load additions, strictly, making them where there are none.

    A published file's tensors of `tag_encoder` and `text_decoder` are ignored.

    Raises:
        WeightsError: others than the tagger's, or of another shape.
    """
    if not any(_added(tagger)):
        add_lora(tagger)
    state = {name: tensor for name, tensor in load_tensors(weights).items() if not _NEVER_TRAINED.fullmatch(name)}
    own = lora_state(tagger)
    require_fitting(own, state, f"{weights}: not this tagger's additions (DAPE)", advice="; see tagger.lora and tagger.kind")
    with torch.no_grad():
        for name, parameter in tagger.named_parameters():
            if name in own:
                parameter.copy_(state[name])
    return tagger


@torch.no_grad()
def merge_lora(tagger: T) -> T:
    """Put the additions into the weights, in place: a tagger as fast as a plain one, that gives the same. Nothing is left to train."""
    for name, layer in list(_added(tagger)):
        merged = layer.weight + layer.addition()
        plain: nn.Module
        if isinstance(layer, LoraLinear):
            plain = nn.Linear(layer.in_features, layer.out_features, layer.bias is not None, device="meta")
        else:
            plain = nn.Conv2d(
                layer.in_channels, layer.out_channels, 1, layer.stride, bias=layer.bias is not None, device="meta"
            )
        plain.weight, plain.bias = nn.Parameter(merged, requires_grad=False), layer.bias
        _replace(tagger, name, plain.train(layer.training))
    return tagger


def _added(tagger: Tagger) -> Iterator[tuple[str, Lora]]:
    return ((name, layer) for name, layer in tagger.named_modules() if isinstance(layer, LoraLinear | LoraConv))


def _replace(tagger: Tagger, name: str, layer: nn.Module) -> None:
    parent, _, own = name.rpartition(".")
    setattr(tagger.get_submodule(parent), own, layer)


def _is_lora(name: str) -> bool:
    return name.rpartition(".")[2] in ("lora_A", "lora_B")


def _draw(layer: Lora, low: int, inputs: int, outputs: int) -> None:
    """A as loralib draws it (a linear layer's default), B zero: at first nothing is added."""
    weight = layer.weight
    layer.lora_A = nn.Parameter(torch.empty(low, inputs, device=weight.device, dtype=weight.dtype))
    layer.lora_B = nn.Parameter(torch.zeros(outputs, layer.rank, device=weight.device, dtype=weight.dtype))
    nn.init.kaiming_uniform_(layer.lora_A, a=5**0.5)
    layer.train(False)
