"""The order of a data set's rows: of the published values as printed, and of ours as far as paired tests tell rows apart."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from numpy import float64
from numpy.typing import NDArray

from semsr.reproduction.ranking import places
from semsr.reproduction.statistics.column import RowValues, column_order
from semsr.reproduction.statistics.order import ColumnOrder
from semsr.reproduction.table import Block

EachImage = Callable[[int, str], NDArray[float64] | None]
"""The values behind a mean, (seeds, images), by the row's position in the block and the column's name."""


def with_orders(block: Block, each_image: EachImage, *, comparable: bool) -> Block:
    """Place the rows of a data set, under each column.

    Args:
        block: with published values and ours.
        each_image: the values behind ours.
        comparable: the published values are of the table's own pictures; others are neither ranked nor held against ours.
    """
    cells = [list(row.cells) for row in block.rows]
    orders: dict[str, ColumnOrder] = {}
    for at, column in enumerate(block.columns):
        own = [row.cells[at] for row in block.rows]
        printed = [cell.published.number if cell.published and comparable else None for cell in own]
        values = [
            None if row.sanity or cell.result.value is None else RowValues(each_image(position, column.name), cell.result.value)
            for position, (row, cell) in enumerate(zip(block.rows, own, strict=True))
        ]
        told = [None if number is None else float(number) for number in printed]
        both = any(number is not None and row is not None for number, row in zip(told, values, strict=True))
        order = column_order(values, column.direction, told if both else ())
        if any(values):
            orders[column.name] = order
        places_printed = places(printed, column.direction)
        for position, standing in enumerate(order.standings):
            place = places_printed[position]
            cells[position][at] = replace(
                own[position], published_place=place, place=1 if standing.best else 0, standing=standing
            )
    rows = tuple(replace(row, cells=tuple(line)) for row, line in zip(block.rows, cells, strict=True))
    return replace(block, rows=rows, orders=orders)
