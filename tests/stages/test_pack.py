"""`semsr pack`: the raw pixels of the training pictures, and nothing of the test pictures."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

from semsr import cli
from semsr.errors import SemsrError, StorageError
from semsr.imaging.pictures import read_rgb, write_png
from semsr.preparation.manifest import Entry, pixel_sha256, write_manifest
from semsr.project import ROOT_VARIABLE, Project
from semsr.stages import pack
from semsr.training import packing


@pytest.fixture
def photos(workspace: Project) -> Project:
    """lite-photos as `semsr prepare` would leave it, with two training pictures and one test picture of noise."""
    data, entries = workspace.data / "lite-photos", []
    for number, (name, split) in enumerate((("a", "train"), ("b", "train"), ("c", "test"))):
        hr = np.random.default_rng(number).integers(0, 256, (32, 40, 3), dtype=np.uint8)
        for kind, picture in (("hr", hr), ("lr", hr[::4, ::4])):
            write_png(data / kind / f"{name}.png", picture)
        hashes = pixel_sha256(hr[::4, ::4].copy()), pixel_sha256(hr)
        entries.append(Entry(name, data / f"lr/{name}.png", data / f"hr/{name}.png", (8, 10), (32, 40), *hashes, split))  # type: ignore[arg-type]
    write_manifest(data, entries)
    return workspace


def test_packs_the_training_pictures(photos: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(ROOT_VARIABLE, str(photos.root))
    done = CliRunner().invoke(cli.app, ["pack", "lite-photos"], catch_exceptions=False)
    assert done.exit_code == 0
    found = {path.stem for path in pack.folder(photos).glob("*/*.npy")}
    files = [photos.data / "lite-photos" / kind / f"{name}.png" for name in "ab" for kind in ("hr", "lr")]
    assert found == {pixel_sha256(read_rgb(path)) for path in files}
    elsewhere = tmp_path / "fast"
    pack.run(photos, "lite-photos", elsewhere)
    assert len(list(elsewhere.glob("*/*.npy"))) == 4
    assert pack.run(photos, "lite-photos").missing == ()


def test_what_can_t_be_packed(photos: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(SemsrError, match="'set5' is not prepared; run `semsr prepare set5`"):
        pack.run(photos, "set5")
    monkeypatch.setattr(packing, "free_bytes", lambda folder: 1000)
    with pytest.raises(StorageError, match="raw pixels of 4 pictures need"):
        pack.run(photos, "lite-photos")
    shutil.rmtree(photos.data / "lite-photos" / "lr")
    with pytest.raises(SemsrError, match="the manifest names it, but it is gone"):
        pack.run(photos, "lite-photos")
