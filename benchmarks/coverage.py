"""How often 95 % intervals of paired differences hold the truth, and how often equal rows are told apart, on generated values.

    python benchmarks/coverage.py [--simulations 2000] [--pictures 100]

*Coverage*: differences of two rows over the pictures of a set, normal, skewed (lognormal, sigma 1) or heavy-tailed (Student's with 3
degrees of freedom), all of a known mean; beside ours, what scipy's percentile and BCa bootstrap and Student's interval cover. *Seeds*:
values of two rows of three seeds each, whose seeds matter little, as much as, and far more than the pictures; beside ours, resampling of
pictures and seeds, as they are and with Rao and Wu's n - 1 draws. *Family-wise error*: in how many columns at least two equal rows are
told apart, of 8 rows: all equal; all equal and skewed, every second one to the other side; two groups of four, far apart; all equal with
three seeds each, which matter more than the pictures.
The last lines are `figure=VALUE goal<=GOAL` (or `goal>=`); the exit status is 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import gc
import math
import os
import sys
import time
from collections.abc import Callable
from typing import Any

LEVEL = 0.95
Random = Any
Draw = Callable[[Random, tuple[int, ...]], Any]
DISTRIBUTIONS: dict[str, Draw] = {
    "normal": lambda random, shape: random.normal(size=shape),
    "lognormal": lambda random, shape: random.lognormal(0, 1, shape) - math.exp(0.5),
    "t3": lambda random, shape: random.standard_t(3, shape),
}
SEEDS, ROWS = 3, 8
SEED_SHARES = {"few": 0.02, "alike": 0.1, "many": 1.0}
"""Standard deviation of a seed's mean in terms of a picture's difference; that of the mean of 100 pictures is 0.1."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--simulations", type=int, default=2000, help="of everything (default: 2000)")
    parser.add_argument("--pictures", type=int, default=100, help="of a set (default: 100)")
    return parser.parse_args()


def holds(low: Any, high: Any, truth: float) -> float:
    import numpy as np

    return float(np.mean((np.asarray(low) <= truth) & (truth <= np.asarray(high))))


def paired_coverage(simulations: int, pictures: int) -> dict[str, float]:
    import numpy as np
    from scipy import stats

    from semsr.reproduction.statistics.paired import paired

    print(f"{'differences':12} {'ours':>7} {'Student':>8} {'percentile':>11} {'BCa':>7}")
    figures = {}
    for name, draw in DISTRIBUTIONS.items():
        random = np.random.default_rng(2024)
        truth = 0.3
        differences = truth + draw(random, (simulations, pictures))
        found = paired(differences)
        student = stats.ttest_1samp(differences, 0, axis=1).confidence_interval(LEVEL)
        others = [
            stats.bootstrap(
                (differences,),
                np.mean,
                axis=1,
                vectorized=True,
                method=method,
                n_resamples=1999,
                batch=20,
                rng=np.random.default_rng(1),
            ).confidence_interval
            for method in ("percentile", "BCa")
        ]
        cover = [holds(one.low, one.high, truth) for one in (found, student, *others)]
        print(f"{name:12} {cover[0]:7.4f} {cover[1]:8.4f} {cover[2]:11.4f} {cover[3]:7.4f}", flush=True)
        figures[name] = cover[0]
    return figures


def rows_of_seeds(random: Random, simulations: int, pictures: int, share: float) -> Any:
    """(simulations, seeds, pictures): pictures differ by 1, a seed's mean by `share`, a seed on a picture by another 0.2."""
    shape = (simulations, SEEDS, pictures)
    of_seed = random.normal(0, share, (simulations, SEEDS, 1))
    return random.normal(0, 0.5**0.5, (simulations, 1, pictures)) + of_seed + random.normal(0, 0.2, shape)


