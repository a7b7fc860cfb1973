"""Features of discriminators: the mean of one of their feature maps over a picture, taken by hooks."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from semsr.errors import SemsrError

BATCH = 8


@dataclass(frozen=True)
class Layer:
    """Where features are taken: what goes into a module, or what comes out of it.

    Attributes:
        module: its name in the discriminator.
        side: "in" or "out".
    """

    module: str
    side: str = "out"

    def __str__(self) -> str:
        return f"what goes into {self.module}" if self.side == "in" else f"what comes out of {self.module}"


def last_layer(discriminator: nn.Module, image: Tensor, condition: Any) -> Layer:
    """The map before the logits: what goes into the module with parameters that runs last.

    Args:
        discriminator: in the mode it is looked at in.
        image: (B, 3, H, W), tried once.
        condition: as in `semsr.training.parts.Parts.discriminator`.

    Raises:
        SemsrError: the discriminator has no modules with parameters.
    """
    ran: list[str] = []
    leaves = {
        name: module
        for name, module in discriminator.named_modules()
        if name and not any(True for _ in module.children()) and any(True for _ in module.parameters(recurse=False))
    }
    hooks = [module.register_forward_hook(lambda *_, name=name: ran.append(name)) for name, module in leaves.items()]
    try:
        with torch.no_grad():
            discriminator(image, condition)
    finally:
        for hook in hooks:
            hook.remove()
    if not ran:
        raise SemsrError(f"{type(discriminator).__name__}: no module with parameters ran; features can't be taken")
    return Layer(ran[-1], "in")


@contextmanager
def captured(network: nn.Module, layer: Layer) -> Iterator[list[Tensor]]:
    """While open, what passes through `layer` is appended, detached. Raises: SemsrError: there is no such module."""
    modules = dict(network.named_modules())
    if layer.module not in modules:
        raise SemsrError(f"layer {layer.module!r}: the discriminator has no such module; it has {', '.join(_outer(network))}")
    passed: list[Tensor] = []

    def keep(_: nn.Module, given: tuple[Any, ...], out: Any) -> None:
        tensor = given[0] if layer.side == "in" else out
        if not isinstance(tensor, Tensor):
            raise SemsrError(f"layer {layer.module!r}: gives a {type(tensor).__name__}, not a tensor; name another")
        passed.append(tensor.detach())

    hook = modules[layer.module].register_forward_hook(keep)
    try:
        yield passed
    finally:
        hook.remove()


def pooled(feature_map: Tensor) -> Tensor:
    """The mean over all places of a map: (B, C, H, W) or tokens (B, N, C) -> (B, C), float64 on the CPU."""
    if feature_map.ndim == 4:
        return feature_map.double().mean(dim=(2, 3)).cpu()
    if feature_map.ndim == 3:
        return feature_map.double().mean(dim=1).cpu()
    return feature_map.double().flatten(1).cpu()


def batches(count: int, size: int = BATCH) -> list[NDArray[np.int64]]:
    """Numbers 0..count-1 in mixed order (always the same), in batches of nearly equal size.

    Mixed, since a semantic extractor whose batch normalisation trains along sees the batch as a whole: with a class a batch it would tell
    classes apart by that alone.
    """
    order = np.random.default_rng(0).permutation(count)
    return [np.sort(part) for part in np.array_split(order, max(1, -(-count // size))) if len(part)]


def as_images(pictures: NDArray[np.uint8], device: torch.device) -> Tensor:
    """(B, H, W, 3) uint8 -> (B, 3, H, W) float32 in [0, 1]."""
    return torch.from_numpy(np.ascontiguousarray(pictures)).permute(0, 3, 1, 2).to(device).float().div_(255.0).contiguous()


def conditions(
    network: nn.Module | None,
    pictures: NDArray[np.uint8],
    device: torch.device,
    advance: Callable[[int], None] = lambda _: None,
) -> list[Any]:
    """What a discriminator is told of each batch of `batches`, in the network's own mode; Nones where it is told nothing."""
    found = []
    with torch.no_grad():
        for part in batches(len(pictures)):
            found.append(network(as_images(pictures[part], device)) if network is not None else None)
            advance(len(part))
    return found


def discriminator_features(
    discriminator: nn.Module,
    layer: Layer,
    pictures: NDArray[np.uint8],
    told: list[Any],
    device: torch.device,
    advance: Callable[[int], None] = lambda _: None,
) -> NDArray[np.float64]:
    """The pooled map of each picture.

    Args:
        discriminator: in evaluation mode.
        layer: where.
        pictures: (N, H, W, 3) uint8 RGB, given to it as real.
        told: `conditions` of the same pictures.
        device: where it runs.
        advance: told how many more pictures are done.

    Returns:
        (N, C), in the order of `pictures`.

    Raises:
        SemsrError: there is no such layer.
    """
    rows: dict[int, NDArray[np.float64]] = {}
    with torch.no_grad():
        for part, condition in zip(batches(len(pictures)), told, strict=True):
            with captured(discriminator, layer) as passed:
                discriminator(as_images(pictures[part], device), condition)
            if not passed:
                raise SemsrError(f"layer {layer.module!r} did not run; name another")
            rows |= zip(part.tolist(), pooled(passed[-1]).numpy(), strict=True)
            advance(len(part))
    return np.stack([rows[number] for number in range(len(pictures))])


def condition_features(told: list[Any], count: int) -> NDArray[np.float64] | None:
    """The pooled condition of each picture, in the pictures' order; None where it is not one tensor with a row a picture."""
    rows: dict[int, NDArray[np.float64]] = {}
    for part, condition in zip(batches(count), told, strict=True):
        if not isinstance(condition, Tensor) or condition.ndim < 2 or len(condition) != len(part):
            return None
        rows |= zip(part.tolist(), pooled(condition).numpy(), strict=True)
    return np.stack([rows[number] for number in range(count)])


def colours(pictures: NDArray[np.uint8]) -> NDArray[np.float64]:
    """Mean red, green and blue of each picture: (N, 3). What anything that sees colours can tell apart."""
    means: NDArray[np.float64] = pictures.astype(np.float64).mean(axis=(1, 2)) / 255.0
    return means


def _outer(network: nn.Module) -> list[str]:
    return [name for name, _ in network.named_children()]
