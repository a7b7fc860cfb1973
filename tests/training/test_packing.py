"""Packed pixels: the same as the files', whole or not at all, continued after a kill, and never another picture's."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from semsr.errors import PictureError, SemsrError, StorageError
from semsr.imaging.pictures import read_rgb, write_png
from semsr.preparation.manifest import Prepared, pixel_sha256
from semsr.training import packing
from semsr.training.crops import Patch
from semsr.training.index import Index, Source
from semsr.training.lowres import PairedLr
from semsr.training.packing import pack, plan, verify
from semsr.training.patches import TrainingPictures
from semsr.training.pixels import packed_file, packed_size


def packed(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in folder.glob("*/*.npy")}


def test_samples_are_those_of_the_files(demo: Prepared, tmp_path: Path) -> None:
    sources, folder = [Source(demo)], tmp_path / "pixels"
    done = pack(Index(sources), folder)
    assert len(done.missing) == 18 and sum(map(len, packed(folder).values())) == done.bytes
    files = TrainingPictures(sources, Patch(32), lr=PairedLr())
    raw = TrainingPictures(sources, Patch(32), lr=PairedLr(), packed=folder)
    for epoch in range(10):
        for number in range(len(files)):
            one, other = files[epoch, number], raw[epoch, number]
            assert torch.equal(one["hr"], other["hr"]) and torch.equal(one["lr"], other["lr"])


def test_a_packed_picture_is_a_plain_numpy_file(demo: Prepared, tmp_path: Path) -> None:
    pack(Index([Source(demo)]), tmp_path)
    for entry in demo.train:
        assert entry.hr and entry.hr_sha256
        path = packed_file(tmp_path, entry.hr_sha256)
        picture = np.load(path)
        assert np.array_equal(picture, read_rgb(entry.hr)) and path.stat().st_size == packed_size(*picture.shape[:2])
        assert pixel_sha256(picture) == path.stem


def test_a_second_run_does_nothing_and_a_lost_file_is_made_again(demo: Prepared, tmp_path: Path) -> None:
    index = Index([Source(demo)])
    pack(index, tmp_path)
    before = packed(tmp_path)
    assert plan(index, tmp_path).missing == () and pack(index, tmp_path).packed == 18
    lost, cut = sorted(tmp_path.glob("*/*.npy"))[:2]
    lost.unlink()
    cut.write_bytes(cut.read_bytes()[:-1])
    assert len(pack(index, tmp_path).missing) == 2
    assert packed(tmp_path) == before and verify(index, tmp_path) == []


def test_pictures_that_two_data_sets_share_are_packed_once(make_set: Any, make_coded: Any, tmp_path: Path) -> None:
    shared, own = make_coded(16, 20, 1), make_coded(16, 20, 2)
    one = make_set({"a": (shared, None)}, "one")
    two = make_set({"x": (shared, None), "y": (own, None)}, "two")
    assert len(pack(Index([Source(one)]), tmp_path).missing) == 1
    done = pack(Index([Source(two)]), tmp_path)
    assert (len(done.missing), done.packed) == (1, 1)


def test_a_damaged_file_is_found_by_its_hash(demo: Prepared, tmp_path: Path) -> None:
    index = Index([Source(demo)])
    pack(index, tmp_path)
    one, other = sorted(tmp_path.glob("*/*.npy"))[3:5]
    data = bytearray(one.read_bytes())
    data[500] ^= 1
    one.write_bytes(data)
    other.write_bytes(bytes(other.stat().st_size))
    assert sorted(line.split(":")[0] for line in verify(index, tmp_path)) == sorted([str(one), str(other)])


def test_a_picture_that_is_not_the_manifests_is_refused(demo: Prepared, tmp_path: Path) -> None:
    """Changed after it was prepared: nothing is packed under a name that says otherwise."""
    assert demo.train[4].hr
    picture = read_rgb(demo.train[4].hr).copy()
    picture[0, 0, 0] ^= 1
    write_png(demo.train[4].hr, picture)
    with pytest.raises(PictureError, match=r"p4\.png: not the pixels that the manifest names \(demo/p4\)"):
        pack(Index([Source(demo)]), tmp_path, threads=1)
    assert demo.train[4].hr_sha256 and not packed_file(tmp_path, demo.train[4].hr_sha256).exists()


def test_disk_space_is_checked_before_anything_is_written(
    demo: Prepared, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "free_bytes", lambda folder: 100_000)
    with pytest.raises(StorageError, match=r"18 pictures need 0\.\d GB, 0\.0 GB are free"):
        pack(Index([Source(demo)]), tmp_path / "pixels")
    assert packed(tmp_path / "pixels") == {}


def test_a_disk_that_is_too_small(demo: Prepared, make_set: Any, make_coded: Any, small_disk: Path) -> None:
    large = make_set({f"p{n}": (make_coded(400, 400, n), None) for n in range(4)}, "large")
    with pytest.raises(StorageError, match="need"):
        pack(Index([Source(large)]), small_disk)
    assert packed(small_disk) == {}


def test_training_wants_everything_packed(demo: Prepared, tmp_path: Path) -> None:
    index = Index([Source(demo)])
    pack(index, tmp_path, ("hr",))
    TrainingPictures([Source(demo)], Patch(32), packed=tmp_path)
    with pytest.raises(SemsrError, match="9 of 9 LR pictures are not packed, demo/p0 first"):
        TrainingPictures([Source(demo)], Patch(32), lr=PairedLr(), packed=tmp_path)


RUN = """
import sys, time
from pathlib import Path
from semsr.cards import DatasetCard
from semsr.preparation.manifest import read_manifest
from semsr.training import packing
from semsr.training.index import Index, Source

