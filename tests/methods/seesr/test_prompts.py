"""Prompts, character for character."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.mark.parametrize(
    ("words", "options", "expected"),
    [
        ("cat, sofa", {}, "cat, sofa, ,clean, high-resolution, 8k"),
        ("cat, sofa", {"wording": "word-none"}, "cat, sofa, None,clean, high-resolution, 8k"),
        ("cat, sofa", {"user_prompt": "old photo"}, "cat, sofa, old photo,clean, high-resolution, 8k"),
        ("cat, sofa", {"user_prompt": "old photo", "wording": "word-none"}, "cat, sofa, old photo,clean, high-resolution, 8k"),
        ("cat, sofa", {"wording": "clean"}, "cat, sofa, clean, high-resolution, 8k"),
        ("cat", {"wording": "clean", "user_prompt": "old photo"}, "cat, old photo, clean, high-resolution, 8k"),
        ("", {}, ", ,clean, high-resolution, 8k"),
        ("", {"wording": "clean"}, "clean, high-resolution, 8k"),
        ("cat", {"quality": "sharp"}, "cat, ,sharp"),
    ],
)
def test_positive(seesr: Callable[[str], Any], words: str, options: dict[str, str], expected: str) -> None:
    assert seesr("prompts").positive_prompt(words, **options) == expected


def test_the_others(seesr: Callable[[str], Any]) -> None:
    prompts = seesr("prompts")
    assert prompts.NEGATIVE == "dotted, noise, blur, lowres, smooth"
    assert prompts.join(("cat", "sofa")) == "cat, sofa"
    assert prompts.wordless_prompt() == "clean, high-resolution, 8k"
    assert prompts.training_prompt(("cat", "sofa")) == "cat, sofa,"
