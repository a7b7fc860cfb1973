"""The part of `tabulate` that makes tables of judges. Reads what judges left, never pictures."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from semsr.cards import ProfileCard, SemanticTableCard
from semsr.errors import SemsrError
from semsr.evaluation.semantic.protocol import ResolvedSemanticProtocol, resolve
from semsr.evaluation.semantic.values import JudgedValues, read_values, values_path
from semsr.preparation.manifest import Prepared, open_prepared
from semsr.project import Project
from semsr.reproduction.render_evidence import Ordered
from semsr.reproduction.semantic.assemble import assemble, planned
from semsr.reproduction.semantic.render import render_latex, render_markdown
from semsr.reproduction.semantic.render_csv import render_csv, render_order
from semsr.reproduction.semantic.table import SemanticTable
from semsr.reproduction.wording import pictures_remark
from semsr.restoration.cell import FINGERPRINT, read_json
from semsr.stages.explained import explanations
from semsr.stages.machines import measured_noise

RENDERERS: dict[str, Callable[[SemanticTable], str]] = {"csv": render_csv, "tex": render_latex, "md": render_markdown}
"""What every table has; the order of its rows and the agreement of its judges (`render_order`) stand in a file of their own."""
__all__ = ["RENDERERS", "ordered", "render_order", "tables_of"]


def tables_of(project: Project, profile: ProfileCard, *, keep_going: bool = False) -> tuple[SemanticTable, ...]:
    """Every table of judges of the profile, as data.

    Args:
        project: the project.
        profile: whose results to use.
        keep_going: what a judge has not judged at all is said to be so in the table, and is no error.

    Raises:
        SemsrError: a card is wrong, or a data set is not judged or was judged otherwise than the cards say now.
    """
    tables = []
    for card in map(project.table, profile.tables):
        if not isinstance(card, SemanticTableCard):
            continue
        protocol = resolve(project, card.protocol)
        values: dict[str, dict[str, JudgedValues]] = {}
        remarks: dict[str, str] = {}
        expected: dict[str, int | None] = {}
        for dataset, judge in planned(project, card, profile):
            folder = project.judged(profile.id, dataset, protocol.id, judge)
            if keep_going and not values_path(folder).is_file():
                continue
            prepared = open_prepared(project, dataset)
            values.setdefault(dataset, {})[judge] = _read(project, profile, protocol, prepared, judge)
            remarks[dataset] = pictures_remark(prepared.card.comparable, prepared.as_published)
            # A user's copy may hold fewer pictures than the data set has; what is found in them is not the data set's value.
            expected[dataset] = prepared.card.count if prepared.card.source.kind == "files" else None
        for dataset, found in values.items():
            _same_draws(dataset, found)
        explained = explanations(project, profile, card.id)
        machine = measured_noise(project)
        judged = assemble(project, card, profile, protocol, values, remarks, expected, explained=explained, machine=machine)
        tables.append(judged)
    return tuple(tables)


def ordered(table: SemanticTable) -> Iterator[Ordered]:
    """The orders of a table's columns, by each judge."""
    for block in table.blocks:
        for said in block.judgements:
            yield Ordered(block.dataset, said.judge, [row.label for row in said.rows], said.columns, said.orders)


def _read(
    project: Project, profile: ProfileCard, protocol: ResolvedSemanticProtocol, prepared: Prepared, judge: str
) -> JudgedValues:
    """What one judge left, if it is of the pictures and the cards that are here now. Raises: SemsrError."""
    dataset = prepared.card.id
    again = f"semsr judge {dataset}"
    path = values_path(project.judged(profile.id, dataset, protocol.id, judge))
    name = project.show(path)
    values = read_values(path, name, again)
    facts = values.facts
    findings = project.segmented(profile.id, dataset, protocol.id, judge)
    if stale := _stale(protocol, prepared, judge, facts) or _found_again(
        findings, project.results(profile.id) / "cells" / dataset, facts.get("found")
    ):
        segment = f"`semsr segment {judge} --dataset {dataset}`, then `{again}`"
        raise SemsrError(f"{name}: {stale}; run {segment}")
    return values


def _stale(protocol: ResolvedSemanticProtocol, prepared: Prepared, judge: str, facts: Mapping[str, object]) -> str:
    """Why what a judge left does not count any more; empty where it does."""
    if facts.get("manifest_sha256") != prepared.sha256:
        return f"data set {prepared.card.id} has been prepared again since"
    if facts.get("protocol_hash") != protocol.hash:
        return f"judged by {protocol.id}@{facts.get('protocol_hash')}, the cards say {protocol.id}@{protocol.hash} now"
    if facts.get("segmenter") != judge:
        return f"it is of judge {facts.get('segmenter')!r}, not of {judge!r}"
    made = facts.get("metric_versions")
    for column in protocol.columns:
        had = made.get(column.name) if isinstance(made, Mapping) else None
        if had is not None and had != column.metric.version:
            return f"column {column.name} was measured by {column.metric.id} version {had}, the card says {column.metric.version} now"
    return ""


def _found_again(folder: Path, cells: Path, judged: object) -> str:
    """Why values do not count where a row was gone through or restored again since; empty where none was, or where records are gone."""
    for row, mark in judged.items() if isinstance(judged, Mapping) else ():
        record = read_json(folder / row / "run.json")
        if record and record.get(FINGERPRINT) != mark:
            return f"row {row} was gone through again since"
        restored = read_json(cells / row / "run.json").get(FINGERPRINT)
        if restored and record and record.get("pictures_made_by") != restored:
            return f"row {row} was restored again since"
    return ""


def _same_draws(dataset: str, found: Mapping[str, JudgedValues]) -> None:
    """Judges are compared draw by draw, so they must have drawn the same pictures. Raises: SemsrError."""
    sizes = {
        judge: {(values.pictures, len(draws)) for row in values.of.values() for draws in row.values()}
        for judge, values in found.items()
    }
    if len({size for each in sizes.values() for size in each}) > 1:
        listed = ", ".join(f"{judge}: {sorted(each)}" for judge, each in sizes.items())
        raise SemsrError(
            f"data set {dataset}: its judges have drawn different pictures (pictures, draws: {listed}); run `semsr judge {dataset}` again"
        )
