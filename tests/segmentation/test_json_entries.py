"""JSON written by others: whatever stands there, one clear line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from semsr.errors import SemanticError
from semsr.segmentation.json_entries import Entry, parse_json, read_json

HOSTILE: list[Any] = [
    None,
    True,
    -1,
    1.5,
    float("nan"),
    float("inf"),
    10**5000,
    "",
    "x" * 10_000,
    [],
    [[]],
    {},
    {"a": {}},
    "\n",
]
READERS: dict[str, tuple[Callable[[Entry], Any], Any]] = {
    "integer": (lambda entry: entry.integer(1, 9), 5),
    "number": (lambda entry: entry.number(0, 1), 0.25),
    "text": (lambda entry: entry.text(), "words"),
    "flag": (lambda entry: entry.flag(), 1),
    "box": (lambda entry: entry.box(), [1, 2.5, 0, 4]),
    "size": (lambda entry: entry.size(), [3, 4]),
    "list": (lambda entry: [part.integer(0) for part in entry], [1, 2]),
    "key": (lambda entry: entry["a"].text(), {"a": "b"}),
}


@pytest.mark.parametrize("reader", READERS)
def test_wrong_values_are_one_line(reader: str) -> None:
    read, right = READERS[reader]
    assert read(Entry(right, "a.json", "key", "do this")) is not None
    refused = 0
    for value in HOSTILE:
        try:
            read(Entry(value, "a.json", "key", "do this"))
        except SemanticError as error:
            refused += 1
            assert str(error).startswith("a.json: key") and str(error).endswith(": do this")
            assert "\n" not in str(error) and len(str(error)) < 300
    assert refused >= len(HOSTILE) - 4  # of each kind only a few are right


def test_values_are_what_they_say() -> None:
    entry = parse_json(b'{"a": [{"b": 1}], "none": null}', "a.json", "do this")
    (first,) = entry["a"]
    assert (first["b"].integer(0), first["b"].number(), first["b"].flag(), first["b"].key) == (1, 1.0, True, "a[0].b")
    assert entry.get("none") is None and entry.get("absent") is None
    with pytest.raises(SemanticError, match=r"a\.json: the file has no 'none', found 'a', 'none': do this"):
        entry["none"]


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe\x00", b"[" * 100_000, b"1" * 10_000, b"nothing"])
def test_what_is_no_json(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "a.json").write_bytes(data)
    with pytest.raises(SemanticError, match=r"a\.json: not JSON \(.*\): do this") as caught:
        read_json(tmp_path / "a.json", "do this")
    assert "\n" not in str(caught.value)


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SemanticError, match=r"a\.json: no such file: do this"):
        read_json(tmp_path / "a.json", "do this")
    with pytest.raises(SemanticError, match=r"can't be read \(Is a directory\): do this"):
        read_json(tmp_path, "do this")
