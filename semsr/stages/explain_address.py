"""The cell of a table of scores that an address or a result id names."""

from __future__ import annotations

from collections.abc import Sequence

from semsr.cards import ProfileCard, TableCard
from semsr.errors import SemsrError
from semsr.project import Project
from semsr.reproduction.address import Address, ResultId, RowName, find_column, find_row, parse
from semsr.reproduction.table import Block, Cell, Column, Row, Table
from semsr.stages.tabulate import tables_of

Found = tuple[Table, Block, Row, Column, Cell]


def find_cell(project: Project, profile: ProfileCard, text: str) -> Found:
    """The cell called `text`, with where it stands.

    Raises:
        SemsrError: no such table, row, column or id; a table that is not of scores, or not of the profile; one seed of a row.
    """
    named = parse(text)
    if isinstance(named, ResultId):
        return _by_id(tables_of(project, profile, keep_going=True), named.id)
    if not isinstance(project.table(named.table), TableCard):
        raise SemsrError(
            f"{text}: table: {named.table} is not a table of scores; what judges and describers say has no other protocols here"
        )
    if named.table not in profile.tables:
        raise SemsrError(f"{text}: table: {named.table} is not in profile {profile.id}; it has: {', '.join(profile.tables)}")
    only = profile.model_copy(update={"tables": (named.table,)})
    (table,) = tables_of(project, only, keep_going=True)
    return _by_place(table, named, text)


def _by_place(table: Table, named: Address, text: str) -> Found:
    rows = [RowName(row.label, row.method, row.variant) for row in table.blocks[0].rows]
    at, seed = find_row(named, rows, text)
    if seed is not None:
        raise SemsrError(f"{text}: row: a published value stands against the mean of all seeds; leave @{seed} out")
    place = find_column(
        named,
        [(block.dataset, block.label) for block in table.blocks],
        [[[column.name for column in block.columns]] for block in table.blocks],
        text,
    )
    block = table.blocks[place.dataset]
    row = block.rows[at]
    column, cell = next(
        (column, cell) for column, cell in zip(block.columns, row.cells, strict=True) if column.name == place.column
    )
    return table, block, row, column, cell


def _by_id(tables: Sequence[Table], wanted: str) -> Found:
    found = [(table, *place) for table in tables for place in table.cells() if place[3].result_id == wanted]
    if not found:
        raise SemsrError(
            f"{wanted}: no value of the profile's tables of scores has this id now; see the column result_id in results/tables"
        )
    # One value may stand in several tables; what is to be explained is published.
    published = [place for place in found if place[4].published is not None and place[4].published.number is not None]
    return (published or found)[0]
