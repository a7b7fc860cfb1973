"""Class k of a network is the k-th category of the data set, or there is an error."""

from __future__ import annotations

import pytest

from semsr.errors import SegmenterError
from semsr.segmentation.classes import require_classes
from semsr.segmentation.found import Category

CATEGORIES = (Category(1, "person", True), Category(112, "door-stuff", False), Category(190, "floor-other-merged", False))


def test_names_agree_up_to_what_checkpoints_leave_out() -> None:
    require_classes("x", 3, (), CATEGORIES)
    require_classes("x", 3, ["Person", "door-stuff", "floor-other-merged"], CATEGORIES)
    require_classes("x", 3, ["person", "door", "floor"], CATEGORIES)


def test_another_number_or_name_of_classes_is_one_line() -> None:
    with pytest.raises(
        SegmenterError, match=r"^x: knows 80 classes, the data set has 3 categories \(person, door-stuff, floor-other-merged, "
    ):
        require_classes("x", 80, (), CATEGORIES)
    with pytest.raises(
        SegmenterError, match=r"^x: class 1 is 'window', the data set's category in that place is 'door-stuff' \(id 112\)"
    ):
        require_classes("x", 3, ["person", "window", "floor"], CATEGORIES)
