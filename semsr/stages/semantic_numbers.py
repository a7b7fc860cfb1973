"""What a page says in numbers of one judge: rows and columns with intervals and shares, and a column class by class."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from semsr.cards.protocol import OBJECT_COLUMNS
from semsr.errors import SemsrError
from semsr.evaluation.semantic.protocol import ResolvedSemanticProtocol
from semsr.evaluation.semantic.values import REFERENCE, JudgedValues, RowKey
from semsr.project import Project
from semsr.reporting.semantic.page import ClassTable, Column, Number, Row
from semsr.reproduction import table
from semsr.reproduction.assemble import column_of
from semsr.reproduction.semantic.objects import object_columns
from semsr.reproduction.semantic.reading import IMPROVEMENT, OF_THE_FLOOR
from semsr.reproduction.semantic.shares import Drawn, Draws, drawn, mean_over_seeds, recovered, trusted

RowName = tuple[str, str]
"""Method and variant."""
HR: RowName = REFERENCE[:2]


def names_of(values: JudgedValues, floor: RowName) -> list[RowName]:
    """The rows: ceiling, floor, then the others by name."""
    found = {key[:2] for key in values.of}
    return sorted(found, key=lambda name: (name != HR, name != floor, name))


def label_of(project: Project, name: RowName) -> str:
    """What a row is called; a method or variant that is gone is called by its id."""
    if name == HR:
        return "HR"
    variants = project.methods[name[0]].variants if name[0] in project.methods else {}
    return variants[name[1]].label if name[1] in variants else "/".join(name)


def role_of(name: RowName, floor: RowName) -> str:
    """What a row is beside a restoration."""
    return "ceiling" if name == HR else "floor" if name == floor else ""


def columns(protocol: ResolvedSemanticProtocol, values: JudgedValues) -> tuple[Column, ...]:
    """The columns that the judge has, in words."""
    every = (*map(column_of, protocol.columns), *object_columns(protocol.card.objects))
    return tuple(_column(column) for column in every if column.name in values.columns)


def numbers(project: Project, protocol: ResolvedSemanticProtocol, values: JudgedValues) -> tuple[Row, ...]:
    """Every row with its intervals, and how far it gets from floor to ceiling; of several seeds the mean, draw by draw."""
    floor = protocol.card.floor.method, protocol.card.floor.variant
    directions = {column.name: column.metric.direction for column in protocol.columns}
    shown = [name for name in (*directions, *OBJECT_COLUMNS) if name in values.columns]
    names = names_of(values, floor)
    whole = {name: {column: _whole(values, name, column) for column in shown} for name in names}
    rows = []
    for name in names:
        each, shares = [], list[Number | None]()
        for column in shown:
            why = "what is lost and won is counted from here" if name == HR else "nothing to measure it by"
            found = drawn(whole[name][column], why)
            if name == floor and column == IMPROVEMENT:
                found = Drawn(None, reason=OF_THE_FLOOR)
            each.append(_number(found))
            apart = column in directions and name not in (HR, floor) and floor in whole and HR in whole
            shares.append(
                _number(recovered(whole[name][column], whole[floor][column], whole[HR][column], directions[column]))
                if apart
                else None
            )
        seeds = sum(key[:2] == name for key in values.of)
        rows.append(Row(label_of(project, name), role_of(name, floor), tuple(each), tuple(shares), seeds))
    return tuple(rows)


def class_table(
    project: Project, path: Path, protocol: ResolvedSemanticProtocol, values: JudgedValues, again: str
) -> ClassTable | None:
    """The first column that the judge has, class by class; None where it has none.

    Args:
        project: whose methods the rows are of.
        path: `classes.csv` beside the values.
        protocol: says which column is the first.
        values: say which rows there are.
        again: the command that makes the file.

    Raises:
        SemsrError: no such file, or not one of these rows.
    """
    column = next((column.name for column in protocol.columns if column.name in values.columns), None)
    if column is None or not values.of:
        return None
    names = names_of(values, (protocol.card.floor.method, protocol.card.floor.variant))
    try:
        found: dict[str, dict[RowKey, float]] = {}
        with path.open(encoding="utf-8", newline="") as file:
            for line in (lines := csv.DictReader(file)):
                if line["column"] == column:
                    key = line["method"], line["variant"], int(line["seed"])
                    found.setdefault(line["category"], {})[key] = float(line["value"])
        if not {"column", "category", "value"} <= set(lines.fieldnames or ()):
            raise ValueError("no such columns")
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise SemsrError(f"{project.show(path)}: can't be read as values of classes ({error}); run `{again}`") from None
    by_class = {name: tuple(_mean(keys, row) for row in names) for name, keys in found.items()}
    title = next(column_of(one).title for one in protocol.columns if one.name == column)
    return ClassTable(title, tuple(label_of(project, name) for name in names), by_class)


def _mean(values: Mapping[RowKey, float], row: RowName) -> float | None:
    mine = [value for key, value in values.items() if key[:2] == row]
    return float(np.mean(mine)) if mine else None


def _whole(values: JudgedValues, name: RowName, column: str) -> Draws:
    return mean_over_seeds([trusted(values.of[key][column], values.pictures) for key in values.of if key[:2] == name])


def _number(found: Drawn) -> Number:
    return Number(found.value, found.low, found.high, found.reason)


def _column(column: table.Column) -> Column:
    return Column(column.title, column.direction, column.how)
