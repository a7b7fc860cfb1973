"""A colour for every class of a data set, the same wherever the class is drawn."""

from __future__ import annotations

import colorsys
from collections.abc import Sequence

from semsr.reporting.training.drawing import COLOURS
from semsr.segmentation.found import Category

_FIRST = (*COLOURS, "#f0e442", "#b22222")
"""Further ones are Okabe and Ito's yellow, which lines on white could not have, and a dark red."""
_GOLDEN = 0.6180339887498949
_LIGHTNESS = 0.45, 0.62, 0.75


def class_colours(categories: Sequence[Category]) -> dict[int, str]:
    """`#rrggbb` by category id.

    It depends on the class's place among all categories alone. The first ten are told apart by colour-blind people, too; of more than
    that nobody tells every two apart, so the page writes names beside them.

    Args:
        categories: all of the data set, sorted by id.
    """
    return {category.id: _colour(place) for place, category in enumerate(categories)}


def channels(colour: str) -> tuple[int, int, int]:
    """Red, green and blue, 0 to 255, of `#rrggbb`."""
    red, green, blue = bytes.fromhex(colour.removeprefix("#"))
    return red, green, blue


def _colour(place: int) -> str:
    if place < len(_FIRST):
        return _FIRST[place]
    # Steps of the golden section never come near an earlier hue soon; the lightness changes with every step besides.
    rgb = colorsys.hls_to_rgb(place * _GOLDEN % 1, _LIGHTNESS[place % len(_LIGHTNESS)], 0.7)
    return "#" + "".join(f"{round(255 * channel):02x}" for channel in rgb)
