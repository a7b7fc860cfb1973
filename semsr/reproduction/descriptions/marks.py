"""A paper's marks ("yes", "no") for styles of description, as printed."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from semsr.cards import DescriptionTableCard
from semsr.errors import CardError
from semsr.project import Project
from semsr.reproduction.descriptions.measures import MARKS, Mark
from semsr.reproduction.reported import read_lines, reported_file

ALLOWED = ("no", "yes", "yes, strongly")

Marks = Mapping[str, Mapping[Mark, str]]
"""By the row's published name, then by mark."""


def read_marks(path: Path, name: str) -> tuple[str, Marks]:
    """The table's title, and the marks of a `reported.csv`; `name` is what errors call it.

    Raises:
        CardError: as `read_lines`; a value that is no mark, a column that is none, or a row that lacks one.
    """
    title, lines = read_lines(path, name)
    found: dict[str, dict[Mark, str]] = {}
    known: dict[str, Mark] = {mark: mark for mark in MARKS}
    for line, (_, row, _, column, value, _) in lines:
        if column not in known:
            raise CardError(f"{name}: line {line}: metric: found {column!r}; allowed: {', '.join(known)}")
        if value not in ALLOWED:
            raise CardError(f"{name}: line {line}: value: found {value!r}; allowed: {'; '.join(ALLOWED)}")
        found.setdefault(row, {})[known[column]] = value
    for row, marks in found.items():
        if lacking := [mark for mark in MARKS if mark not in marks]:
            raise CardError(f"{name}: {row}: no line for {lacking[0]}; a row has all of {', '.join(MARKS)}")
    return title, found


def load_marks(project: Project, card: DescriptionTableCard) -> tuple[str, Marks]:
    """The marks that stand in a table, and what they are copied from: its own, or those of its context; none where it has neither.

    Raises:
        CardError: the file is unusable, or card and file do not name the same rows.
    """
    where = f"tables/{card.id}/table.yaml"
    of = card
    if card.context is not None:
        others = {
            name: other for name, other in project.tables.items() if isinstance(other, DescriptionTableCard) and other.reported
        }
        if card.context.table not in others:
            raise CardError(
                f"{where}: context.table: found {card.context.table!r}; allowed: {', '.join(others) or 'none has marks'}"
            )
        of = others[card.context.table]
    if of.reported is None:
        marks: Marks = {}
        title = ""
    else:
        path = reported_file(project.folders("table")[of.id], of.reported, f"tables/{of.id}/table.yaml")
        title, marks = read_marks(path, f"tables/{of.id}/{of.reported}")
    used = {row.published for row in card.rows if row.published}
    if unknown := sorted(used - set(marks)):
        raise CardError(f"{where}: rows: published name {unknown[0]!r} has no marks; known: {', '.join(marks) or 'none'}")
    if card.context is None and (unused := sorted(set(marks) - used)):
        raise CardError(f"{where}: rows: {unused[0]!r} of its {card.reported} has no place; used: {', '.join(sorted(used))}")
    return title, marks
