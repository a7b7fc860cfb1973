"""The journal: whatever happens to the file, only whole and matching entries are believed."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from semsr.errors import StorageError
from semsr.evaluation.journal import Entry, Journal, batch_key

VALUES = {"psnr": np.array([1 / 3, np.inf]), "fid": np.random.default_rng(0).normal(size=(2, 5))}


def write(path: Path, entries: int, fingerprint: str = "f") -> None:
    with Journal(path, fingerprint) as journal:
        for at in range(entries):
            journal.add(Entry(f"k{at}", VALUES))


def keys(path: Path, fingerprint: str = "f") -> list[str]:
    with Journal(path, fingerprint) as journal:
        return sorted(journal.entries)


def test_gives_back_exactly_what_was_put_in(tmp_path: Path) -> None:
    path = tmp_path / "new" / "j.jsonl"
    write(path, 2)
    with Journal(path, "f") as journal:
        for name, value in VALUES.items():
            np.testing.assert_array_equal(journal.get("k1")[name], value)
        assert journal.get("k2") == {}


def test_any_torn_end_loses_the_torn_line_alone(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    write(path, 3)
    whole = path.read_bytes()
    ends = [at + 1 for at, byte in enumerate(whole) if byte == ord("\n")]
    for length in range(ends[0], len(whole) + 1, 7):
        path.write_bytes(whole[:length])
        complete = sum(length >= end for end in ends) - 1
        assert keys(path) == [f"k{at}" for at in range(complete)]
        assert path.stat().st_size == ends[complete], "the torn end is cut off"
        write(path, 3)  # appending after the tear gives a sound file again
        assert keys(path) == ["k0", "k1", "k2"]


def test_a_damaged_line_is_not_believed(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    write(path, 3)
    lines = path.read_bytes().splitlines(keepends=True)
    lines[2] = lines[2].replace(b"0.333", b"0.334")
    path.write_bytes(b"".join(lines))
    assert keys(path) == ["k0"]


@pytest.mark.parametrize("content", [b"", b"\0" * 100, b"not a journal\n", b"torn hea"])
def test_a_file_without_a_header_is_started_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "j.jsonl"
    path.write_bytes(content)
    write(path, 1)
    assert keys(path) == ["k0"]


def test_another_fingerprint_starts_anew(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    write(path, 2, "old code")
    assert keys(path, "new code") == []
    assert keys(path, "old code") == []


def test_later_entries_add_to_earlier_ones(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    with Journal(path, "f") as journal:
        journal.add(Entry("k", {"psnr": np.array([1.0])}))
        journal.add(Entry("k", {"ssim": np.array([2.0])}))
    with Journal(path, "f") as journal:
        assert sorted(journal.get("k")) == ["psnr", "ssim"]


def test_compaction_keeps_what_is_in_use(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    with Journal(path, "f") as journal:
        for key in ("a", "b", "c"):
            journal.add(Entry(key, VALUES))
        journal.keep_only(["c", "a", "z"])
        journal.add(Entry("d", VALUES))
    assert keys(path) == ["a", "c", "d"]


def test_two_runs_never_share_a_journal(tmp_path: Path) -> None:
    path = tmp_path / "j.jsonl"
    with Journal(path, "f"), pytest.raises(StorageError, match="in use by another run"), Journal(path, "f"):
        pass
    write(path, 1)


def test_deleting_leaves_nothing(tmp_path: Path) -> None:
    with Journal(tmp_path / "j.jsonl", "f") as journal:
        journal.delete()
    assert list(tmp_path.iterdir()) == []


def test_the_key_is_of_the_bytes() -> None:
    key = batch_key(["a", "b"], ["1", "2"], ["3", "4"])
    others = [
        batch_key(["a", "c"], ["1", "2"], ["3", "4"]),
        batch_key(["a", "b"], ["1", "2"], ["3", "5"]),
        batch_key(["a", "b"], ["1", "2"]),
    ]
    assert key not in others
    assert key == batch_key(("a", "b"), ("1", "2"), ("3", "4"))
