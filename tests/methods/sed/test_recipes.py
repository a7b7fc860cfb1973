"""SeD's recipes say what the published configurations say, and nothing else changes from row to row."""

from __future__ import annotations

import pytest

from semsr.cards import Recipe
from semsr.project import Project

ROWS = [
    f"{generator}-{discriminator}{semantics}"
    for generator in ("rrdb", "swinir")
    for discriminator in "pu"
    for semantics in ("", "-sed")
]


@pytest.fixture(scope="module")
def recipes(project: Project) -> dict[str, Recipe]:
    return project.recipes("sed")


def test_every_trained_variant_has_its_recipe_and_every_recipe_its_variant(
    project: Project, recipes: dict[str, Recipe]
) -> None:
    trained = {row.training for row in project.method("sed").variants.values() if row.training}
    assert trained == set(recipes)
    assert all(row.training in (None, name) for name, row in project.method("sed").variants.items())


def test_every_asset_a_recipe_names_is_declared(project: Project, recipes: dict[str, Recipe]) -> None:
    for recipe in recipes.values():
        named = [asset for alternatives in recipe.assets.values() for asset in alternatives]
        named += recipe.start.weights if recipe.start else []
        for alternative in named:
            for asset in alternative.split("+"):
                project.asset(asset)


@pytest.mark.parametrize("name", ROWS)
def test_table_1_is_trained_as_published(recipes: dict[str, Recipe], name: str) -> None:
    """lbc12345/SeD@311195f:options; the configurations differ in the discriminator and the perceptual weight alone."""
    recipe = recipes[name]
    assert (recipe.data.dataset, recipe.data.patch, recipe.data.sub_images, recipe.data.lr) == (
        "df2k",
        256,
        (480, 240),
        "paired",
    )
    assert (recipe.batch, recipe.accumulate, recipe.steps, recipe.precision, recipe.ema) == (8, 1, 300_000, "fp32", None)
    for optimiser in (recipe.generator_optimiser, recipe.discriminator_optimiser):
        assert (optimiser.kind, optimiser.rate, optimiser.betas, optimiser.decay) == ("adam", 1e-4, (0.9, 0.99), 0.0)
    assert (recipe.schedule.kind, recipe.schedule.at, recipe.schedule.factor) == ("steps", (100_000, 200_000), 0.5)
    losses = recipe.losses
    assert losses.pixel and losses.perceptual and losses.adversarial
    assert (losses.pixel.kind, losses.pixel.weight) == ("l1", 1.0)
    assert losses.perceptual.layers == {2: 0.1, 7: 0.1, 16: 1.0, 25: 1.0, 34: 1.0}
    assert losses.perceptual.weight == (0.1 if "-p" in name else 1.0)
    assert (losses.adversarial.kind, losses.adversarial.weight) == ("vanilla", 0.01)
    assert recipe.discriminator and recipe.discriminator.network == ("patch" if "-p" in name else "pixel")
    assert recipe.generator.network == name.split("-")[0]
    semantics = recipe.discriminator.options.get("semantics")
    wanted = {"extractor": "clip-rn50", "layer": "layer3", "batch_norm": "train"} if name.endswith("-sed") else None
    assert semantics == wanted


@pytest.mark.parametrize("name", [row for row in ROWS if not row.endswith("-sed")])
def test_with_and_without_semantics_differ_in_nothing_else(recipes: dict[str, Recipe], name: str) -> None:
    plain, aware = recipes[name].model_dump(), recipes[f"{name}-sed"].model_dump()
    for recipe in (plain, aware):
        for key in ("reading", "notes"):
            recipe.pop(key)
        recipe["assets"].pop("extractor", None)
        recipe["discriminator"]["options"].pop("semantics", None)
        recipe["discriminator"]["assets"] = ()
    assert plain == aware


def test_what_the_paper_does_not_say_is_marked_as_our_reading(recipes: dict[str, Recipe]) -> None:
    published = {"rrdb-p-sed", "rrdb-u-sed"}
    tiny = {name for name in recipes if name.startswith("tiny")}
    assert {name for name, recipe in recipes.items() if not recipe.reading} == published | tiny


def test_a_plain_p_does_not_inherit_a_note_of_another_row(recipes: dict[str, Recipe]) -> None:
    assert recipes["rrdb-p-sed"].start == recipes["rrdb-p"].start
    assert recipes["rrdb-p-sed-own-pixels"].assets == {"perceptual": ("vgg19-torchvision",)}
