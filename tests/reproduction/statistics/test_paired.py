"""The paired test against scipy's, against a plain loop, and against what is known of seeds."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from semsr.reproduction.statistics.draws import counts, means
from semsr.reproduction.statistics.paired import SeedChance, paired, seed_chance, seeds_away


def skewed(pairs: int, pictures: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).lognormal(0, 1, (pairs, pictures)) - 1.2


def test_draws_have_the_standard_error_and_the_percentiles_of_scipys_bootstrap() -> None:
    differences = skewed(1, 80)
    ours = means(differences, counts(80))[0]
    theirs = stats.bootstrap((differences[0],), np.mean, n_resamples=9999, method="percentile", rng=np.random.default_rng(9))
    assert ours.std(ddof=1) == pytest.approx(theirs.standard_error, rel=0.03)
    error = theirs.standard_error
    assert np.quantile(ours, [0.025, 0.975]) == pytest.approx(theirs.confidence_interval, abs=0.06 * error)


@pytest.mark.parametrize("pictures", [5, 30])
def test_the_interval_is_the_bootstrap_t_or_students_whichever_reaches_farther(pictures: int) -> None:
    """Draw by draw, as a textbook has it, on the pictures that each draw picked."""
    differences = skewed(3, pictures, 1)
    found = paired(differences)
    drawn = counts(pictures)
    for at, row in enumerate(differences):
        error = row.std(ddof=1) / np.sqrt(pictures)
        away = []
        for times in drawn:
            picked = np.repeat(row, times)
            own = picked.std(ddof=1) / np.sqrt(pictures)
            distance = picked.mean() - row.mean()
            away.append(distance / own if own > 1e-9 * error else np.sign(distance) * np.inf)
        low, high = np.sort(away)[[249, 9749]]
        student = stats.t(pictures - 1).ppf(0.975)
        assert found.low[at] == pytest.approx(row.mean() - error * max(high, student))
        assert found.high[at] == pytest.approx(row.mean() + error * max(-low, student))
        t = row.mean() / error
        sides = [(np.sum(np.array(away) >= t) + 1) / 10000, (np.sum(np.array(away) <= t) + 1) / 10000]
        if min(sides) > 0.001:
            assert found.p[at] == pytest.approx(min(1, max(2 * min(sides), stats.ttest_1samp(row, 0).pvalue)))


def test_of_many_normal_differences_it_is_students_paired_test() -> None:
    random = np.random.default_rng(2)
    hard = random.normal(25, 4, 1000)
    first, second = hard + random.normal(0.02, 0.5, 1000), hard + random.normal(0, 0.5, 1000)
    found, theirs = paired((first - second)[None]), stats.ttest_rel(first, second)
    ends = theirs.confidence_interval()
    width = ends.high - ends.low
    assert found.low[0] == pytest.approx(ends.low, abs=0.03 * width) and found.high[0] == pytest.approx(
        ends.high, abs=0.03 * width
    )
    assert found.p[0] == pytest.approx(theirs.pvalue, rel=0.15)


def test_a_pair_is_tested_alike_beside_whatever_others() -> None:
    differences = skewed(300, 30)
    together, alone = paired(differences), paired(differences[287:288])
    for name in ("value", "low", "high", "p"):
        assert getattr(together, name)[287] == pytest.approx(getattr(alone, name)[0], rel=1e-9)


def test_units_do_not_matter() -> None:
    differences = skewed(3, 20)
    found, small = paired(differences), paired(1e-9 * differences)
    assert small.low == pytest.approx(1e-9 * found.low, rel=1e-6) and small.p == pytest.approx(found.p, rel=1e-6)


def test_two_or_three_pictures_tell_nothing_apart() -> None:
    for pictures in (2, 3):
        found = paired(np.array([[5.0, 5.001, 5.002][:pictures]]))
        assert found.p[0] > 0.05, "one draw in 27 is of the third picture alone"
    assert np.isinf(paired(np.array([[5.0, 5.001]])).low).all()


def test_one_picture_that_differs_is_not_enough() -> None:
    """Most draws of the rest have no spread at all; nothing is bounded on the side of the one."""
    differences = np.zeros((1, 100))
    differences[0, 17] = 3.0
    found = paired(differences)
    assert found.p[0] > 0.3 and found.low[0] < 0
    assert np.isinf(found.high[0])


def test_differences_without_spread() -> None:
    found = paired(np.array([[0.0] * 6, [1.3] * 6]))
    assert found.p == pytest.approx([1, 2**-5]), "all six of one sign, by chance alone"
    assert (found.low == found.value).all() and (found.high == found.value).all()


# Seeds.


def test_where_pictures_do_not_matter_the_interval_is_welchs() -> None:
    first, second = [30.1, 30.4, 30.2], [29.8, 30.0, 29.7, 29.95]
    value = np.mean(first) - np.mean(second)
    found = paired(np.full((1, 50), value), seed_chance([first], [second]))
    theirs = stats.ttest_ind(first, second, equal_var=False)
    assert (found.low[0], found.high[0]) == pytest.approx(tuple(theirs.confidence_interval()), abs=1e-3)
    assert found.p[0] == pytest.approx(theirs.pvalue, rel=0.05)


def test_against_one_thing_the_seeds_of_the_other_count_alone() -> None:
    first = [30.1, 30.4, 30.2]
    found = paired(np.full((1, 50), np.mean(first) - 30.0), seed_chance([first], [[30.0]]))
    theirs = stats.ttest_1samp(np.array(first) - 30.0, 0)
    assert (found.low[0], found.high[0]) == pytest.approx(tuple(theirs.confidence_interval()), abs=1e-3)


def test_where_seeds_do_not_matter_the_interval_is_that_of_the_pictures() -> None:
    differences = skewed(2, 40)
    still = SeedChance(np.zeros(2), np.ones(2))
    assert (paired(differences, still).low == paired(differences).low).all()
    tiny = SeedChance(np.full(2, 1e-9), np.full(2, 2.0))
    assert paired(differences, tiny).low == pytest.approx(paired(differences).low, rel=1e-5)


def test_both_chances_together_have_the_right_variance() -> None:
    """Values are picture + seed + a bit of both; over fresh pictures and fresh seeds, the squared standard error is on average the variance
    of the difference, above it by what the bit is worth, which is counted twice."""
    random = np.random.default_rng(6)
    pictures, seeds, simulations = 20, 4, 3000

    def rows() -> np.ndarray:
        shape = (simulations, seeds, pictures)
        own = random.normal(0, 1, (simulations, 1, pictures)) + random.normal(0, 0.3, (simulations, seeds, 1))
        return own + random.normal(0, 0.5, shape)

    first, second = rows(), rows()
    differences = first.mean(axis=1) - second.mean(axis=1)
    chance = seed_chance(first.mean(axis=2).tolist(), second.mean(axis=2).tolist())
    squared = differences.var(axis=1, ddof=1) / pictures + chance.error**2
    both = 2 * 0.5**2 / (pictures * seeds)
    true = 2 * (1 / pictures + 0.3**2 / seeds) + both
    assert np.var(differences.mean(axis=1)) == pytest.approx(true, rel=0.08)
    assert squared.mean() == pytest.approx(true + both, rel=0.04)
    # And the draws of both together have that variance, where there are seeds enough for it to be finite.
    many = seed_chance([random.normal(0, 0.3, 20).tolist()], [random.normal(0, 0.3, 20).tolist()])
    away = seeds_away(many.error, many.freedom, 9999)[0]
    assert away.var() == pytest.approx(many.error[0] ** 2 * many.freedom[0] / (many.freedom[0] - 2), rel=0.03)


def test_seeds_and_pictures_are_drawn_independently() -> None:
    of_pictures = means(skewed(1, 50), counts(50))[0]
    of_seeds = seeds_away(np.ones(1), np.full(1, 30.0), 9999)[0]
    assert abs(np.corrcoef(of_pictures, of_seeds)[0, 1]) < 0.03


def test_freedom_is_welchs() -> None:
    """Of equal spreads and n seeds each, 2 (n - 1); of one spread alone, its n - 1."""
    chance = seed_chance([[1.0, 2.0, 3.0], [1.0, 2.0, 3.0], [1.0]], [[5.0, 6.0, 7.0], [4.0, 4.0, 4.0], [2.0]])
    assert chance.freedom[:2] == pytest.approx([4, 2])
    assert chance.error == pytest.approx([np.sqrt(2 / 3), np.sqrt(1 / 3), 0])
