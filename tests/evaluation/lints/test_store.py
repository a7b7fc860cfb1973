"""The file that pages read."""

from __future__ import annotations

from pathlib import Path

import pytest

from semsr.errors import SemsrError
from semsr.evaluation.lints.finding import Finding
from semsr.evaluation.lints.store import read_lints, write_lints

FOUND = {
    ("a", "x", 0): (),
    ("b", "y", 3): (
        Finding("jpeg", "warning", "2 of 9 pictures ...", ("p", "q"), 0.25),
        Finding("only-enlarged", "info", "the row ..."),
    ),
}


def test_reads_what_was_written(tmp_path: Path) -> None:
    write_lints(tmp_path / "photos.json", "photos", FOUND)
    assert read_lints(tmp_path / "photos.json") == FOUND


@pytest.mark.parametrize(
    "text, reason",
    [
        ("", "not a file of findings"),
        ("[]", "not a file of findings"),
        ('{"format": 99, "rows": []}', "format: found 99, must be 1"),
        ('{"format": 1}', "no 'rows'"),
        (
            '{"format": 1, "rows": [{"method": "a", "variant": "x", "seed": 0, "findings": '
            '[{"lint": "l", "severity": "grave", "message": "m", "pictures": [], "value": null}]}]}',
            "severity: found 'grave', allowed: error, warning, info",
        ),
    ],
)
def test_a_damaged_file_is_named_with_the_reason(tmp_path: Path, text: str, reason: str) -> None:
    path = tmp_path / "photos.json"
    path.write_text(text)
    with pytest.raises(SemsrError) as caught:
        read_lints(path)
    assert str(caught.value).startswith(f"{path}: ") and reason in str(caught.value)
    assert "run `semsr score photos`" in str(caught.value)


def test_a_missing_file_says_what_makes_it(tmp_path: Path) -> None:
    with pytest.raises(SemsrError, match=r"no such file: the rows of photos were not looked at; run `semsr score photos`"):
        read_lints(tmp_path / "photos.json")
