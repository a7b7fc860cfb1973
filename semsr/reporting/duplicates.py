"""Near-duplicates between two lots of pictures by the Hamming distance of their hashes, all against all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from semsr.reporting.looks import THRESHOLD, WORDS, Words

KEPT = 3
"""Partners kept of each test picture: the nearest. Flat pictures can have thousands."""

_ROWS, _COLUMNS = 8, 4096
"""A block of comparisons: 256 KiB of words stay in a core's cache, which is twice as fast as 5 MiB."""
_COLLECTED = 1 << 18


@dataclass(frozen=True, slots=True)
class Near:
    """A test picture and a training picture that look alike.

    Attributes:
        test, train: places of the two in what was given.
        distance: bits that differ.
        mirrored: one is the other with left and right changed.
    """

    test: int
    train: int
    distance: int
    mirrored: bool


@dataclass(frozen=True)
class Found:
    """What a comparison gave.

    Attributes:
        pairs: the nearest KEPT of each test picture, nearest first.
        count: of all pairs, also those that were not kept.
        comparisons: how many there were, mirrored ones included.
    """

    pairs: tuple[Near, ...]
    count: int
    comparisons: int


def near_duplicates(
    plain: Words,
    mirrored: Words,
    train: Words,
    *,
    threshold: int = THRESHOLD,
    threads: int = 1,
    advance: Callable[[int], None] = lambda _: None,
) -> Found:
    """Compare every test picture, as it is and mirrored, with every training picture.

    Memory is a few blocks, whatever the numbers; a pair that is near both ways counts once.

    Args:
        plain: (T, WORDS) hashes of the test pictures.
        mirrored: (T, WORDS) hashes of their mirror images.
        train: (N, WORDS) hashes of the training pictures.
        threshold: the largest distance that counts as near, below 192.
        threads: comparisons side by side.
        advance: told how many training pictures are done.
    """
    both = np.ascontiguousarray(np.concatenate([plain, mirrored]).T)
    span = max(_ROWS, min(1024, -(-len(train) // (4 * threads))))
    kept, count = np.empty((0, 4), dtype=np.int64), 0
    with ThreadPoolExecutor(threads) as pool:
        starts = range(0, len(train), span)
        for start, (found, more) in zip(
            starts, pool.map(lambda s: _span(train[s : s + span], both, s, threshold), starts), strict=True
        ):
            count += more
            kept = np.concatenate([kept, found])
            if len(kept) > _COLLECTED:
                kept = _nearest(kept)
            advance(min(span, len(train) - start))
    pairs = [Near(int(test), int(other), int(distance), bool(flip)) for test, distance, flip, other in _nearest(kept)]
    pairs.sort(key=lambda pair: (pair.distance, pair.test, pair.train))
    return Found(tuple(pairs), count, both.shape[1] * len(train))


def _span(train: Words, both: Words, first: int, threshold: int) -> tuple[NDArray[np.int64], int]:
    """The nearest pairs of some training pictures, rows of (test, distance, mirrored, train), and the number of all near pairs."""
    kept, count, tests = [np.empty((0, 4), dtype=np.int64)], 0, both.shape[1] // 2
    for row, distances in _blocks(train, both):
        near, place = np.nonzero(distances <= threshold)
        if not len(near):
            continue
        # The distance 256 wraps to 0 in a byte: the few that look near are counted again.
        exact = np.bitwise_count(train[row + near] ^ both[:, place].T).sum(axis=1, dtype=np.int64)
        rows = np.stack([place % tests, exact, place // tests, first + row + near], axis=1)[exact <= threshold]
        # Symmetric pictures are near as they are and mirrored: one pair.
        rows = rows[np.lexsort((rows[:, 2], rows[:, 1], rows[:, 3], rows[:, 0]))]
        rows = rows[np.r_[True, (np.diff(rows[:, [0, 3]], axis=0) != 0).any(axis=1)]] if len(rows) else rows
        count += len(rows)
        kept.append(_nearest(rows))
    return _nearest(np.concatenate(kept)), count


def _blocks(train: Words, both: Words) -> Iterator[tuple[int, NDArray[np.uint8]]]:
    """Distances modulo 256 of a few training pictures to all others, with the first one's place; overwritten by the next."""
    different = np.empty((_ROWS, _COLUMNS), dtype=np.uint64)
    one = np.empty((_ROWS, _COLUMNS), dtype=np.uint8)
    sums = np.empty((_ROWS, both.shape[1]), dtype=np.uint8)
    for row in range(0, len(train), _ROWS):
        rows = train[row : row + _ROWS]
        for column in range(0, both.shape[1], _COLUMNS):
            columns = both[:, column : column + _COLUMNS]
            part = np.s_[: len(rows), : columns.shape[1]]
            total = sums[: len(rows), column : column + columns.shape[1]]
            total[:] = 0
            for word in range(WORDS):
                np.bitwise_xor(rows[:, word, None], columns[word], out=different[part])
                np.bitwise_count(different[part], out=one[part])
                np.add(total, one[part], out=total)
        yield row, sums[: len(rows)]


def _nearest(rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """The KEPT nearest of each test picture."""
    rows = rows[np.lexsort((rows[:, 3], rows[:, 1], rows[:, 0]))]
    rank = np.arange(len(rows)) - np.searchsorted(rows[:, 0], rows[:, 0])
    return rows[rank < KEPT]
