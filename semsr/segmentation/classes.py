"""Whether a segmenter's classes are those of a data set: class k is the k-th category, sorted by id."""

from __future__ import annotations

import re
from collections.abc import Sequence

from semsr.errors import SegmenterError
from semsr.segmentation.found import Category

_DROPPED = frozenset({"merged", "other", "stuff"})
"""What COCO's panoptic names carry and some checkpoints leave out: `floor-other-merged`."""


def require_classes(where: str, count: int, names: Sequence[str], categories: Sequence[Category]) -> None:
    """Make sure that the classes agree.

    Args:
        where: for errors: the segmenter, or its file.
        count: how many classes it has.
        names: theirs, as many; none where nothing names them.
        categories: of the data set, sorted by id.

    Raises:
        SegmenterError: another number of classes, or the first name that differs (letters and digits count; `-merged`, `-other` and
            `-stuff` do not).
    """
    if count != len(categories):
        raise SegmenterError(
            f"{where}: knows {count} classes, the data set has {len(categories)} categories"
            f"{_first(categories)}; judge it by a segmenter of the same classes"
        )
    for position, (name, category) in enumerate(zip(names, categories, strict=False)):
        if _plain(name) != _plain(category.name):
            raise SegmenterError(
                f"{where}: class {position} is {name!r}, the data set's category in that place is {category.name!r} (id {category.id}); "
                "classes must be the categories sorted by id"
            )


def _plain(name: str) -> str:
    words = [word for word in re.split(r"[^a-z0-9]+", name.casefold()) if word and word not in _DROPPED]
    return "".join(words)


def _first(categories: Sequence[Category]) -> str:
    return f" ({', '.join(category.name for category in categories[:3])}, ...)" if categories else ""
