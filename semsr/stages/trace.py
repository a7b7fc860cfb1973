"""Trace: the chain from one printed number down to files and hashes, and whether it still holds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from semsr.cards import DescriptionTableCard, ProfileCard, SemanticTableCard, TableCard
from semsr.cards.protocol import OBJECT_COLUMNS
from semsr.errors import SemsrError, UnknownIdError
from semsr.project import Project
from semsr.reproduction.address import Address, Place, ResultId, RowName, find_column, find_row, parse
from semsr.reproduction.descriptions.table import DescriptionTable, Value
from semsr.reproduction.semantic.table import SemanticTable
from semsr.reproduction.table import Table
from semsr.stages import tabulate, tabulate_descriptions, tabulate_semantic
from semsr.stages.tracing import described, judged, scores
from semsr.stages.tracing.link import Depth, Link

AnyMade = Table | SemanticTable | DescriptionTable


@dataclass(frozen=True)
class Trace:
    """What stands behind one number.

    Attributes:
        address: its full address, whatever it was asked for by.
        links: from what is printed down to what it was made from.
    """

    address: str
    links: tuple[Link, ...]

    @property
    def broken(self) -> tuple[Link, ...]:
        """Every link that does not hold; none where the number can be traced to the end."""
        return tuple(link for top in self.links for link in top.broken)

    def plain(self) -> dict[str, Any]:
        """As JSON has it."""
        return {"address": self.address, "holds": not self.broken, "chain": [link.plain() for link in self.links]}


def run(project: Project, profile: ProfileCard, address: str, *, verify: bool = False, pictures: bool = False) -> Trace:
    """Follow one number of a table to everything it was made from.

    Args:
        project: the project.
        profile: whose results the tables show.
        address: `<table>:<row>:<column>`, or a result's id (`semsr.reproduction.address`).
        verify: read every picture and every weights file again, and compare its hash with what is recorded.
        pictures: list each picture with its hash.

    Raises:
        SemsrError: there is no such table, row, column or id, a card is wrong, or there is nothing to make the table of.
    """
    found, depth = parse(address), Depth(verify, pictures)
    if isinstance(found, ResultId):
        table, place = _by_id(project, profile, found.id)
        return _follow(project, profile, table, place, None, depth)
    if found.table not in profile.tables:
        if found.table in project.tables:
            known = ", ".join(profile.tables) or "none"
            raise SemsrError(
                f"{address}: table {found.table} is not in profile {profile.id}, which has: {known}; name another --profile"
            )
        raise UnknownIdError("table", found.table, profile.tables)
    table = _make(project, profile, found.table)
    place, seed = _by_place(table, found, address)
    return _follow(project, profile, table, place, seed, depth)


@dataclass(frozen=True)
class _Spot:
    """A cell of a table: numbers of its block, judge and row, and its column's name."""

    block: int
    judge: int
    row: int
    column: str


def _make(project: Project, profile: ProfileCard, name: str) -> AnyMade:
    """One table as it is now; what was not run of it is said in its cells."""
    alone = profile.model_copy(update={"tables": (name,)})
    card = project.table(name)
    made: Sequence[AnyMade]
    if isinstance(card, TableCard):
        made = tabulate.tables_of(project, alone, keep_going=True)
    elif isinstance(card, SemanticTableCard):
        made = tabulate_semantic.tables_of(project, alone, keep_going=True)
    else:
        made = tabulate_descriptions.tables_of(project, alone, keep_going=True)
    return made[0]


def _by_place(table: AnyMade, address: Address, where: str) -> tuple[_Spot, int | None]:
    """The cell that an address means. Raises: SemsrError where there is none."""
    judges: tuple[str, ...] = ("",)
    if isinstance(table, SemanticTable) and table.blocks:
        judges = tuple(each.judge for each in table.blocks[0].judgements)
    columns = [[_columns(table, at, judge) for judge in range(len(judges))] for at in range(len(table.blocks))]
    place: Place = find_column(address, [(block.dataset, block.label) for block in table.blocks], columns, where, judges)
    row, seed = find_row(address, _rows(table, place.dataset, place.judge), where)
    if seed is not None and isinstance(table, DescriptionTable):
        raise SemsrError(f"{where}: a describer has no seeds; leave out @{seed}")
    return _Spot(place.dataset, place.judge, row, place.column), seed


