"""Which published values of a table are to be explained, and the pictures behind ours."""

from __future__ import annotations

from collections.abc import Iterator

from semsr.cards import ProfileCard
from semsr.errors import SemsrError
from semsr.evaluation.lattice.measure import Pictures
from semsr.evaluation.protocol import ResolvedProtocol
from semsr.planning import seeds_of
from semsr.preparation.manifest import open_prepared
from semsr.project import Project
from semsr.reproduction.table import Block, Cell, Column, Table
from semsr.reproduction.table import Row as TableRow
from semsr.reproduction.tolerance import tolerance_of
from semsr.stages.explain_row import Row, Value
from semsr.stages.restored_rows import RestoredRow, pictures_of
from semsr.stages.score import reference_of

OPEN = ("not-reproduced", "other-protocol")
"""Verdicts on values that are to be explained; the second, since it rests on an earlier explanation."""
COMPARED = (*OPEN, "reproduced", "within-noise")


def open_rows(project: Project, profile: ProfileCard, protocol: ResolvedProtocol, table: Table) -> Iterator[tuple[str, Row]]:
    """Rows of a table with published values to be explained, each with the id of its data set."""
    for block in table.blocks:
        for row in block.rows:
            if any(cell.verdict is not None and cell.verdict.kind in OPEN for cell in row.cells):
                yield block.dataset, row_of(project, profile, protocol, block, row)


def explainable(table: Table, column: Column, cell: Cell, where: str) -> str:
    """The column's name, if there is something to explain.

    Raises:
        SemsrError: nothing is published there, we have no value, or the two may not be compared.
    """
    if cell.published is None or cell.published.number is None:
        raise SemsrError(f"{where}: no value is published there, so there is nothing to explain")
    if table.context is not None:
        raise SemsrError(f"{where}: the published value is of other pictures: {table.context.why}")
    if cell.result.value is None:
        raise SemsrError(f"{where}: there is no value of ours: {cell.result.reason or cell.result.status}")
    if cell.verdict is not None and cell.verdict.kind not in COMPARED:
        raise SemsrError(f"{where}: the published value and ours can't be compared: {cell.verdict.why}")
    return column.name


def row_of(
    project: Project, profile: ProfileCard, protocol: ResolvedProtocol, block: Block, row: TableRow, column: str = ""
) -> Row:
    """A row with its pictures; every value that is not reproduced is asked for, and that of `column` in any case.

    Raises:
        SemsrError: the data set is not prepared. PairingError, SizeMismatchError: the pictures are not complete.
    """
    prepared = open_prepared(project, block.dataset)
    reference, sizes = reference_of(prepared)
    pictures = tuple(
        Pictures(
            pictures_of(
                project,
                profile.id,
                block.dataset,
                RestoredRow(row.method or "", row.variant, seed, (protocol.id,)),
                sizes,
                "its HR picture" if reference else "its LR picture, enlarged,",
            ),
            reference,
            sizes,
        )
        for seed in seeds_of(project, profile, row.method or "", row.variant)
    )
    values = [
        _value(protocol, shown, cell, asked=shown.name == column or cell.verdict.kind in OPEN)
        for shown, cell in zip(block.columns, row.cells, strict=True)
        if cell.verdict is not None and cell.verdict.kind in COMPARED
    ]
    return Row(f"{block.label}, {row.label}", pictures, tuple(values), prepared.card.scale, block.dataset)


def _value(protocol: ResolvedProtocol, column: Column, cell: Cell, *, asked: bool) -> Value:
    assert cell.published is not None
    metric = next(each.metric for each in protocol.columns if each.name == column.name)
    tolerance = cell.verdict.tolerance if cell.verdict is not None else None
    tolerance = tolerance or tolerance_of(cell.published, metric, seeds=cell.result.seeds, count=cell.result.count)
    origin = cell.result.origin
    result_id = cell.result_id or (origin.result_id if origin is not None else "")
    return Value(column.name, cell.published.text, tolerance.measuring, cell.result.value, result_id, asked)
