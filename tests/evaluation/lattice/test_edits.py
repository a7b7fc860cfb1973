"""What happens to pictures on their way, by hand."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from semsr.evaluation.lattice.edits import Edit, edits_of

LARGE = (300, 288)


def edits(sizes: list[tuple[int, int]] | None = None, scale: int = 4, reference: bool = True) -> dict[str, Edit]:
    return {f"{edit.axis}={edit.setting}": edit for edit in edits_of(sizes or [LARGE], scale=scale, reference=reference)}


@pytest.fixture
def picture() -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (*LARGE, 3), dtype=np.uint8)


@pytest.mark.parametrize(
    ("name", "moved"),
    [
        ("right", (slice(None), slice(1, None), slice(None), slice(None, -1))),
        ("left", (slice(None), slice(None, -1), slice(None), slice(1, None))),
        ("down", (slice(1, None), slice(None), slice(None, -1), slice(None))),
        ("up", (slice(None, -1), slice(None), slice(1, None), slice(None))),
        ("down-right", (slice(1, None), slice(1, None), slice(None, -1), slice(None, -1))),
        ("up-left", (slice(None, -1), slice(None, -1), slice(1, None), slice(1, None))),
    ],
)
def test_shifts_by_one_pixel_and_repeats_the_edge(name: str, moved: tuple[slice, ...], picture: np.ndarray) -> None:
    edit = edits()[f"shift={name}"]
    found = edit.outputs(picture)
    rows, columns, from_rows, from_columns = moved
    assert (found[rows, columns] == picture[from_rows, from_columns]).all()
    assert found.shape == picture.shape
    corner = (0, 0) if name in ("right", "down", "down-right") else (-1, -1)
    assert (found[corner] == picture[corner]).all()
    assert edit.references(picture) is picture


def test_swaps_red_and_blue(picture: np.ndarray) -> None:
    both, one = edits()["channels=swapped"], edits()["channels=outputs-swapped"]
    for found in (both.outputs(picture), both.references(picture), one.outputs(picture)):
        assert (found[..., 0] == picture[..., 2]).all() and (found[..., 1] == picture[..., 1]).all()
    assert one.references(picture) is picture


def test_stores_as_jpeg(picture: np.ndarray) -> None:
    for quality in (95, 90, 85, 75):
        buffer = io.BytesIO()
        Image.fromarray(picture).save(buffer, "jpeg", quality=quality)
        found = edits()[f"stored=jpeg-{quality}"].outputs(picture)
        assert (found == np.asarray(Image.open(buffer))).all() and (found != picture).any()


def test_cuts_both_sides_alike(picture: np.ndarray) -> None:
    cuts = {
        "part=centre-256": picture[22:278, 16:272],
        "part=corner-256": picture[:256, :256],
        "part=multiple-8": picture[:296, :288],
        "part=multiple-16": picture[:288, :288],
        "part=inner": picture[4:-4, 4:-4],
    }
    for name, expected in cuts.items():
        edit = edits()[name]
        assert (edit.outputs(picture) == expected).all() and (edit.references(picture) == expected).all(), name
    assert "part=multiple-12" not in edits(), "300 and 288 are multiples of 12"


def test_only_what_changes_something_is_tried() -> None:
    assert not any(name.startswith("part=") for name in edits([(24, 24)], scale=1) if "multiple-16" not in name)
    assert "part=centre-256" not in edits([(256, 256)])
    assert "part=multiple-12" in edits([(256, 256)])
    assert "part=inner" not in edits([(40, 40)], scale=4), "too little would be left"


def test_without_a_reference_both_sides_are_one() -> None:
    names = edits(reference=False)
    assert "channels=swapped" in names and "channels=outputs-swapped" not in names
    assert not any(name.startswith("shift") for name in names)


def test_ids_are_unique_and_said() -> None:
    found = edits_of([LARGE, (512, 500)], scale=4, reference=True)
    assert len({(edit.axis, edit.setting) for edit in found}) == len(found) == len({edit.says for edit in found})
