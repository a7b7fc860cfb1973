"""Many pictures: all cores, memory that does not grow, and kill -9 in the middle of several processes."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import yaml

from semsr.errors import SemsrError
from semsr.preparation.build import Job, build
from semsr.preparation.journal import Journal
from semsr.preparation.making import File, Picture
from semsr.project import ROOT_VARIABLE, Project
from semsr.stages import prepare

COUNT = 400


@pytest.fixture
def many(
    workspace: Project, make_picture: Callable[..., np.ndarray], save_picture: Callable[..., Path], tmp_path: Path
) -> tuple[Project, Path]:
    """COUNT pictures of 64x64, whose LR is to be made."""
    for number in range(COUNT):
        save_picture(tmp_path / f"originals/{number:04}.png", make_picture(number, 64, 64))
    card = {"id": "many", "title": "Many", "licence": "CC0-1.0", "count": COUNT, "comparable": "same-inputs"}
    card |= {"source": {"kind": "files", "layouts": [{"hr": "{name}.png"}]}}
    card |= {"degradation": {"kind": "matlab-bicubic", "dialect": "symmetric"}}
    (workspace.root / "datasets/many").mkdir()
    (workspace.root / "datasets/many/dataset.yaml").write_text(yaml.safe_dump(card))
    return Project(workspace.root), tmp_path / "originals"


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def children(pid: int) -> list[int]:
    """Read from /proc: not every machine has `ps`."""
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if int(path.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                found.append(int(path.parent.name))
    return found


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False


def test_killed_with_all_its_processes_and_continued(many: tuple[Project, Path]) -> None:
    """The parent is killed; the workers must end by themselves, and the next run makes only what is missing."""
    project, originals = many
    undisturbed = tree(prepare.run(project, "many", originals, workers=1).folder)
    for path in project.data.glob("many*"):
        if path.is_file():
            path.unlink()
    for name in undisturbed:
        (project.data / "many" / name).unlink()
    code = (
        "import sys; from pathlib import Path; from semsr.project import Project; from semsr.stages import prepare\n"
        "if __name__ == '__main__': prepare.run(Project.find(), 'many', workers=2)"
    )
    script = project.root / "run.py"
    script.write_text(code)
    process = subprocess.Popen([sys.executable, str(script)], env={**os.environ, ROOT_VARIABLE: str(project.root)})
    journal = project.data / "many.prepared.jsonl"
    deadline = time.monotonic() + 120
    while not journal.is_file() or journal.read_bytes().count(b"\n") < COUNT * 0.6:
        assert process.poll() is None and time.monotonic() < deadline
        time.sleep(0.002)
    workers = children(process.pid)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert len(workers) >= 2
    done = {path.stem: path.stat().st_mtime_ns for path in (project.data / "many/lr").glob("*.png")}
    assert COUNT * 0.55 <= len(done) < COUNT
    deadline = time.monotonic() + 20
    while any(alive(pid) for pid in workers):
        assert time.monotonic() < deadline, "orphaned workers go on"
        time.sleep(0.05)
    assert not (project.data / "many/manifest.parquet").exists()
    noted = journal.read_bytes().count(b'{"row"')

    made: list[str] = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("semsr.preparation.build._WORTH_A_PROCESS", 10**6)
        before = Picture.__init__

        def counted(self: Picture, *args: object, **keys: object) -> None:
            before(self, *args, **keys)  # type: ignore[arg-type]
            made.append(self.name)

        patch.setattr(Picture, "__init__", counted)
        prepare.run(project, "many")
    assert len(made) == COUNT - noted <= COUNT * 0.45
    assert tree(project.data / "many") == undisturbed
    after = {path.stem: path.stat().st_mtime_ns for path in (project.data / "many/lr").glob("*.png")}
    assert all(after[name] == when for name, when in done.items())


def test_a_torn_journal_costs_its_last_line_only(many: tuple[Project, Path]) -> None:
    project, originals = many
    whole = tree(prepare.run(project, "many", originals).folder)
    path = project.data / "many.prepared.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: COUNT // 2]) + lines[COUNT // 2][:40])
    prepare.run(project, "many")
    assert tree(project.data / "many") == whole
    assert path.read_bytes().count(b'{"row"') == COUNT + 1, "one torn line, the others kept"


def test_a_copied_folder_is_recognised_by_its_pixels(many: tuple[Project, Path]) -> None:
    """Times change when a folder is copied or restored from a backup; the pictures are not made again."""
    project, originals = many
    first = prepare.run(project, "many", originals)
    for path in first.folder.rglob("*.png"):
        os.utime(path, ns=(1, 1))
    prepare.run(project, "many")
    assert {path.stat().st_mtime_ns for path in first.folder.rglob("*.png")} == {1}


def test_a_killed_worker_is_one_clear_line(tmp_path: Path) -> None:
    """As the kernel does when memory runs out."""
    file = File(np.zeros((4, 4, 3), np.uint8), b"not looked at")
    jobs = [Job(str(number), partial(Picture, str(number), None, file)) for number in range(60)]
    with Journal(tmp_path / "x.jsonl", "recipe", tmp_path / "x") as journal:
        build(tmp_path / "x", jobs, journal, workers=2)
    jobs[30] = Job("30", partial(signal.raise_signal, signal.SIGKILL))  # type: ignore[arg-type]
    with (
        Journal(tmp_path / "x.jsonl", "other recipe", tmp_path / "x") as journal,
        pytest.raises(SemsrError, match=r"a process that prepares pictures was killed \(not enough memory\?\); start again"),
    ):
        build(tmp_path / "x", jobs, journal, workers=2)