card = DatasetCard.model_validate_json(Path(sys.argv[1]).read_text())
pause, real = float(sys.argv[4]), packing.read_rgb
def slow(*args, **kwargs):
    time.sleep(pause)
    return real(*args, **kwargs)
packing.read_rgb = slow
packing.pack(Index([Source(read_manifest(card, Path(sys.argv[2])))]), Path(sys.argv[3]), threads=2)
"""


def test_killed_while_packing_and_started_again(demo: Prepared, tmp_path: Path) -> None:
    """SIGKILL at about half: what is there is whole, the next run makes the rest, and the files are those of an undisturbed run."""
    (tmp_path / "card.json").write_text(demo.card.model_dump_json())
    folder = tmp_path / "pixels"

    def start(pause: float) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", RUN, str(tmp_path / "card.json"), str(demo.folder), str(folder), str(pause)]
        )

    process, until = start(0.15), time.monotonic() + 60
    while len(packed(folder)) < 8:
        assert process.poll() is None and time.monotonic() < until
        time.sleep(0.005)
    process.send_signal(signal.SIGKILL)
    process.wait()
    left = packed(folder)
    assert 8 <= len(left) < 18
    somewhere = next(folder.glob("*/*.npy")).parent
    (somewhere / ".x.npy.123.deadbeef.partial").write_bytes(b"half a picture")
    times = {path: path.stat().st_mtime_ns for path in folder.glob("*/*.npy")}

    assert start(0).wait(120) == 0
    pack(Index([Source(demo)]), tmp_path / "undisturbed")
    assert packed(folder) == packed(tmp_path / "undisturbed")
    assert all(path.stat().st_mtime_ns == when for path, when in times.items())


def test_two_processes_at_once(demo: Prepared, tmp_path: Path) -> None:
    (tmp_path / "card.json").write_text(demo.card.model_dump_json())
    arguments = [sys.executable, "-c", RUN, str(tmp_path / "card.json"), str(demo.folder), str(tmp_path / "pixels"), "0.02"]
    both = [subprocess.Popen(arguments) for _ in range(2)]
    assert [process.wait(120) for process in both] == [0, 0]
    assert len(packed(tmp_path / "pixels")) == 18 and verify(Index([Source(demo)]), tmp_path / "pixels") == []


def test_leftovers_of_a_killed_run_are_removed_where_pictures_are_missing(demo: Prepared, tmp_path: Path) -> None:
    index = Index([Source(demo)])
    pack(index, tmp_path)
    one = next(iter(tmp_path.glob("*/*.npy")))
    one.rename(one.with_name(f".{one.name}.1.deadbeef.partial"))
    pack(index, tmp_path)
    assert not list(tmp_path.glob("*/.*.partial")) and one.exists()


@pytest.mark.parametrize("damage", ["shorter", "gone"])
def test_damage_while_training_is_said_in_one_line(
    demo: Prepared, tmp_path: Path, damage: str, make_set: Callable[..., Prepared]
) -> None:
    pack(Index([Source(demo)]), tmp_path)
    dataset = TrainingPictures([Source(demo)], Patch(32), packed=tmp_path)
    path = packed_file(tmp_path, str(demo.train[0].hr_sha256))
    path.unlink() if damage == "gone" else path.write_bytes(b"x")
    with pytest.raises(PictureError, match=rf"{path.name}: (no such file|1 bytes).*run `semsr pack demo`") as error:
        dataset[0, 0]
    assert "\n" not in str(error.value)
