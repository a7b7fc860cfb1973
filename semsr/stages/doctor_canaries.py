"""Canaries: small pictures that come out alike everywhere, since they are made of whole numbers alone, and ways to harm them.

A canary says nothing about quality; it says whether a number that was computed here is the number that others computed. Each kind has
something that implementations treat differently: noise has every frequency, edges show how a picture is padded, the zone plate how it is
filtered, the ramp and the flat field how it is rounded, colours how luma is formed; the texture looks a bit like a photograph.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from types import MappingProxyType

import numpy as np
from numpy.typing import NDArray

from semsr.imaging.pictures import Rgb

Whole = NDArray[np.int64]
OFFSET = 10
"""Grey levels that "offset" adds, for which PSNR has a closed form."""
FLAT = 100
"""The grey of "flat", for which with its offset SSIM has a closed form."""
_SIZES = (("noise", 128), ("edges", 128), ("zone-plate", 128), ("ramp", 128), ("colours", 128), ("flat", 112), ("texture", 128),
          ("texture", 256), ("zone-plate", 256))  # fmt: skip
"""The flat one has a size of its own: a metric that can't measure it must still measure the others, which share its batch."""
LR_SIDE = 24
"""Side of the LR canary that methods restore."""


def canaries() -> dict[str, Rgb]:
    """Every canary by name, `texture-256` being a texture of 256 x 256 pixels."""
    return {f"{kind}-{side}": _picture(kind, side) for kind, side in _SIZES}


