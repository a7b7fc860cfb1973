"""What a recipe may say of its data, what of it reaches the loader, and what of it decides a weight."""

from __future__ import annotations

from typing import Any

import pytest

from semsr.cards import Recipe
from semsr.cards.base import parse_card
from semsr.errors import CardError, SemsrError
from semsr.project import Project
from semsr.stages.training_data import low_resolution
from semsr.stages.training_job import deciding
from semsr.training.lowres import DegradedLr


def recipe(objective: bool = True, **data: Any) -> Recipe:
    card: dict[str, Any] = {
        "generator": {"network": "toy"},
        "data": {"dataset": "demo", "patch": 16, **data},
        "batch": 1,
        "steps": 1,
    }
    card |= {"objective": {"kind": "toy"}} if objective else {"losses": {"pixel": {}}}
    return parse_card(Recipe, card, "recipes.yaml: toy")


@pytest.mark.parametrize("name", ["..", "../tags", "/tmp", "a/b", "a\\b", "", ".hidden", "a\n", "two words"])
def test_tags_are_a_folder_of_the_data_set(name: str) -> None:
    with pytest.raises(CardError, match=r"recipes.yaml: toy: data.tags: found .* must be a folder's plain name") as error:
        recipe(tags=name)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize("name", ["hr", "lr", "annotations"])
def test_tags_are_no_folder_that_preparing_cleans(name: str) -> None:
    with pytest.raises(CardError, match="that folder is the data set's own"):
        recipe(tags=name)


def test_plain_losses_read_no_tags() -> None:
    with pytest.raises(CardError, match=r"data\.tags: plain losses read no tags"):
        recipe(objective=False, tags="tags")
    assert recipe(tags="ram_tags-1.0").data.tags == "ram_tags-1.0"


def test_shared_choices_reach_the_degradation() -> None:
    made = low_resolution(recipe(lr="full", shared_choices=10).data)
    assert isinstance(made, DegradedLr) and made.recipe.shared_choices == 10
    alone = low_resolution(recipe(lr="full").data)
    assert isinstance(alone, DegradedLr) and alone.recipe.shared_choices is None
    with pytest.raises(CardError, match=r"data\.shared_choices: found 0"):
        recipe(lr="full", shared_choices=0)


@pytest.mark.parametrize("lr", ["paired", "bicubic", "none"])
@pytest.mark.parametrize("option", [{"shared_choices": 10}, {"context": 32}, {"ground_truth": "sharpened"}])
def test_options_of_degradations_need_one(lr: str, option: dict[str, Any]) -> None:
    ((key, value),) = option.items()
    with pytest.raises(SemsrError, match=rf"data\.{key}: found {value!r}; allowed only with a degradation .* not '{lr}'"):
        low_resolution(recipe(lr=lr, **option).data)


def test_what_came_later_counts_only_where_it_is_set(project: Project) -> None:
    """Fingerprints of trainings from before these keys still hold."""
    first = {
        *("dataset", "patch", "sub_images", "view", "lr", "ground_truth", "context", "small", "flips", "target"),
    }
    assert set(deciding(project.recipe("sed", "tiny-p"))["data"]) == first
    found = deciding(recipe(lr="full", tags="tags", shared_choices=1))["data"]
    assert set(found) == {*first, "tags", "shared_choices"} and (found["tags"], found["shared_choices"]) == ("tags", 1)
