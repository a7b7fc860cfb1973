"""What is drawn, against the published table; and that a draw depends on its picture and its name alone."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

import numpy as np
import pytest
from scipy import stats

from semsr.imaging.degradation.draws import Choices, Dice, StageChoices, draw
from semsr.imaging.degradation.kernels import Kernel
from semsr.imaging.degradation.parameters import FULL, KERNEL_KINDS, LIGHT, PASD, RESIZE_MODES, Parameters
from semsr.imaging.degradation.recipe import Recipe

MANY = 2000
ALPHA = 1e-6  # of each comparison; there are about a hundred


def draws(parameters: Parameters, count: int = MANY) -> list[Choices]:
    recipe = Recipe(parameters)
    return [draw(parameters, recipe.dice(f"{at:05}")) for at in range(count)]


def shares(found: Sequence[object], expected: dict[object, float]) -> None:
    counts = Counter(found)
    assert set(counts) <= set(expected), f"{set(counts) - set(expected)} may not be drawn"
    kinds = [kind for kind, share in expected.items() if share > 0]
    if len(kinds) == 1:
        return
    total = sum(expected[kind] for kind in kinds)
    wanted = [expected[kind] / total * len(found) for kind in kinds]
    assert stats.chisquare([counts[kind] for kind in kinds], wanted).pvalue > ALPHA, (counts, expected)


def chance(found: Sequence[bool], probability: float) -> None:
    shares(found, {True: probability, False: 1 - probability})


def uniform(found: Sequence[float], low: float, high: float) -> None:
    assert len(found) > 10 and min(found) >= low and max(found) <= high
    assert stats.kstest(found, "uniform", (low, high - low)).pvalue > ALPHA


@pytest.mark.parametrize("parameters", [FULL, LIGHT, PASD], ids=lambda parameters: parameters.name)
def test_every_choice_follows_the_table(parameters: Parameters) -> None:
    found = draws(parameters)
    chance([each.sinc is not None for each in found], 0.8)
    sincs = [each.sinc for each in found if each.sinc is not None]
    shares([sinc.size for sinc in sincs], dict.fromkeys(range(7, 22, 2), 1 / 8))
    uniform([sinc.cutoff for sinc in sincs], math.pi / 3, math.pi)
    shares([each.mode for each in found], dict.fromkeys(RESIZE_MODES, 1 / 3))
    chance([each.jpeg_last for each in found], 0.5)
    for stage, options in (("first", parameters.first), ("second", parameters.second)):
        passes: list[StageChoices] = [getattr(each, stage) for each in found]
        kernels = [each.kernel for each in passes if each.kernel is not None]
        chance([each.kernel is not None for each in passes], options.blur_prob)
        chance([each.scale == 1.0 for each in passes], options.resize_prob[2])
        ups, downs = [e.scale for e in passes if e.scale > 1], [e.scale for e in passes if e.scale < 1]
        chance([True] * len(ups) + [False] * len(downs), options.resize_prob[0] / sum(options.resize_prob[:2]))
        uniform(ups, 1.0, options.resize_range[1])
        uniform(downs, options.resize_range[0], 1.0)
        shares([each.mode for each in passes], dict.fromkeys(RESIZE_MODES, 1 / 3))
        chance([each.noise == "gaussian" for each in passes], options.gaussian_prob)
        for kind, limits in (("gaussian", options.noise), ("poisson", options.poisson)):
            uniform([each.strength for each in passes if each.noise == kind], *limits)
        chance([each.grey for each in passes], options.grey_noise_prob)
        low, high = int(options.jpeg[0]), int(options.jpeg[1])
        inner = 1 / (high - low)  # a number drawn from the range and rounded: the ends get half
        shares([e.quality for e in passes], {q: inner / (2 if q in (low, high) else 1) for q in range(low, high + 1)})
        check_kernels(kernels, options)


def check_kernels(kernels: list[Kernel], options: object) -> None:
    sigma, generalised, plateau = (getattr(options, key) for key in ("sigma", "beta_generalised", "beta_plateau"))
    shares([kernel.size for kernel in kernels], dict.fromkeys(range(7, 22, 2), 1 / 8))
    chance([kernel.kind == "sinc" for kernel in kernels], 0.1)
    for small in (True, False):
        lowest = math.pi / 3 if small else math.pi / 5
        uniform([k.cutoff for k in kernels if k.kind == "sinc" and (k.size < 13) == small], lowest, math.pi)
    shaped = [kernel for kernel in kernels if kernel.kind != "sinc"]
    shares([kernel.kind for kernel in shaped], dict(zip(KERNEL_KINDS, (0.45, 0.25, 0.12, 0.03, 0.12, 0.03), strict=True)))
    uniform([kernel.sigma[0] for kernel in shaped], *sigma)
    turned = [kernel for kernel in shaped if kernel.kind.endswith("aniso")]
    uniform([kernel.sigma[1] for kernel in turned], *sigma)
    uniform([kernel.angle for kernel in turned], -math.pi, math.pi)
    assert all(k.sigma[0] == k.sigma[1] and k.angle == 0.0 for k in shaped if not k.kind.endswith("aniso"))
    assert all(kernel.beta == 1.0 for kernel in shaped if kernel.kind in ("iso", "aniso"))
    for name, (low, high) in (("generalised", generalised), ("plateau", plateau)):
        betas = [kernel.beta for kernel in shaped if kernel.kind.startswith(name)]
        chance([beta <= 1.0 for beta in betas], 0.5)
        uniform([beta for beta in betas if beta > 1.0], 1.0, high)
        if low < 1.0:
            uniform([beta for beta in betas if beta < 1.0], low, 1.0)
        else:
            assert min(betas) == 1.0


def test_choices_are_independent_of_each_other() -> None:
    found = draws(FULL)
    columns = np.array([
        [e.first.scale, e.second.scale, e.first.quality, e.second.quality, e.first.strength, e.jpeg_last, e.mode == "area",
         e.first.mode == "area", e.second.mode == "area", e.sinc is None, e.first.grey, e.second.grey] for e in found
    ], dtype=float)  # fmt: skip
    between = np.corrcoef(columns.T) - np.eye(columns.shape[1])
    assert np.abs(between).max() < 5.5 / MANY**0.5


def test_a_draw_depends_on_picture_name_and_recipe_alone() -> None:
    dice = Recipe(FULL).dice("a")
    value = dice.unit("first sigma")
    dice.unit("another")
    assert dice.unit("first sigma") == value == Recipe(FULL).dice("a").unit("first sigma")
    others = [
        Recipe(FULL).dice("b").unit("first sigma"),
        dice.unit("second sigma"),
        Recipe(FULL, seed=1).dice("a").unit("first sigma"),
        Recipe(LIGHT).dice("a").unit("first sigma"),
        Recipe(FULL, shared_choices=10).dice("a").unit("first sigma"),
    ]
    assert len({value, *others}) == 6


def test_place_counts_with_shared_choices_only() -> None:
    assert draw(FULL, Recipe(FULL).dice("a", 0)) == draw(FULL, Recipe(FULL).dice("a", 777))
    shared = Recipe(FULL, shared_choices=10)
    assert draw(FULL, shared.dice("a", 3)) == draw(FULL, shared.dice("a", 9))
    assert draw(FULL, shared.dice("a", 3)) != draw(FULL, shared.dice("a", 10))


def test_what_is_shared_and_what_is_not() -> None:
    """SeeSR: resize kind, scale and mode and the noise's kind once for ten pictures; all else for each picture."""
    recipe = Recipe(FULL, shared_choices=10)
    found = [draw(FULL, recipe.dice(f"{place:04}", place)) for place in range(400)]

    def together(choices: Choices) -> tuple[object, ...]:
        first, second = choices.first, choices.second
        kept = (first.scale, first.mode, first.noise, second.scale, second.mode, second.noise, choices.mode)
        return kept

    groups = [{together(each) for each in found[start : start + 10]} for start in range(0, 400, 10)]
    assert all(len(group) == 1 for group in groups)
    assert len(set().union(*groups)) > 35
    for name in ("quality", "strength", "kernel"):
        assert len({getattr(each.first, name) for each in found[:10]}) >= 7, f"{name} is shared"
    for value in ([e.first.grey for e in found[:10]], [e.jpeg_last for e in found[:10]], [e.sinc for e in found[:10]]):
        assert len(set(value)) > 1
    chance([each.first.noise == "gaussian" for each in found[::10]], 0.5)


def test_dice() -> None:
    dice = Dice("stream", "picture")
    assert 0.0 <= dice.unit("x") < 1.0
    assert dice.one_of("x", ("only",)) == "only"
    assert dice.one_of("x", (1, 2, 3), (0.0, 1.0, 0.0)) == 2
    assert dice.between("x", 5.0, 5.0) == 5.0
    assert not dice.chance("x", 0.0) and dice.chance("x", 1.0)
    # Different ways to cut the same letters into picture and label are different keys.
    assert Dice("stream", "a b").unit("c") != Dice("stream", "a").unit("b c")
