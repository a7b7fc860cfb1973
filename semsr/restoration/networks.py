"""Networks out of weights files, through spandrel: the architecture is recognised by its parameters and loaded strictly."""

from __future__ import annotations

import importlib
import warnings
from pathlib import Path
from typing import Any

from spandrel import MAIN_REGISTRY, ArchRegistry, ModelLoader, UnsupportedModelError
from torch import Tensor, nn

from semsr.assets.tensors import load_tensors
from semsr.errors import WeightsError
from semsr.restoration.ncnn import load_rrdbnet

# spandrel's DAT calls meshgrid without naming the indexing that is (and stays) its default; the result is the same.
warnings.filterwarnings("ignore", message=r"torch\.meshgrid")

RESTRICTIVE = "spandrel_extra_arches"
"""Architectures under non-commercial licences live in their own package, installed by the extra `spandrel-nc` only."""


def load_network(
    weights: Path, *, expect: str, scale: int | None = None, key: str | None = None, param: Path | None = None
) -> nn.Module:
    """Load a restoration network from a weights file, ready for inference on the CPU.

    Args:
        weights: `.pth`, `.pt`, `.ckpt` or `.safetensors` with a state dict, or ncnn's `.bin` (RRDBNet only).
        expect: spandrel's id of the architecture, "ESRGAN" or "DAT" for example.
        scale: how much larger the network's output must be; None: not checked.
        key: the group to take out of a file that holds several (BasicSR's `params` or `params_ema`).
        param: ncnn's `.param` for a `.bin`, checked against it if given.

    Returns:
        the network in evaluation mode, float32, without gradients; (B, 3, H, W) in [0, 1] -> (B, 3, scale*H, scale*W), not clipped.

    Raises:
        WeightsError: the file is not readable, of another architecture or scale, or of one that needs the extra `spandrel-nc`.
    """
    state: dict[str, Tensor] = load_rrdbnet(weights, param) if weights.suffix == ".bin" else load_tensors(weights, key)
    descriptor = _recognise(state, weights, expect)
    if descriptor.architecture.id != expect:
        raise WeightsError(f"{weights}: holds a {descriptor.architecture.id} network, the method expects {expect}")
    if scale is not None and descriptor.scale != scale:
        raise WeightsError(f"{weights}: holds a network of scale x{descriptor.scale}, the method expects x{scale}")
    network: nn.Module = descriptor.model
    return network.eval().requires_grad_(False)


def _recognise(state: dict[str, Tensor], weights: Path, expect: str) -> Any:
    registry, restrictive = _registry()
    try:
        return ModelLoader(registry=registry).load_from_state_dict(state)
    except UnsupportedModelError:
        hint = "" if restrictive else "; if it is one under a non-commercial licence, run `pip install 'semsr[spandrel-nc]'`"
        raise WeightsError(
            f"{weights}: no known architecture has these parameters, the method expects {expect}{hint}"
        ) from None
    except (RuntimeError, KeyError, ValueError, TypeError) as error:
        raise WeightsError(f"{weights}: the weights do not fit the network: {' '.join(str(error).split())[:300]}") from None


def _registry() -> tuple[ArchRegistry, bool]:
    """spandrel's permissive architectures and, where the extra is installed, the restrictive ones; the global registry stays as it is."""
    registry = ArchRegistry()
    registry.add(*MAIN_REGISTRY.architectures())
    try:
        extra = importlib.import_module(RESTRICTIVE)
    except ModuleNotFoundError:
        return registry, False
    registry.add(*extra.EXTRA_REGISTRY.architectures())
    return registry, True
