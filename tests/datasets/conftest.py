"""A project in a temporary folder, with the real data set cards and nothing else."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from semsr.project import Project


@pytest.fixture
def workspace(project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The project's data set cards in a fresh folder; assets go to a fresh folder, too."""
    root = tmp_path / "project"
    for folder in ("metrics/protocols", "profiles", "methods", "tables"):
        (root / folder).mkdir(parents=True)
    shutil.copytree(project.root / "datasets", root / "datasets")
    (root / "requirements").mkdir()
    shutil.copy(project.lock, root / "requirements")
    monkeypatch.setenv("SEMSR_ASSETS", str(tmp_path / "assets"))
    return Project(root)
