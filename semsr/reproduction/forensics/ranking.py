"""Which other way of measuring explains a published value, and which of several does it best.

A large enough set of alternatives explains anything. So:

- an alternative must bring the value within the tolerance *and* take more than half of the difference away;
- it must not be what chance would do about as well: of a value close to ours some alternative is nearly always right. Where the same
  changes explain other values, too, chance would have to do all of it; of two changes at a time less is left to it than of one;
- what is done to pictures counts only where no column of the same pictures that is reproduced as it is would be spoiled by it;
- how many were tried, and how likely chance is, is part of the answer.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from semsr.evaluation.lattice.ways import OWN, Way
from semsr.reproduction.forensics.explanation import Alternative, Explanation

CHANCE = {1: 0.25, 2: 0.05}
"""By the number of changes: an explanation counts only where chance would give it at most so often."""
_SLACK = 1e-9
"""Printed numbers are decimal, ours are not."""


@dataclass(frozen=True)
class Question:
    """One published value, ours, and what ours would be in other ways.

    Attributes:
        row: which row on which data set; values of the same pictures share it.
        column: the metric's name.
        result_id, published, ours, tolerance: as of `Explanation`.
        values: what every way that was measured gives.
        untried: as of `Explanation`.
    """

    row: str
    column: str
    result_id: str
    published: str
    ours: float
    tolerance: float
    values: Mapping[Way, float]
    untried: tuple[str, ...] = ()

    @property
    def is_open(self) -> bool:
        """Whether our value is not the published one as it is."""
        return not self.holds(self.ours)

    def holds(self, value: float) -> bool:
        """Whether a value counts as the published one."""
        return abs(float(self.published) - value) <= self.tolerance * (1 + _SLACK) + _SLACK * 1e-3

    def fits(self, way: Way) -> bool:
        """Whether a way gives the published value and is most of the difference."""
        left = abs(float(self.published) - self.values[way])
        return way != OWN and self.holds(self.values[way]) and 2 * left < abs(float(self.published) - self.ours)

    @property
    def fitting(self) -> tuple[Way, ...]:
        """Those that do; none where nothing is to be explained."""
        return tuple(way for way in self.values if self.fits(way)) if self.is_open else ()

    @property
    def axes(self) -> frozenset[str]:
        """What can be changed about the column."""
        return frozenset(change.axis for way in self.values for change in way.changes)


def rank(questions: Sequence[Question]) -> tuple[Explanation, ...]:
    """Answer questions together, in their order, so that one change that explains several values goes before others."""
    fitting = [question.fitting for question in questions]
    return tuple(_explained(question, questions, fitting) for question in questions)


def _explained(question: Question, questions: Sequence[Question], fitting: Sequence[Iterable[Way]]) -> Explanation:
    published = float(question.published)
    chances = {changes: chance(question, changes) for changes in (1, 2)}
    found = []
    for way, value in question.values.items():
        if way == OWN:
            continue
        fits = question.is_open and question.fits(way)
        others = _joint(question, way, questions, fitting) if fits else ()
        joint = tuple(dict.fromkeys(other.column if other.row == question.row else other.row for other in others))
        against = _against(question, way, questions) if fits else ()
        changes = len(way.changes)
        by_chance = chances[changes] * math.prod(chance(other, changes) for other in others)
        explains = fits and by_chance <= CHANCE[changes] and not against
        found.append(
            Alternative(way.id, way.says, changes, value, value - question.ours, published - value, explains, joint, against)
        )
    found.sort(key=lambda each: (not each.explains, each.explains and not each.joint, each.changes, abs(each.left), each.id))
    deepest = max((each.changes for each in found), default=1)
    return Explanation(
        result_id=question.result_id,
        published=question.published,
        ours=question.ours,
        tolerance=question.tolerance,
        alternatives=tuple(found),
        chance=chances[deepest] if question.is_open and found else 0.0,
        untried=question.untried,
    )


def chance(question: Question, changes: int) -> float:
    """How likely a value that has nothing to do with the alternatives would be met by one of them.

    It is taken to lie anywhere within twice the difference of ours, but where it would count as ours.

    Returns:
        The share of these places that alternatives of up to `changes` changes cover with their tolerances: 0 to 1.
    """
    reach = 2 * abs(float(question.published) - question.ours)
    tolerance = question.tolerance
    if reach <= tolerance:
        return 0.0
    spans = [(question.ours - tolerance, question.ours + tolerance)]
    spans += [
        (value - tolerance, value + tolerance) for way, value in question.values.items() if 0 < len(way.changes) <= changes
    ]
    low, high = question.ours - reach, question.ours + reach
    covered, end = 0.0, low
    for start, stop in sorted(spans):
        start, stop = max(start, end), min(stop, high)
        if stop > start:
            covered, end = covered + stop - start, stop
    return max(0.0, (covered - 2 * tolerance) / (2 * reach - 2 * tolerance))


def _joint(question: Question, way: Way, questions: Sequence[Question], fitting: Sequence[Iterable[Way]]) -> list[Question]:
    """What else is explained by the same changes, as far as both columns have their axes."""
    found = []
    for other, its in zip(questions, fitting, strict=True):
        if other is question or (other.row != question.row and other.column != question.column):
            continue
        common = question.axes & other.axes
        mine = _on(way, common)
        if mine and any(_on(fit, common) == mine for fit in its):
            found.append(other)
    return found


def _on(way: Way, axes: frozenset[str]) -> frozenset[tuple[str, str]]:
    return frozenset((change.axis, change.setting) for change in way.changes if change.axis in axes)


def _against(question: Question, way: Way, questions: Sequence[Question]) -> tuple[str, ...]:
    """Columns of the same pictures that hold as they are, and would not if this had been done to the pictures."""
    if way.edit is None:
        return ()
    return tuple(
        other.column
        for other in questions
        if other.row == question.row and not other.is_open and way in other.values and not other.holds(other.values[way])
    )
