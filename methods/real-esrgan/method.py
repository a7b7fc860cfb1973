"""Real-ESRGAN: RRDBNet trained as a GAN on second-order synthetic degradations (Wang et al., 2021)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from semsr.restoration.networks import load_network
from semsr.restoration.restorer import Restorer


class RealESRGAN(Restorer):
    """RGB in [0, 1], any size, restored whole; tiles only when memory runs out.

    The receptive field is some 349 LR pixels, which no tile can carry as its halo; what lies further out than `halo` moves the result
    by at most `halo_error` grey levels (measured, README.md). The authors' script uses a halo of 10.
    """

    scale = 4
    halo = 64
    halo_error = 2

    def load(self, weights: Path | None, device: torch.device) -> None:
        """See `Restorer.load`; weights are the authors' `.pth` or ncnn's `.bin` with its `.param`."""
        assert weights is not None
        param = next((path for path in self.files.values() if path.suffix == ".param"), None)
        key = "params_ema" if weights.suffix == ".pth" else None
        self.network = load_network(weights, expect="ESRGAN", scale=self.scale, key=key, param=param).to(device)

    def restore(self, lr: Tensor, *, names: tuple[str, ...], seed: int) -> Tensor:
        """See `Restorer.restore`."""
        sr: Tensor = self.network(lr)
        return sr
