"""fetch and prepare on real pictures: done once, done again, interrupted, and given bad input."""

from __future__ import annotations

import io
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from semsr.errors import PairingError, PictureError, SemsrError, SizeMismatchError, StorageError
from semsr.preparation.manifest import open_prepared
from semsr.project import ROOT_VARIABLE, Project
from semsr.stages import fetch, prepare


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def mtimes(folder: Path) -> dict[str, int]:
    return {path.name: path.stat().st_mtime_ns for path in folder.rglob("*.png")}


@pytest.fixture
def copy(test_data: Path, tmp_path: Path) -> Path:
    """A copy of Set5 (mod 12) that a test may spoil."""
    return Path(shutil.copytree(test_data / "set5_gtmod12", tmp_path / "copy"))


def png(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, "PNG")
    return buffer.getvalue()


# Fetch.


def test_the_record_is_the_same_on_every_run(workspace: Project, copy: Path) -> None:
    fetch.run(workspace, "set5-gtmod12", copy)
    path = workspace.data / "fetched" / "set5-gtmod12" / "record.json"
    first = path.read_bytes()
    fetch.run(workspace, "set5-gtmod12", copy)
    assert path.read_bytes() == first
    record = json.loads(first)
    assert record["folder"] == str(copy)
    assert len(record["files"]) == 10
    assert [found for found in workspace.data.rglob("*") if found.is_file()] == [path]


def test_a_folder_once_given_is_kept(workspace: Project, copy: Path, caplog: pytest.LogCaptureFixture) -> None:
    fetch.run(workspace, "set5-gtmod12", copy)
    with caplog.at_level(logging.INFO):
        record = fetch.run(workspace, "set5-gtmod12")
    assert record.folder == str(copy)
    assert "keeping your copy" in caplog.text


