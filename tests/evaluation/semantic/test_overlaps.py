"""Shared pixels of two maps, against counting them one by one."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from semsr.evaluation.semantic.overlaps import overlaps

SHAPES = arrays.array_shapes(min_dims=2, max_dims=2, min_side=0, max_side=12)
IDS = st.sampled_from([-1, 0, 1, 2, (1 << 16) + 1, (1 << 16) + 2, (1 << 24) - 1, (1 << 31) - 2])


@given(
    SHAPES.flatmap(
        lambda shape: st.tuples(arrays.arrays(np.int32, shape, elements=IDS), arrays.arrays(np.int64, shape, elements=IDS))
    )
)
def test_equals_a_count(maps):
    first, second = maps
    found = overlaps(first, second)
    pairs = list(zip(found.first.tolist(), found.second.tolist(), strict=True))
    assert dict(zip(pairs, found.pixels.tolist(), strict=True)) == Counter(
        zip(first.ravel().tolist(), second.ravel().tolist(), strict=True)
    )
    assert pairs == sorted(set(pairs))


def test_takes_maps_that_are_not_in_one_piece():
    whole = np.arange(48, dtype=np.int16).reshape(6, 8) // 5
    ours, copied = overlaps(whole.T[::2], whole.T[1::2]), overlaps(whole.T[::2].copy(), whole.T[1::2].copy())
    assert [*map(list, (ours.first, ours.second, ours.pixels))] == [*map(list, (copied.first, copied.second, copied.pixels))]


def test_maps_of_different_sizes_do_not_go_together():
    with pytest.raises(ValueError, match=r"\(2, 3\) and \(3, 2\)"):
        overlaps(np.zeros((2, 3), int), np.zeros((3, 2), int))
