"""SeD: a GAN for super-resolution whose discriminator sees the meaning of the picture. Restoring is its plain generator."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from semsr.restoration.generators import load_state, make_generator
from semsr.restoration.restorer import Restorer


class Sed(Restorer):
    """The generator alone, RRDB or SwinIR: RGB in [0, 1], any size, restored whole.

    The discriminator and its semantics exist only in training (`training/`), so that they cost nothing here. An RRDB's receptive field is
    some 349 LR pixels, which no tile can carry as its halo: tiles are used only when memory runs out, with the halo measured for
    Real-ESRGAN's network of the same shape (methods/real-esrgan/README.md). A SwinIR is never tiled: its error was not measured.
    """

    scale = 4

    def __init__(self, generator: Mapping[str, Any] | None = None, key: str | None = None) -> None:
        """Options.

        Args:
            generator: `network`, its `options`, and the roles of further `assets`, as a recipe names them; default: the RRDB of the paper.
            key: the group of the weights file that holds the generator.
        """
        super().__init__()
        made = generator or {"network": "rrdb"}
        self.network_name, self.options, self.key = str(made["network"]), dict(made.get("options") or {}), key
        if self.network_name == "rrdb":
            self.halo, self.halo_error = 64, 2

    def load(self, weights: Path | None, device: torch.device) -> None:
        """See `Restorer.load`."""
        assert weights is not None
        network = make_generator(self.network_name, **self.options, files=self.files)
        load_state(network, weights, self.key)
        self.network = network.to(device).eval().requires_grad_(False)

    def restore(self, lr: Tensor, *, names: tuple[str, ...], seed: int) -> Tensor:
        """See `Restorer.restore`."""
        sr: Tensor = self.network(lr)
        return sr
