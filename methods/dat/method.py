"""DAT-light: a transformer that attends over windows and over channels by turns (Chen et al., ICCV 2023)."""

from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor

from semsr.restoration.networks import load_network
from semsr.restoration.restorer import Restorer


class Dat(Restorer):
    """Any size; the network pads to its windows itself.

    Half of its blocks attend over channels, with weights out of the whole picture: every pixel depends on every other, so there is
    no halo, and a tile would not be the authors' result.
    """

    scale = 4
    halo = None

    def load(self, weights: Path | None, device: torch.device) -> None:
        """See `Restorer.load`."""
        assert weights is not None
        self.network = load_network(weights, expect="DAT", scale=self.scale, key="params").to(device)

    def restore(self, lr: Tensor, *, names: tuple[str, ...], seed: int) -> Tensor:
        """See `Restorer.restore`."""
        sr: Tensor = self.network(lr)
        return sr
