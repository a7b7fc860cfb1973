"""Fixtures every test may use."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from semsr.project import ROOT_VARIABLE, Project

ROOT = Path(__file__).resolve().parents[1]
STARTED_WITH = os.environ.get(ROOT_VARIABLE)


@pytest.fixture(scope="session")
def project() -> Project:
    """This project, wherever pytest was started."""
    return Project(ROOT)


@pytest.fixture(scope="session")
def test_data() -> Path:
    """Real pictures and published values; not part of the project."""
    folder = Path(os.environ.get("SEMSR_TEST_DATA", ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"no test data: {folder} is not there (set SEMSR_TEST_DATA)")
    return folder


@pytest.fixture(autouse=True)
def _own_project() -> Iterator[None]:
    """Loading a plugin names its project to child processes in the environment; no test may inherit another's.

    Nor that of a fixture of a wider scope, which has run before this one: what counts is what pytest was started with.
    """
    _name_project()
    yield
    _name_project()


def _name_project() -> None:
    os.environ.pop(ROOT_VARIABLE, None)
    if STARTED_WITH is not None:
        os.environ[ROOT_VARIABLE] = STARTED_WITH


@pytest.fixture
def workspace(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """A project in a temporary folder with the real data set cards and nothing else; assets go to a fresh folder, too."""
    root = tmp_path / "project"
    for folder in ("metrics/protocols", "profiles", "methods", "tables"):
        (root / folder).mkdir(parents=True)
    shutil.copytree(project.root / "datasets", root / "datasets")
    (root / "requirements").mkdir()
    shutil.copy(project.lock, root / "requirements")
    monkeypatch.setenv("SEMSR_ASSETS", str(tmp_path / "assets"))
    return Project(root)


def _mount(folder: Path, *options: str) -> None:
    done = subprocess.run(["mount", *options, str(folder)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"can't mount a file system here: {done.stderr.strip()}")


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of one megabyte, to be filled."""
    folder = tmp_path / "small-disk"
    folder.mkdir()
    _mount(folder, "-t", "tmpfs", "-o", "size=1m", "tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)


@pytest.fixture
def read_only_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system that refuses writing, to root too."""
    folder = tmp_path / "read-only-disk"
    folder.mkdir()
    _mount(folder, "-t", "tmpfs", "-o", "ro,size=1m", "tmpfs")
    yield folder
    subprocess.run(["umount", str(folder)], check=True)
