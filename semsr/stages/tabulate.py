"""Writes results/tables/<id>.{csv,tex,md} and shows what was run. Reads scores, never pictures.

Where a card compares rows, or judges order them, <id>.differences.csv holds their differences; <id>.order.csv holds every pair of rows and
the agreement with the paper's order, <id>.claims.csv what is left of the card's claims.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from semsr.cards import ProfileCard, TableCard
from semsr.errors import SemsrError
from semsr.evaluation.protocol import resolve
from semsr.files import remove_partial, storage_errors, write_atomic
from semsr.project import Project
from semsr.reproduction.assemble import assemble, planned_datasets
from semsr.reproduction.descriptions.render import render_terminal as show_descriptions
from semsr.reproduction.descriptions.table import DescriptionTable
from semsr.reproduction.descriptions.wording import missing as descriptions_missing
from semsr.reproduction.render_csv import render_csv, render_differences
from semsr.reproduction.render_evidence import Ordered, render_claims, render_pairs
from semsr.reproduction.render_latex import render_latex
from semsr.reproduction.render_markdown import render_markdown
from semsr.reproduction.render_terminal import missing, render_terminal
from semsr.reproduction.semantic.render import render_terminal as show_semantic
from semsr.reproduction.semantic.table import SemanticTable
from semsr.reproduction.semantic.wording import missing as semantic_missing
from semsr.reproduction.table import Table
from semsr.reproduction.wording import stale
from semsr.reproduction.wording_verdicts import STALE
from semsr.stages import tabulate_descriptions, tabulate_semantic
from semsr.stages.explained import explanations
from semsr.stages.machines import measured_noise
from semsr.stages.shelf import Shelf

RENDERERS = {"csv": render_csv, "tex": render_latex, "md": render_markdown}
DIFFERENCES = ".differences.csv"
ORDER = ".order.csv"
CLAIMS = ".claims.csv"
_BESIDE = (DIFFERENCES, ORDER, CLAIMS)
"""What a table has beside the formats of `RENDERERS`, where there is any."""


def run(project: Project, profile: ProfileCard, *, keep_going: bool = False) -> tuple[Table, ...]:
    """Render every table of the profile from results/<profile>/scores, and print what was run.

    Args:
        project: the project.
        profile: whose results to use; each file is stamped with its id.
        keep_going: a data set that has not been scored (gated, out of reach) is said to be so in the table, and is no error.

    Returns:
        The tables, in the profile's order.

    Raises:
        SemsrError: a table's card is wrong, scores are missing, unreadable or of another version, or results can't be written.
    """
    # All tables are made before the first is written: an error leaves the files of the last run as they were.
    tables = tables_of(project, profile, keep_going=keep_going)
    described = tabulate_descriptions.tables_of(project, profile, keep_going=keep_going)
    judged = tabulate_semantic.tables_of(project, profile, keep_going=keep_going)
    texts: dict[str, str] = {}
    for found in (described, tables, judged):
        for each in found:
            texts |= files_of(each)
    folder = project.root / "results" / "tables"
    for name, text in texts.items():
        if text:
            write_atomic(folder / name, text)
        else:  # those of an earlier run would be of other scores
            with storage_errors(folder / name):
                (folder / name).unlink(missing_ok=True)
    remove_partial(folder)
    _show(tables, described, judged, [project.show(folder / name) for name, text in texts.items() if text])
    return tables


def files_of(table: Table | DescriptionTable | SemanticTable) -> dict[str, str]:
    """A table as files, name -> text; an empty text stands for a file that this table does not have."""
    match table:
        case Table():
            return {
                **{f"{table.id}.{suffix}": render(table) for suffix, render in RENDERERS.items()},
                f"{table.id}{DIFFERENCES}": render_differences(table),
                f"{table.id}{ORDER}": render_pairs(table.id, table.profile, _ordered(table)),
                f"{table.id}{CLAIMS}": render_claims(table.id, table.profile, table.claims),
            }
        case SemanticTable():
            return {
                **{f"{table.id}.{suffix}": render(table) for suffix, render in tabulate_semantic.RENDERERS.items()},
                f"{table.id}{DIFFERENCES}": tabulate_semantic.render_order(table),
                f"{table.id}{ORDER}": render_pairs(table.id, table.profile, tabulate_semantic.ordered(table)),
                f"{table.id}{CLAIMS}": render_claims(table.id, table.profile, table.claims),
            }
    return {f"{table.id}.{suffix}": render(table) for suffix, render in tabulate_descriptions.RENDERERS.items()}


def tables_of(project: Project, profile: ProfileCard, *, keep_going: bool = False) -> tuple[Table, ...]:
    """Every table of scores of the profile, as data. Raises: SemsrError, see `run`."""
    if not profile.tables:
        raise SemsrError(f"profile {profile.id}: tables: found none; allowed: {', '.join(project.tables)}")

    shelf = Shelf(project, profile)
    machine = measured_noise(project)
    tables = []
    for card in (card for card in map(project.table, profile.tables) if isinstance(card, TableCard)):
        protocol = resolve(project, card.protocol)
        planned = planned_datasets(project, card, profile)
        if keep_going:
            planned = tuple(dataset for dataset in planned if shelf.has_scores(dataset))
        scores = {dataset: shelf.scores(dataset, protocol) for dataset in planned}
        remarks = {dataset: shelf.remark(dataset) for dataset in planned}
        explained = explanations(project, profile, card.id)
        found = assemble(project, card, profile, protocol, scores, remarks, explained=explained, machine=machine)
        tables.append(found)
    return tuple(tables)


def _ordered(table: Table) -> Iterator[Ordered]:
    for block in table.blocks:
        yield Ordered(block.dataset, "", [row.label for row in block.rows], block.columns, block.orders)


def _show(
    tables: tuple[Table, ...],
    described: tuple[DescriptionTable, ...],
    judged: tuple[SemanticTable, ...],
    written: list[str],
) -> None:
    """What a person sees at the end of `make repro`."""
    console = Console(file=sys.stdout, highlight=False, soft_wrap=True)
    # A table squeezed into a narrow terminal loses digits; a line that the terminal wraps does not.
    console.width = max(console.width, 200)
    for table in tables:
        if (shown := render_terminal(table)) is not None:
            console.print(shown)
    for of_descriptions in described:
        if (shown := show_descriptions(of_descriptions)) is not None:
            console.print(shown)
    for semantic in judged:
        if (shown := show_semantic(semantic)) is not None:
            console.print(shown)
    gone = [line for table in tables for line in missing(table)]
    gone += [line for of_descriptions in described for line in descriptions_missing(of_descriptions)]
    if gone := gone + [line for semantic in judged for line in semantic_missing(semantic)]:
        console.print(Text("Without a value:", style="bold"))
        for line in gone:
            console.print(Text(f"  {line}"))
    if old := [f"{table.id}: {line}" for table in tables for line in stale(table)]:
        console.print(Text(f"{STALE}:", style="bold"))
        for line in old:
            console.print(Text(f"  {line}"))
    console.print(Text("Written:", style="bold"))
    for stem in dict.fromkeys(name.rsplit(".", 1)[0] for name in written if not name.endswith(_BESIDE)):
        console.print(Text(f"  {stem}.{{{','.join(RENDERERS)}}}"))
        for suffix in _BESIDE:
            if f"{stem}{suffix}" in written:
                console.print(Text(f"  {stem}{suffix}"))
