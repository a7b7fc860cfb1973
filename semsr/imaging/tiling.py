"""Restoring a picture in tiles: each tile sees a halo around it, of which the result is cut off again.

With a halo at least as wide as the network's receptive field, the tiled result equals that of the whole picture. Where a tile touches
the picture's edge there is no halo, so that the network meets the same edge as it would in the whole picture.
"""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor

from semsr.errors import MethodError

log = logging.getLogger(__name__)

Restore = Callable[[Tensor], Tensor]
"""(B, 3, H, W) -> (B, 3, scale*H, scale*W)."""

SMALLEST_TILE = 16
"""LR pixels; below this the halo is all there is, and smaller tiles save no memory."""


@dataclass
class Tiler:
    """Runs a network over pictures whole, or in tiles of `tile` LR pixels; halves the tile when memory runs out.

    Attributes:
        scale: how much larger the result is.
        halo: LR pixels around a tile that its result depends on; None: never tile.
        multiple: sides given to the network are multiples of this (reflected padding, cropped again).
        tile: longest LR side restored at once, without halo; None: any. Shrinks when memory runs out, and stays so.
        on_shrink: told the new tile before the picture is tried again.
    """

    scale: int
    halo: int | None
    multiple: int = 1
    tile: int | None = None
    on_shrink: Callable[[int], None] | None = None

    def __call__(self, restore: Restore, lr: Tensor, name: str = "picture") -> Tensor:
        """Restore (B, 3, H, W).

        Raises:
            MethodError: memory runs out even with the smallest tile, or the method may not be tiled; a result has the wrong size.
        """
        while True:
            try:
                return self._once(restore, lr)
            except (MemoryError, RuntimeError) as error:
                if not out_of_memory(error):
                    raise
            # Outside the handler: the traceback, which keeps the failed attempt's tensors alive, is gone.
            if lr.is_cuda:
                torch.cuda.empty_cache()
            self._shrink(lr, name)

    def _once(self, restore: Restore, lr: Tensor) -> Tensor:
        height, width = lr.shape[-2:]
        padded = pad_to_multiple(lr, self.multiple)
        whole = self.halo is None or self.tile is None or max(height, width) <= self.tile
        sr = self._checked(restore, padded) if whole else self._tiled(restore, padded)
        return sr[..., : height * self.scale, : width * self.scale]

    def _tiled(self, restore: Restore, lr: Tensor) -> Tensor:
        assert self.halo is not None and self.tile is not None
        sr: Tensor | None = None
        for window, core, inner in windows(lr.shape[-2], lr.shape[-1], self.tile, self.halo, self.multiple):
            part = self._checked(restore, lr[..., window[0], window[1]])
            if sr is None:
                sr = part.new_empty((*lr.shape[:-2], lr.shape[-2] * self.scale, lr.shape[-1] * self.scale))
            sr[..., self._up(core[0]), self._up(core[1])] = part[..., self._up(inner[0]), self._up(inner[1])]
        assert sr is not None
        return sr

    def _checked(self, restore: Restore, lr: Tensor) -> Tensor:
        sr = restore(lr)
        expected = (*lr.shape[:-2], lr.shape[-2] * self.scale, lr.shape[-1] * self.scale)
        if tuple(sr.shape) != expected:
            raise MethodError(
                f"the method returned shape {tuple(sr.shape)}; expected {expected} for LR {tuple(lr.shape)}, x{self.scale}"
            )
        return sr

    def _up(self, part: slice) -> slice:
        return slice(part.start * self.scale, part.stop * self.scale)

    def _shrink(self, lr: Tensor, name: str) -> None:
        height, width = lr.shape[-2:]
        if self.halo is None:
            raise MethodError(
                f"{name}: out of memory on the whole picture ({width}x{height}), and the method declares no halo, "
                "so it can't be tiled; use a device with more memory or smaller pictures"
            )
        longest = max(height, width) if self.tile is None else min(self.tile, max(height, width))
        smallest = round_up(SMALLEST_TILE, self.multiple)
        smaller = max(smallest, round_up(longest // 2, self.multiple))
        if smaller >= longest:
            raise MethodError(
                f"{name}: out of memory even with tiles of {longest} LR pixels and a halo of {self.halo}; "
                "use a device with more memory"
            )
        log.warning("%s: out of memory; going on with tiles of %d LR pixels", name, smaller)
        self.tile = smaller
        if self.on_shrink is not None:
            self.on_shrink(smaller)


Span = tuple[slice, slice]


def windows(height: int, width: int, tile: int, halo: int, multiple: int = 1) -> Iterator[tuple[Span, Span, Span]]:
    """Cut a picture, whose sides are multiples of `multiple`, into tiles of about equal size.

    Yields:
        the window the network sees (tile and halo), the tile in the picture, the tile in the window; each (rows, columns).
    """
    reach = round_up(halo, multiple)
    for top, bottom in _cuts(height, tile, multiple):
        for left, right in _cuts(width, tile, multiple):
            y0, y1 = max(0, top - reach), min(height, bottom + reach)
            x0, x1 = max(0, left - reach), min(width, right + reach)
            yield (
                (slice(y0, y1), slice(x0, x1)),
                (slice(top, bottom), slice(left, right)),
                (slice(top - y0, bottom - y0), slice(left - x0, right - x0)),
            )


def _cuts(side: int, tile: int, multiple: int) -> list[tuple[int, int]]:
    count = -(-side // max(tile, multiple))
    edges = [side * index // count // multiple * multiple for index in range(count)] + [side]
    return [(start, stop) for start, stop in itertools.pairwise(edges) if stop > start]


def pad_to_multiple(lr: Tensor, multiple: int) -> Tensor:
    """Pad (B, C, H, W) right and below by reflection until both sides are multiples; small pictures are reflected again and again."""
    for dimension in (-2, -1):
        side = lr.shape[dimension]
        wanted = round_up(side, multiple)
        if wanted != side:
            period = max(1, 2 * (side - 1))
            index = torch.arange(wanted, device=lr.device) % period
            index = torch.minimum(index, period - index) if side > 1 else torch.zeros_like(index)
            lr = lr.index_select(dimension, index)
    return lr


def round_up(value: int, multiple: int) -> int:
    """The smallest multiple that is not below `value`."""
    return -(-value // multiple) * multiple


def out_of_memory(error: BaseException) -> bool:
    """Whether an error says that memory ran out: CUDA's own class, or what the CPU allocator raises."""
    if isinstance(error, (torch.OutOfMemoryError, MemoryError)):
        return True
    text = str(error).lower()
    return isinstance(error, RuntimeError) and (
        "can't allocate memory" in text or "not enough memory" in text or "out of memory" in text
    )
