"""JPEG compression through Pillow (libjpeg-turbo), 4:2:0."""

from __future__ import annotations

import io

import numpy as np
import torch
from PIL import Image
from torch import Tensor


def compress(picture: Tensor, quality: int) -> Tensor:
    """Clip and round to 8 bits, encode, decode.

    Args:
        picture: (3, H, W) float64, grey levels.
        quality: 1 to 100, libjpeg's scale.

    Returns:
        (3, H, W) float64, whole grey levels 0-255, on the picture's device.
    """
    pixels = picture.round().clamp_(0.0, 255.0).to(device="cpu", dtype=torch.uint8).permute(1, 2, 0).contiguous().numpy()
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, format="JPEG", quality=quality, subsampling=2)
    with Image.open(buffer) as file:
        decoded = np.array(file)
    return (
        torch.from_numpy(decoded).to(picture.device).permute(2, 0, 1).to(picture.dtype, memory_format=torch.contiguous_format)
    )
