"""What several seeds say: against hand-computed values and scipy, which does not share our formulas."""

from __future__ import annotations

import math
import random

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import stats

from semsr.reproduction.seeds import contrast, mean_of_seeds, spread_of, welch_interval

FLOATS = st.floats(min_value=-1e6, max_value=1e6, allow_nan=False, width=64)


def test_the_spread_is_the_one_computed_by_hand() -> None:
    """0.310, 0.312, 0.317: mean 0.313; deviations -0.003, -0.001, 0.004; s² = 26e-6 / 2; s = 0.00360555."""
    spread = spread_of([0.310, 0.312, 0.317])
    assert spread is not None and spread.sd == pytest.approx(0.003605551275, abs=1e-12)
    assert (spread.low, spread.high) == (0.310, 0.317)
    assert mean_of_seeds([0.310, 0.312, 0.317]) == pytest.approx(0.313, abs=1e-15)
    assert spread_of([0.31]) is None and spread_of([]) is None


def test_an_infinite_mean_has_no_standard_deviation() -> None:
    spread = spread_of([30.0, math.inf])
    assert spread is not None and (spread.sd, spread.low, spread.high) == (None, 30.0, math.inf)


@given(FLOATS, st.integers(1, 60))
@example(0.49543508709194095, 3)
def test_equal_seeds_have_exactly_their_value_as_mean_and_no_spread(value: float, count: int) -> None:
    assert mean_of_seeds([value] * count) == value
    assert count == 1 or spread_of([value] * count).sd == 0  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("second", "half"),
    [
        ([5, 6, 7], 2.776445 * math.sqrt(2 / 3)),  # both squared standard errors 1/3: ν = 4
        ([6, 6, 6], 4.302653 * math.sqrt(1 / 3)),  # the second side does not vary: ν = 2
    ],
)
def test_welch_by_hand(second: list[float], half: float) -> None:
    """Against 1, 2, 3 with variance 1; t(0.975, 4) = 2.776445 and t(0.975, 2) = 4.302653 are from a printed table."""
    assert welch_interval([1, 2, 3], second) == pytest.approx((-4 - half, -4 + half), abs=2e-6)


@settings(max_examples=200)
@given(
    st.integers(0, 2**32 - 1), st.integers(2, 9), st.integers(2, 9), st.floats(-6, 3), st.floats(-6, 3), st.floats(0.5, 0.999)
)
def test_welch_is_scipys(seed: int, n: int, m: int, first_scale: float, second_scale: float, confidence: float) -> None:
    generator = np.random.default_rng(seed)
    first = generator.normal(0.3, 10**first_scale, n)
    second = generator.normal(0.1, 10**second_scale, m)
    theirs = stats.ttest_ind(first, second, equal_var=False).confidence_interval(confidence)
    ours = welch_interval(list(map(float, first)), list(map(float, second)), confidence)
    assert ours == pytest.approx((theirs.low, theirs.high), rel=1e-8, abs=1e-12)


def test_welch_does_not_depend_on_the_unit() -> None:
    first, second = [1.0, 2.0, 4.0], [3.0, 3.5, 5.0]
    low, high = welch_interval(first, second)  # type: ignore[misc]
    tiny = welch_interval([value * 2.0**-500 for value in first], [value * 2.0**-500 for value in second])
    assert tiny == (low * 2.0**-500, high * 2.0**-500)


@pytest.mark.parametrize(
    ("first", "second"),
    [([1.0], [2.0, 3.0]), ([1.0, 2.0], [3.0]), ([1.0, math.inf], [2.0, 3.0]), ([1.0, 1.0, 1.0], [2.0, 2.0, 2.0])],
)
def test_no_interval_where_there_is_none(first: list[float], second: list[float]) -> None:
    assert welch_interval(first, second) is None


LOW, HIGH, WIDE = [0.100, 0.101, 0.102], [0.120, 0.121, 0.122], [0.090, 0.110, 0.130]


@pytest.mark.parametrize(
    ("first", "second", "direction", "verdict", "why"),
    [
        (LOW, HIGH, "lower", "better", ""),
        (LOW, HIGH, "higher", "worse", ""),
        (HIGH, LOW, "higher", "better", ""),
        (LOW, WIDE, "lower", "not resolved", ""),
        (LOW[:2], HIGH, "lower", "not resolved", "fewer than 3 seeds"),
        (LOW, HIGH[:1], "lower", "not resolved", "fewer than 3 seeds"),
        ([0.1] * 3, [0.2] * 3, "lower", "not resolved", "the seeds do not differ"),
        ([0.1] * 3, HIGH, "lower", "better", ""),
        ([math.inf] * 3, HIGH, "higher", "not resolved", "a mean is not finite"),
        ([math.inf] * 3, [math.inf] * 3, "higher", "not resolved", "a mean is not finite"),
    ],
)
def test_the_word_is_no_stronger_than_the_seeds(
    first: list[float], second: list[float], direction: str, verdict: str, why: str
) -> None:
    found = contrast(first, second, direction)  # type: ignore[arg-type]
    assert (found.verdict, found.why) == (verdict, why)


def test_the_difference_and_its_interval_stand_beside_the_word() -> None:
    found = contrast(LOW, HIGH, "lower")
    theirs = stats.ttest_ind(LOW, HIGH, equal_var=False).confidence_interval(0.95)
    assert found.value == pytest.approx(-0.02, abs=1e-12)
    assert (found.low, found.high) == pytest.approx((theirs.low, theirs.high), rel=1e-9)


@given(st.lists(FLOATS, min_size=1, max_size=5), st.lists(FLOATS, min_size=1, max_size=5))
def test_turned_round_the_word_turns_round(first: list[float], second: list[float]) -> None:
    turned = {"better": "worse", "worse": "better", "not resolved": "not resolved"}
    assert contrast(second, first, "higher").verdict == turned[contrast(first, second, "higher").verdict]
    assert contrast(first, second, "lower").verdict == turned[contrast(first, second, "higher").verdict]


def test_against_one_fixed_value_it_is_scipys_one_sample_test() -> None:
    draw = random.Random(5)
    for _ in range(100):
        values = [draw.gauss(0.3, 0.02) for _ in range(draw.randint(3, 8))]
        fixed = draw.gauss(0.3, 0.02)
        theirs = stats.ttest_1samp(values, fixed).confidence_interval(0.95)
        found = contrast(values, [fixed], "lower", fixed=True)
        assert (found.low, found.high) == pytest.approx((theirs.low - fixed, theirs.high - fixed), rel=1e-8, abs=1e-12)
        resolved = stats.ttest_1samp(values, fixed).pvalue < 0.05
        assert (found.verdict != "not resolved") == resolved
        assert contrast(values, [fixed], "lower").verdict == "not resolved", (
            "without the word 'fixed', one seed resolves nothing"
        )


def test_a_fixed_value_does_not_make_two_seeds_enough() -> None:
    assert contrast([0.1, 0.1001], [0.5], "lower", fixed=True).why == "fewer than 3 seeds"
