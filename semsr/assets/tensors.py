"""Weights of torch networks, loaded without running anything that a file may hold."""

from __future__ import annotations

import pickle
import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from semsr.errors import WeightsError


def load_tensors(path: Path, key: str | None = None, *, known: Collection[str] = ()) -> dict[str, Tensor]:
    """Read a file of tensors onto the CPU: safetensors, or what `torch.save` wrote (plain tensors only, `weights_only`).

    Args:
        path: `*.safetensors`; anything else is read by `torch.load`.
        key: the group to take out of a file that holds several (BasicSR's `params`, `params_ema`, `state_dict`).
        known: names of groups that need not be named, where the file holds one group alone and it is one of these.

    Returns:
        Name -> tensor, as stored; nothing is renamed.

    Raises:
        WeightsError: damaged file, anything but tensors in it, no such group, or a group must be named.
    """
    data = _read(path)
    if key is None and isinstance(data, dict):
        groups = [name for name, value in data.items() if isinstance(value, (dict, Tensor))]
        key = groups[0] if len(groups) == 1 and groups[0] in known and isinstance(data[groups[0]], dict) else None
    if key is not None:
        if not isinstance(data, dict) or key not in data:
            raise WeightsError(f"{path}: no group {key!r}; found: {_names(data)}")
        data = data[key]
    if not isinstance(data, dict):
        raise WeightsError(f"{path}: expected tensors by name, found {type(data).__name__}")
    wrong = next((name for name, value in data.items() if not isinstance(value, Tensor)), None)
    if wrong is not None:
        hint = "; name the group wanted" if isinstance(data[wrong], dict) else ""
        raise WeightsError(f"{path}: {wrong!r} is a {type(data[wrong]).__name__}, not a tensor{hint}; found: {_names(data)}")
    return dict(data)


def _read(path: Path) -> Any:
    try:
        if path.suffix == ".safetensors":
            return load_file(path, device="cpu")
        return torch.load(path, map_location="cpu", weights_only=True)
    except SafetensorError as error:
        raise WeightsError(f"{path}: not a safetensors file, or damaged ({error}); fetch it again") from None
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL (\S+)", str(error))
        what = f"holds {found[1]}, which is more than plain tensors" if found else "is not a file of plain tensors"
        raise WeightsError(f"{path}: {what}; it is not loaded, since it could run code: convert it to safetensors") from None
    except (RuntimeError, EOFError, ValueError, KeyError) as error:
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise WeightsError(f"{path}: damaged or not a weights file ({first}); fetch it again") from None


def _names(data: object) -> str:
    names = [str(name) for name in data] if isinstance(data, dict) else []
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") or "nothing"
