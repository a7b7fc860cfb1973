"""Interpolations: MATLAB-compatible bicubic, the row every other method is held against, and LR enlarged pixel by pixel."""

from __future__ import annotations

from typing import Literal

import numpy as np
import torch
from torch import Tensor

from semsr.imaging.resize import resize
from semsr.restoration.restorer import Restorer

KERNELS = ("cubic", "nearest")


class Bicubic(Restorer):
    """Keys' cubic with a = -0.5, mirrored at the edges, as MATLAB's `imresize(lr, 4, 'bicubic')`; float64, any size.

    With kernel "nearest" each LR pixel becomes a square of scale x scale pixels, which is what LR looks like when it is zoomed.
    """

    scale = 4

    def __init__(self, kernel: Literal["cubic", "nearest"] = "cubic") -> None:
        super().__init__()
        if kernel not in KERNELS:
            raise TypeError(f"kernel: found {kernel!r}; allowed: {', '.join(KERNELS)}")
        self.kernel = kernel
        self.halo = 2 if kernel == "cubic" else 0

    def restore(self, lr: Tensor, *, names: tuple[str, ...], seed: int) -> Tensor:
        """See `Restorer.restore`; bicubic's result is float64."""
        if self.kernel == "nearest":
            return lr.repeat_interleave(self.scale, dim=2).repeat_interleave(self.scale, dim=3)
        # Back to whole grey levels first: float32 holds n/255 only nearly, and the kernel's sums should start from n itself.
        pictures = lr.permute(0, 2, 3, 1).double().cpu().mul(255).round().numpy()
        restored = np.stack([resize(picture, self.scale) for picture in pictures])
        return torch.from_numpy(restored).permute(0, 3, 1, 2).div(255).to(lr.device)
