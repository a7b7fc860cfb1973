"""Fixtures every test may use."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from semsr.project import Project

ROOT = Path(__file__).resolve().parents[1]


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
