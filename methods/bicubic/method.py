"""MATLAB-compatible bicubic interpolation: the row every other method is held against."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from semsr.imaging.resize import resize
from semsr.restoration.restorer import Restorer


class Bicubic(Restorer):
    """Keys' cubic with a = -0.5, mirrored at the edges, as MATLAB's `imresize(lr, 4, 'bicubic')`; float64, any size."""

    scale = 4
    halo = 2

    def restore(self, lr: Tensor, *, names: tuple[str, ...], seed: int) -> Tensor:
        """See `Restorer.restore`; the result is float64."""
        # Back to whole grey levels first: float32 holds n/255 only nearly, and the kernel's sums should start from n itself.
        pictures = lr.permute(0, 2, 3, 1).double().cpu().mul(255).round().numpy()
        restored = np.stack([resize(picture, self.scale) for picture in pictures])
        return torch.from_numpy(restored).permute(0, 3, 1, 2).div(255).to(lr.device)