def test_official_archive(workspace: Project, test_data: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The archive of a repository, as its host packs it: one top folder, other data sets beside ours."""
    archive = tmp_path / "SelfExSR-18e00f2.zip"
    with zipfile.ZipFile(archive, "w") as file:
        for name in ("set5", "set14"):
            for side, ending in (("hr", "HR"), ("lr_x4", "LR")):
                for path in sorted((test_data / name / side).iterdir()):
                    folder = f"SelfExSR-18e00f2/data/{name.capitalize()}/image_SRF_4"
                    file.write(path, f"{folder}/{path.stem}_SRF_4_{ending}.png")
    assets = workspace.root / "datasets/set5/assets.yaml"
    card = yaml.safe_load(assets.read_text())
    card["assets"][0]["mirrors"] = [{"kind": "file", "path": str(archive)}]
    assets.write_text(yaml.safe_dump(card))
    for name in ("set5", "set14"):
        assert prepare.run(workspace, name).as_published
        assert json.loads((workspace.data / "fetched" / name / "record.json").read_bytes())["kind"] == "assets"


def test_without_network_the_way_out_is_told(workspace: Project) -> None:
    assets = workspace.root / "datasets/set5/assets.yaml"
    assets.write_text(assets.read_text().replace("https://github.com", "https://nowhere.invalid"))
    started = time.monotonic()
    with pytest.raises(SemsrError, match=r"nowhere\.invalid.*semsr fetch set5 --from DIR"):
        prepare.run(workspace, "set5")
    assert time.monotonic() - started < 20
    assert not workspace.data.exists()


# Prepare.


def test_the_prepared_folder_is_no_copy_to_prepare_from(workspace: Project, copy: Path) -> None:
    folder = workspace.data / "set5-gtmod12"
    shutil.copytree(copy, folder)
    before = tree(folder)
    for source in (folder, folder / "hr", workspace.data):
        with pytest.raises(SemsrError, match="overlaps data/set5-gtmod12, where the prepared pictures are written"):
            prepare.run(workspace, "set5-gtmod12", source)
    with pytest.raises(SemsrError, match="not a usable path"):
        prepare.run(workspace, "set5-gtmod12", Path("~no-such-user/x"))
    assert tree(folder) == before


def test_after_a_bad_copy_the_earlier_one_is_used_again(workspace: Project, copy: Path, tmp_path: Path) -> None:
    whole = prepare.run(workspace, "set5-gtmod12", copy).sha256
    bad = Path(shutil.copytree(copy, tmp_path / "bad"))
    (bad / "hr/bird.png").write_bytes(b"?")
    with pytest.raises(PictureError, match=r"bird\.png: not an image"):
        prepare.run(workspace, "set5-gtmod12", bad)
    assert prepare.run(workspace, "set5-gtmod12").sha256 == whole


def test_journal_lines_that_say_nonsense_do_not_count(workspace: Project, copy: Path) -> None:
    whole = tree(prepare.run(workspace, "set5-gtmod12", copy).folder)
    path = workspace.data / "set5-gtmod12.prepared.jsonl"
    first, *rest = path.read_bytes().splitlines(keepends=True)
    nonsense = [b'{"row":{"id":"x"},"files":{"hr/x.png":[1]}}\n', b'{"row":{},"files":{}}\n', b'{"row":1,"files":2}\n']
    path.write_bytes(b"".join([first, *nonsense, *rest]))
    prepare.run(workspace, "set5-gtmod12")
    assert tree(workspace.data / "set5-gtmod12") == whole


def test_bytes_are_those_published(workspace: Project, test_data: Path) -> None:
    prepared = prepare.run(workspace, "realsr", test_data / "realsr_crop128")
    for entry in prepared.entries:
        assert entry.hr is not None
        assert entry.hr.read_bytes() == (test_data / "realsr_crop128/hr" / entry.hr.name).read_bytes()
        assert entry.lr.read_bytes() == (test_data / "realsr_crop128/lr" / entry.lr.name).read_bytes()


def test_a_second_run_changes_nothing(workspace: Project, copy: Path) -> None:
    first = prepare.run(workspace, "set5-gtmod12", copy)
    before = mtimes(first.folder), (first.folder / "manifest.parquet").stat().st_mtime_ns
    assert prepare.run(workspace, "set5-gtmod12").sha256 == first.sha256
    assert (mtimes(first.folder), (first.folder / "manifest.parquet").stat().st_mtime_ns) == before


def test_a_whole_folder_needs_its_source_no_more(workspace: Project, copy: Path) -> None:
    first = prepare.run(workspace, "set5-gtmod12", copy)
    shutil.rmtree(copy)
    assert prepare.run(workspace, "set5-gtmod12").sha256 == first.sha256
    (first.folder / "lr" / "baby.png").unlink()
    with pytest.raises(SemsrError, match=r"your copy in .* is gone"):
        prepare.run(workspace, "set5-gtmod12")


@pytest.mark.parametrize("kind", ["changed pixel", "truncated", "deleted", "manifest", "stranger"])
def test_damage_is_repaired(workspace: Project, copy: Path, kind: str) -> None:
    prepared = prepare.run(workspace, "set5-gtmod12", copy)
    whole = tree(prepared.folder)
    victim = prepared.folder / "hr" / "bird.png"
    if kind == "changed pixel":
        picture = np.array(Image.open(victim))
        picture[7, 7, 1] ^= 1
        victim.write_bytes(png(picture))
    elif kind == "truncated":
        victim.write_bytes(victim.read_bytes()[:-500])
    elif kind == "deleted":
        victim.unlink()
    elif kind == "manifest":
        (prepared.folder / "manifest.parquet").write_bytes(b"PAR1")
    else:
        (prepared.folder / "manifest.parquet").unlink()
        (prepared.folder / "lr" / "stranger.png").write_bytes(b"?")
        (prepared.folder / "lr" / ".bird.png.1.abc.partial").write_bytes(b"half")
    prepare.run(workspace, "set5-gtmod12")
    assert tree(prepared.folder) == whole


def test_a_changed_card_prepares_again(workspace: Project, copy: Path) -> None:
    first = prepare.run(workspace, "set5-gtmod12", copy)
    card = workspace.root / "datasets/set5-gtmod12/dataset.yaml"
    card.write_text(card.read_text().replace("crop_to_multiple: 12", "crop_to_multiple: 24"))
    shutil.rmtree(copy / "lr_x4")
    again = prepare.run(Project(workspace.root), "set5-gtmod12", copy)
    assert again.sha256 != first.sha256
    assert all(side % 24 == 0 for entry in again.entries for side in entry.hr_size or ())


def test_hr_alone_gives_the_published_lr(workspace: Project, copy: Path, caplog: pytest.LogCaptureFixture) -> None:
    shutil.rmtree(copy / "lr_x4")
    prepared = prepare.run(workspace, "set5-gtmod12", copy)
    assert prepared.as_published
    assert "no LR pictures in" in caplog.text


def test_other_pictures_than_published_are_told(workspace: Project, copy: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Set5 with LR of the other dialect: right sizes, right names, other numbers."""
    shutil.move(copy / "hr", copy / "HR")
    (copy / "LR_bicubic/X4").mkdir(parents=True)
    for path in (copy / "lr_x4").iterdir():
        path.rename(copy / "LR_bicubic/X4" / f"{path.stem}x4.png")
    (copy / "lr_x4").rmdir()
    assert prepare.run(workspace, "set5", copy).as_published is False
    assert "not, pixel for pixel, the pictures the published numbers were measured on" in caplog.text


def sixteen_bit(path: Path) -> None:
    path.write_bytes(png(np.zeros((252, 252), dtype=np.uint16)))


def grey(path: Path) -> None:
    Image.open(path).convert("L").save(path)


def rgba(path: Path) -> None:
    Image.open(path).convert("RGBA").save(path)


def palette(path: Path) -> None:
    Image.open(path).convert("P").save(path)


def smaller(path: Path) -> None:
    image = Image.open(path)
    image.crop((0, 0, image.width - 1, image.height)).save(path)


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (lambda path: path.write_bytes(path.read_bytes()[:3000]), PictureError, r"bird\.png: truncated or damaged"),
        (lambda path: path.write_bytes(b""), PictureError, r"bird\.png: the file is empty"),
        (lambda path: path.write_bytes(b"<html>quota exceeded</html>"), PictureError, r"bird\.png: not an image file"),
        (sixteen_bit, PictureError, r"bird\.png: 16-bit grey; only 8-bit RGB"),
        (grey, PictureError, r"bird\.png: 8-bit grey; only 8-bit RGB"),
        (rgba, PictureError, r"bird\.png: 8-bit RGBA; only 8-bit RGB"),
        (palette, PictureError, r"bird\.png: 8-bit palette; only 8-bit RGB"),
        (smaller, SizeMismatchError, r"set5-gtmod12: bird: HR is .*, LR .*; HR must be exactly 4 times LR \(.*bird\.png"),
        (lambda path: path.unlink(), PairingError, r"4 of 5 .. pictures have an .. partner; bird\.png has none"),
    ],
)
@pytest.mark.parametrize("side", ["hr", "lr_x4"])
def test_bad_input(
    workspace: Project, copy: Path, side: str, spoil: Callable[[Path], None], error: type[SemsrError], message: str
) -> None:
    spoil(copy / side / "bird.png")
    with pytest.raises(error, match=message):
        prepare.run(workspace, "set5-gtmod12", copy)
    folder = workspace.data / "set5-gtmod12"
    assert not (folder / "manifest.parquet").exists()
    assert not list(workspace.data.rglob("*.partial")) if workspace.data.exists() else True
    with pytest.raises(SemsrError, match="is not prepared"):
        open_prepared(workspace, "set5-gtmod12")


