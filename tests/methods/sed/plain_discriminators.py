"""SeD's discriminators written out plainly from their layer tables, on a state dict: apart from the project's code.

Convolution and fusion are those of tests/restoration/semantics/plain_fusion.py; spectral norm, bilinear upscaling and the networks
are here.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace

import torch
from torch import Tensor

State = dict[str, Tensor]


def unit(vector: Tensor) -> Tensor:
    return vector / max(float((vector**2).sum() ** 0.5), 1e-12)


def normalise(state: State, name: str, training: bool) -> tuple[Tensor, Tensor]:
    """The weight over its largest singular value, as one step of power iteration knows it; and the left vector after it."""
    weight = state[f"{name}.weight_orig"]
    matrix = weight.reshape(weight.shape[0], -1)
    u, v = state[f"{name}.weight_u"], state[f"{name}.weight_v"]
    if training:
        with torch.no_grad():
            v = unit(matrix.T @ u)
            u = unit(matrix @ v)
    return weight / (u @ matrix @ v), u


def leaky(x: Tensor) -> Tensor:
    return torch.where(x > 0, x, 0.2 * x)


def twice(x: Tensor) -> Tensor:
    """Bilinear, pixel centres half a pixel in, edges repeated: a quarter of the one neighbour, three quarters of the other."""

    def matrix(size: int) -> Tensor:
        found = torch.zeros(2 * size, size, dtype=x.dtype)
        for at in range(size):
            found[2 * at, at] += 0.75
            found[2 * at, max(at - 1, 0)] += 0.25
            found[2 * at + 1, at] += 0.75
            found[2 * at + 1, min(at + 1, size - 1)] += 0.25
        return found

    return torch.einsum("yh,xw,bchw->bcyx", matrix(x.shape[2]), matrix(x.shape[3]), x)


class Plain:
    """One of the networks on `state`.

    Args:
        state: of a discriminator, float64.
        plain: convolution and fusion.
        training: one power iteration a forward pass, or none.
        order, features_first: sub-pixels and concatenation.
    """

    def __init__(
        self, state: State, plain: SimpleNamespace, *, training: bool, order: str = "c-uw-uh", features_first: bool = True
    ) -> None:
        self.state, self.plain, self.training, self.order, self.features_first = state, plain, training, order, features_first
        self.vectors: State = {}

    def conv(self, x: Tensor, name: str, stride: int = 1, padding: int = 1) -> Tensor:
        if f"{name}.weight" in self.state:
            weight = self.state[f"{name}.weight"]
        else:
            weight, self.vectors[name] = normalise(self.state, name, self.training)
        return self.plain.convolve(x, weight, self.state.get(f"{name}.bias"), stride, padding)

    def fuse(self, x: Tensor, semantics: Tensor | None, at: int, up: int) -> Tensor:
        if semantics is None:
            return x
        state = {name.removeprefix(f"att{at}."): tensor for name, tensor in self.state.items() if name.startswith(f"att{at}.")}
        groups = max(groups for groups in range(1, 33) if semantics.shape[1] % groups == 0)
        fused = self.plain.fuse(state, semantics, x, groups=groups, up=up, order=self.order)
        return self.conv(torch.cat([x, fused] if self.features_first else [fused, x], dim=1), f"conv{at}1")

    def patch_trunk(self, image: Tensor, semantics: Tensor | None) -> Tensor:
        x = leaky(self.conv(image, "conv_first", 2))
        x = leaky(self.fuse(self.conv(x, "conv1", 2), semantics, 1, 4))
        x = leaky(self.fuse(self.conv(x, "conv2", 2), semantics, 2, 2))
        return leaky(self.fuse(self.conv(x, "conv3", 1), semantics, 3, 2))

    def patch(self, image: Tensor, semantics: Tensor | None) -> Tensor:
        return self.conv(self.patch_trunk(image, semantics), "conv_last")

    def image(self, image: Tensor, semantics: Tensor | None) -> Tensor:
        x = self.patch_trunk(image, semantics)
        x = x.sum(dim=(2, 3)) / (x.shape[2] * x.shape[3])
        x = leaky(x @ self.state["head.0.weight"].T + self.state["head.0.bias"])
        return x @ self.state["head.2.weight"].T + self.state["head.2.bias"]

    def decoder(self, image: Tensor, semantics: Tensor | None) -> Tensor:
        """U+SeD as the code has it."""
        x0 = leaky(self.conv(image, "conv0"))
        x1 = leaky(self.conv(x0, "conv1", 2))
        x2 = leaky(self.conv(x1, "conv2", 2))
        x = leaky(self.fuse(self.conv(x2, "conv3", 2), semantics, 3, 2))
        x = self.fuse(leaky(self.conv(twice(x), "conv4")) + x2, semantics, 2, 4)
        x = self.fuse(leaky(self.conv(twice(x), "conv5")) + x1, semantics, 1, 8)
        x = leaky(self.conv(twice(x), "conv6")) + x0
        return self.conv(leaky(self.conv(leaky(self.conv(x, "conv7")), "conv8")), "conv9")

    def encoder(self, image: Tensor, semantics: Tensor | None) -> Tensor:
        """U+SeD as the paper draws it."""
        x0 = leaky(self.conv(image, "conv0"))
        x1 = leaky(self.fuse(self.conv(x0, "conv1", 2), semantics, 1, 8))
        x2 = leaky(self.fuse(self.conv(x1, "conv2", 2), semantics, 2, 4))
        x = leaky(self.fuse(self.conv(x2, "conv3", 2), semantics, 3, 2))
        x = leaky(self.conv(twice(x), "conv4")) + x2
        x = leaky(self.conv(twice(x), "conv5")) + x1
        x = leaky(self.conv(twice(x), "conv6")) + x0
        return self.conv(leaky(self.conv(leaky(self.conv(x, "conv7")), "conv8")), "conv9")


Network = Callable[[Tensor, Tensor | None], Tensor]
