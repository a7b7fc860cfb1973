"""Pictures in classes: of folders, and patches of photographs."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semsr.errors import SemsrError
from semsr.imaging.pictures import Rgb, write_png
from semsr.preparation.manifest import read_manifest
from semsr.project import Project
from semsr.reporting.training.class_pictures import from_folders, from_photographs

Prepare = Callable[..., Path]
Waves = Callable[..., Rgb]


def test_folders_are_classes(tmp_path: Path, waves: Waves) -> None:
    for number, name in enumerate(("barn", "dog")):
        for picture in range(6):
            write_png(tmp_path / name / f"{picture}.png", waves(10 * number + picture, 80, 120))
    write_png(tmp_path / "barn" / "small.png", waves(1, 30, 90))
    (tmp_path / "barn" / "torn.jpg").write_bytes(b"no")
    for picture in range(2):
        write_png(tmp_path / "few" / f"{picture}.png", waves(picture, 80, 80))
    (tmp_path / "empty").mkdir()
    found = from_folders(tmp_path, 64, 8)
    assert found.classes == ("barn", "dog") and found.own
    assert found.labels.tolist() == [0] * 6 + [1] * 6
    assert found.pictures.shape == (12, 64, 64, 3)
    square = Image.fromarray(waves(10, 80, 120)[:, 20:100]).resize((64, 64), Image.Resampling.LANCZOS)
    np.testing.assert_array_equal(found.pictures[6], np.asarray(square))
    said = " ".join(found.left_out)
    assert "torn.jpg" in said and "few: 2 pictures" in said and "empty" in said and "barn: 1 pictures are smaller" in said


def test_folders_that_are_no_classes(tmp_path: Path, waves: Waves) -> None:
    with pytest.raises(SemsrError, match="no such folder"):
        from_folders(tmp_path / "gone", 64, 8)
    write_png(tmp_path / "a.png", waves(1))
    with pytest.raises(SemsrError, match="0 classes"):
        from_folders(tmp_path, 64, 8)


def test_patches_do_not_overlap_and_photographs_are_classes(workspace: Project, prepare: Prepare, waves: Waves) -> None:
    numbered = np.arange(3 * 200 * 260, dtype=np.int64).reshape(200, 260, 3)
    pictures = {"marked": (numbered % 251).astype(np.uint8), "b": waves(2, 192, 192), "tiny": waves(3, 64, 64)}
    prepared = read_manifest(workspace.dataset("urban100"), prepare("urban100", pictures))
    found = from_photographs(prepared.test, 64, 100, "test photographs")
    assert found.side == 64 and not found.own
    assert dict(zip(found.classes, np.bincount(found.labels), strict=True)) == {"marked": 12, "b": 9}
    mine = found.pictures[found.labels == found.classes.index("marked")]
    inner = pictures["marked"][4:196, 2:258]  # centred
    np.testing.assert_array_equal(mine[0], inner[:64, :64])
    np.testing.assert_array_equal(mine[-1], inner[-64:, -64:])
    assert sum(int(patch.sum()) for patch in mine) == int(inner.astype(np.int64).sum())
    assert "1 photographs are too small" in found.left_out[0]


def test_patches_are_halved_where_photographs_are_small(workspace: Project, prepare: Prepare, waves: Waves) -> None:
    prepared = read_manifest(
        workspace.dataset("urban100"), prepare("urban100", {f"p{n}": waves(n, 200, 200) for n in range(4)})
    )
    assert from_photographs(prepared.test, 256, 5, "x", multiple=16).side == 64
    assert len(from_photographs(prepared.test, 256, 5, "x").pictures) == 20
    with pytest.raises(SemsrError, match="classes with at least"):
        from_photographs(prepared.test[:1], 64, 5, "x")
