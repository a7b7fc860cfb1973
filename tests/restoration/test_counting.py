"""Parameters are counted wherever a method keeps its networks, each once."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from semsr.restoration.counting import count_parameters
from semsr.restoration.restorer import Restorer


class Holding(Restorer):
    def __init__(self, **held: Any) -> None:
        super().__init__()
        self.__dict__.update(held)

    def restore(self, lr: Tensor, *, names: tuple[str, ...], seed: int) -> Tensor:
        raise AssertionError("only counted")


def test_every_network_counts_once() -> None:
    first, second = nn.Linear(3, 4), nn.Conv2d(1, 2, 3)  # 16 and 20 parameters
    holder = Holding(network=first, parts={"a": [second, (first,)]}, inner=Holding(again=second), other=torch.zeros(7))
    holder.inner.back = holder  # type: ignore[attr-defined]
    assert count_parameters(holder) == 36


def test_shared_tensors_count_once() -> None:
    first, second = nn.Linear(3, 4), nn.Linear(3, 4)
    second.weight = first.weight
    assert count_parameters(Holding(a=first, b=second)) == 12 + 4 + 4


def test_a_formula_has_none() -> None:
    assert count_parameters(Holding(kernel="bicubic")) is None
