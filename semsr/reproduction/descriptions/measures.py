"""What is measured of a describer, each beside the mark of a paper that it stands for.

SeeSR's Table 1 marks four styles of prompt with "rich objects", "concise description" and "degradation aware", and gives no numbers. The
measures here are our reading of the three:

- rich objects: how many things are named in a clean picture;
- concise description: how many words that takes, in all and for each thing;
- degradation aware: whether the degraded picture is described as the clean one, by precision, recall and F1 of the tags.

Tags are compared as equal strings (case aside): a synonym counts as wrong. The sums are over all pictures before a ratio is formed (micro
average). A picture without tags on either side adds nothing to any sum: silence on both is no evidence. Where no picture has any, there is
no value. Tags found where none were expected are wrong (precision 0), tags missed where none were found are missed (recall 0).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

from semsr.reproduction.descriptions.bootstrap import Estimate, ratio_of_sums
from semsr.reproduction.descriptions.said import Pair

Mark = Literal["rich_objects", "concise_description", "degradation_aware"]

MARKS: dict[Mark, str] = {
    "rich_objects": "rich objects",
    "concise_description": "concise description",
    "degradation_aware": "degradation aware",
}
"""The paper's columns by their names in reported.csv."""

Sums = tuple[float, float]
"""What one picture adds to the two sums of a ratio."""

_WORD = re.compile(r"[^\s,]+")


def words(text: str) -> int:
    """How many words: runs of characters between spaces and commas."""
    return len(_WORD.findall(text))


@dataclass(frozen=True)
class Measure:
    """One number a describer.

    Attributes:
        mark: the paper's mark that it stands for.
        direction: which way speaks for the mark.
        how: the definition in words, for the table.
        against: whose tags on clean pictures the tags on degraded ones are compared with; None: the measure is of clean pictures alone.
        sums: what a picture adds, of a pair and of the names expected.
    """

    name: str
    heading: str
    mark: Mark
    direction: Literal["higher", "lower"]
    decimals: int
    how: str
    against: Literal["own", "reference"] | None
    sums: Callable[[Pair, frozenset[str]], Sums]


def tags_of(pair: Pair, expected: frozenset[str]) -> Sums:
    """Tags of the clean picture, over 1."""
    return len(pair.clean.names), 1


def words_of(pair: Pair, expected: frozenset[str]) -> Sums:
    """Words of the clean picture's description, over 1."""
    return words(pair.clean.text), 1


def words_of_tags(pair: Pair, expected: frozenset[str]) -> Sums:
    """Words of the clean picture's description over its tags."""
    return words(pair.clean.text), len(pair.clean.names)


def precision(pair: Pair, expected: frozenset[str]) -> Sums:
    """Tags of the degraded picture that are expected, over all of its tags."""
    return len(pair.degraded.names & expected), len(pair.degraded.names)


def recall(pair: Pair, expected: frozenset[str]) -> Sums:
    """Expected tags that the degraded picture has, over all expected."""
    return len(pair.degraded.names & expected), len(expected)


def f1(pair: Pair, expected: frozenset[str]) -> Sums:
    """The harmonic mean of precision and recall, 2 TP / (2 TP + FP + FN), as a ratio of sums."""
    return 2 * len(pair.degraded.names & expected), len(pair.degraded.names) + len(expected)


def _agreement(against: Literal["own", "reference"], whose: str) -> tuple[Measure, ...]:
    said = f"over all pictures together; expected are {whose} on the clean picture (HR), found are this describer's on LR at its own size"
    shown = "own tags" if against == "own" else "reference's tags"
    parts = (
        ("precision", precision, "share of the tags found that are expected"),
        ("recall", recall, "share of the tags expected that are found"),
        ("f1", f1, "2 TP / (2 TP + FP + FN)"),
    )
    return tuple(
        Measure(
            name=f"{name}_{against}",
            heading=f"{'F1' if name == 'f1' else name} against {shown}",
            mark="degradation_aware",
            direction="higher",
            decimals=3,
            how=f"{what}, {said}",
            against=against,
            sums=sums,
        )
        for name, sums, what in parts
    )


MEASURES: tuple[Measure, ...] = (
    Measure(
        "tags", "tags a picture", "rich_objects", "higher", 2, "tags of a clean picture (HR), mean over pictures", None, tags_of
    ),
    Measure(
        "words",
        "words a picture",
        "concise_description",
        "lower",
        2,
        "words of a clean picture's description, between spaces and commas, mean over pictures",
        None,
        words_of,
    ),
    Measure(
        "words_per_tag",
        "words a tag",
        "concise_description",
        "lower",
        2,
        "words of all clean pictures' descriptions over their tags",
        None,
        words_of_tags,
    ),
    *_agreement("own", "its own tags"),
    *_agreement("reference", "the reference's tags"),
)


def measure(what: Measure, pairs: Sequence[Pair], reference: Sequence[Pair] | None) -> Estimate | None:
    """One measure of one describer over a data set.

    Args:
        what: the measure.
        pairs: what the describer said.
        reference: what the table's reference said of the same pictures in the same order; None where it could not be had.

    Returns:
        The estimate; None where the measure needs the reference and there is none.

    Raises:
        ValueError: no pictures, or other pictures in the reference.
    """
    expected = [pair.clean.names for pair in pairs]
    if what.against == "reference":
        if reference is None:
            return None
        if [pair.name for pair in reference] != [pair.name for pair in pairs]:
            raise ValueError("the reference describes other pictures")
        expected = [pair.clean.names for pair in reference]
    sums = [what.sums(pair, names) for pair, names in zip(pairs, expected, strict=True)]
    return ratio_of_sums([above for above, _ in sums], [below for _, below in sums])