def seeds_coverage(simulations: int, pictures: int) -> dict[str, float]:
    import numpy as np

    from semsr.reproduction.statistics.paired import paired, seed_chance

    print(f"\n{'seeds matter':12} {'ours':>7} {'n - 1 seeds':>12} {'n seeds':>8}   {SEEDS} seeds a row")
    figures = {}
    for name, share in SEED_SHARES.items():
        random = np.random.default_rng(2025)
        first, second = (rows_of_seeds(random, simulations, pictures, share) for _ in range(2))
        chance = seed_chance(*(rows.mean(axis=2).tolist() for rows in (first, second)))
        found = paired(first.mean(axis=1) - second.mean(axis=1), chance)
        cover = [holds(found.low, found.high, 0)]
        for taken in (SEEDS - 1, SEEDS):
            drawn = resampled(first, taken, 1) - resampled(second, taken, 2)
            cover.append(holds(*np.quantile(drawn, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=1), 0))
        print(f"{name:12} {cover[0]:7.4f} {cover[1]:12.4f} {cover[2]:8.4f}", flush=True)
        figures[name] = cover[0]
    return figures


def resampled(rows: Any, taken: int, seed: int) -> Any:
    """Means of (simulations, seeds, pictures) in 999 draws of pictures, the same for all rows, and of `taken` seeds: (simulations, 999)."""
    import numpy as np

    from semsr.reproduction.statistics.draws import counts, means

    simulations, _, pictures = rows.shape
    of_pictures = means(rows.reshape(-1, pictures), counts(pictures, 999)).reshape(simulations, SEEDS, 999)
    of_seeds = np.random.default_rng(seed).multinomial(taken, np.full(SEEDS, 1 / SEEDS), size=999) / taken
    return (of_pictures * of_seeds.T).sum(axis=1)


def family(simulations: int, pictures: int, draw: Draw, shifts: tuple[float, ...], seed_share: float = 0.0) -> float:
    """The share of columns in which some two equal rows are told apart; every second row is drawn mirrored."""
    import numpy as np

    from semsr.reproduction.statistics.column import RowValues, column_order

    random = np.random.default_rng(2026)
    wrong = 0
    for _ in range(simulations):
        hard = random.normal(27, 3, pictures)  # what is hard for one row is hard for all
        rows = []
        for at, shift in enumerate(shifts):
            values = hard + shift + (-1) ** at * draw(random, (1, pictures))
            if seed_share:
                values = values + random.normal(0, seed_share, (SEEDS, 1)) + random.normal(0, 0.2, (SEEDS, pictures))
            rows.append(RowValues(values, float(values.mean())))
        pairs = column_order(rows, "higher").pairs
        wrong += any(pair.apart and shifts[pair.upper] == shifts[pair.lower] for pair in pairs)
        gc.freeze()  # statsmodels collects garbage at every correction; what is loaded need not be looked through each time
    return wrong / simulations


def main() -> int:
    options = arguments()
    started = time.perf_counter()
    print(f"{options.simulations} simulations, {options.pictures} pictures\n")
    figures: list[tuple[str, float, str, float]] = []
    for name, cover in paired_coverage(options.simulations, options.pictures).items():
        figures += [(f"coverage_{name}", cover, ">=", 0.93), (f"coverage_{name}", cover, "<=", 0.97)]
    for name, cover in seeds_coverage(options.simulations, options.pictures).items():
        figures.append((f"coverage_seeds_{name}", cover, ">=", 0.93))
    print()
    equal, groups = (0.0,) * ROWS, (0.0, 5.0) * (ROWS // 2)
    for title, draw, shifts, share in (
        ("all_equal", DISTRIBUTIONS["normal"], equal, 0.0),
        ("all_equal_skewed", DISTRIBUTIONS["lognormal"], equal, 0.0),
        ("two_groups", DISTRIBUTIONS["normal"], groups, 0.0),
        ("all_equal_seeds", DISTRIBUTIONS["normal"], equal, 1.0),
    ):
        error = family(options.simulations, options.pictures, draw, shifts, share)
        print(f"{title:20} family-wise error {error:.4f}", flush=True)
        figures.append((f"family_wise_error_{title}", error, "<=", 0.06))
    print(
        f"\n{time.process_time():.0f} s of one core, {time.perf_counter() - started:.0f} s in all, load average {os.getloadavg()[0]:.1f}\n"
    )
    missed = 0
    for figure, value, way, goal in figures:
        kept = value >= goal if way == ">=" else value <= goal
        missed += not kept
        print(f"{figure}={value:.4f} goal{way}{goal:g}{'' if kept else '  MISSED'}")
    return int(missed > 0)


if __name__ == "__main__":
    # Before NumPy is loaded: one thread.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    sys.exit(main())