def test_a_wrong_count_names_the_gap(workspace: Project, test_data: Path, tmp_path: Path) -> None:
    for side in ("hr", "lr"):
        shutil.copytree(test_data / "realsr_crop128" / side, tmp_path / "some" / side)
        (tmp_path / "some" / side / "Canon_017_LR4.png").unlink()
    with pytest.raises(PairingError, match=r"99 pictures in .* but the data set has 100; Canon_017_LR4 is missing"):
        prepare.run(workspace, "realsr", tmp_path / "some")


def test_grey_is_replicated_only_where_the_card_says(workspace: Project, test_data: Path) -> None:
    entry = prepare.run(workspace, "set14", test_data / "set14").entries[2]
    for path in (entry.lr, entry.hr):
        assert path is not None
        image = Image.open(path)
        assert image.mode == "RGB"
        assert np.ptp(np.asarray(image).astype(int), axis=2).max() == 0


def test_killed_and_started_again(workspace: Project, test_data: Path, tmp_path: Path) -> None:
    """kill -9 of a real process in the middle; the second run ends with the bytes of an undisturbed one."""
    undisturbed = tree(prepare.run(workspace, "realsr", test_data / "realsr_crop128").folder)
    shutil.rmtree(workspace.data)
    command = [sys.executable, "-m", "semsr", "prepare", "realsr", "--from", str(test_data / "realsr_crop128")]
    process = subprocess.Popen(command, env={**os.environ, ROOT_VARIABLE: str(workspace.root)}, stderr=subprocess.PIPE)
    folder = workspace.data / "realsr"
    while process.poll() is None and len(list(folder.glob("lr/*.png"))) < 10:
        time.sleep(0.001)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert process.stderr is not None
    process.stderr.close()
    assert 10 <= len(list(folder.glob("lr/*.png"))) < 100, "the process was not caught in the middle"
    assert not (folder / "manifest.parquet").exists()
    with pytest.raises(SemsrError, match="is not prepared"):
        open_prepared(workspace, "realsr")
    kept = mtimes(folder / "lr")
    prepare.run(workspace, "realsr")
    assert tree(folder) == undisturbed
    again = mtimes(folder / "lr")
    assert all(again[name] == when for name, when in kept.items()), "pictures that were there already were written again"


