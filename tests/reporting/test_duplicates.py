"""All against all: equal to counting bits one by one, and quick enough for the largest training sets."""

from __future__ import annotations

import time
import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from semsr.reporting.duplicates import KEPT, Near, near_duplicates
from semsr.reporting.looks import THRESHOLD

NONE = np.empty((0, 4), dtype=np.uint64)


def _hashes(count: int, seed: int) -> NDArray[np.uint64]:
    return np.random.default_rng(seed).integers(0, 2**64, (count, 4), dtype=np.uint64)


def _changed(hashes: NDArray[np.uint64], bits: int, seed: int = 0) -> NDArray[np.uint64]:
    """With so many different bits changed in each."""
    random, found = np.random.default_rng(seed), np.unpackbits(hashes.view(np.uint8), axis=1)
    for row in found:
        row[random.choice(256, bits, replace=False)] ^= 1
    return np.packbits(found, axis=1).view(np.uint64)


def _slowly(plain: NDArray[np.uint64], mirrored: NDArray[np.uint64], train: NDArray[np.uint64]) -> dict[tuple[int, int], int]:
    """Nearer of the two distances of every pair, by Python's own integers."""

    def whole(rows: NDArray[np.uint64]) -> list[int]:
        return [int.from_bytes(row.tobytes(), "little") for row in rows]

    trained = whole(train)
    return {
        (test, other): min((one ^ two).bit_count(), (turned ^ two).bit_count())
        for test, (one, turned) in enumerate(zip(whole(plain), whole(mirrored), strict=True))
        for other, two in enumerate(trained)
    }


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("trained", [1, 7, 300, 1030])
def test_equals_counting_one_by_one(trained: int, threads: int) -> None:
    """With a threshold that some of the pairs pass, so that there is something to find."""
    plain, mirrored, train = _hashes(23, 1), _hashes(23, 2), _hashes(trained, 3)
    found = near_duplicates(plain, mirrored, train, threshold=112, threads=threads)
    expected = {pair: distance for pair, distance in _slowly(plain, mirrored, train).items() if distance <= 112}
    assert found.count == len(expected)
    assert found.comparisons == 2 * 23 * trained
    for test in range(23):
        ours = [pair for pair in found.pairs if pair.test == test]
        nearest = sorted(distance for pair, distance in expected.items() if pair[0] == test)[:KEPT]
        assert [pair.distance for pair in ours] == nearest
        assert all(expected[pair.test, pair.train] == pair.distance for pair in ours)


def test_mirrored_pairs_are_told_apart() -> None:
    plain, mirrored, train = _hashes(5, 1), _hashes(5, 2), _hashes(40, 3)
    train[7], train[39] = plain[3], mirrored[4]
    assert set(near_duplicates(plain, mirrored, train).pairs) == {Near(3, 7, 0, False), Near(4, 39, 0, True)}


def test_a_symmetric_picture_is_one_pair() -> None:
    plain = _hashes(1, 1)
    found = near_duplicates(plain, plain, plain)
    assert found.pairs == (Near(0, 0, 0, False),)
    assert found.count == 1


@pytest.mark.parametrize(("bits", "near"), [(0, True), (THRESHOLD, True), (THRESHOLD + 1, False), (255, False), (256, False)])
def test_the_threshold_is_the_last_that_counts(bits: int, near: bool) -> None:
    """256 different bits wrap to none in a byte."""
    plain = _hashes(3, 1)
    found = near_duplicates(plain, _hashes(3, 2), _changed(plain, bits))
    assert [(pair.test, pair.train, pair.distance) for pair in found.pairs] == (
        [(i, i, bits) for i in range(3)] if near else []
    )


def test_flat_pictures_by_the_thousand_do_not_fill_memory() -> None:
    """A million pairs; the nearest few are kept, all are counted."""
    flat = np.zeros((500, 4), dtype=np.uint64)
    tracemalloc.start()
    found = near_duplicates(flat, flat, np.zeros((2000, 4), dtype=np.uint64))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert found.count == 1_000_000
    assert len(found.pairs) == 500 * KEPT
    assert peak < 32 << 20


@pytest.mark.parametrize("counts", [(0, 5), (5, 0), (0, 0)])
def test_nothing_to_compare(counts: tuple[int, int]) -> None:
    test, train = _hashes(counts[0], 1), _hashes(counts[1], 2)
    found = near_duplicates(test, test, train)
    assert (found.pairs, found.count, found.comparisons) == ((), 0, 0)


def test_progress_adds_up() -> None:
    told: list[int] = []
    near_duplicates(_hashes(3, 1), _hashes(3, 2), _hashes(5000, 3), threads=2, advance=told.append)
    assert sum(told) == 5000


@pytest.mark.slow
def test_a_large_training_set_against_five_thousand() -> None:
    """100,000 against 5,000, mirrored ones included: 10^9 comparisons, 9 to 11 s on one core of two when nothing else runs."""
    plain, mirrored, train = _hashes(5000, 1), _hashes(5000, 2), _hashes(100_000, 3)
    planted = np.arange(0, 5000, 500)
    train[20 * planted + 19] = _changed(plain[planted], 40)
    train[20 * planted + 7] = _changed(mirrored[planted], 60)
    start = time.perf_counter()
    found = near_duplicates(plain, mirrored, train, threads=2)
    assert time.perf_counter() - start < 120
    expected = {Near(int(i), int(20 * i + 19), 40, False) for i in planted} | {
        Near(int(i), int(20 * i + 7), 60, True) for i in planted
    }
    assert set(found.pairs) == expected
    assert found.count == len(expected)
