"""Asks of one row on one data set which other way of measuring gives its published values."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from semsr.errors import SemsrError
from semsr.evaluation.lattice.changes import Change
from semsr.evaluation.lattice.lattice import Lattice, Means
from semsr.evaluation.lattice.measure import Kept, Pictures
from semsr.evaluation.lattice.ways import OWN, Way
from semsr.evaluation.protocol import ResolvedProtocol
from semsr.evaluation.session import progress_bar
from semsr.project import Project
from semsr.reproduction.forensics.ranking import Question

NOTHING = 0.1
"""A change that moves a value by less than this share of its tolerance is in no pair."""


@dataclass(frozen=True)
class Value:
    """One published value.

    Attributes:
        column: of the protocol.
        published: as printed.
        tolerance: half-width within which a value counts as the published one.
        ours: None: to be measured.
        result_id: of ours; empty where it has none.
        asked: whether it is to be explained; others only speak for or against an explanation.
    """

    column: str
    published: str
    tolerance: float
    ours: float | None = None
    result_id: str = ""
    asked: bool = True


@dataclass(frozen=True)
class Row:
    """A row on a data set: its name for people, its pictures (a set a seed), its published values, and the scale of super-resolution.

    `dataset`: its id; empty for a folder of anybody's pictures.
    """

    name: str
    pictures: tuple[Pictures, ...]
    values: tuple[Value, ...]
    scale: int
    dataset: str = ""


@dataclass(frozen=True)
class Answer:
    """Questions ready to be ranked, those asked first, and why others of them can't be asked here, by column."""

    questions: tuple[Question, ...]
    unanswered: Mapping[str, str]


def ask(
    project: Project,
    protocol: ResolvedProtocol,
    row: Row,
    kept: Kept,
    *,
    device: str = "cpu",
    threads: int | None = None,
    focus: str = "",
) -> Answer:
    """Measure a row in other ways, as far as its published values need it.

    First every single change of the columns asked for; where none of them gives a value, pairs of changes; last, of the other columns
    that are quick, what fitted.

    Args:
        project: where metrics are.
        protocol: of the values.
        row: what to ask.
        kept: where finished batches are kept.
        device: where networks run.
        threads: cores to use; None: all that are available.
        focus: the one column that a person asked for: it gets its pairs in any case, and others that take a network are left out.

    Raises:
        PictureError, MetricError: see `semsr.evaluation.lattice.measure`.
        SemsrError: the pictures are not those that our value was measured on.
    """
    by_name = {value.column: value for value in row.values}
    found: dict[str, dict[Way, float]] = {name: {} for name in by_name}
    untried: dict[str, tuple[str, ...]] = dict.fromkeys(by_name, ())

    def learn(means: Means) -> None:
        for name, values in means.values.items():
            found[name] |= values
        for name, lines in means.untried.items():
            untried[name] += lines

    def all_questions(names: Sequence[str]) -> list[Question]:
        return [_question(row, by_name[name], found[name], untried[name]) for name in names if OWN in found[name]]

    lattice = Lattice(
        project, protocol, list(by_name), row.pictures, scale=row.scale, device=device, kept=kept, threads=threads
    )
    asked = [
        value.column
        for value in row.values
        if value.asked and (not focus or value.column == focus or lattice.is_quick(value.column))
    ]
    with progress_bar(f"explain {row.name}", lattice.work) as lattice.progress:
        learn(lattice.singles(asked))
        here = [name for name in asked if OWN in found[name]]
        if focus or any(question.is_open and not question.fitting for question in all_questions(here)):
            learn(lattice.pairs(here, _worth(by_name, found)))
        fitting = [way for question in all_questions(here) for way in question.fitting]
        beside = [name for name in by_name if name not in asked and lattice.is_quick(name)]
        learn(lattice.measure({name: [OWN, *_projected(fitting, lattice.changes.get(name, ()))] for name in beside}))
    unanswered = {name: _why_not(protocol, name, untried[name]) for name in asked if name not in here}
    return Answer(tuple(all_questions([*here, *beside])), unanswered)


def _why_not(protocol: ResolvedProtocol, name: str, untried: tuple[str, ...]) -> str:
    column = next(column for column in protocol.columns if column.name == name)
    if column.of_set:
        return f"{column.metric.title} is a value of the whole set; what moves it is how many pictures there are"
    return untried[0].partition(": ")[2] if untried else "it can't be measured here"


def _question(row: Row, value: Value, values: Mapping[Way, float], untried: tuple[str, ...]) -> Question:
    own = values[OWN]
    if value.ours is not None and abs(own - value.ours) > value.tolerance:
        raise SemsrError(
            f"{row.name}: {value.column}: the scores say {value.ours:.6g}, the pictures that are there now give {own:.6g}: they have "
            f"changed since; run `semsr score {row.dataset}` again"
        )
    ours = own if value.ours is None else value.ours
    return Question(row.name, value.column, value.result_id, value.published, ours, value.tolerance, values, untried)


def _worth(by_name: Mapping[str, Value], found: Mapping[str, Mapping[Way, float]]) -> Callable[[str, Change], bool]:
    def worth(column: str, change: Change) -> bool:
        value = found[column].get(Way((change,)))
        return value is not None and abs(value - found[column][OWN]) > NOTHING * by_name[column].tolerance

    return worth


def _projected(ways: Sequence[Way], changes: Sequence[Change]) -> list[Way]:
    """What of other columns' ways can be done to this one."""
    known = {(change.axis, change.setting): change for change in changes}
    mine = [tuple(known[at] for change in way.changes if (at := (change.axis, change.setting)) in known) for way in ways]
    return list(dict.fromkeys(Way(its) for its in mine if its))
