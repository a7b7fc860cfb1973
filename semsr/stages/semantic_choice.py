"""Which pictures a page on judges shows: those that restorations differ on most."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from semsr.errors import SemsrError
from semsr.evaluation.semantic.store import read_contributions
from semsr.evaluation.semantic.values import REFERENCE
from semsr.stages.findings import row_folder
from semsr.stages.judge_pictures import OBJECTS
from semsr.stages.semantic_judged import Judged

Range = tuple[int, int]
"""Fewest and most."""


def choose(judged: Sequence[Judged], names: Sequence[str], dataset: str, samples: int) -> list[str]:
    """The scenes that rows differ on most, as `rule` says.

    Args:
        judged: whose counts of objects count; one whose counts can't be read is left out, and its section says so.
        names: all pictures, sorted.
        dataset: the data set's id.
        samples: how many are wanted.

    Returns:
        Names, sorted.
    """
    apart = dict.fromkeys(names, 0)
    for each in judged:
        try:
            found = ranges(each, names, dataset)
        except SemsrError as error:
            each.section.problems.append(f"the choice of scenes does not count this judge: {error}")
            continue
        for name, pairs in found.items():
            apart[name] += sum(high - low for low, high in pairs)
    return sorted(sorted(names, key=lambda name: (-apart[name], name))[:samples])


def ranges(each: Judged, names: Sequence[str], dataset: str) -> dict[str, tuple[Range, Range]]:
    """By picture: fewest and most objects that a row loses, and that a row brings back. Raises: SemsrError."""
    rows = [key for key in each.rows if key != REFERENCE]
    if not (each.counts_objects and rows):
        return {}
    lost, back = [], []
    for key in rows:
        path = row_folder(each.folder, *key) / f"{OBJECTS}.parquet"
        counts, picture = read_contributions(path, names, f"semsr judge {dataset}")
        if sorted(picture) != list(range(len(names))) or not {"omitted", "improved"} <= set(counts):
            raise SemsrError(f"{path}: not one count of objects a picture; delete it and run `semsr judge {dataset}`")
        order = np.argsort(picture)
        lost.append(counts["omitted"][order].tolist())
        back.append(counts["improved"][order].tolist())
    return {
        name: ((min(losses), max(losses)), (min(gains), max(gains)))
        for name, losses, gains in zip(names, zip(*lost, strict=True), zip(*back, strict=True), strict=True)
    }


def rule(shown: int, pictures: int, *, counted: bool) -> str:
    """How scenes were chosen, in words. `counted`: whether any judge counts objects."""
    if not counted:
        return f"{shown} of {pictures} pictures, the first by name."
    return (
        f"{shown} of {pictures} pictures: those on which the rows differ most. For each picture, the largest minus the smallest number of "
        "objects that a row loses, and the same of objects that a row brings back, are added up over judges and protocols; the largest "
        "sums are taken, equal ones by name. They are shown by name."
    )
