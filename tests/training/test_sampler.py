"""The order of samples over ranks, without any pictures."""

from __future__ import annotations

import itertools
from collections import Counter
from typing import Any, Literal

import pytest

from semsr.errors import SemsrError
from semsr.training.sampler import EpochSampler


def share(rank: int, ranks: int, length: int = 10, **options: Any) -> list[tuple[int, int]]:
    return list(EpochSampler(length, rank=rank, ranks=ranks, **options))


@pytest.mark.parametrize("ranks", [1, 2, 3, 4, 10])
def test_every_sample_goes_to_one_rank(ranks: int) -> None:
    dropped = [share(rank, ranks) for rank in range(ranks)]
    assert {len(part) for part in dropped} == {10 // ranks}
    assert max(Counter(itertools.chain(*dropped)).values()) == 1
    padded = [share(rank, ranks, uneven="pad") for rank in range(ranks)]
    assert {len(part) for part in padded} == {-(-10 // ranks)}
    assert {index for _, index in itertools.chain(*padded)} == set(range(10))
    assert max(Counter(itertools.chain(*padded)).values()) <= 2


def test_other_samples_are_dropped_in_other_epochs() -> None:
    sampler, dropped = EpochSampler(10, rank=0, ranks=3), set()
    for _ in range(40):
        seen: set[int] = set()
        for rank in range(3):
            sampler.rank = rank
            seen |= {index for _, index in sampler}
        dropped |= set(range(10)) - seen
        sampler.next_epoch()
    assert dropped == set(range(10))


@pytest.mark.parametrize("uneven", ["drop", "pad"])
def test_endless_is_one_epoch_after_the_other(uneven: Literal["drop", "pad"]) -> None:
    endless = itertools.islice(EpochSampler(10, ranks=3, rank=1, uneven=uneven, endless=True), 20)
    sampler, found = EpochSampler(10, ranks=3, rank=1, uneven=uneven), []
    while len(found) < 20:
        found += list(sampler)
        sampler.next_epoch()
    assert list(endless) == found[:20]


@pytest.mark.parametrize("uneven", ["drop", "pad"])
@pytest.mark.parametrize("used", [0, 1, 3, 4, 5, 7, 8, 23])
def test_advance_and_a_state_lead_to_the_same_place(uneven: Literal["drop", "pad"], used: int) -> None:
    def sampler() -> EpochSampler:
        return EpochSampler(10, seed=4, rank=2, ranks=3, uneven=uneven, endless=True)

    whole = list(itertools.islice(sampler(), 40))
    at_once, bit_by_bit, resumed = sampler(), sampler(), sampler()
    at_once.advance(used)
    for _ in range(used):
        bit_by_bit.advance(1)
    assert at_once.state_dict() == bit_by_bit.state_dict()
    resumed.load_state_dict(at_once.state_dict())
    assert list(itertools.islice(resumed, 40 - used)) == whole[used:]


def test_taken_up_by_another_number_of_ranks() -> None:
    """Two ranks use four samples each of twelve; three take the four that are left: none twice, none lost but the declared rest."""
    two = [EpochSampler(12, rank=rank, ranks=2) for rank in range(2)]
    used = [key for sampler in two for key in itertools.islice(sampler, 4)]
    for sampler in two:
        sampler.advance(4)
    assert two[0].state_dict() == two[1].state_dict()
    rest = []
    for rank in range(3):
        sampler = EpochSampler(12, rank=rank, ranks=3, uneven="pad")
        sampler.load_state_dict(two[0].state_dict())
        rest += list(sampler)
    assert len(set(used)) == 8 and len(rest) == 6
    assert {index for _, index in used} | {index for _, index in rest} == set(range(12))


def test_impossible_shares() -> None:
    for options, words in (
        ({"length": 3, "ranks": 4}, "3 samples for 4 processes"),
        ({"length": 0}, "0 samples"),
        ({"length": 9, "rank": 2, "ranks": 2}, "rank: found 2; allowed: 0 to 1"),
        ({"length": 9, "seed": -1}, "seed: found -1"),
    ):
        with pytest.raises(SemsrError, match=words):
            EpochSampler(**options)  # type: ignore[arg-type]
    assert len(EpochSampler(3, ranks=4, uneven="pad")) == 1
