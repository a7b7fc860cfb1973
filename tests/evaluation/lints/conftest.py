"""OSEDiff's outputs on RealSR, with HR and LR: real pictures to plant faults in. Cut to 256 x 256 so that a look takes 50 ms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from semsr.evaluation.lints.finding import Finding
from semsr.evaluation.lints.judges import judge_row
from semsr.evaluation.lints.look import OriginalLook, Originals, look_at, look_at_originals
from semsr.evaluation.lints.row import RowLooks
from semsr.imaging.pictures import Rgb, read_rgb

COUNT, SIDE = 6, 256


@dataclass(frozen=True)
class Triplet:
    name: str
    sr: Rgb
    originals: Originals
    known: OriginalLook


@pytest.fixture(scope="session")
def triplets(test_data: Path) -> list[Triplet]:
    folder = test_data / "realsr_crop128"
    made = []
    for path in sorted((folder / "osediff").iterdir())[:COUNT]:
        sr, hr = (read_rgb(folder / kind / path.name)[:SIDE, :SIDE] for kind in ("osediff", "hr"))
        originals = Originals(read_rgb(folder / "lr" / path.name)[: SIDE // 4, : SIDE // 4], hr, (SIDE, SIDE))
        made.append(Triplet(path.stem, sr, originals, look_at_originals(originals)))
    return made


Look = Callable[..., RowLooks]


@pytest.fixture(scope="session")
def row_of(triplets: list[Triplet]) -> Look:
    """A row of outputs after `change`; with `only`, that picture alone is changed, the others are as OSEDiff made them."""

    def made(change: Callable[[Rgb], Rgb], only: int | None = None) -> RowLooks:
        looks = [
            look_at(change(each.sr) if only in (None, at) else each.sr, each.originals, each.known)
            for at, each in enumerate(triplets)
        ]
        return RowLooks(tuple(each.name for each in triplets), tuple(looks), tuple(each.known for each in triplets))

    return made


@pytest.fixture(scope="session")
def found_in(row_of: Look) -> Callable[..., dict[str, Finding]]:
    """What is said of a row after `change`, by lint."""

    def found(change: Callable[[Rgb], Rgb], only: int | None = None) -> dict[str, Finding]:
        return {finding.lint: finding for finding in judge_row(row_of(change, only))}

    return found
