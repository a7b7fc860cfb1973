"""Checkpoints in the form of transformers, read safely and strictly: a config.json and a file of tensors."""

from __future__ import annotations

import contextlib
import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import nn

from semsr.assets.tensors import load_tensors
from semsr.errors import SegmenterError, WeightsError

_UNUSED = re.compile(r"text_mapper\.|criterion\.|relative_position_index|swin\.layernorm\.|prompt_ctx")
"""Tensors that only training needs, that are computed anew, or that no result depends on."""


def read_config(path: Path, kind: str) -> dict[str, Any]:
    """A checkpoint's config.json.

    Args:
        path: the file.
        kind: the `model_type` it must have.

    Raises:
        SegmenterError: no JSON, or of another model.
    """
    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        found = told["model_type"]
    except (OSError, ValueError, TypeError, KeyError, RecursionError) as error:
        raise SegmenterError(
            f"{path}: not the config.json of a checkpoint ({type(error).__name__}: {error}); fetch it again"
        ) from None
    if found != kind:
        raise SegmenterError(f"{path}: model_type: found {found!r}, allowed {kind!r}; is it another checkpoint's file?")
    return dict(told)


def make_config(make: Any, told: Mapping[str, Any], where: str) -> Any:
    """transformers' configuration out of what a file or card says. Raises: SegmenterError: a key or value that it refuses."""
    try:
        return make.from_dict(dict(told))
    except Exception as error:  # checks of many kinds, each with an exception of its own
        raise SegmenterError(f"{where}: not a configuration of {make.__name__}: {_line(error)}") from None


def draw_network(make: Any, config: Any, where: str) -> nn.Module:
    """A network with weights drawn by seed 0: for tests of everything but the weights. Raises: SegmenterError: sizes that do not fit."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        try:
            network: nn.Module = make(config)
        except Exception as error:  # whatever sizes that do not fit end in, in whichever layer
            raise SegmenterError(f"{where}: no network can be made of it: {_line(error)}") from None
    return network.eval().requires_grad_(False)


def load_network(make: Any, config: Any, path: Path) -> nn.Module:
    """A network with a file's weights, as float32.

    transformers renames tensors of older versions; every tensor that a result depends on must then be there, of the right shape, and
    none be left over.

    Args:
        make: the class.
        config: its configuration.
        path: safetensors, or what `torch.save` wrote (tensors only; nothing else is unpickled).

    Raises:
        WeightsError: damaged, more than tensors, or not of this network: names the first tensor that is wrong.
    """
    state = load_tensors(path)
    try:
        with _quiet():
            network, told = make.from_pretrained(
                None,
                config=config,
                state_dict=state,
                output_loading_info=True,
                ignore_mismatched_sizes=True,
                dtype=torch.float32,
            )
    except Exception as error:  # whatever sizes that do not fit end in, in whichever layer
        raise WeightsError(f"{path}: not the weights of {make.__name__}: {_line(error)}") from None
    for says, key in (("lacks", "missing_keys"), ("holds what is not known:", "unexpected_keys")):
        if names := sorted(name for name in told[key] if not _UNUSED.search(name)):
            more = f" (and {len(names) - 1} more)" if len(names) > 1 else ""
            raise WeightsError(f"{path}: not the weights of {make.__name__} as its config.json says: {says} {names[0]!r}{more}")
    if other := sorted(told["mismatched_keys"]):
        name, found, expected = other[0]
        raise WeightsError(
            f"{path}: not the weights of {make.__name__} as its config.json says: {name!r} is {tuple(found)}, expected {tuple(expected)}"
        )
    loaded: nn.Module = network.eval().requires_grad_(False)
    return loaded


@contextlib.contextmanager
def _quiet() -> Iterator[None]:
    """Without transformers' bars and reports, since what they say is looked at."""
    from transformers.utils import logging

    before, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity(logging.CRITICAL)
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(before)
        if bars:
            logging.enable_progress_bar()


def _line(error: Exception) -> str:
    return " ".join(str(error).split())[:200] or type(error).__name__
