"""Every measure against a count by hand and by plain loops, and the bootstrap against all draws there are."""

from __future__ import annotations

import itertools
import math
import random
from fractions import Fraction

import numpy as np
import pytest

from semsr.reproduction.descriptions.bootstrap import Estimate, ratio_of_sums
from semsr.reproduction.descriptions.measures import MARKS, MEASURES, Measure, measure, words
from semsr.reproduction.descriptions.said import Pair, Said

BY_NAME = {what.name: what for what in MEASURES}
WORDS = ("dog", "red car", "tree", "man", "sky", "old stone bridge")


def pair(name: str, clean: tuple[str, ...], degraded: tuple[str, ...]) -> Pair:
    return Pair(name, Said(clean, ", ".join(clean)), Said(degraded, ", ".join(degraded)))


HAND = [
    pair("a", ("dog", "red car"), ("dog", "sky")),
    pair("b", ("tree",), ()),
    pair("c", (), ()),
    pair("d", (), ("man",)),
]
OTHER = [pair("a", ("dog", "sky"), ()), pair("b", (), ()), pair("c", ("tree",), ()), pair("d", ("man",), ())]


def value(name: str, pairs: list[Pair] = HAND, reference: list[Pair] | None = OTHER) -> float | None:
    found = measure(BY_NAME[name], pairs, reference)
    assert found is not None
    return found.value


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("tags", 3 / 4),
        ("words", 4 / 4),
        ("words_per_tag", 4 / 3),
        ("precision_own", 1 / 3),  # dog of dog, sky, man
        ("recall_own", 1 / 3),  # dog of dog, red car, tree
        ("f1_own", 2 / 6),
        ("precision_reference", 3 / 3),  # dog, sky, man
        ("recall_reference", 3 / 4),  # of dog, sky, tree, man
        ("f1_reference", 6 / 7),
    ],
)
def test_counted_by_hand(name: str, expected: float) -> None:
    assert value(name) == pytest.approx(expected, abs=1e-15)


def _plain(pairs: list[Pair], expected: list[tuple[str, ...]]) -> dict[str, Fraction]:
    """True and false positives and misses, tag by tag."""
    hit = extra = missed = 0
    for found, wanted in zip(pairs, expected, strict=True):
        for tag in found.degraded.tags:
            if tag in wanted:
                hit += 1
            else:
                extra += 1
        for tag in wanted:
            if tag not in found.degraded.tags:
                missed += 1
    precision, recall = Fraction(hit, hit + extra), Fraction(hit, hit + missed)
    return {"precision": precision, "recall": recall, "f1": 2 * precision * recall / (precision + recall)}


@pytest.mark.parametrize("seed", range(5))
def test_agreement_is_that_of_a_plain_count(seed: int) -> None:
    draw = random.Random(seed)
    some = lambda: tuple(draw.sample(WORDS, draw.randrange(len(WORDS))))  # noqa: E731
    pairs = [pair(str(at), some(), some()) for at in range(30)]
    reference = [pair(str(at), some(), some()) for at in range(30)]
    for whose, expected in (("own", pairs), ("reference", reference)):
        for name, fraction in _plain(pairs, [each.clean.tags for each in expected]).items():
            assert value(f"{name}_{whose}", pairs, reference) == pytest.approx(float(fraction), abs=1e-15)


def test_case_and_spaces_make_no_other_tag_and_a_tag_counts_once() -> None:
    told = [Pair("a", Said(("Dog", "dog "), "Dog, dog"), Said((" DOG",), "DOG"))]
    assert value("tags", told, None) == 1
    assert value("f1_own", told, None) == 1


def test_silence_on_both_sides_is_no_evidence() -> None:
    silent = [pair("x", (), ()), pair("y", (), ())]
    for name in ("words_per_tag", "precision_own", "recall_own", "f1_own"):
        assert value(name, silent, silent) is None
    assert value("f1_own", [*HAND, *silent], None) == value("f1_own")


def test_one_side_alone_is_wrong_or_missed() -> None:
    found, missed = [pair("x", (), ("dog",))], [pair("x", ("dog",), ())]
    assert (value("precision_own", found), value("recall_own", found, None), value("f1_own", found)) == (0, None, 0)
    assert (value("precision_own", missed), value("recall_own", missed), value("f1_own", missed)) == (None, 0, 0)


def test_against_a_reference_that_is_not_there_nothing_is_measured() -> None:
    assert measure(BY_NAME["f1_reference"], HAND, None) is None
    with pytest.raises(ValueError, match="other pictures"):
        measure(BY_NAME["f1_reference"], HAND, OTHER[1:])


@pytest.mark.parametrize(
    ("text", "count"), [("", 0), ("dog", 1), ("dog, red car", 3), (" a  dog ,, and a cat", 5), ("a man's well-known hat", 4)]
)
def test_words_are_what_stands_between_spaces_and_commas(text: str, count: int) -> None:
    assert words(text) == count


def test_each_mark_has_a_measure_and_each_measure_a_definition() -> None:
    assert {what.mark for what in MEASURES} == set(MARKS)
    assert len(BY_NAME) == len(MEASURES)
    whole: list[Measure] = [what for what in MEASURES if what.how and what.heading]
    assert len(whole) == len(MEASURES)


def test_the_bootstrap_s_ends_are_quantiles_of_all_draws() -> None:
    above, below = [3.0, 0.0, 1.0, 2.0], [4.0, 1.0, 1.0, 5.0]
    found = ratio_of_sums(above, below)
    ratios = sorted(
        sum(above[at] for at in drawn) / sum(below[at] for at in drawn) for drawn in itertools.product(range(4), repeat=4)
    )
    assert found.value == pytest.approx(6 / 11)
    assert found.low is not None and found.high is not None
    # Between the ranks that 2000 of 256 equally likely draws may reach by chance (four standard deviations).
    slack = 4 * math.sqrt(0.025 * 0.975 / 2000)
    for end, share in ((found.low, 0.025), (found.high, 0.975)):
        low, high = (ratios[min(255, max(0, int(256 * (share + sign * slack))))] for sign in (-1, 1))
        assert low <= end <= high


def test_the_bootstrap_of_a_mean_of_many_is_the_normal_interval() -> None:
    values = np.random.default_rng(3).normal(10, 2, 400)
    found = ratio_of_sums(list(values), [1.0] * 400)
    half = 1.959964 * values.std(ddof=1) / 20
    assert found.value == pytest.approx(values.mean())
    assert found.low == pytest.approx(values.mean() - half, abs=0.1 * half)
    assert found.high == pytest.approx(values.mean() + half, abs=0.1 * half)


def test_the_bootstrap_is_seeded_and_knows_its_limits() -> None:
    assert ratio_of_sums([1, 2, 3], [2, 2, 4]) == ratio_of_sums([1, 2, 3], [2, 2, 4])
    assert ratio_of_sums([1], [2]) == Estimate(0.5, None, None, 1, 2, 1)
    assert ratio_of_sums([0, 0], [0, 0]) == Estimate(None, None, None, 0, 0, 2)
    sparse = ratio_of_sums([1, 0], [2, 0])  # a quarter of the draws has nothing below
    assert (sparse.low, sparse.high) == (0.5, 0.5)
    for above, below in (([], []), ([1], [1, 2])):
        with pytest.raises(ValueError, match="one pair of values"):
            ratio_of_sums(above, below)
