"""Textures on surfaces: a piece of a photograph continued by reflection, turned, scaled, and lit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Texture = NDArray[np.float32]
"""(H, W, 3) in [0, 255]."""


@dataclass(frozen=True)
class Surface:
    """A texture as one surface shows it.

    Attributes:
        texture: the piece of a photograph.
        matrix: (2, 2), from a place in the drawing to one in the texture.
        origin: the place in the texture of the drawing's corner.
        gain: (3,) factors of the channels.
    """

    texture: Texture
    matrix: NDArray[np.float32]
    origin: NDArray[np.float32]
    gain: NDArray[np.float32]

    def at(self, x: NDArray[Any], y: NDArray[Any]) -> Texture:
        """The colours at places (N,) of the drawing, (N, 3) in [0, 255]; bilinear."""
        height, width = self.texture.shape[:2]
        x, y = x.astype(np.float32), y.astype(np.float32)
        u = _reflected(self.matrix[0, 0] * x + self.matrix[0, 1] * y + self.origin[0], width)
        v = _reflected(self.matrix[1, 0] * x + self.matrix[1, 1] * y + self.origin[1], height)
        left, top = (np.clip(w.astype(np.int32), 0, side - 2) for w, side in ((u, width), (v, height)))
        right, down = (u - left)[:, None], (v - top)[:, None]
        flat, place = self.texture.reshape(-1, 3), top * width + left
        above = flat[place] * (1 - right) + flat[place + 1] * right
        below = flat[place + width] * (1 - right) + flat[place + width + 1] * right
        return np.clip((above * (1 - down) + below * down) * self.gain, 0, 255)


def surface(texture: Texture, rng: np.random.Generator, fine: int) -> Surface:
    """A texture at a random place, turned by any angle, 1 to 2 times as large as in the photograph, a fifth lighter or darker.

    Args:
        texture: at least 2 x 2 pixels.
        rng: where chance comes from.
        fine: how many times as large as the picture the drawing is.
    """
    turn, scale = rng.uniform(0, 2 * np.pi), rng.uniform(0.5, 1.0) / fine
    matrix = np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]]) * scale
    origin = rng.uniform(0, 1, 2) * (texture.shape[1], texture.shape[0])
    gain = rng.uniform(0.8, 1.2) * rng.uniform(0.95, 1.05, 3)
    return Surface(texture, matrix.astype(np.float32), origin.astype(np.float32), gain.astype(np.float32))


def _reflected(place: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Places on an endless line as places in [0, size - 1], the line folded at both ends."""
    last = np.float32(size - 1)
    turns = np.floor(place / (2 * last))
    return last - np.abs(place - turns * (2 * last) - last)
