"""The pairs of rows that a table's card compares: differences of means with their intervals over seeds."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal

from semsr.cards.protocol import RowName
from semsr.cards.table import Comparison as ComparisonCard
from semsr.reproduction.seeds import contrast
from semsr.reproduction.table import Cell, Column, Comparison, Difference, Row

MINUS = "−"
_MOST = 9


def compare(
    cards: Sequence[ComparisonCard], rows: Sequence[Row], columns: Sequence[Column], digits: Mapping[str, int]
) -> tuple[Comparison, ...]:
    """Compare the rows of one data set's block, column by column.

    Args:
        cards: what the table's card compares.
        rows: all rows of the block.
        columns: its columns.
        digits: after the point, in which the values of each column are printed; differences get one more, or as many as it takes to
            see on which side of zero they and the ends of their interval lie.

    Returns:
        One for each card; none at all where no pair has a value of ours in any column.
    """
    found = []
    for card in cards:
        row, against = _row(rows, card.row), _row(rows, card.against)
        pairs = zip(columns, row.cells, against.cells, strict=True)
        differences = [
            _difference(column, row, ours, against, theirs, digits[column.name], fixed=card.fixed)
            for column, ours, theirs in pairs
        ]
        found.append(Comparison(card.label, row, against, tuple(differences)))
    some = any(difference.contrast for comparison in found for difference in comparison.differences)
    return tuple(found) if some else ()


def signed(value: float, digits: int) -> str:
    """A difference as printed: always with its sign, unless it is printed as zero."""
    if not (text := f"{value:.{digits}f}").strip("-0."):
        return text.removeprefix("-")
    return f"+{text}" if value > 0 else text.replace("-", MINUS)


def _row(rows: Sequence[Row], name: RowName) -> Row:
    return next(row for row in rows if (row.method, row.variant) == (name.method, name.variant))


def _difference(column: Column, row: Row, ours: Cell, against: Row, theirs: Cell, digits: int, *, fixed: bool) -> Difference:
    published = _published(ours, theirs)
    seeds = len(ours.result.seeds), len(theirs.result.seeds)
    if not ours.result.means or not theirs.result.means:
        without = [side.label for side, cell in ((row, ours), (against, theirs)) if not cell.result.means]
        return Difference(column, published, None, seeds=seeds, why=f"no value of {' and '.join(without)}")
    found = contrast(ours.result.means, theirs.result.means, column.direction, fixed=fixed)
    numbers = (found.value, found.low, found.high)
    shown = next(at for at in range(digits + 1, _MOST) if at + 1 == _MOST or all(map(_seen(at), numbers)))
    text, low, high = ("" if number is None else signed(number, shown) for number in numbers)
    return Difference(column, published, found, text, low, high, seeds, found.why)


def _seen(digits: int) -> Callable[[float | None], bool]:
    return lambda number: not number or bool(f"{number:.{digits}f}".strip("-0."))


def _published(ours: Cell, theirs: Cell) -> str:
    first = ours.published.number if ours.published else None
    second = theirs.published.number if theirs.published else None
    if first is None or second is None:
        return ""
    difference: Decimal = first - second
    return (
        f"+{difference}" if difference > 0 else str(abs(difference)) if not difference else str(difference).replace("-", MINUS)
    )