def lr_canary() -> Rgb:
    """LR for methods: `LR_SIDE` pixels square, the texture with an edge and a patch of pure colour in it."""
    picture = _picture("texture", LR_SIDE * 4).astype(np.int64)
    side = LR_SIDE
    means: Whole = (picture.reshape(side, 4, side, 4, 3).sum(axis=(1, 3)) + 8) // 16
    means[side // 3 :, 2 * side // 3 :] = 255 - means[side // 3 :, 2 * side // 3 :]
    means[: side // 4, : side // 4] = (255, 0, 64)
    return means.astype(np.uint8)


def sha256_of(picture: Rgb) -> str:
    """SHA-256 of a picture's size and pixels."""
    return hashlib.sha256(repr(picture.shape).encode() + np.ascontiguousarray(picture).tobytes()).hexdigest()


def _picture(kind: str, side: int) -> Rgb:
    y, x = np.mgrid[0:side, 0:side].astype(np.int64)
    whole: Whole = _KINDS[kind](y, x, side)
    return np.clip(whole, 0, 255).astype(np.uint8)


def _random(index: Whole, seed: int) -> Whole:
    """0 to 255 for each whole number, as good as random: the finaliser of splitmix64 (Steele et al. 2014)."""
    with np.errstate(over="ignore"):
        bits = index.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(seed * 0xD1B54A32D192ED03 % 2**64)
        bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((bits ^ (bits >> np.uint64(31))) >> np.uint64(56)).astype(np.int64)


def _noise(y: Whole, x: Whole, side: int) -> Whole:
    return np.stack([_random(y * side + x, seed) for seed in (1, 2, 3)], axis=2)


def _edges(y: Whole, x: Whole, side: int) -> Whole:
    """Four quarters: stripes that grow wider, a slanted edge, a checkerboard, a disc; blue is inverted."""
    half = side // 2
    u, v = x % half, y % half
    quarters = (
        ((u * u) // (4 * half // 8)) % 2,
        (3 * u + v > 2 * half).astype(np.int64),
        (u // 4 + v // 4) % 2,
        ((2 * u - half) ** 2 + (2 * v - half) ** 2 < (half * 3 // 4) ** 2).astype(np.int64),
    )
    which = (y >= half) * 2 + (x >= half)
    grey = 30 + 195 * np.choose(which, quarters)
    return np.stack([grey, grey, 255 - grey], axis=2)


def _zone_plate(y: Whole, x: Whole, side: int) -> Whole:
    """Rings that grow narrower to the Nyquist frequency at the middles of the sides; the wave is of parabolas, close to a sine."""
    radius = (2 * x - side + 1) ** 2 + (2 * y - side + 1) ** 2
    phase = radius * 128 // side % 1024
    ramp = phase % 512
    bow = ramp * (512 - ramp) * 127 // 65536
    wave = np.where(phase < 512, 128 + bow, 128 - bow)
    return np.stack([wave, wave, wave], axis=2)


def _ramp(y: Whole, x: Whole, side: int) -> Whole:
    return np.stack([255 * x // (side - 1), 255 * y // (side - 1), 255 - 255 * (x + y) // (2 * side - 2)], axis=2)


def _colours(y: Whole, x: Whole, side: int) -> Whole:
    """8 x 8 fields of the corners of the RGB cube, their halves, and greys."""
    field = (y * 8 // side) * 8 + x * 8 // side
    bits = np.stack([field & 1, field >> 1 & 1, field >> 2 & 1], axis=2)
    strength = np.array([255, 128, 64, 192, 255, 32, 224, 160])[field >> 3]
    fields: Whole = bits * strength[..., None] + (1 - bits) * (field >> 3)[..., None] * 8
    return fields


def _flat(y: Whole, x: Whole, side: int) -> Whole:
    return np.full((side, side, 3), FLAT, np.int64)


def _texture(y: Whole, x: Whole, side: int) -> Whole:
    """Random values on ever finer grids, each half as strong as the coarser one, interpolated between the grid's points."""
    colour = []
    for channel, seed in enumerate((11, 11, 12)):  # red and green go together, as in photographs
        total = np.zeros_like(x)
        for octave, cell in enumerate((64, 32, 16, 8, 4, 2)):
            fy, fx = y % cell, x % cell
            corners = [_random((y // cell + dy) * 4096 + x // cell + dx, seed * 16 + octave) for dy in (0, 1) for dx in (0, 1)]
            top, bottom = (first * (cell - fx) + second * fx for first, second in (corners[:2], corners[2:]))
            total += ((top * (cell - fy) + bottom * fy) // (cell * cell) - 128) * 128 // 2**octave
        colour.append(128 + total // 128 + 12 * (channel - 1))
    return np.stack(colour, axis=2)


_KINDS: dict[str, Callable[[Whole, Whole, int], Whole]] = {
    "noise": _noise, "edges": _edges, "zone-plate": _zone_plate, "ramp": _ramp, "colours": _colours, "flat": _flat, "texture": _texture,
}  # fmt: skip


def _same(picture: Whole) -> Whole:
    return picture


def _offset(picture: Whole) -> Whole:
    """Brighter by `OFFSET`; what would be clipped goes the other way, so that every pixel is off by as much."""
    return np.where(picture + OFFSET > 255, picture - OFFSET, picture + OFFSET)


def _blurred(picture: Whole) -> Whole:
    """The mean of 3 x 3 pixels, rounded."""
    padded = np.pad(picture, ((1, 1), (1, 1), (0, 0)), mode="edge")
    height, width = picture.shape[:2]
    total = sum(padded[dy : dy + height, dx : dx + width] for dy in range(3) for dx in range(3))
    return (np.asarray(total) + 4) // 9


def _noisy(picture: Whole) -> Whole:
    """Off by up to 16 grey levels, as good as at random."""
    index = np.arange(picture.size, dtype=np.int64).reshape(picture.shape)
    return picture + _random(index, 21) % 33 - 16


_HARMS = MappingProxyType({"same": _same, "offset": _offset, "blurred": _blurred, "noisy": _noisy})
HARMS = tuple(_HARMS)
"""What stands in for a restoration of a canary: itself, and three ways to be worse."""


def harmed(picture: Rgb, how: str) -> Rgb:
    """A canary harmed in one of `HARMS`."""
    whole: Whole = _HARMS[how](picture.astype(np.int64))
    return np.clip(whole, 0, 255).astype(np.uint8)
