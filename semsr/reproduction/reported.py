"""Published values, as they were printed: a value's digits are its precision, and nothing is corrected."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path

from semsr.cards import AnyTable, TableCard
from semsr.errors import CardError

HEADER = ("table", "method", "dataset", "metric", "value", "note")


@dataclass(frozen=True)
class Published:
    """One printed value.

    Attributes:
        text: as printed; empty where the paper prints a dash.
        note: what the transcriber remarked.
    """

    text: str
    note: str = ""

    @property
    def number(self) -> Decimal | None:
        """The value with exactly the printed digits; None for a dash."""
        return Decimal(self.text) if self.text else None

    @property
    def decimals(self) -> int:
        """How many digits were printed after the point."""
        return len(self.text.partition(".")[2])


@dataclass(frozen=True)
class Reported:
    """A published table, by the names the paper uses: (method, data set, metric) -> value."""

    title: str = ""
    values: Mapping[tuple[str, str, str], Published] = field(default_factory=dict)

    def has(self, dataset: str | None, metric: str) -> bool:
        """Whether the paper has this column for this data set at all (a column of dashes counts)."""
        return any((found[1], found[2]) == (dataset, metric) for found in self.values)

    def decimals(self, dataset: str | None, metric: str) -> int | None:
        """The most digits printed after the point in this column; None where nothing was printed."""
        printed = [
            value.decimals for key, value in self.values.items() if key[1:] == (dataset, metric) and value.number is not None
        ]
        return max(printed, default=None)


def read_lines(path: Path, name: str) -> tuple[str, list[tuple[int, list[str]]]]:
    """The table's title and the numbered lines of a `reported.csv`: one a value, `table, method, dataset, metric, value, note`.

    Args:
        path: the file.
        name: what errors call it.

    Raises:
        CardError: missing, not UTF-8, another header, another number of fields, the same cell twice, or lines of several tables.
    """
    try:
        with path.open(newline="", encoding="utf-8") as file:
            rows = list(csv.reader(file))
    except FileNotFoundError:
        raise CardError(f"{name}: no such file; it holds the published values, columns {', '.join(HEADER)}") from None
    except (UnicodeDecodeError, csv.Error) as error:
        raise CardError(f"{name}: not a UTF-8 CSV file: {error}") from None
    if not rows or tuple(rows[0]) != HEADER:
        raise CardError(f"{name}: line 1: found {rows[0] if rows else 'nothing'}; must be {','.join(HEADER)}")
    lines = list(enumerate(rows[1:], 2))
    seen: set[tuple[str, ...]] = set()
    for line, row in lines:
        if len(row) != len(HEADER):
            raise CardError(f"{name}: line {line}: {len(row)} fields; must be {len(HEADER)}: {','.join(HEADER)}")
        if (cell := tuple(row[1:4])) in seen:
            raise CardError(f"{name}: line {line}: {', '.join(cell)} stands twice; remove one")
        seen.add(cell)
    titles = {row[0] for _, row in lines}
    if len(titles) != 1:
        raise CardError(f"{name}: table: found {sorted(titles)}; one file holds one published table")
    return titles.pop(), lines


def read_reported(path: Path, name: str) -> Reported:
    """Read a `reported.csv` of numbers; arguments and errors as of `read_lines`, and a value must be a plain decimal number."""
    title, lines = read_lines(path, name)
    values: dict[tuple[str, str, str], Published] = {}
    for line, (_, method, dataset, metric, text, note) in lines:
        if text and not _is_number(text):
            raise CardError(f"{name}: line {line}: value: found {text!r}; must be a number as printed, or empty for a dash")
        values[method, dataset, metric] = Published(text, note)
    return Reported(title, values)


def check_names(card: TableCard, reported: Reported, name: str) -> None:
    """Every published name the card uses must stand in the file, and every value in the file must have its place in the card.

    Raises:
        CardError: a name on one side only, so that a value would be silently missing.
    """
    rows = {row.published for row in card.rows if row.published}
    check_used(card, rows, set(card.columns), reported, name)


def check_used(card: AnyTable, rows: set[str], columns: set[str], reported: Reported, name: str) -> None:
    """The same by the published names of rows and columns that a card of any kind uses. Raises: CardError."""
    sides: dict[str, tuple[set[str], set[str]]] = {
        "rows": (rows, {key[0] for key in reported.values}),
        "datasets": ({entry.published for entry in card.datasets if entry.published}, {key[1] for key in reported.values}),
        "columns": (columns, {key[2] for key in reported.values}),
    }
    for key, (used, known) in sides.items():
        if unknown := sorted(used - known):
            raise CardError(
                f"{name}: {key}: published name {unknown[0]!r} is not in its {card.reported}; known: {_join(known)}"
            )
        if unused := sorted(known - used):
            raise CardError(f"{name}: {key}: {unused[0]!r} of its {card.reported} has no place; used: {_join(used)}")


def _is_number(text: str) -> bool:
    try:
        return Decimal(text).is_finite() and text == text.strip() and "e" not in text.lower()
    except InvalidOperation:
        return False


def _join(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def load_reported(folder: Path, card: TableCard, name: str) -> Reported:
    """The published values that belong to a table card; empty where the card has none.

    Args:
        folder: the table's folder.
        card: its card.
        name: what errors call the card's file.

    Raises:
        CardError: the file is unusable, or card and file do not name the same rows, data sets and columns.
    """
    if card.reported is None:
        return Reported()
    path = reported_file(folder, card.reported, name)
    reported = read_reported(path, f"{Path(name).parent / card.reported}")
    check_names(card, reported, name)
    return reported


def reported_file(folder: Path, reported: str, name: str) -> Path:
    """The file of published values in a table's folder; `name` is what errors call the card. Raises: CardError: it lies elsewhere."""
    path = folder / reported
    if not path.resolve().is_relative_to(folder.resolve()):
        raise CardError(f"{name}: reported: found {reported!r}; must lie in the table's own folder")
    return path
