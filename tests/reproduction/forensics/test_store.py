"""Explanations in a file, and files that are not ours."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from semsr.errors import SemsrError
from semsr.reproduction.forensics.explanation import Alternative, Explanation
from semsr.reproduction.forensics.store import read_explanations, write_explanations

JOINT = Alternative("luma=rgb", "RGB — no luma", 1, 23.6, -1.7, 0.001, True, ("ssim",), ())
AGAINST = Alternative("stored=jpeg-95", "as JPEG", 1, 23.61, -1.69, -0.002, False, (), ("niqe", "ssim"))
FOUND = Explanation("0123456789ab", "23.60", 25.3, 0.005, (JOINT, AGAINST), 0.07, ("MANIQA: no weights",))
KEY = "0123456789ab", "23.60", "psnr"


def test_comes_back_as_it_was(tmp_path: Path) -> None:
    other = Explanation("ba9876543210", "1", 2.0, 0.5, ())
    held = {KEY: FOUND, ("ba9876543210", "1", "niqe"): other}
    path = tmp_path / "explained" / "table.json"
    write_explanations(path, held)
    assert read_explanations(path) == held
    first = path.read_bytes()
    write_explanations(path, dict(reversed(held.items())))
    assert path.read_bytes() == first, "the same whatever the order"


def test_nothing_where_there_is_no_file(tmp_path: Path) -> None:
    assert read_explanations(tmp_path / "none.json") == {}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "not a readable file of explanations"),
        ('{"format": 1, "explan', "not a readable file of explanations"),
        ("[]", "format: found 'list'; allowed: 1"),
        ('{"format": 99, "explanations": []}', "format: found 99; allowed: 1"),
        ('{"format": 1}', "made by another version of semsr"),
        ('{"format": 1, "explanations": [{"column": "psnr"}]}', "made by another version of semsr"),
        ('{"format": 1, "explanations": [3]}', "made by another version of semsr"),
        ('{"format": 1, "explanations": {"a": 1}}', "made by another version of semsr"),
    ],
)
def test_a_file_that_is_not_ours_is_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "table.json"
    path.write_text(text)
    with pytest.raises(SemsrError, match=message) as caught:
        read_explanations(path, "results/x/explained/table.json")
    said = str(caught.value)
    assert said.startswith("results/x/explained/table.json: ") and said.endswith("delete it and run `semsr explain --all`")
    assert "\n" not in said


def test_an_alternative_of_another_version_is_said(tmp_path: Path) -> None:
    path = tmp_path / "table.json"
    write_explanations(path, {KEY: FOUND})
    held = json.loads(path.read_text())
    held["explanations"][0]["alternatives"][0]["new"] = 1
    path.write_text(json.dumps(held))
    with pytest.raises(SemsrError, match="made by another version"):
        read_explanations(path)
