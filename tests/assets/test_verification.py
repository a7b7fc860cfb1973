"""Checksums are computed once for each state of a file, and never taken from another state."""

from __future__ import annotations

import hashlib
import os
import time
from pathlib import Path

import pytest

from semsr.assets import verification
from semsr.assets.verification import digest


def test_a_file_rewritten_within_one_tick_of_the_clock(tmp_path: Path) -> None:
    """Same inode, same size, same time: only the bytes tell."""
    path = tmp_path / "x"
    now = time.time_ns()
    for data in (b"one", b"two"):
        path.write_bytes(data)
        os.utime(path, ns=(now, now))
        assert digest(path) == hashlib.sha256(data).hexdigest()


def test_an_old_file_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path, moved = tmp_path / "x", tmp_path / "y"
    path.write_bytes(b"one")
    before = time.time_ns() - 10_000_000_000
    os.utime(path, ns=(before, before))
    found = digest(path)
    monkeypatch.setattr(verification.hashlib, "file_digest", None)
    path.rename(moved)
    assert digest(moved) == found == hashlib.sha256(b"one").hexdigest()
