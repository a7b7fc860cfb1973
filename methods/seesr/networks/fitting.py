"""Tensors out of a file into a network, strictly, and without holding them twice."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from semsr.assets.tensors import load_tensors
from semsr.errors import WeightsError

N = TypeVar("N", bound=nn.Module)


def on_meta(make: Callable[[], N]) -> N:
    """Make a network without memory or random draws, to be filled by `fit`."""
    with torch.device("meta"):
        return make()


def fit(network: nn.Module, state: Mapping[str, Tensor], path: Path, what: str) -> None:
    """Fill a network with a file's tensors, as float32.

    A network made by `on_meta` takes the tensors over, so that it never costs twice its size; into another they are copied, wherever it is.

    Args:
        network: every tensor of its state dict must be in `state`, of the same shape, and nothing else.
        state: by name.
        path, what: for errors: the file, and what it should hold.

    Raises:
        WeightsError: one line: how many are missing, left over or of another shape, and the first of each.
    """
    expected = network.state_dict()
    found = [
        _some("lacks", [name for name in expected if name not in state], len(expected)),
        _some("holds what is not known:", [name for name in state if name not in expected], len(state)),
        _shapes(expected, state),
        _some(
            "holds numbers that are not floats:", [name for name in state if not state[name].is_floating_point()], len(state)
        ),
    ]
    wrong = [text for text in found if text]
    if wrong:
        raise WeightsError(f"{path}: not {what} of these sizes: {'; '.join(wrong)}; compare the recipe's options with the file")
    if any(tensor.is_meta for tensor in expected.values()):
        network.load_state_dict(_owned(state), strict=True, assign=True)
    else:
        network.load_state_dict(state, strict=True)


def read(path: Path, *, ignored: Collection[str] = ()) -> dict[str, Tensor]:
    """A file's tensors, safely, without those called exactly as in `ignored`. Raises: WeightsError."""
    return {name: tensor for name, tensor in load_tensors(path).items() if name not in ignored}


def under(state: Mapping[str, Tensor], prefix: str) -> dict[str, Tensor]:
    """The tensors whose names begin with `prefix`, without it."""
    return {name.removeprefix(prefix): tensor for name, tensor in state.items() if name.startswith(prefix)}


def _owned(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """As float32, each with memory of its own: in files of torch, several may be views of one, and training one would change the others."""
    seen: set[int] = set()
    owned = {}
    for name, tensor in state.items():
        mine = tensor.float().contiguous()
        memory = mine.untyped_storage()
        if memory.data_ptr() in seen or memory.nbytes() > mine.numel() * mine.element_size():
            mine = mine.clone()
        seen.add(memory.data_ptr())
        owned[name] = mine
    return owned


def _some(says: str, names: list[str], of: int) -> str:
    if not names:
        return ""
    return f"{says} {names[0]!r}" + (f" and {len(names) - 1} more of {of}" if len(names) > 1 else "")


def _shapes(expected: Mapping[str, Tensor], state: Mapping[str, Tensor]) -> str:
    other = [name for name, tensor in expected.items() if name in state and state[name].shape != tensor.shape]
    if not other:
        return ""
    first = other[0]
    more = f" (and {len(other) - 1} more)" if len(other) > 1 else ""
    return f"{first!r} is {tuple(state[first].shape)}, expected {tuple(expected[first].shape)}{more}"
