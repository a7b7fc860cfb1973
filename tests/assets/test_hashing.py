"""Checksums of many files: right, remembered while a file is not touched, and never longer."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import pytest

from semsr.assets import hashing
from semsr.assets.hashing import Checksums, Memory, checksums


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """Files of this test are seconds old, and would not be remembered yet."""
    monkeypatch.setattr(hashing, "_CLOCK_TICK", 0)


@pytest.fixture
def read(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of the files that were read."""
    names: list[str] = []
    original = hashing._read

    def noted(path: Path, *, md5: bool) -> tuple[list[int], Checksums, bool]:
        names.append(path.name)
        return original(path, md5=md5)

    monkeypatch.setattr(hashing, "_read", noted)
    return names


@pytest.fixture
def files(tmp_path: Path) -> list[Path]:
    (tmp_path / "files").mkdir()
    paths = [tmp_path / "files" / f"{number}.bin" for number in range(20)]
    for path in paths:
        path.write_bytes(os.urandom(3000))
    return paths


def expected(path: Path, *, md5: bool) -> Checksums:
    data = path.read_bytes()
    return Checksums(hashlib.sha256(data).hexdigest(), hashlib.md5(data).hexdigest() if md5 else None)


@pytest.mark.parametrize("threads", [1, 5])
@pytest.mark.parametrize("md5", [True, False])
def test_what_the_library_says(files: list[Path], threads: int, md5: bool) -> None:
    found = checksums(reversed(files), label="x", md5=md5, threads=threads)
    assert list(found) == files[::-1]
    assert found == {path: expected(path, md5=md5) for path in files}


def test_a_second_run_reads_nothing(files: list[Path], tmp_path: Path, read: list[str]) -> None:
    note = tmp_path / "store" / "hashes.json"
    first = checksums(files, label="x", memory=Memory(note))
    assert len(read) == 20
    before = note.read_bytes(), note.stat().st_mtime_ns
    assert checksums(files, label="x", memory=Memory(note)) == first
    assert len(read) == 20
    assert (note.read_bytes(), note.stat().st_mtime_ns) == before


def test_md5_wanted_later_is_read_for(files: list[Path], tmp_path: Path, read: list[str]) -> None:
    for md5, reads in ((False, 20), (True, 40), (False, 40), (True, 40)):
        found = checksums(files, label="x", md5=md5, memory=Memory(tmp_path / "hashes.json"))
        assert len(read) == reads
        assert all(bool(sums.md5) or not md5 for sums in found.values())


def test_a_touched_file_is_read_again(files: list[Path], tmp_path: Path, read: list[str]) -> None:
    memory = tmp_path / "hashes.json"
    checksums(files, label="x", memory=Memory(memory))
    read.clear()
    files[3].write_bytes(os.urandom(3000))
    state = files[5].stat()
    files[5].write_bytes(os.urandom(3000))
    os.utime(files[5], ns=(state.st_atime_ns, state.st_mtime_ns))  # as a careful copying program does
    times = files[7].stat().st_mtime_ns
    os.utime(files[8], ns=(times, times))
    between = files[7].with_name("between")
    files[7].rename(between)
    files[8].rename(files[7])
    between.rename(files[8])  # two files of one size and time change places
    assert checksums(files, label="x", memory=Memory(memory)) == {path: expected(path, md5=False) for path in files}
    assert sorted(read) == ["3.bin", "5.bin", "7.bin", "8.bin"]


def test_a_file_just_written_is_not_remembered(
    files: list[Path], tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It could be written again within the clock's tick, and look the same."""
    monkeypatch.setattr(hashing, "_CLOCK_TICK", 60_000_000_000)
    for _ in range(2):
        checksums(files, label="x", memory=Memory(tmp_path / "hashes.json"))
    assert len(read) == 40


@pytest.mark.parametrize("text", ["", "{", "[]", '{"a": 1}', '{"a": [[1, 2, 3], {"sha1": "x"}]}'])
def test_a_memory_that_can_not_be_read_is_empty(files: list[Path], tmp_path: Path, text: str) -> None:
    (tmp_path / "hashes.json").write_text(text)
    found = checksums(files, label="x", memory=Memory(tmp_path / "hashes.json"))
    assert found == {path: expected(path, md5=False) for path in files}


def test_a_memory_that_can_not_be_written_is_no_error(files: list[Path], read_only_disk: Path) -> None:
    assert len(checksums(files, label="x", memory=Memory(read_only_disk / "store" / "hashes.json"))) == 20


def test_files_of_another_run_are_forgotten(files: list[Path], tmp_path: Path, read: list[str]) -> None:
    for wanted in (files, files[:2]):
        checksums(wanted, label="x", memory=Memory(tmp_path / "hashes.json"))
    assert (tmp_path / "hashes.json").read_text().count("sha256") == 2


def test_interrupted_in_the_middle_what_was_read_is_kept(
    files: list[Path], tmp_path: Path, read: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    working = hashing._read

    def interrupted(path: Path, *, md5: bool) -> tuple[list[int], Checksums, bool]:
        if path == files[10]:
            raise KeyboardInterrupt
        return working(path, md5=md5)

    monkeypatch.setattr(hashing, "_read", interrupted)
    with pytest.raises(KeyboardInterrupt):
        checksums(files, label="x", memory=Memory(tmp_path / "hashes.json"), threads=1)
    monkeypatch.setattr(hashing, "_read", working)
    read.clear()
    checksums(files, label="x", memory=Memory(tmp_path / "hashes.json"))
    assert sorted(read) == sorted(path.name for path in files[10:])
