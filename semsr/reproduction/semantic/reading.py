"""Finds one row in what one judge left: its values and draws, or the reason why there are none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from semsr.assets.missing import summary
from semsr.cards import ProfileCard, SemanticTableCard, TableRow
from semsr.cards.protocol import OBJECT_COLUMNS
from semsr.evaluation.protocol import ResolvedColumn
from semsr.evaluation.semantic.values import REFERENCE, JudgedValues, RowKey
from semsr.planning import seeds_of
from semsr.project import Project
from semsr.reproduction import not_run
from semsr.reproduction.assemble import spread_text
from semsr.reproduction.reported import Published, Reported
from semsr.reproduction.sanity import is_sanity
from semsr.reproduction.seeds import spread_of
from semsr.reproduction.semantic.origin import OBJECTS, origin_of
from semsr.reproduction.semantic.shares import Draws, drawn, mean_over_seeds, trusted
from semsr.reproduction.semantic.table import Cell, Role, Row
from semsr.reproduction.table import Column

IMPROVEMENT = "improvement"
OF_THE_FLOOR = "the floor is what improvement is counted from"
OBJECT_DIGITS = 1


@dataclass(frozen=True)
class Judge:
    """A segmenter and what it left for a data set.

    Attributes:
        values: None where it was not asked.
        not_run: why; empty where it was.
    """

    id: str
    title: str
    values: JudgedValues | None
    not_run: str = ""


@dataclass(frozen=True)
class Wanted:
    """What every judge of a data set is asked by.

    Attributes:
        rows: the card's, and those that the profile has besides.
        columns, shown: resolved, and as tables show them.
        published: the values of a paper, `dataset` by its name there; none for judges other than the first.
        expected: how many pictures the data set should have.
        reason: why nothing was run on the data set; empty where something was.
    """

    card: SemanticTableCard
    dataset: str
    published_as: str
    rows: Sequence[TableRow]
    columns: Sequence[ResolvedColumn]
    shown: Sequence[Column]
    published: Reported
    expected: int | None
    reason: str


class Reader:
    """Finds a row's draws in what a judge left."""

    def __init__(self, project: Project, profile: ProfileCard, wanted: Wanted, judge: Judge) -> None:
        self._project, self._profile, self.wanted, self.judge = project, profile, wanted, judge
        self._known: dict[tuple[str | None, str], list[RowKey]] = {}
        values = judge.values
        self.reason = wanted.reason or judge.not_run
        if not self.reason and values is None:
            self.reason = f"not judged yet; {self._again()}"
        if not self.reason and values is not None and values.lacking:
            self.reason = f"judge {judge.id} needs {summary(values.lacking)}; see the missing files"

    def _again(self) -> str:
        dataset = self.wanted.dataset
        return f"run `semsr segment {self.judge.id} --dataset {dataset}`, then `semsr judge {dataset}`"

    def _draws(self, role: Role, row: TableRow, column: str) -> list[Draws]:
        """The draws of each seed of a row that has them; empty where nothing is said of the row."""
        values = self.judge.values
        if self.reason or values is None:
            return []
        return [trusted(values.of[key][column], values.pictures) for key in self._keys(role, row) if key in values.of]

    def _keys(self, role: Role, row: TableRow) -> list[RowKey]:
        if role == "ceiling":
            return [REFERENCE]
        name = row.method, row.variant
        if name not in self._known:  # recipes are read from disk each time that seeds are asked for
            self._known[name] = self._keys_of(row)
        return self._known[name]

    def _keys_of(self, row: TableRow) -> list[RowKey]:
        if row.method is None or not_run.row_reason(self._project, self.wanted.card, self._profile, row):
            return []
        seeds = seeds_of(self._project, self._profile, row.method, row.variant)
        return [(row.method, row.variant, seed) for seed in seeds]

    def row(self, role: Role, entry: TableRow) -> Row:
        """One row of the judge, without what other rows are needed for."""
        keys = self._keys(role, entry)
        why, gone = self._why(role, entry, keys)
        columns = [column.name for column in self.wanted.columns]
        printed = {
            name: self.wanted.published.values.get((entry.published or "", self.wanted.published_as, name)) for name in columns
        }
        cells = [
            self._cell(role, entry, column, why, gone, printed[name], self._digits(column))
            for name, column in zip(columns, self.wanted.columns, strict=True)
        ]
        objects = [] if role == "ceiling" else [self._object(role, entry, name, why, gone) for name in OBJECT_COLUMNS]
        method = entry.method if role != "ceiling" else REFERENCE[0]
        variant = entry.variant if role != "ceiling" else REFERENCE[1]
        has = any(cell.drawn.value is not None for cell in (*cells, *objects))
        card = self._project.methods.get(entry.method or "")
        trust = card.variants[entry.variant].trust if card and has else None
        seeds = 0 if [key[2] for key in keys] == [0] or why else len(keys)
        checks = role != "row" or is_sanity(self._project, entry.method, entry.variant)
        return Row(entry.label, entry.published, role, method, variant, trust, why, tuple(cells), tuple(objects), seeds, checks)

    def _why(self, role: Role, entry: TableRow, keys: Sequence[RowKey]) -> tuple[str, str]:
        """Why a row was not run, and why it was only in part; empty where neither is so."""
        if self.reason:
            return self.reason, ""
        if role != "ceiling" and (why := not_run.row_reason(self._project, self.wanted.card, self._profile, entry)):
            return why, ""
        values = self.judge.values
        assert values is not None  # else there is a reason
        if lacking := values.missing.get((entry.method or "", entry.variant)):
            return f"needs {summary(lacking)}, see `semsr plan {entry.method} --variant {entry.variant}`", ""
        there = [key for key in keys if key in values.of]
        if not there:
            dataset = self.wanted.dataset
            infer = f"run `semsr infer {entry.method} --dataset {dataset}`, " if role != "ceiling" else "run "
            return f"not restored or not judged yet; {infer}{self._again().removeprefix('run ')}", ""
        if len(there) < len(keys):
            infer = f"`semsr infer {entry.method} --dataset {self.wanted.dataset}`"
            return "", f"only {len(there)} of {len(keys)} seeds are judged; run {infer}, {self._again().removeprefix('run ')}"
        if self.wanted.expected is not None and values.pictures < self.wanted.expected:
            return "", (
                f"only {values.pictures} of the data set's {self.wanted.expected} pictures are prepared; fetch the others and "
                f"{self._again()}"
            )
        return "", ""

    def _digits(self, column: ResolvedColumn) -> int:
        """As many digits as the paper prints in this column; without a paper, the metric card's."""
        printed = self.wanted.published.decimals(self.wanted.published_as, column.name)
        return column.metric.decimals if printed is None else printed

    def _cell(
        self,
        role: Role,
        entry: TableRow,
        column: ResolvedColumn,
        why: str,
        gone: str,
        printed: Published | None,
        digits: int,
    ) -> Cell:
        cell = self._value(role, entry, column.name, column.metric.id, why, gone, digits)
        number = printed.number if printed else None
        value = cell.drawn.value
        ours_minus_theirs = None if value is None or number is None else value - float(number)
        return replace(cell, published=printed, difference=ours_minus_theirs)

    def _object(self, role: Role, entry: TableRow, name: str, why: str, gone: str) -> Cell:
        if role == "floor" and name == IMPROVEMENT and not why:
            return Cell("not-available", OF_THE_FLOOR)
        return self._value(role, entry, name, OBJECTS, why, gone, OBJECT_DIGITS)

    def _value(self, role: Role, entry: TableRow, column: str, metric: str, why: str, gone: str, digits: int) -> Cell:
        values = self.judge.values
        if why or values is None:
            return Cell("not-run", why)
        if column not in values.columns:
            return Cell("not-available", lacks(values).get(column, "it gives no such answer"))
        if gone:
            return Cell("incomplete", gone)
        each = self._draws(role, entry, column)
        found = drawn(mean_over_seeds(each), "there is nothing in these pictures that it can be measured by")
        if found.value is None:
            return Cell("not-available", found.reason)
        several = [key[2] for key in self._keys(role, entry)] != [0]
        seeds = tuple(float(draws[0]) for draws in each) if several else ()
        spread = spread_of(seeds)
        sd = "" if spread is None else spread_text(spread.sd, digits)
        origin = origin_of(values, column, metric, self._keys(role, entry))
        text, made = _printed(found.value, digits), origin.result_id if origin else ""
        return Cell("reproduced", drawn=found, text=text, spread_text=sd, seeds=seeds, result_id=made)

    def whole(self, role: Role, entry: TableRow, column: str) -> Draws | None:
        """A row's draws, of several seeds their mean; None unless it has a value.

        Rounded to 1e-9 percent: what a mean over seeds adds in the last bit must not tell equal rows apart.
        """
        why, gone = self._why(role, entry, self._keys(role, entry))
        values = self.judge.values
        if why or gone or values is None or column not in values.columns:
            return None
        found = mean_over_seeds(self._draws(role, entry, column))
        return np.round(found, 9) if np.isfinite(found[0]) else None

    def comparable(self, column: str) -> dict[str, Draws]:
        """Every row but the ceiling that has a value, by its label."""
        found = {row.label: self.whole("row", row, column) for row in self.wanted.rows}
        return {label: draws for label, draws in found.items() if draws is not None}


def lacks(values: JudgedValues) -> dict[str, str]:
    """Why a judge has no answer, by column of the protocol or of objects."""
    without = dict.fromkeys((name for name in OBJECT_COLUMNS if name not in values.columns), "no objects were matched")
    return without | dict(values.facts.get("columns_without") or {})


def _printed(value: float, digits: int) -> str:
    text = f"{value:.{digits}f}"
    return text.removeprefix("-") if not text.strip("-0.") else text  # no "-0.0"
