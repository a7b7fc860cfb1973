"""Recipes: inheritance, and what a recipe may not say."""

from __future__ import annotations

from typing import Any

import pytest

from semsr.cards import Recipe, parse_card
from semsr.cards.inheritance import inherit
from semsr.errors import CardError

PSNR: dict[str, Any] = {
    "generator": {"network": "rrdb"},
    "data": {"dataset": "df2k", "patch": 64},
    "batch": 4,
    "steps": 10,
    "losses": {"pixel": {"kind": "l1"}},
}


def test_an_entry_takes_over_what_it_extends_key_by_key() -> None:
    whole = inherit(
        {
            "a": {"x": {"one": 1, "two": 2}, "list": [1, 2], "gone": 1},
            "b": {"extends": "a", "x": {"two": 3}, "list": [4], "gone": None},
            "c": {"extends": "b", "x": {"one": None}},
        },
        "recipes.yaml",
    )
    assert whole["b"] == {"x": {"one": 1, "two": 3}, "list": [4]}
    assert whole["c"] == {"x": {"two": 3}, "list": [4]}
    assert whole["a"] == {"x": {"one": 1, "two": 2}, "list": [1, 2], "gone": 1}


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ({"a": {"extends": "b"}}, r"recipes.yaml: a.extends: found 'b'; allowed: a"),
        ({"a": {"extends": "b"}, "b": {"extends": "a"}}, "can't extend itself"),
        ({"a": {"extends": "a"}}, "can't extend itself"),
        ({"a": 3}, "expected keys and values, found 3"),
    ],
)
def test_an_entry_that_can_not_be_resolved_is_one_line(entries: dict[str, Any], message: str) -> None:
    with pytest.raises(CardError, match=message) as error:
        inherit(entries, "recipes.yaml")
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"discriminator": {"network": "patch"}}, "go together"),
        ({"losses": {"pixel": {}, "adversarial": {"weight": 0.1}}}, "go together"),
        ({"losses": {}}, "name at least one"),
        ({"losses": {"perceptual": {"layers": {2: 1.0}}}}, "needs the asset 'perceptual'"),
        ({"batch": 4, "accumulate": 3}, "multiple of accumulate"),
        ({"start": {"variant": "a", "weights": ["b"]}}, "either 'variant' or 'weights'"),
        ({"start": {}}, "either 'variant' or 'weights'"),
        ({"generator": {"network": "rrdb", "assets": ["extractor"]}}, "need the asset 'extractor'"),
        ({"ema": 1.0}, "less than 1"),
        ({"objective": {"kind": "own"}}, "in the place of losses"),
        ({"trained": {"vgg": "a"}, "assets": {"vgg": ["b"]}}, "stands in 'assets' and in 'trained'"),
        ({"stepps": 3}, "unknown key 'stepps'"),
        (
            {"losses": {}, "objective": {"kind": "own"}, "validation": {"every": 1, "dataset": "a", "protocol": "sed"}},
            "validation: only a plain generator restores",
        ),
        (
            {"generator_optimiser": {"rate": float("inf")}},
            "generator_optimiser.rate: found inf; input should be a finite number",
        ),
        ({"losses": {"pixel": {"weight": float("inf")}}}, "losses.pixel.weight: found inf"),
        ({"losses": {"pixel": {}, "extra": {"own": float("nan")}}}, "losses.extra.own: found nan"),
        ({"precision": "tf32"}, "precision"),
    ],
)
def test_a_recipe_that_can_not_be_is_one_line(change: dict[str, Any], message: str) -> None:
    with pytest.raises(CardError, match=message) as error:
        parse_card(Recipe, {**PSNR, **change}, "recipes.yaml: a")
    assert "\n" not in str(error.value)
    assert "recipes.yaml: a" in str(error.value)
