"""A page read strictly."""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

_SPEC = importlib.util.spec_from_file_location("report_tests", Path(__file__).parents[1] / "test_report.py")
assert _SPEC is not None and _SPEC.loader is not None
_MODULE = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(_MODULE)


def _read(path: Path) -> Any:
    page = _MODULE.Page(path)
    page.sound()
    text = path.read_text(encoding="utf-8")
    plain = re.sub(r'href="pictures/masks-[0-9a-f]{16}\.png"', "", text)
    assert not re.search(r"<script|https?:|/root/|/tmp/", plain)
    for attributes in page.attributes("image"):
        assert (path.parent / (attributes["href"] or "")).is_file()
    return page


@pytest.fixture(scope="session")
def read_page() -> Callable[[Path], Any]:
    """Reads a page: every tag closed, nothing from outside, every picture there and described."""
    return _read
