"""Maps of ids and classes: COCO's PNG files, areas, nearest neighbour."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semsr.errors import SemanticError
from semsr.segmentation.maps import LARGEST_ID, areas, nearest, read_classes, read_ids, sampled, write_classes, write_ids


def test_ids_stand_in_three_bytes(tmp_path: Path) -> None:
    """As COCO says: R + 256 G + 65536 B; ids over 2^16 too."""
    ids = np.array([[0, 1, 255], [256, 70_000, LARGEST_ID]], np.int32)
    write_ids(tmp_path / "a.png", ids)
    rgb = np.asarray(Image.open(tmp_path / "a.png")).astype(int)
    assert np.array_equal(rgb @ [1, 256, 65536], ids)
    assert rgb[1, 1].tolist() == [70_000 % 256, 70_000 // 256 % 256, 1]
    assert np.array_equal(read_ids(tmp_path / "a.png", (2, 3), ""), ids)


def test_classes_stand_in_one(tmp_path: Path) -> None:
    classes = np.array([[-1, 0, 132]], np.int16)
    write_classes(tmp_path / "a.png", classes)
    assert np.asarray(Image.open(tmp_path / "a.png")).tolist() == [[255, 0, 132]]
    found = read_classes(tmp_path / "a.png", (1, 3), 133, "")
    assert found.dtype == np.int16 and np.array_equal(found, classes)


@pytest.mark.parametrize("value", [-1, LARGEST_ID + 1])
def test_ids_that_no_file_holds(tmp_path: Path, value: int) -> None:
    with pytest.raises(
        SemanticError, match=rf"a\.png: a map with values from .*{value}.* can't be written; it holds 0 to 16777215"
    ):
        write_ids(tmp_path / "a.png", np.array([[1, value]], np.int32))
    with pytest.raises(SemanticError, match="it holds 0 to 255"):
        write_classes(tmp_path / "a.png", np.array([[-2 if value < 0 else 255]], np.int16))
    assert not list(tmp_path.iterdir())


def test_areas_are_counts() -> None:
    draw = np.random.default_rng(0)
    for _ in range(20):
        ids = draw.choice(np.array([0, 1, 7, 70_000, LARGEST_ID], np.int32), size=draw.integers(1, 9, 2))
        values, counts = np.unique(ids, return_counts=True)
        assert areas(ids) == {int(value): int(count) for value, count in zip(values, counts, strict=True) if value}


def test_the_sampling_rule() -> None:
    """Pixel centres: 2 of 5 are at 1.25 and 3.75, 3 of 2 at 1/3, 1, 5/3."""
    assert sampled(5, 2).tolist() == [1, 3]
    assert sampled(2, 3).tolist() == [0, 1, 1]
    for length, wanted in ((640, 512), (427, 512), (512, 640), (1, 7), (7, 1), (3, 3)):
        exact = [math.floor((i + 0.5) * length / wanted) for i in range(wanted)]
        assert sampled(length, wanted).tolist() == exact
        assert min(exact) >= 0 and max(exact) < length


def test_nearest_makes_up_nothing() -> None:
    ids = np.random.default_rng(1).integers(0, LARGEST_ID, (5, 7), dtype=np.int32)
    larger = nearest(ids, (15, 14))
    assert np.array_equal(larger, ids.repeat(3, axis=0).repeat(2, axis=1))
    assert np.array_equal(nearest(larger, (5, 7)), ids)
    # Pillow's NEAREST samples the same pixels.
    assert np.array_equal(
        nearest(ids, (3, 4)), np.asarray(Image.fromarray(ids, mode="I").resize((4, 3), Image.Resampling.NEAREST))
    )


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        ("none", "no such file"),
        ("empty", "not a PNG file, or a damaged one"),
        ("truncated", "not a PNG file, or a damaged one"),
        ("jpeg", "not a PNG file, or a damaged one"),
        ("grey", "mode L; it must be an 8-bit PNG of mode RGB"),
        ("size", "24x16; it must be 32x16"),
        ("bomb", "100000x100000; it must be 32x16|not a PNG file"),
    ],
)
def test_a_damaged_file_is_named(tmp_path: Path, spoil: str, message: str) -> None:
    path = tmp_path / "a.png"
    whole = Image.fromarray(np.random.default_rng(2).integers(0, 255, (16, 32, 3), dtype=np.uint8))
    whole.save(path)
    match spoil:
        case "none":
            path.unlink()
        case "empty":
            path.write_bytes(b"")
        case "truncated":
            path.write_bytes(path.read_bytes()[:-200])
        case "jpeg":
            whole.save(path, format="JPEG")
        case "grey":
            whole.convert("L").save(path)
        case "size":
            whole.crop((0, 0, 24, 16)).save(path)
        case "bomb":
            data = bytearray(path.read_bytes())
            data[16:24] = (100_000).to_bytes(4, "big") * 2
            path.write_bytes(data)
    with pytest.raises(SemanticError, match=rf"a\.png: ({message}).*: do this") as caught:
        read_ids(path, (16, 32), "do this")
    assert "\n" not in str(caught.value)


def test_an_unknown_class_is_named(tmp_path: Path) -> None:
    write_classes(tmp_path / "a.png", np.array([[0, 3]], np.int16))
    with pytest.raises(SemanticError, match=r"class 3 is in the map; allowed are 0 to 2, .* and 255 for none"):
        read_classes(tmp_path / "a.png", (1, 2), 3, "do this")
