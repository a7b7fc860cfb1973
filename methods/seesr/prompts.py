"""The text that guides restoration, character for character as the published code writes it, its accidents included.

The published line is "tags, user prompt," followed at once by the words of quality. The user prompt is empty unless somebody gives one,
which leaves ", ," between tags and quality: "cat, sofa, ,clean, high-resolution, 8k". The script that comes with the code passes None as
the user prompt, which ends up in the text as a word: "cat, sofa, None,clean, high-resolution, 8k". No blank follows the last comma
in either. Source: facts on cswry/SeeSR@8edecc7.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

Wording = Literal["double-comma", "word-none", "clean"]
"""How tags, user prompt and quality are joined: see `positive_prompt`."""

QUALITY = "clean, high-resolution, 8k"
NEGATIVE = "dotted, noise, blur, lowres, smooth"


def positive_prompt(words: str, *, wording: Wording = "double-comma", user_prompt: str = "", quality: str = QUALITY) -> str:
    """What the picture is and how it should look.

    Args:
        words: tags joined by ", ", or a caption.
        wording: "double-comma": as the published code does without a user prompt; "word-none": as its script does, where None stands in
            the place of an empty user prompt; "clean": what there is, joined by ", ", without the accidents.
        user_prompt: what the user adds.
        quality: what follows.
    """
    if wording == "clean":
        return ", ".join(part for part in (words, user_prompt, quality) if part)
    if wording == "word-none" and not user_prompt:
        user_prompt = "None"
    return f"{words}, {user_prompt},{quality}"


def wordless_prompt(*, user_prompt: str = "", quality: str = QUALITY) -> str:
    """The positive prompt of the ablation without tags.

    Our reading, since the paper's is not published in code: the words of quality stay, so that guidance has something to lead to.
    """
    return positive_prompt("", wording="clean", user_prompt=user_prompt, quality=quality)


def join(tags: Sequence[str]) -> str:
    """Tags, in the tagger's order, as a prompt has them."""
    return ", ".join(tags)


def training_prompt(tags: Sequence[str]) -> str:
    """What a picture is trained with: its tags and a comma, without the words of quality. A text left away is "", not this."""
    return f"{join(tags)},"
