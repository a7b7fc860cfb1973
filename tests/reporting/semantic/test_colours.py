"""Colours of classes."""

from __future__ import annotations

import re
from itertools import pairwise

from semsr.reporting.semantic.colours import channels, class_colours
from semsr.segmentation.found import Category

COCO = [Category(number * 3 + 1, f"c{number}", number < 80) for number in range(133)]


def test_every_class_of_coco_has_a_colour_of_its_own() -> None:
    colours = class_colours(COCO)
    assert list(colours) == [category.id for category in COCO]
    assert len(set(colours.values())) == 133
    assert all(re.fullmatch("#[0-9a-f]{6}", colour) for colour in colours.values())


def test_neighbours_in_the_list_are_far_apart() -> None:
    """Related classes stand beside each other in COCO's list."""
    found = [channels(colour) for colour in class_colours(COCO).values()]
    for first, second in pairwise(found):
        assert sum(abs(a - b) for a, b in zip(first, second, strict=True)) > 90


def test_a_colour_depends_on_the_place_alone() -> None:
    few = class_colours([Category(9, "x", True), Category(30, "y", False)])
    assert list(few.values()) == list(class_colours(COCO).values())[:2]


def test_channels() -> None:
    assert channels("#0102ff") == (1, 2, 255)
