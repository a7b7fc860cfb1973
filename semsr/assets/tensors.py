"""Weights of torch networks, loaded without running anything that a file may hold."""

from __future__ import annotations

import pickle
import re
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from semsr.assets.unpinned import remedy
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
        WeightsError: no file, damaged, anything but tensors in it, no such group, or a group must be named.
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
    if not path.is_file():
        raise WeightsError(f"{path}: {'a folder, not a weights file' if path.is_dir() else 'no such file'}")
    try:
        if path.suffix == ".safetensors":
            return load_file(path, device="cpu")
        with warnings.catch_warnings():
            # A pickle of another protocol is read all the same; of what is damaged, more is said below.
            warnings.filterwarnings("ignore", message="Detected pickle protocol", category=UserWarning)
            return torch.load(path, map_location="cpu", weights_only=True)
    except MemoryError:
        raise
    except SafetensorError as error:
        raise WeightsError(f"{path}: damaged, or not a safetensors file ({_line(error)}); {remedy(path)}") from None
    except pickle.UnpicklingError as error:
        found = re.search(r"GLOBAL (\S+)", str(error))
        what = f"holds {_line(found[1])}, which is more than plain tensors" if found else "damaged, or more than plain tensors"
        raise WeightsError(
            f"{path}: {what}; it is not loaded, since it could run code: convert it to safetensors, or {remedy(path)}"
        ) from None
    except Exception as error:  # of a damaged file, torch raises nearly everything
        if isinstance(error, OSError) and error.errno is not None:
            raise WeightsError(f"{path}: can't be read ({error.strerror})") from None
        raise WeightsError(f"{path}: damaged, or not a weights file ({_line(error)}); {remedy(path)}") from None


def _line(error: object) -> str:
    """The first sentence of what is said, without what a terminal would not show; bytes of damaged files get into it.

    torch's next sentences advise to load the file unsafely.
    """
    first = (str(error).strip().splitlines() or [""])[0].split(". ")[0]
    return _printable(first or type(error).__name__)[:200]


def _printable(text: str) -> str:
    return "".join(sign if sign.isprintable() else "?" for sign in text)


def _names(data: object) -> str:
    names = [_printable(str(name)) for name in data] if isinstance(data, dict) else []
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "") or "nothing"
