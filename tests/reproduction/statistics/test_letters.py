"""Letters against all cliques of all small graphs, and by hand."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from semsr.reproduction.statistics.letters import letters


def cliques(size: int, apart: set[tuple[int, int]]) -> set[frozenset[int]]:
    """Largest groups without a pair that is told apart, by trying every group."""
    free = [
        frozenset(group)
        for many in range(1, size + 1)
        for group in combinations(range(size), many)
        if not any(pair in apart for pair in combinations(group, 2))
    ]
    return {group for group in free if not any(group < other for other in free)}


@pytest.mark.parametrize("size", [1, 2, 3, 4])
def test_every_way_of_telling_few_rows_apart(size: int) -> None:
    pairs = list(combinations(range(size), 2))
    for number in range(2 ** len(pairs)):
        apart = {pair for at, pair in enumerate(pairs) if number >> at & 1}
        check(size, apart)


def test_many_rows_told_apart_at_random() -> None:
    random = np.random.default_rng(1)
    for _ in range(30):
        share = random.random()
        check(9, {pair for pair in combinations(range(9), 2) if random.random() < share})


def check(size: int, apart: set[tuple[int, int]]) -> None:
    found = letters(range(size), apart)
    for pair in combinations(range(size), 2):
        assert bool(set(found[pair[0]]) & set(found[pair[1]])) == (pair not in apart)
    groups = {frozenset(row for row in found if letter in found[row]) for letter in "".join(found.values())}
    assert groups == cliques(size, apart)


def test_letters_go_from_the_best_row_to_the_worst() -> None:
    """Rows 7, 5, 9, 2 from the best to the worst, neighbours alike."""
    apart = [(9, 7), (7, 2), (2, 5)]
    assert letters([7, 5, 9, 2], apart) == {7: "a", 5: "ab", 9: "bc", 2: "c"}


def test_nothing_and_one_row() -> None:
    assert letters([], []) == {}
    assert letters([3], []) == {3: "a"}


def test_more_than_twenty_six_groups() -> None:
    found = letters(range(80), combinations(range(80), 2))
    assert len(set(found.values())) == 80 and all(letter.isalpha() and len(letter) == 1 for letter in found.values())
    assert (found[0], found[26]) == ("a", "A")


def test_more_groups_than_letters_give_none() -> None:
    """Twelve threes, apart inside each: 3^12 groups."""
    apart = [pair for start in range(0, 36, 3) for pair in combinations(range(start, start + 3), 2)]
    assert set(letters(range(36), apart).values()) == {""}
