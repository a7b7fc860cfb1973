"""Letters for groups of rows that can't be told apart."""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence

_LETTERS = string.ascii_letters + "".join(letter for letter in map(chr, range(0xC0, 0x250)) if letter.isalpha())
_MOST = len(_LETTERS)


def letters(rows: Sequence[int], apart: Iterable[tuple[int, int]]) -> dict[int, str]:
    """The compact letter display: two rows share a letter if and only if they are not told apart.

    Insert and absorb (Piepho 2004, "An algorithm for a letter-based representation of all-pairwise comparisons"): from one group of all
    rows, each group with two rows that are told apart becomes two, each without one of them, and groups inside others go. What is
    left are the largest groups without such a pair. Letters go from the best group to the worst.

    Args:
        rows: best first.
        apart: pairs that are told apart.

    Returns:
        The letters of each row, in their order; empty texts where there are more groups than letters (450), as hundreds of rows may give
        that are told apart without any order.
    """
    place = {row: at for at, row in enumerate(rows)}
    groups = {(1 << len(rows)) - 1} if rows else set()  # a group is a number with a bit for each row
    for first, second in sorted((min(pair), max(pair)) for pair in ((place[a], place[b]) for a, b in apart)):
        both = 1 << first | 1 << second
        split = {group for group in groups if group & both == both}
        parts = {group & ~(1 << one) for group in split for one in (first, second)}
        groups -= split
        groups |= {part for part in parts if not any(part & other == part for other in (groups | parts) - {part})}
        if len(groups) > _MOST:
            return dict.fromkeys(rows, "")
    found = dict.fromkeys(rows, "")
    ordered = sorted(groups, key=lambda group: [at for at in range(len(rows)) if group >> at & 1])
    for letter, group in zip(_LETTERS, ordered, strict=False):
        for row, at in place.items():
            if group >> at & 1:
                found[row] += letter
    return found