def test_a_full_disk(workspace: Project, test_data: Path, small_disk: Path) -> None:
    workspace.data.symlink_to(small_disk)
    with pytest.raises(StorageError, match="no space left on the disk"):
        prepare.run(workspace, "realsr", test_data / "realsr_crop128")
    assert not list(small_disk.rglob("*.partial"))
    assert not list(small_disk.rglob("manifest.parquet"))


def test_a_read_only_disk(workspace: Project, copy: Path, read_only_disk: Path) -> None:
    workspace.data.symlink_to(read_only_disk)
    with pytest.raises(StorageError, match="read-only"):
        prepare.run(workspace, "set5-gtmod12", copy)


# Photographs.


@pytest.fixture
def photographs(workspace: Project, tmp_path: Path) -> Path:
    """A data set of two photographs that scikit-image ships, and the folder they lie in."""
    data = pytest.importorskip("skimage.data", reason="needs scikit-image, an extra of the tests")
    from semsr.files import sha256_file

    folder = tmp_path / "photographs"
    folder.mkdir()
    assets, photos = [], []
    for name, split in (("coffee", "test"), ("chelsea", "train")):
        path = folder / f"{name}.png"
        path.write_bytes(png(getattr(data, name)()))
        mirror = {"kind": "file", "path": str(path)}
        about = {"title": name, "licence": "CC0-1.0", "source": "scikit-image", "manual": "see scikit-image"}
        assets.append({"id": name, "file": path.name, "sha256": sha256_file(path), "mirrors": [mirror], **about})
        photos.append({"name": name, "asset": name, "split": split, "box": [0, 0, 80, 40], "subject": name})
    card = {"id": "two", "title": "Two", "licence": "CC0-1.0", "count": 1, "comparable": "regenerated"}
    card["source"] = {"kind": "photographs", "photos": photos}
    card["degradation"] = {"kind": "matlab-bicubic", "dialect": "symmetric"}
    plugin = workspace.root / "datasets" / "two"
    plugin.mkdir()
    (plugin / "dataset.yaml").write_text(yaml.safe_dump(card))
    (plugin / "assets.yaml").write_text(yaml.safe_dump({"assets": assets}))
    return folder


@pytest.mark.parametrize("given", [False, True])
def test_photographs_are_cut_and_split(workspace: Project, photographs: Path, given: bool) -> None:
    prepared = prepare.run(workspace, "two", photographs if given else None)
    assert [entry.name for entry in prepared.test] == ["coffee"]
    assert [entry.name for entry in prepared.train] == ["chelsea"]
    for entry in prepared.entries:
        assert (entry.hr_size, entry.lr_size) == ((40, 80), (10, 20))
        assert entry.hr is not None
        assert np.array_equal(Image.open(entry.hr), np.array(Image.open(photographs / f"{entry.name}.png"))[:40, :80])


def test_another_photograph_under_the_name_is_refused(workspace: Project, photographs: Path) -> None:
    shutil.copy(photographs / "chelsea.png", photographs / "coffee.png")
    with pytest.raises(PairingError, match=r"coffee\.png: sha256 does not match \(expected"):
        prepare.run(workspace, "two", photographs)
    (photographs / "coffee.png").unlink()
    with pytest.raises(PairingError, match=r"two: coffee\.png \(coffee\) is not in .*; add it: see scikit-image"):
        prepare.run(workspace, "two", photographs)
