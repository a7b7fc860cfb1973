"""A file is there whole or not at all."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest

from semsr.errors import StorageError
from semsr.files import atomic_writer, remove_partial, sha256_file, sha256_tree, write_atomic


def test_an_error_while_writing_leaves_the_old_file(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", "old")
    with pytest.raises(ZeroDivisionError), atomic_writer(tmp_path / "a") as file:
        file.write(b"new")
        _ = 1 / 0
    assert (tmp_path / "a").read_text() == "old"
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_killed_writer_leaves_the_old_file(tmp_path: Path) -> None:
    write_atomic(tmp_path / "a", "old")
    code = f"""
        import os, signal
        from pathlib import Path
        from semsr.files import atomic_writer
        with atomic_writer(Path({str(tmp_path / "a")!r})) as file:
            file.write(b"x" * 100_000); file.flush()
            os.kill(os.getpid(), signal.SIGKILL)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=False)
    assert done.returncode == -signal.SIGKILL
    assert (tmp_path / "a").read_text() == "old"
    assert len(list(tmp_path.iterdir())) == 2
    remove_partial(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["a"]


def test_a_full_disk_is_one_clear_line_and_leaves_nothing(small_disk: Path) -> None:
    with pytest.raises(StorageError, match="no space left on the disk"):
        write_atomic(small_disk / "a", os.urandom(4_000_000))
    assert list(small_disk.iterdir()) == []


def test_a_read_only_folder_is_one_clear_line(read_only_disk: Path) -> None:
    with pytest.raises(StorageError, match="read-only"):
        write_atomic(read_only_disk / "new" / "a", "x")


def test_the_hash_of_a_tree_sees_names_and_bytes_but_no_caches(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d" / "a.py").write_text("1")
    first = sha256_tree([tmp_path / "d"], tmp_path)
    (tmp_path / "d" / "__pycache__").mkdir()
    (tmp_path / "d" / "__pycache__" / "a.pyc").write_text("junk")
    assert sha256_tree([tmp_path / "d"], tmp_path) == first
    (tmp_path / "d" / "a.py").write_text("2")
    changed = sha256_tree([tmp_path / "d"], tmp_path)
    (tmp_path / "d" / "a.py").write_text("1")
    (tmp_path / "d" / "a.py").rename(tmp_path / "d" / "b.py")
    assert len({first, changed, sha256_tree([tmp_path / "d"], tmp_path)}) == 3


def test_sha256_equals_the_standard_vector(tmp_path: Path) -> None:
    (tmp_path / "abc").write_text("abc")
    assert sha256_file(tmp_path / "abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_a_pipe_is_refused_and_not_replaced(tmp_path: Path) -> None:
    """A file appears by being renamed to its name: as root, `--out /dev/null` would put it in the device's place."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    with pytest.raises(StorageError, match="device or pipe"):
        write_atomic(pipe, "text")
    assert pipe.is_fifo() and list(tmp_path.iterdir()) == [pipe]
