"""What networks compute in: full precision as the reference, half precision where a recipe asks for it, double in tests."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.amp.grad_scaler import GradScaler
from torch.nn.utils.spectral_norm import SpectralNorm

Name = Literal["fp32", "bf16", "fp16", "fp64"]
_HALF = {"bf16": torch.bfloat16, "fp16": torch.float16}


class Precision:
    """How networks are run. Parameters, losses, gradients and optimisers stay in `dtype` whatever the networks compute in.

    Args:
        name: as the recipe has it.
        device: of the networks.
    """

    def __init__(self, name: Name, device: torch.device) -> None:
        self.name, self._device, self._half = name, device, _HALF.get(name)
        self.dtype = torch.float64 if name == "fp64" else torch.float32

    def autocast(self) -> torch.autocast:
        """Networks are called inside of it; losses are not."""
        return torch.autocast(self._device.type, dtype=self._half or torch.bfloat16, enabled=self._half is not None)

    def scaler(self) -> GradScaler:
        """Scales losses so that small gradients survive fp16; does nothing in other precisions."""
        return GradScaler(self._device.type, enabled=self.name == "fp16")

    def prepare(self, network: nn.Module) -> nn.Module:
        """Bring a network to the device and dtype.

        Spectral norms (torch's older kind) are estimated in full precision: their state grows over the whole training out of
        products of weights, of which half precision would keep two or three digits.
        """
        network.to(self._device, self.dtype)
        if self._half is not None:
            for module in network.modules():
                for key, hook in module._forward_pre_hooks.items():
                    if isinstance(hook, SpectralNorm):
                        module._forward_pre_hooks[key] = _outside_autocast(hook, self._device.type)
        return network

    def full(self, value: Any) -> Any:
        """What a network gave, as losses want it; of a tuple, each tensor."""
        if isinstance(value, tuple):
            return tuple(self.full(each) for each in value)
        return value.to(self.dtype) if isinstance(value, Tensor) and value.is_floating_point() else value


def _outside_autocast(hook: Callable[..., Any], device: str) -> Callable[..., Any]:
    def run(module: nn.Module, inputs: Any) -> Any:
        with torch.autocast(device, enabled=False):
            return hook(module, inputs)

    return run
