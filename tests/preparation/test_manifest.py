"""The manifest: what it says, what it is hashed by, and what happens when it lies."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from semsr.errors import SemsrError, UnknownIdError
from semsr.preparation.manifest import open_prepared, pixel_sha256, set_sha256
from semsr.project import Project
from semsr.stages import prepare

COLUMNS = ["id", "hr", "lr", "hr_height", "hr_width", "lr_height", "lr_width", "hr_sha256", "lr_sha256", "split"]


@pytest.fixture
def prepared_project(workspace: Project, test_data: Path) -> Project:
    prepare.run(workspace, "set5", test_data / "set5")
    return workspace


def test_what_it_says(prepared_project: Project) -> None:
    prepared = open_prepared(prepared_project, "set5")
    table = pd.read_parquet(prepared.folder / "manifest.parquet")
    assert list(table.columns) == COLUMNS
    assert table["id"].tolist() == [f"img_00{number}" for number in range(1, 6)]
    assert table["lr"].tolist() == [f"lr/img_00{number}.png" for number in range(1, 6)]
    assert (table["hr_height"] == 4 * table["lr_height"]).all()
    entry = prepared.entries[0]
    assert (entry.hr_size, entry.lr_size, entry.split) == ((512, 512), (128, 128), "test")
    assert entry.lr == prepared.folder / "lr" / "img_001.png"
    assert prepared.test == prepared.entries
    assert prepared.train == ()


def test_the_hash_is_of_pixels_and_shape() -> None:
    picture = np.arange(24, dtype=np.uint8).reshape(2, 4, 3)
    assert pixel_sha256(picture) == hashlib.sha256(b"2 4 3\n" + bytes(range(24))).hexdigest()
    assert pixel_sha256(picture) != pixel_sha256(picture.reshape(4, 2, 3))
    assert set_sha256(["b", "a"]) == set_sha256(["a", "b"]) != set_sha256(["a", "a"])


def test_equal_pictures_give_equal_manifests_anywhere(prepared_project: Project, tmp_path: Path) -> None:
    first = open_prepared(prepared_project, "set5")
    elsewhere = Project(tmp_path / "elsewhere")
    shutil.copytree(prepared_project.root, elsewhere.root)
    assert open_prepared(elsewhere, "set5").sha256 == first.sha256


def test_not_prepared_says_what_to_do(workspace: Project) -> None:
    with pytest.raises(SemsrError, match=r"'set5' is not prepared; run `semsr prepare set5`"):
        open_prepared(workspace, "set5")
    with pytest.raises(UnknownIdError, match="did you mean 'set5'"):
        open_prepared(workspace, "set55")


def test_a_lost_picture_is_named(prepared_project: Project) -> None:
    (prepared_project.data / "set5" / "lr" / "img_003.png").unlink()
    with pytest.raises(SemsrError, match=r"data/set5/lr/img_003\.png: the manifest names it, but it is gone"):
        open_prepared(prepared_project, "set5")


@pytest.mark.parametrize("content", [b"", b"PAR1 and nothing more"])
def test_a_broken_manifest_is_named(prepared_project: Project, content: bytes) -> None:
    (prepared_project.data / "set5" / "manifest.parquet").write_bytes(content)
    with pytest.raises(SemsrError, match=r"manifest\.parquet: not a manifest .*`semsr prepare set5`"):
        open_prepared(prepared_project, "set5")


def test_a_foreign_table_is_named(prepared_project: Project) -> None:
    pq.write_table(pa.table({"id": ["a"]}), prepared_project.data / "set5" / "manifest.parquet")
    with pytest.raises(SemsrError, match="not a manifest \\(no column hr"):
        open_prepared(prepared_project, "set5")


def test_no_damage_of_a_manifest_is_a_traceback(prepared_project: Project) -> None:
    path = prepared_project.data / "set5" / "manifest.parquet"
    whole = path.read_bytes()
    chance = np.random.default_rng(0)
    refused = 0
    for _ in range(200):
        torn = bytearray(whole[: int(chance.integers(4, len(whole) + 1))]) if chance.random() < 0.3 else bytearray(whole)
        for place in chance.integers(0, len(torn), int(chance.integers(1, 20))):
            torn[place] ^= int(chance.integers(1, 256))
        path.write_bytes(bytes(torn))
        try:
            open_prepared(prepared_project, "set5")
        except SemsrError as error:
            assert "\n" not in str(error)
            refused += 1
    assert refused > 100
