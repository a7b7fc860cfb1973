"""A small one-stage detector without anchors: every cell may say which class of object it is in, and how far its box reaches."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

import torch
import torch.nn.functional as F
from torch import Tensor, nn

STRIDE = 4
"""Pixels, in both directions, that a cell of the answer stands for."""
MULTIPLE = 32
"""Sides of pictures must be multiples of this."""
WIDTHS = (32, 48, 72, 96)
"""Channels at strides 4, 8, 16 and 32."""
TOGETHER = 64
"""Channels where all of them come together, at stride 4."""


class BoxNetwork(nn.Module):
    """Features of four strides side by side at the finest, then two heads.

    Args:
        categories: COCO ids of the things it knows, sorted; they stay in the weights, so that these are not used for other classes.

    Source: Tian et al., "FCOS", ICCV 2019 (distances to the four sides, a class for every cell), on one level instead of five; encoder
    and sizes are ours.
    """

    category_ids: Tensor

    def __init__(self, categories: Sequence[int]) -> None:
        super().__init__()
        self.register_buffer("category_ids", torch.tensor(categories, dtype=torch.int64))
        self.stem = _block(3 * STRIDE**2, WIDTHS[0])
        self.levels = nn.ModuleList(
            nn.Sequential(_block(before, after, stride=2), _block(after, after)) for before, after in pairwise(WIDTHS)
        )
        self.squeeze = nn.ModuleList(nn.Conv2d(width, TOGETHER, 1, bias=False) for width in WIDTHS)
        self.together = nn.Sequential(nn.BatchNorm2d(TOGETHER), nn.SiLU(), _block(TOGETHER, TOGETHER))
        self.classes = nn.Conv2d(TOGETHER, len(categories), 1)
        self.sides = nn.Conv2d(TOGETHER, 4, 1)
        assert self.classes.bias is not None and self.sides.bias is not None
        with torch.no_grad():
            # Nearly no cell is in the middle of an object: begin by saying so (one in a hundred, as focal loss was published).
            self.classes.bias.fill_(-4.6)
            self.sides.bias.fill_(1.0)

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor]:
        """Answer for a batch of pictures.

        Args:
            picture: (B, 3, H, W) RGB in [0, 1], sides multiples of `MULTIPLE`.

        Returns:
            (B, C, H/4, W/4) logits of the classes; (B, 4, H/4, W/4) logarithms of how far the box reaches from the cell's middle to the
            left, top, right and bottom, in cells.
        """
        # The layout in memory that a CPU works on twice as fast here; the values are the same.
        cells = F.pixel_unshuffle(picture * 4 - 2, STRIDE).contiguous(memory_format=torch.channels_last)
        maps = [self.stem(cells)]
        for level in self.levels:
            maps.append(level(maps[-1]))
        size = maps[0].shape[-2:]
        shared = self.squeeze[0](maps[0])
        for squeeze, map_ in zip(self.squeeze[1:], maps[1:], strict=True):
            shared = shared + F.interpolate(squeeze(map_), size, mode="bilinear", align_corners=False)
        shared = self.together(shared)
        return self.classes(shared), self.sides(shared)


def boxes_of(sides: Tensor) -> Tensor:
    """(B, 4, h, w) logarithms as `BoxNetwork` gives them -> (B, h, w, 4) corners (left, top, right, bottom) in pixels."""
    height, width = sides.shape[-2:]
    y, x = (torch.arange(count, device=sides.device) * STRIDE + STRIDE / 2 for count in (height, width))
    left, top, right, bottom = (sides.clamp(max=6.0).exp() * STRIDE).unbind(1)
    return torch.stack([x - left, y[:, None] - top, x + right, y[:, None] + bottom], -1)


def _block(before: int, after: int, *, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, 3, stride, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.SiLU(inplace=True))
