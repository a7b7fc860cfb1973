"""Builds a table from its card, the published values, and the scores of one profile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from semsr.cards import ProfileCard, TableCard, TableRow
from semsr.cards.metric import OptionValue
from semsr.cards.table import TableDataset
from semsr.errors import CardError
from semsr.evaluation.protocol import ResolvedColumn, ResolvedProtocol
from semsr.planning import seeds_of
from semsr.project import Project
from semsr.reproduction import not_run
from semsr.reproduction.aggregate import Scores
from semsr.reproduction.claims import check_all, grounds_of
from semsr.reproduction.differences import compare
from semsr.reproduction.footnotes import Footnotes, with_marks
from semsr.reproduction.ordering import with_orders
from semsr.reproduction.published import load_published, moved
from semsr.reproduction.reported import Published, Reported
from semsr.reproduction.result import Result
from semsr.reproduction.sanity import REFERENCE, is_reference, is_sanity, sanity_rows
from semsr.reproduction.starts import shared_starts
from semsr.reproduction.table import Block, Cell, Column, Context, Row, Table
from semsr.reproduction.verdict import Part
from semsr.reproduction.verdicts import Explained, Grounds, with_verdicts
from semsr.reproduction.wording import with_care


def assemble(
    project: Project,
    card: TableCard,
    profile: ProfileCard,
    protocol: ResolvedProtocol,
    scores: Mapping[str, Scores],
    remarks: Mapping[str, str] | None = None,
    *,
    explained: Explained | None = None,
    machine: Mapping[str, Part] | None = None,
) -> Table:
    """Put published and reproduced values side by side.

    Args:
        project: where the cards are.
        card: the table's card.
        profile: the profile whose results `scores` are.
        protocol: the table's protocol, resolved.
        scores: by data set id; those the profile runs for this table (`planned_datasets`).
        remarks: by data set id, why its pictures are not the paper's own (`semsr.reproduction.wording.pictures_remark`).
        explained: other ways of measuring that give published values (`semsr explain`).
        machine: machine noise that was measured, by metric id.

    Raises:
        CardError: the card, its reported.csv and its protocol do not fit each other.
    """
    where = f"tables/{card.id}/table.yaml"
    columns = _columns(card, protocol, where)
    published, source = load_published(project, card, where)
    footnotes = Footnotes()
    refused = not_run.table_reason(card, profile)
    if not refused:
        scored = frozenset[tuple[str, str]]().union(*(found.rows for found in scores.values()))
        added = *_entrants(project, card, profile, scores), *sanity_rows(project, card, profile, scored)
        card = card.model_copy(update={"rows": (*card.rows, *added)})
    blocks = []
    for dataset in card.datasets:
        reason = refused or not_run.dataset_reason(project, card, profile, dataset.dataset)
        if not reason and dataset.dataset not in scores:
            reason = f"data set {dataset.dataset} has not been scored (`semsr fetch {dataset.dataset}`, `dvc repro`)"
        known = published if card.context is None else replace(published, values=moved(published, card, dataset))
        block = _block(project, card, profile, dataset, columns, known, scores.get(dataset.dataset), reason)
        pictures = (remarks or {}).get(dataset.dataset, "") if card.reported else ""
        elsewhere = f"the published value is of other pictures ({card.context.dataset})" if card.context else ""
        has = project.datasets.get(dataset.dataset)
        grounds = Grounds(elsewhere or pictures, has.count if has else None, explained or {}, machine or {})
        block = with_verdicts(replace(block, remark=with_care(pictures)), columns, grounds)
        blocks.append(with_marks(block, footnotes))
    context = Context(source, card.context.dataset, card.context.why) if card.context else None
    return Table(
        id=card.id,
        title=card.title,
        source=source,
        profile=profile.id,
        protocol=protocol.id,
        protocol_hash=protocol.hash,
        protocol_title=protocol.card.title,
        blocks=tuple(blocks),
        context=context,
        not_run=refused,
        footnotes=footnotes.texts,
        notes=(*card.notes, *shared_starts(project, profile, blocks)),
        missing=not_run.missing_files(blocks, scores),
        claims=check_all(card.claims, grounds_of(blocks, comparable=card.context is None)),
    )


def _entrants(project: Project, card: TableCard, profile: ProfileCard, scores: Mapping[str, Scores]) -> list[TableRow]:
    """Rows for what the profile ran, or lacks files for, and the card does not name: one line in a profile is all a new method needs."""
    named = {(row.method, row.variant) for row in card.rows}
    scored = frozenset[tuple[str, str]]().union(*(found.rows | set(found.missing) for found in scores.values()))
    return [
        TableRow(label=project.methods[method].variants[variant].label, method=method, variant=variant)
        for method in not_run.track_of(card, profile).entrants
        if method in project.methods and not project.methods[method].sanity
        for variant in profile.variants.get(method, project.methods[method].rows)
        if (method, variant) in scored - named and variant in project.methods[method].rows
    ]


def planned_datasets(project: Project, card: TableCard, profile: ProfileCard) -> tuple[str, ...]:
    """The data sets of a table for which this profile must have scores."""
    if not_run.table_reason(card, profile):
        return ()
    return tuple(entry.dataset for entry in card.datasets if not not_run.dataset_reason(project, card, profile, entry.dataset))


def _columns(card: TableCard, protocol: ResolvedProtocol, where: str) -> tuple[ResolvedColumn, ...]:
    known = {column.name: column for column in protocol.columns}
    for name in card.columns:
        if name not in known:
            raise CardError(f"{where}: columns: found {name!r}; protocol {protocol.id} allows: {', '.join(known)}")
    return tuple(known[name] for name in card.columns)


def _block(
    project: Project,
    card: TableCard,
    profile: ProfileCard,
    dataset: TableDataset,
    columns: Sequence[ResolvedColumn],
    reported: Reported,
    scores: Scores | None,
    reason: str,
) -> Block:
    name = dataset.published or dataset.label
    kept = [column for column in columns if card.reported is None or reported.has(name, column.name)]
    digits = {column.name: _digits(card, reported, name, column) for column in kept}
    rows: list[Row] = []
    seeds_by_row: list[Sequence[int]] = []
    for entry in card.rows:
        reference = is_reference(entry.method, entry.variant)
        why = reason or (_reference_reason(scores) if reference else not_run.row_reason(project, card, profile, entry))
        seeds = seeds_of(project, profile, entry.method, entry.variant) if entry.method and not why and not reference else (0,)
        # What was not run has nothing to stand beside; the paper's row is shown once.
        again = bool(why) and any(row.published_as == entry.published for row in rows)
        cells = []
        for column in kept:
            result = _result(entry, column, scores, seeds, why)
            value = reported.values.get((entry.published, name, column.name)) if entry.published and not again else None
            cells.append(_cell(value, result, digits[column.name], comparable=card.context is None))
        ran = any(cell.result.status != "not-run" for cell in cells)
        trust = project.methods[entry.method].variants[entry.variant].trust if entry.method and ran and not reference else None
        why = why or ("" if ran else cells[0].result.reason if cells else "")
        trained = 0 if seeds == (0,) else len(seeds)
        seeds_by_row.append(seeds)
        checks = is_sanity(project, entry.method, entry.variant)
        rows.append(Row(entry.label, entry.published, entry.method, entry.variant, trust, why, tuple(cells), trained, checks))
    shown = tuple(column_of(column) for column in kept)
    block = Block(
        label=dataset.label,
        published_as=dataset.published,
        dataset=dataset.dataset,
        count=scores.of if scores else None,
        columns=shown,
        rows=tuple(rows),
        not_run=reason,
        comparisons=compare(card.comparisons, rows, shown, digits),
    )
    by_name = {column.name: column for column in kept}

    def each_image(at: int, column: str) -> NDArray[np.float64] | None:
        row = rows[at]
        if scores is None or row.method is None:
            return None
        return scores.each_image(row.method, row.variant, by_name[column], seeds_by_row[at])

    return with_orders(block, each_image, comparable=card.context is None)


def _reference_reason(scores: Scores | None) -> str:
    """Why HR itself has no values on a data set; empty where it has."""
    if scores is None or REFERENCE in scores.rows:
        return ""
    return "there is no HR picture to be measured, or it has not been scored yet"


def _result(row: TableRow, column: ResolvedColumn, scores: Scores | None, seeds: Sequence[int], why: str) -> Result:
    if why or scores is None or row.method is None:
        return Result("not-run", why)
    return scores.cell(row.method, row.variant, column, seeds)


def _cell(published: Published | None, result: Result, digits: int, *, comparable: bool) -> Cell:
    if result.value is None:
        return Cell(published, result)
    text = f"{result.value:.{digits}f}"
    text = text.removeprefix("-") if not text.strip("-0.") else text  # no "-0.00"
    number = published.number if published and comparable else None
    difference = None if number is None else result.value - float(number)
    printed = "" if (spread := result.spread) is None else spread_text(spread.sd, digits)
    made = result.origin.result_id if result.origin else ""
    return Cell(published, result, text, printed, difference, result_id=made)


def spread_text(sd: float | None, digits: int) -> str:
    """A standard deviation in the digits of its mean, or with one more where it would vanish; empty where there is none."""
    if sd is None:
        return ""
    for text in (f"{sd:.{digits}f}", f"{sd:.{digits + 1}f}"):
        if sd == 0 or text.strip("0."):
            return text
    return f"<{10 ** -(digits + 1):.{digits + 1}f}"


def _digits(card: TableCard, reported: Reported, dataset: str, column: ResolvedColumn) -> int:
    """As many digits as the paper prints in this column; without a paper, the metric card's."""
    printed = None if card.context else reported.decimals(dataset, column.name)
    return column.metric.decimals if printed is None else printed


def column_of(column: ResolvedColumn) -> Column:
    """A protocol's column as a table shows it: what is measured, in words."""
    metric = column.metric
    options = ", ".join(f"{name} {_plain(value)}" for name, value in column.options.items())
    how = f"{metric.title} (metric {metric.id}, version {metric.version}{'; ' + options if options else ''})"
    return Column(column.name, metric.direction, metric.unit, metric.id, metric.version, how)


def _plain(value: OptionValue) -> str:
    if value is None:
        return "none"
    return ("yes" if value else "no") if isinstance(value, bool) else str(value)