def _columns(table: AnyMade, block: int, judge: int) -> tuple[str, ...]:
    if isinstance(table, Table):
        return tuple(column.name for column in table.blocks[block].columns)
    if isinstance(table, SemanticTable):
        return (*(column.name for column in table.blocks[block].judgements[judge].columns), *OBJECT_COLUMNS)
    return tuple(measure.name for measure in table.measures)


def _rows(table: AnyMade, block: int, judge: int) -> list[RowName]:
    if isinstance(table, Table):
        return [RowName(row.label, row.method, row.variant) for row in table.blocks[block].rows]
    if isinstance(table, SemanticTable):
        return [RowName(row.label, row.method, row.variant) for row in table.blocks[block].judgements[judge].rows]
    return [RowName(row.label, table.method, row.description) for row in table.blocks[block].rows]


def _by_id(project: Project, profile: ProfileCard, wanted: str) -> tuple[AnyMade, _Spot]:
    """The cell that has an id. Raises: SemsrError where no table of the profile has it as things are now."""
    unread = []
    for name in profile.tables:
        if isinstance(project.table(name), DescriptionTableCard):
            continue  # what describers say has no ids
        try:
            table = _make(project, profile, name)
        except SemsrError as error:
            unread.append(f"{name} can't be made ({error})")
            continue
        for spot, made in _ids(table):
            if made == wanted:
                return table, spot
    more = f"; {'; '.join(unread)}" if unread else ""
    raise SemsrError(
        f"{wanted}: no number of profile {profile.id} has this id as its results are now: it is of another profile, or something behind it "
        f"has changed since (`semsr tabulate` lists what is stale){more}"
    )


def _ids(table: AnyMade) -> Iterator[tuple[_Spot, str]]:
    if isinstance(table, Table):
        for at, block in enumerate(table.blocks):
            for line, row in enumerate(block.rows):
                for column, cell in zip(block.columns, row.cells, strict=True):
                    yield _Spot(at, 0, line, column.name), cell.result.origin.result_id if cell.result.origin else ""
    elif isinstance(table, SemanticTable):
        for at, judges in enumerate(table.blocks):
            for judge, judgement in enumerate(judges.judgements):
                for line, seen in enumerate(judgement.rows):
                    names = [column.name for column in judgement.columns] + list(OBJECT_COLUMNS[: len(seen.objects)])
                    for name, found in zip(names, (*seen.cells, *seen.objects), strict=True):
                        yield _Spot(at, judge, line, name), found.result_id


def _follow(project: Project, profile: ProfileCard, table: AnyMade, spot: _Spot, seed: int | None, depth: Depth) -> Trace:
    card = project.table(table.id)
    links: tuple[Link, ...]
    if isinstance(table, Table):
        assert isinstance(card, TableCard)
        block = table.blocks[spot.block]
        row = block.rows[spot.row]
        at = next(at for at, column in enumerate(block.columns) if column.name == spot.column)
        links = scores.chain(project, profile, card, table, (block, row, block.columns[at], row.cells[at]), seed, depth)
        label, dataset, judge = row.label, block.dataset, ""
    elif isinstance(table, SemanticTable):
        assert isinstance(card, SemanticTableCard)
        judges = table.blocks[spot.block]
        judgement = judges.judgements[spot.judge]
        seen = judgement.rows[spot.row]
        cells = dict(zip((column.name for column in judgement.columns), seen.cells, strict=True))
        cells |= dict(zip(OBJECT_COLUMNS, seen.objects, strict=False))
        if spot.column not in cells:
            raise SemsrError(
                f"{table.id}:{seen.label}:{spot.column}: the ceiling has no such value; allowed: {', '.join(cells)}"
            )
        found = judges, judgement, seen, spot.column, cells[spot.column]
        links = judged.chain(project, profile, card, table, found, seed, depth)
        label, dataset, judge = seen.label, judges.dataset, f"{judgement.judge}/"
    else:
        assert isinstance(card, DescriptionTableCard)
        told = table.blocks[spot.block]
        said = told.rows[spot.row]
        measure = next(measure for measure in table.measures if measure.name == spot.column)
        # A row that was not run has no values at all.
        value = next(
            (each for each in said.values if each.measure == measure), Value(measure, None, said.not_run or told.not_run)
        )
        links = described.chain(project, profile, card, table, (told, said, value), depth)
        label, dataset, judge = said.label, told.dataset, ""
    at_seed = "" if seed is None else f"@{seed}"
    of = f"{dataset}/" if dataset else ""  # marks of a table that was not run belong to no data set
    return Trace(f"{table.id}:{label}{at_seed}:{of}{judge}{spot.column}", links)
