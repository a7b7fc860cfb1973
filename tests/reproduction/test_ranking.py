"""Best and second best, as a reader sees them."""

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


A, B, C = (0.100, 0.101, 0.102), (0.110, 0.111, 0.112), (0.090, 0.110, 0.130)
"""Means of three seeds: A is clearly lower than B; C is spread over both."""


def _places(direction: str, *rows: tuple[str, tuple[float, ...]]) -> tuple[int, ...]:
    return places([Decimal(text) for text, _ in rows], direction, [means for _, means in rows])  # type: ignore[arg-type]


def test_rows_that_the_spread_does_not_tell_apart_share_the_place() -> None:
    assert _places("lower", ("0.101", A), ("0.110", C)) == (1, 1)
    assert _places("lower", ("0.101", A), ("0.111", B)) == (1, 2)
    assert _places("higher", ("0.101", A), ("0.111", B)) == (2, 1)
    assert _places("lower", ("0.101", A), ("0.111", B), ("0.110", C)) == (1, 2, 1), "only the best one is compared with"


def test_a_row_that_is_told_apart_from_the_best_shares_no_place_with_a_wider_one_below() -> None:
    """B is clearly worse than A; of the one below B, spread widely, nobody can say that."""
    assert _places("lower", ("0.101", A), ("0.111", B), ("0.120", (0.080, 0.120, 0.160))) == (1, 2, 1)


def test_the_second_place_is_shared_likewise() -> None:
    best = (0.050, 0.051, 0.052)
    assert _places("lower", ("0.051", best), ("0.101", A), ("0.110", C), ("0.500", (0.5, 0.501, 0.502))) == (1, 2, 2, 0)


def test_a_row_without_a_spread_is_compared_as_printed() -> None:
    assert _places("lower", ("0.101", A), ("0.102", (0.102,))) == (1, 2)
    assert _places("lower", ("0.100", (0.1,)), ("0.101", A)) == (1, 2)
    assert _places("lower", ("0.101", A), ("0.101", (0.1014,))) == (1, 1)
    assert _places("lower", ("0.101", A), ("0.102", ()), ("0.111", B)) == (1, 2, 0)


def test_a_row_without_a_spread_between_two_that_share_a_place_shares_it() -> None:
    """Else the lower of the two would stand above it, which no number says."""
    assert _places("lower", ("0.101", A), ("0.105", (0.105,)), ("0.110", C), ("0.120", (0.12,))) == (1, 1, 1, 2)


def test_rows_that_print_alike_share_their_place_even_where_the_spread_is_tiny() -> None:
    close = (0.10101, 0.10102, 0.10103)
    assert _places("lower", ("0.101", close), ("0.101", (0.10111, 0.10112, 0.10113))) == (1, 1)


def test_two_seeds_are_not_enough_to_tell_apart() -> None:
    assert _places("lower", ("0.101", A[:2]), ("0.111", B[:2]), ("0.105", (0.105,))) == (1, 1, 1)
    assert _places("lower", ("0.101", A), ("0.111", B[:2])) == (1, 1)


def test_the_order_of_rows_changes_no_place() -> None:
    rows = [("0.101", A), ("0.111", B), ("0.110", C), ("0.105", (0.105,)), ("0.2", ())]
    assert _places("lower", *rows) == tuple(reversed(_places("lower", *reversed(rows))))
