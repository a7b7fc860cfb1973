"""A small network in the manner of Panoptic-DeepLab: what is at each place, where objects have their centres, and which way these lie."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

CLASS_STRIDE, PLACE_STRIDE = 2, 4
"""Pixels, in both directions, that an answer about classes stands for, and one about centres."""
MULTIPLE = 16
"""Sides of pictures must be multiples of this."""
WIDTHS = (16, 40, 56, 80)
"""Channels at strides 2, 4, 8 and 16."""
SHARED, FINE = 40, 24
"""Channels of the decoder, and of its last step at stride 2."""
OFFSET_UNIT = 32.0
"""Pixels that the offsets' unit stands for, so that what the network gives is of the order of one."""


class PanopticNetwork(nn.Module):
    """Classes at half the picture's size; centres, and the way to them, at a quarter.

    Args:
        categories: COCO ids of the classes, sorted; they stay in the weights, so that these are not used for other classes.
        things: for each, whether it has countable objects.

    Source: Cheng et al., "Panoptic-DeepLab", CVPR 2020 (three answers, grouping by offsets); encoder, sizes and the one shared decoder
    are ours.
    """

    category_ids: Tensor
    things: Tensor

    def __init__(self, categories: Sequence[int], things: Sequence[bool]) -> None:
        super().__init__()
        self.register_buffer("category_ids", torch.tensor(categories, dtype=torch.int64))
        self.register_buffer("things", torch.tensor(things, dtype=torch.bool))
        first, second, third, fourth = WIDTHS
        self.level1 = _conv(3, first, stride=2)
        self.level2 = nn.Sequential(_conv(first, second, stride=2), Residual(second))
        self.level3 = nn.Sequential(_conv(second, third, stride=2), Residual(third))
        self.level4 = nn.Sequential(_conv(third, fourth, stride=2), Residual(fourth))
        self.lateral = nn.ModuleList(nn.Conv2d(width, SHARED, 1) for width in (second, third, fourth))
        self.smooth = nn.ModuleList(_separable(SHARED) for _ in range(2))
        self.places = nn.Sequential(_separable(SHARED), nn.Conv2d(SHARED, 3, 1))
        self.fine = nn.ModuleList((nn.Conv2d(first, FINE, 1), nn.Conv2d(SHARED, FINE, 1)))
        self.classes = nn.Sequential(_conv(FINE, FINE), nn.Conv2d(FINE, len(categories), 1))
        # Centres are rare: begin by saying so, or the first steps are lost on it.
        last = self.places[-1]
        assert isinstance(last, nn.Conv2d) and last.bias is not None
        with torch.no_grad():
            last.bias[0] = -4.0

    def forward(self, picture: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Answer for a batch of pictures.

        Args:
            picture: (B, 3, H, W) RGB in [0, 1], sides multiples of `MULTIPLE`.

        Returns:
            (B, C, H/2, W/2) logits of the classes; (B, H/4, W/4) logits of being a centre; (B, 2, H/4, W/4) the way from the cell's middle
            to its object's centre, (y, x) in units of `OFFSET_UNIT` pixels.
        """
        # The layout in memory that a CPU works on twice as fast here; the values are the same.
        finest = self.level1(((picture - 0.5) * 4).contiguous(memory_format=torch.channels_last))
        maps = [self.level2(finest)]
        for level in (self.level3, self.level4):
            maps.append(level(maps[-1]))
        shared = self.lateral[2](maps[2])
        for at in (1, 0):
            shared = self.smooth[at](_enlarge(shared) + self.lateral[at](maps[at]))
        places = self.places(shared)
        fine = F.relu(self.fine[0](finest) + _enlarge(self.fine[1](shared)))
        return self.classes(fine), places[:, 0], places[:, 1:]


class Residual(nn.Module):
    """Two convolutions beside which the input passes: (B, width, H, W) -> the same."""

    def __init__(self, width: int) -> None:
        super().__init__()
        last = nn.Conv2d(width, width, 3, padding=1, bias=False)
        self.body = nn.Sequential(_conv(width, width), last, nn.BatchNorm2d(width))

    def forward(self, maps: Tensor) -> Tensor:
        """Run it."""
        return F.relu(maps + self.body(maps))


def _conv(before: int, after: int, *, stride: int = 1) -> nn.Sequential:
    convolution = nn.Conv2d(before, after, 3, stride, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(after), nn.ReLU(inplace=True))


def _separable(width: int) -> nn.Sequential:
    each = nn.Conv2d(width, width, 5, padding=2, groups=width, bias=False)
    return nn.Sequential(each, nn.Conv2d(width, width, 1, bias=False), nn.BatchNorm2d(width), nn.ReLU(inplace=True))


def _enlarge(maps: Tensor) -> Tensor:
    return F.interpolate(maps, scale_factor=2, mode="bilinear", align_corners=False)
