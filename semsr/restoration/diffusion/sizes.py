"""Sizes that an autoencoder takes: LR pictures brought there by PIL, and results back to exactly four times LR."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from PIL import Image
from torch import Tensor

Size = tuple[int, int]
"""(width, height), PIL's order."""


def working_sizes(width: int, height: int, *, scale: int, smallest: int, multiple: int) -> list[Size]:
    """The sizes that an LR picture of this size passes through, one resize after the other.

    First, where a side is below `smallest`, so that the shorter side is (the other: rounded down, our reading); then times `scale`; then
    down to multiples of `multiple`.
    """
    sizes = []
    if min(width, height) < smallest:
        shorter = min(width, height)
        width, height = width * smallest // shorter, height * smallest // shorter
        sizes.append((width, height))
    width, height = width * scale, height * scale
    sizes.append((width, height))
    sizes.append((max(width // multiple, 1) * multiple, max(height // multiple, 1) * multiple))
    return sizes


def resize(pictures: Tensor, sizes: Sequence[Size]) -> Tensor:
    """Resize 8-bit pictures with PIL's bicubic filter, one size after the other, each rounded to 8 bits.

    Args:
        pictures: (B, 3, H, W) in [0, 1]; multiples of 1/255 are kept exactly, others are clipped and rounded first.
        sizes: to pass through; a size that a picture has already changes nothing.

    Returns:
        (B, 3, h, w) float32 in [0, 1] on the same device, multiples of 1/255.
    """
    bytes_ = pictures.clamp(0, 1).mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).cpu().numpy()
    resized = []
    for picture in bytes_:
        image = Image.fromarray(np.ascontiguousarray(picture))
        for size in sizes:
            image = image.resize(size, Image.Resampling.BICUBIC)
        resized.append(torch.from_numpy(np.array(image)))
    return torch.stack(resized).to(pictures.device).permute(0, 3, 1, 2).float().div(255).contiguous()
