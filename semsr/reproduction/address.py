"""How one number of a table is called: `<table>:<row>:<column>`, or the id that stands beside it.

- The table is its card's id, the text before the first colon.
- The row is its label, whatever it holds (`RRDB+P+SeD (released)`, also colons), or `method/variant` (`method` alone for its variant
  `default`), the text up to the last colon. Upper and lower case are alike. `@2` at its end takes seed 2 alone. In double quotes it is a
  label and nothing else.
- The column is a metric's name, with the data set before it (its id or its label) where the table has several:
  `lite-photos/psnr`. In a table of judges the judge may stand there, too: `lite-scenes/tiny-boxes/map`; else it is the table's own.
- An id of 12 hexadecimal digits (`semsr.reproduction.provenance`) names the same number wherever it stands.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from semsr.errors import SemsrError
from semsr.reproduction.provenance import LENGTH

FORM = "<table>:<row>:<column>, as lite-sed-table1:RRDB:psnr, or a result's id of 12 hexadecimal digits"
_ID = re.compile(f"[0-9a-f]{{{LENGTH}}}")
_SEED = re.compile(r"(.*)@(\d{1,10})", re.DOTALL)


@dataclass(frozen=True)
class ResultId:
    """A number by its id."""

    id: str


@dataclass(frozen=True)
class Address:
    """A number by its place.

    Attributes:
        table: the table's id.
        row: label or method/variant, as written.
        quoted: it is a label and nothing else.
        column: the parts of the column: data set and judge, if given, then the metric.
    """

    table: str
    row: str
    quoted: bool
    column: tuple[str, ...]


@dataclass(frozen=True)
class RowName:
    """What a row answers to; `method` is None for a row that only the paper has."""

    label: str
    method: str | None
    variant: str

    @property
    def id(self) -> str:
        """`method/variant`; empty without a method."""
        return f"{self.method}/{self.variant}" if self.method is not None else ""


def parse(text: str) -> Address | ResultId:
    """Read an address. Raises: SemsrError where it has another form."""
    text = text.strip()
    if _ID.fullmatch(text.lower()):
        return ResultId(text.lower())
    table, first, rest = text.partition(":")
    row, second, column = rest.rpartition(":")
    parts = tuple(part.strip() for part in column.split("/"))
    row = row.strip()
    quoted = len(row) > 1 and row[0] == row[-1] == '"'
    row = row[1:-1] if quoted else row
    if not (first and second and table.strip() and row and all(parts)):
        raise SemsrError(f"address: found {text!r}; must be {FORM}")
    return Address(table.strip(), row, quoted, parts)


def find_row(address: Address, rows: Sequence[RowName], where: str) -> tuple[int, int | None]:
    """The place of the row among `rows`, and the seed that is asked for, if any.

    Args:
        address: what is asked for.
        rows: those of the table.
        where: what errors call the address.

    Raises:
        SemsrError: no such row, or several; says which there are.
    """
    if (at := _one_of(address.row, address.quoted, rows, where)) is not None:
        return at, None
    parted = None if address.quoted else _SEED.fullmatch(address.row)
    if parted and (at := _one_of(parted[1], False, rows, where)) is not None:
        return at, int(parted[2])
    known = list(dict.fromkeys(name for row in rows for name in (row.label, row.id) if name))
    raise SemsrError(_unknown("row", address.row, known, where))


def _one_of(name: str, quoted: bool, rows: Sequence[RowName], where: str) -> int | None:
    """The only row of a name: labels first, then ids; labels of the very case before others."""
    wanted = name.casefold()
    ways: list[list[int]] = [
        [at for at, row in enumerate(rows) if row.label == name],
        [at for at, row in enumerate(rows) if row.label.casefold() == wanted],
    ]
    if not quoted:
        full = wanted if "/" in wanted else f"{wanted}/default"
        ways.append([at for at, row in enumerate(rows) if row.id and row.id.casefold() == full])
    for found in ways:
        if len(found) > 1:
            ids = ", ".join(rows[at].id or "a row of the paper alone" for at in found)
            raise SemsrError(f"{where}: row: {name!r} names {len(found)} rows; say which by method/variant: {ids}")
        if found:
            return found[0]
    return None


@dataclass(frozen=True)
class Place:
    """A column of a table: which data set's block, by which judge (0 in tables without), under which name."""

    dataset: int
    judge: int
    column: str


def find_column(
    address: Address,
    datasets: Sequence[tuple[str, str]],
    columns: Sequence[Sequence[Sequence[str]]],
    where: str,
    judges: Sequence[str] = ("",),
) -> Place:
    """Which column is meant.

    Args:
        address: what is asked for.
        datasets: (id, label) of each block.
        columns: names of the columns of each data set by each judge.
        where: what errors call the address.
        judges: their ids, the table's own first; tables without judges have one without a name.

    Raises:
        SemsrError: no such column, or it is not said of which data set; says which there are.
    """
    *before, name = address.column
    dataset: int | None = None
    judge: int | None = None
    names = _names(datasets)
    for part in before:
        if dataset is None and part.casefold() in names:
            dataset = names[part.casefold()]
        elif judge is None and part in judges and part:
            judge = judges.index(part)
        else:
            known = [key for key, _ in datasets] + [each for each in judges if each]
            raise SemsrError(_unknown("column", "/".join(address.column), [f"{each}/{name}" for each in known], where))
    judge = judge or 0
    having = [at for at, by in enumerate(columns) if _spelt(name, by[judge])]
    if dataset is None and len(having) > 1:
        ways = ", ".join(f"{datasets[at][0]}/{name}" for at in having)
        raise SemsrError(f"{where}: column: {name!r} stands under several data sets; say which: {ways}")
    if dataset is None and having:
        dataset = having[0]
    found = _spelt(name, columns[dataset][judge]) if dataset is not None else None
    if dataset is None or found is None:
        there = columns[dataset][judge] if dataset is not None else [each for by in columns for each in by[judge]]
        raise SemsrError(_unknown("column", name, list(dict.fromkeys(there)), where))
    return Place(dataset, judge, found)


def _names(datasets: Sequence[tuple[str, str]]) -> Mapping[str, int]:
    """Each data set by its id and by its label; an id wins over another's label."""
    labels = {label.casefold(): at for at, (_, label) in reversed(list(enumerate(datasets)))}
    return labels | {key.casefold(): at for at, (key, _) in reversed(list(enumerate(datasets)))}


def _spelt(name: str, columns: Sequence[str]) -> str | None:
    return next((column for column in columns if column.casefold() == name.casefold()), None)


def _unknown(kind: str, found: str, known: Sequence[str], where: str) -> str:
    lower = {name.casefold(): name for name in known}
    near = difflib.get_close_matches(found.casefold(), list(lower), n=1)
    hint = f"did you mean {lower[near[0]]!r}? " if near else ""
    return f"{where}: {kind}: found {found!r}; {hint}allowed: {', '.join(known) or 'none'}"
