"""SeeSR's recipes: the published values, and what is not published is said."""

from __future__ import annotations

from typing import Any

import pytest

from semsr.cards import Recipe
from semsr.project import Project
from semsr.training.schedules import rate_after


@pytest.fixture(scope="module")
def recipes(project: Project) -> dict[str, Recipe]:
    return project.recipes("seesr")


def test_every_asset_and_data_set_is_declared(project: Project, recipes: dict[str, Recipe]) -> None:
    for recipe in recipes.values():
        project.dataset(recipe.data.dataset)
        for alternatives in recipe.assets.values():
            for alternative in alternatives:
                for asset in alternative.split("+"):
                    project.asset(asset)


def test_every_recipe_is_one_of_the_parts(project: Project, recipes: dict[str, Recipe], tiny: Any, tmp_path: Any) -> None:
    """Networks, objectives and options are known, sizes agree, and every role that is needed is named."""
    for recipe in recipes.values():
        roles = dict.fromkeys([*recipe.assets, *recipe.trained], tmp_path)
        assert tiny.parts(recipe, roles).card


def test_dape(recipes: dict[str, Recipe]) -> None:
    """basicsr/options/dape.yaml; batch and steps of `dape` are the paper's as remembered."""
    for name, batch, steps in (("dape", 32, 20_000), ("dape-config", 8, 300_000)):
        recipe = recipes[name]
        assert (recipe.batch, recipe.steps, recipe.precision, recipe.ema) == (batch, steps, "fp32", None)
        optimiser, schedule, data = recipe.generator_optimiser, recipe.schedule, recipe.data
        assert (optimiser.kind, optimiser.rate, optimiser.betas, optimiser.decay) == ("adamw", 1e-4, (0.9, 0.999), 0.0)
        assert (schedule.kind, schedule.at, schedule.factor, schedule.warmup) == ("steps", (20_000, 30_000), 0.5, 50)
        assert (rate_after(schedule, recipe.steps)(19_999), rate_after(schedule, recipe.steps)(20_000)) == (1.0, 0.5)
        assert (data.dataset, data.patch, data.view, data.lr) == ("coco-train2017", 512, "whole", "full")
        assert (data.ground_truth, data.shared_choices, data.flips) == ("sharpened", 10, "none")
        assert recipe.objective and recipe.objective.options == {"weight": 1.0}
        assert recipe.reading


@pytest.mark.parametrize(
    ("name", "batch", "steps"),
    [("stage-two", 192, 150_000), ("stage-two-32", 32, 100_000), ("stage-two-published-dape", 192, 150_000)],
)
def test_stage_two(recipes: dict[str, Recipe], name: str, batch: int, steps: int) -> None:
    """Issues 12 and 61, train_seesr.py and the README's command."""
    recipe = recipes[name]
    assert (recipe.batch, recipe.steps, recipe.precision, recipe.ema, recipe.recompute) == (batch, steps, "fp16", None, True)
    optimiser, data = recipe.generator_optimiser, recipe.data
    assert (optimiser.kind, optimiser.rate, optimiser.betas) == ("adamw", 5e-5, (0.9, 0.999))
    assert (optimiser.decay, optimiser.clip, recipe.schedule.kind, recipe.schedule.warmup) == (1e-2, 1.0, "constant", 0)
    assert (data.dataset, data.patch, data.lr, data.ground_truth) == ("lsdir-ffhq-10k", 512, "full", "sharpened")
    assert (data.small, data.flips, data.view) == ("reflect", "horizontal", "patch")
    assert recipe.objective and recipe.objective.options == {"null_text": 0.5, "words": "tagger", "train": "published"}
    assert ("dape" in recipe.trained) == (name != "stage-two-published-dape")
    assert recipe.reading and recipe.generator.options == {}


def test_stage_two_restores_with_what_it_was_trained_with(recipes: dict[str, Recipe]) -> None:
    for name in ("stage-two", "tiny"):
        recipe = recipes[name]
        known = {*recipe.assets, *recipe.trained}
        assert known - set(recipe.generator.assets) == {"unet"}


def test_tiny_networks_fit_each_other(recipes: dict[str, Recipe]) -> None:
    """One set of sizes for the whole chain, trained once: a part trained with other ones would not load."""
    chain = [recipes[name] for name in ("tiny-autoencoder", "tiny-dape", "tiny-base", "tiny")]
    assert all(recipe.generator.options == chain[0].generator.options and recipe.once for recipe in chain)
    assert chain[3].trained == {"autoencoder": "tiny-autoencoder", "unet": "tiny-base", "dape": "tiny-dape"}


def test_what_is_not_the_papers_is_said(recipes: dict[str, Recipe]) -> None:
    assert all(recipe.reading for recipe in recipes.values())
    assert "remembered" in recipes["dape"].reading and "published configuration" in recipes["dape-config"].reading
    assert "issue 61" in recipes["stage-two"].reading and "issue" in recipes["stage-two-32"].reading
    assert all("nothing of the paper" in recipe.reading for name, recipe in recipes.items() if name.startswith("tiny"))
