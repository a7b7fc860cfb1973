"""The chain behind one number of a table of scores."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pandas as pd

from semsr.cards import ProfileCard, TableCard
from semsr.evaluation.protocol import ResolvedColumn, ResolvedProtocol, resolve
from semsr.planning import seeds_of
from semsr.project import Project
from semsr.reproduction.provenance import Origin
from semsr.reproduction.result import Result
from semsr.reproduction.sanity import is_reference
from semsr.reproduction.score_files import WHOLE_SET
from semsr.reproduction.table import Block, Cell, Column, Row, Table
from semsr.stages.shelf import Shelf
from semsr.stages.tracing.cells import cell_link
from semsr.stages.tracing.data import dataset_link
from semsr.stages.tracing.environment import environment_link
from semsr.stages.tracing.link import Depth, Link, file_link
from semsr.stages.tracing.measured import code_link, metric_link, protocol_link
from semsr.stages.tracing.paper import published_link, table_link, verdict_link


def chain(
    project: Project,
    profile: ProfileCard,
    card: TableCard,
    table: Table,
    found: tuple[Block, Row, Column, Cell],
    seed: int | None,
    depth: Depth,
) -> tuple[Link, ...]:
    """Every link behind a cell, from what is printed down to files.

    Args:
        project: the project.
        profile: whose results the table shows.
        card: the table's card.
        table: the table as it is made now.
        found: the cell and where it stands.
        seed: one of the row's seeds alone; None: all of them.
        depth: how far to go.
    """
    block, row, column, cell = found
    links = [
        table_link(project, card, profile.id),
        _published(project, card, block, row, column, cell),
        verdict_link(cell.verdict),
    ]
    if row.method is None or cell.result.status == "not-run":
        return (*links, result_link(cell.result, cell.text, column.unit))
    shelf = Shelf(project, profile)
    protocol = resolve(project, card.protocol)
    its = next(each for each in protocol.columns if each.name == column.name)
    scores = shelf.scores(block.dataset, protocol)
    reference = is_reference(row.method, row.variant)
    seeds = (0,) if reference else seeds_of(project, profile, row.method, row.variant)
    if seed is not None:
        seeds = (seed,)
    result = cell.result if seed is None else scores.cell(row.method, row.variant, its, seeds)
    links.append(result_link(result, cell.text if seed is None else "", column.unit))
    frames = {each: scores.records(row.method, row.variant, its, each) for each in seeds}
    there = {each: frame for each, frame in frames.items() if not frame.empty}
    again = f"run `semsr score {block.dataset}`"
    links.append(_file(project, shelf, block.dataset, there, again))
    if not there:
        return tuple(links)
    first = next(iter(there.values())).iloc[0]
    links += _measuring(project, protocol, its, first, depth, again)
    links.append(code_link(project, profile.id, block.dataset))
    prepared = shelf.prepared(block.dataset)
    for each, frame in there.items():
        if reference:
            links.append(Link("cell", "HR itself, which nobody restored: the pictures of the data set", "recorded"))
            continue
        measured, pictures = str(frame["cell"].iloc[0]), _pictures(shelf.frame(block.dataset), row, each, protocol)
        links.append(cell_link(project, profile, prepared, (row.method, row.variant, each), measured, pictures, depth))
    links += [dataset_link(project, block.dataset, str(first["manifest"]), depth), environment_link(project)]
    return tuple(links)


def result_link(result: Result, text: str, unit: str) -> Link:
    """Our value with its id, or why there is none: then the chain ends here, and that is said as a broken link."""
    if result.value is None:
        return Link("value", f"none ({result.status})", "broken", result.reason or "only the paper has this row")
    origin = result.origin
    shown = text or f"{result.value:g}"
    said = f"{shown}{f' {unit}' if unit else ''}, unrounded {result.value!r}, over {result.count} pictures"
    if result.low is not None and result.high is not None:
        said += f", 95 % interval {result.low:.6g} to {result.high:.6g}"
    if len(result.seeds) > 1:
        said += f", mean of seeds {', '.join(f'{value:.6g}' for value in result.seeds)}"
    facts: dict[str, Any] = {
        "value": result.value,
        "count": result.count,
        "low": result.low,
        "high": result.high,
        "seeds": list(result.seeds),
    }
    below = (origin_link(origin),) if origin else ()
    return Link("value", said, "here", facts=facts, below=below)


def origin_link(origin: Origin) -> Link:
    """The result's id, over everything that decides the number."""
    facts = {"id": origin.result_id, "origin": json.loads(json.dumps(vars(origin)))}
    text = f"{origin.result_id}, over manifest, cells, pictures, protocol, metric with version and weights, seeds"
    return Link("result id", text, "here", facts=facts)


def _published(project: Project, card: TableCard, block: Block, row: Row, column: Column, cell: Cell) -> Link:
    key = row.published_as or "", block.published_as or block.label, column.name
    if card.context is None:
        return published_link(project, card, cell.published, key)
    other = project.tables[card.context.table]
    return published_link(project, other, cell.published, (key[0], card.context.dataset, key[2]), card.context.why)


def _file(project: Project, shelf: Shelf, dataset: str, there: dict[int, pd.DataFrame], again: str) -> Link:
    link = file_link("scores", project, shelf.path(dataset), again=again)
    rows = sum(len(frame) for frame in there.values())
    text = f"{link.text}, {rows} rows" if rows else f"{link.text}, without a row of this cell"
    if not rows and link.state != "broken":
        return Link("scores", text, "broken", again, link.facts)
    return replace(link, text=text, facts={**link.facts, "rows": rows})


def _measuring(
    project: Project, protocol: ResolvedProtocol, column: ResolvedColumn, first: pd.Series, depth: Depth, again: str
) -> list[Link]:
    made = str(first["metric_id"]), int(first["metric_version"])
    return [
        protocol_link(project, protocol.id, protocol.hash, str(first["protocol_hash"]), column, again),
        metric_link(project, column, made, str(first["weights"]), depth, again),
    ]


def _pictures(frame: pd.DataFrame, row: Row, seed: int, protocol: ResolvedProtocol) -> dict[str, str]:
    """The hash of each picture's file beside the scores of a row, of whichever column has a row a picture."""
    its = frame[
        (frame["method"] == row.method)
        & (frame["variant"] == row.variant)
        & (frame["seed"] == seed)
        & (frame["protocol"] == protocol.id)
        & (frame["image"] != WHOLE_SET)
    ]
    return {str(name): str(value) for name, value in zip(its["image"], its["picture"], strict=True) if value}
