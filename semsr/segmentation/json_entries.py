"""JSON written by others, read key by key: whatever stands there, a wrong value is one clear line."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semsr.errors import SemanticError

_LONGEST = 60
"""Characters of a wrong value that an error shows."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One value of a JSON file, and where it stands.

    Attributes:
        value: as `json` gives it.
        file: what errors call the file.
        key: the way to the value, as `annotations[3].bbox`; "" is the whole file.
        advice: what to do about a wrong one.
    """

    value: Any
    file: str
    key: str
    advice: str

    def wrong(self, allowed: str) -> SemanticError:
        """The error that says what stands here and what may."""
        return SemanticError(
            f"{self.file}: {self.key or 'the file'} is {_shown(self.value)}; it must be {allowed}: {self.advice}"
        )

    def __getitem__(self, key: str) -> Entry:
        """The value of a key. Raises: SemanticError: not an object, or no such key."""
        found = self.get(key)
        if found is None:
            where = f"{self.key} has" if self.key else "the file has"
            raise SemanticError(f"{self.file}: {where} no {key!r}, found {_keys(self.value)}: {self.advice}")
        return found

    def get(self, key: str) -> Entry | None:
        """The value of a key, None where it is absent or null. Raises: SemanticError: not an object."""
        if not isinstance(self.value, dict):
            raise self.wrong(f"an object with {key!r}")
        value = self.value.get(key)
        return None if value is None else Entry(value, self.file, f"{self.key}.{key}" if self.key else key, self.advice)

    def __iter__(self) -> Iterator[Entry]:
        """The entries of a list. Raises: SemanticError: it is none."""
        if not isinstance(self.value, list):
            raise self.wrong("a list")
        for number, value in enumerate(self.value):
            yield Entry(value, self.file, f"{self.key}[{number}]", self.advice)

    def integer(self, low: int, high: int | None = None) -> int:
        """A whole number from `low` to `high`. Raises: SemanticError."""
        found = self.value
        if not isinstance(found, int) or isinstance(found, bool) or found < low or (high is not None and found > high):
            raise self.wrong(f"a whole number from {low}{'' if high is None else f' to {high}'}{' up' if high is None else ''}")
        return found

    def number(self, low: float = -math.inf, high: float = math.inf) -> float:
        """A finite number from `low` to `high`. Raises: SemanticError."""
        found = self.value
        if isinstance(found, (int, float)) and not isinstance(found, bool):
            try:
                number = float(found)
            except OverflowError:
                number = math.inf
            if math.isfinite(number) and low <= number <= high:
                return number
        bounds = [f"from {low:g} up" if high == math.inf else f"from {low:g} to {high:g}"] if low > -math.inf else []
        raise self.wrong(" ".join(["a finite number", *bounds]))

    def text(self) -> str:
        """A string. Raises: SemanticError."""
        if not isinstance(self.value, str):
            raise self.wrong("a string")
        return self.value

    def flag(self) -> bool:
        """True or false, or COCO's 1 or 0. Raises: SemanticError."""
        if not isinstance(self.value, (bool, int)) or self.value not in (0, 1):
            raise self.wrong("0 or 1")
        return bool(self.value)

    def box(self) -> tuple[float, float, float, float]:
        """(x, y, width, height) in pixels, finite, of no negative side. Raises: SemanticError."""
        numbers = list(self)
        if len(numbers) != 4:
            raise self.wrong("a list of 4 numbers: x, y, width, height")
        left, top = numbers[0].number(), numbers[1].number()
        return left, top, numbers[2].number(0), numbers[3].number(0)

    def size(self) -> tuple[int, int]:
        """(H, W), both at least 1. Raises: SemanticError."""
        sides = list(self)
        if len(sides) != 2:
            raise self.wrong("a list of 2 numbers: height, width")
        return sides[0].integer(1), sides[1].integer(1)


def read_json(path: Path, advice: str) -> Entry:
    """A JSON file as an entry. Raises: SemanticError: it is not there, or damaged."""
    try:
        return parse_json(path.read_bytes(), str(path), advice)
    except FileNotFoundError:
        raise SemanticError(f"{path}: no such file: {advice}") from None
    except OSError as error:
        raise SemanticError(f"{path}: can't be read ({error.strerror}): {advice}") from None


def parse_json(data: bytes, file: str, advice: str) -> Entry:
    """JSON text as an entry; `file` is what errors call it. Raises: SemanticError."""
    try:
        return Entry(json.loads(data), file, "", advice)
    except (ValueError, RecursionError) as error:
        raise SemanticError(f"{file}: not JSON ({error}): {advice}") from None


def _shown(value: object) -> str:
    if isinstance(value, dict):
        return f"an object with {_keys(value)}"
    if isinstance(value, list):
        return f"a list of {len(value)}"
    if isinstance(value, int) and abs(value) >> 200:
        return "an integer of over 60 digits"  # Python refuses to print really long ones
    shown = repr(value)
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


def _keys(value: dict[str, Any]) -> str:
    shown = ", ".join(map(repr, list(value)[:8]))
    return "no key" if not value else shown if len(shown) <= 2 * _LONGEST else f"{shown[: 2 * _LONGEST]}..."
