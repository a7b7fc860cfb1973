"""Best and second best of published values, as a reader sees them."""

from __future__ import annotations

from decimal import Decimal

import pytest

from semsr.reproduction.ranking import places


@pytest.mark.parametrize(
    ("printed", "direction", "expected"),
    [
        ("30.1 30.2 30.3", "higher", (0, 2, 1)),
        ("30.1 30.2 30.3", "lower", (1, 2, 0)),
        ("30.3 30.2 30.3 30.2 30.1", "higher", (1, 2, 1, 2, 0)),
        ("30.3 30.3", "higher", (1, 1)),
        ("30.3 - 30.1", "higher", (1, 0, 2)),
        ("30.3 - -", "higher", (0, 0, 0)),
        ("- -", "lower", (0, 0)),
        ("", "lower", ()),
        ("9.5 10.2", "higher", (2, 1)),
        ("0.10 0.1", "lower", (1, 1)),
        ("Infinity 30", "higher", (1, 2)),
    ],
)
def test_places(printed: str, direction: str, expected: tuple[int, ...]) -> None:
    values = [None if text == "-" else Decimal(text) for text in printed.split()]
    assert places(values, direction) == expected  # type: ignore[arg-type]
