"""How large a method's networks are, wherever it keeps them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from torch import nn

from semsr.restoration.restorer import Restorer


def count_parameters(holder: object) -> int | None:
    """Parameters of every network that an object holds, in attributes, containers and objects of methods: each tensor once.

    Args:
        holder: a restorer whose weights are loaded.

    Returns:
        None where it holds no network that torch knows, as of a formula or of an engine of its own.
    """
    found = {id(tensor): tensor.numel() for module in _modules(holder, set()) for tensor in module.parameters()}
    return sum(found.values()) if found else None


def _modules(value: Any, seen: set[int]) -> Iterator[nn.Module]:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, nn.Module):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _modules(each, seen)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _modules(each, seen)
    elif isinstance(value, Restorer) or type(value).__module__.partition(".")[0] == "semsr":
        for each in getattr(value, "__dict__", {}).values():
            yield from _modules(each, seen)
