"""The chain behind one number of a table of judges."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from semsr.cards import ProfileCard, SemanticTableCard
from semsr.evaluation.protocol import ResolvedColumn
from semsr.evaluation.semantic.protocol import resolve
from semsr.evaluation.semantic.values import REFERENCE, JudgedValues, RowKey, read_values, values_path
from semsr.planning import seeds_of
from semsr.preparation.manifest import Prepared, open_prepared
from semsr.project import Project
from semsr.reproduction.semantic.origin import OBJECTS, origin_of, row_name
from semsr.reproduction.semantic.table import Block, Cell, Judgement, Row, SemanticTable
from semsr.restoration.cell import FINGERPRINT, read_json
from semsr.stages.tracing.cells import cell_link, passport_link
from semsr.stages.tracing.data import dataset_link
from semsr.stages.tracing.environment import environment_link
from semsr.stages.tracing.link import Depth, Link, file_link, short
from semsr.stages.tracing.measured import metric_link, protocol_link
from semsr.stages.tracing.paper import published_link, table_link, verdict_link
from semsr.stages.tracing.scores import origin_link
from semsr.stages.tracing.weights import weights_links


def chain(
    project: Project,
    profile: ProfileCard,
    card: SemanticTableCard,
    table: SemanticTable,
    found: tuple[Block, Judgement, Row, str, Cell],
    seed: int | None,
    depth: Depth,
) -> tuple[Link, ...]:
    """Every link behind a cell, from what is printed down to files; arguments as of `tracing.scores.chain`, and which judge."""
    block, judgement, row, column, cell = found
    key = row.published_as or "", block.published_as or block.label, column
    links = [
        table_link(project, card, profile.id),
        published_link(project, card, cell.published, key),
        verdict_link(cell.verdict),
    ]
    folder = project.judged(profile.id, block.dataset, table.protocol, judgement.judge)
    if row.method is None or not values_path(folder).is_file():
        return (*links, _value(cell, None, seed))
    again = f"run `semsr segment {judgement.judge} --dataset {block.dataset}`, then `semsr judge {block.dataset}`"
    path = values_path(folder)
    values = read_values(path, project.show(path), f"semsr judge {block.dataset}")
    keys = _keys(project, profile, row, seed)
    protocol = resolve(project, table.protocol)
    its = next((each for each in protocol.columns if each.name == column), None)
    links.append(_value(cell, _seed_value(values, keys[0], column) if seed is not None else None, seed))
    if origin := origin_of(values, column, its.metric.id if its else OBJECTS, keys):
        links.append(origin_link(origin))
    links.append(_values_file(project, path, values, column, keys))
    recorded = str(values.facts.get("protocol_hash", ""))
    links.append(protocol_link(project, protocol.id, protocol.hash, recorded, its, again))
    if its is not None:
        links.append(_metric(project, its, values, depth, again))
    else:
        rule = protocol.card.objects.model_dump()
        said = ", ".join(f"{name} {value}" for name, value in rule.items())
        links.append(Link("objects", f"counted by {said}", "checked", facts=rule))
    links.append(_judge(project, profile, judgement.judge, values, depth))
    prepared = open_prepared(project, block.dataset)
    findings = project.segmented(profile.id, block.dataset, protocol.id, judgement.judge)
    links += [_found(project, profile, prepared, findings, key, values, depth, again) for key in keys]
    manifest = str(values.facts.get("manifest_sha256", ""))
    links += [
        _annotations(project, prepared),
        dataset_link(project, block.dataset, manifest, depth),
        environment_link(project),
    ]
    return tuple(links)


def _keys(project: Project, profile: ProfileCard, row: Row, seed: int | None) -> list[RowKey]:
    if row.role == "ceiling":
        return [REFERENCE]
    assert row.method is not None
    seeds = seeds_of(project, profile, row.method, row.variant) if seed is None else (seed,)
    return [(row.method, row.variant, each) for each in seeds]


def _seed_value(values: JudgedValues, key: RowKey, column: str) -> float | None:
    draws = values.of.get(key, {}).get(column)
    return None if draws is None else float(draws[0])


def _value(cell: Cell, of_seed: float | None, seed: int | None) -> Link:
    if seed is not None:
        if of_seed is None:
            return Link("value", "none", "broken", f"seed {seed} was not judged")
        return Link("value", f"{of_seed!r} of seed {seed}", "here", facts={"value": of_seed})
    drawn = cell.drawn
    if drawn.value is None:
        return Link("value", f"none ({cell.status})", "broken", cell.reason or drawn.reason or "only the paper has this row")
    said = f"{cell.text}, unrounded {drawn.value!r}"
    if drawn.low is not None and drawn.high is not None:
        said += f", 95 % interval {drawn.low:.6g} to {drawn.high:.6g} over draws of the pictures"
    if len(cell.seeds) > 1:
        said += f", mean of seeds {', '.join(f'{value:.6g}' for value in cell.seeds)}"
    facts = {"value": drawn.value, "low": drawn.low, "high": drawn.high, "seeds": list(cell.seeds)}
    return Link("value", said, "here", facts=facts)


def _values_file(project: Project, path: Path, values: JudgedValues, column: str, keys: Sequence[RowKey]) -> Link:
    link = file_link("values", project, path)
    draws = next((len(values.of[key][column]) - 1 for key in keys if column in values.of.get(key, {})), 0)
    text = f"{link.text}, {values.pictures} pictures, {draws} draws of them"
    return Link("values", text, link.state, link.why, {**link.facts, "pictures": values.pictures, "draws": draws})


def _metric(project: Project, column: ResolvedColumn, values: JudgedValues, depth: Depth, again: str) -> Link:
    versions = values.facts.get("metric_versions")
    version = versions.get(column.name, 0) if isinstance(versions, Mapping) else 0
    return metric_link(project, column, (column.metric.id, int(version)), "", depth, again)


def _judge(project: Project, profile: ProfileCard, judge: str, values: JudgedValues, depth: Depth) -> Link:
    """Who looked: card and weights of the segmenter."""
    card = project.segmenters.get(judge)
    if card is None:
        return Link("judge", judge, "broken", "no segmenter card of this id is here any more")
    path = project.folders("segmenter")[judge] / "segmenter.yaml"
    weights = weights_links(project, profile.id, values.facts.get("weights"), depth)
    return Link("judge", f"{judge}: {card.title}", "recorded", below=(file_link("card", project, path), *weights))


def _found(
    project: Project,
    profile: ProfileCard,
    prepared: Prepared,
    findings: Path,
    key: RowKey,
    values: JudgedValues,
    depth: Depth,
    again: str,
) -> Link:
    """What the judge found in one seed of a row: the record of its findings against the values', and the pictures below it."""
    folder = findings / row_name(key)
    path = folder / "run.json"
    link = file_link("run.json", project, path, again=again)
    record = read_json(path)
    told = values.facts.get("found")
    judged = str(told.get(row_name(key), "")) if isinstance(told, Mapping) else ""
    mark, made_by = str(record.get(FINGERPRINT, "")), str(record.get("pictures_made_by", ""))
    facts: dict[str, Any] = {**link.facts, FINGERPRINT: judged, "pictures_made_by": made_by}
    below: list[Link] = [passport_link(project, record)]
    if key == REFERENCE:
        below.append(Link("cell", "HR itself, which nobody restored: the pictures of the data set", "recorded"))
    else:
        below.append(cell_link(project, profile, prepared, key, made_by, {}, depth))
    text = f"{link.text}  fingerprint {short(judged)}"
    if link.state == "broken" or mark != judged:
        why = (
            link.why
            or f"fingerprint: judged {judged or 'none'}, found {mark or 'none'}: the row was gone through again; {again}"
        )
        return Link("found", text, "broken", why, facts, tuple(below))
    return Link("found", text, "checked", facts=facts, below=tuple(below))


def _annotations(project: Project, prepared: Prepared) -> Link:
    """What is true: the annotations, whose hashes are part of the manifest."""
    files = tuple(
        file_link("file", project, prepared.folder / name, recorded) for name, recorded in sorted(prepared.annotated.items())
    )
    wrong = tuple(link for link in files if link.state == "broken")
    text = f"{len(files)} files in {project.show(prepared.folder / 'annotations')}"
    return Link("annotations", text, "recorded" if wrong else "checked", below=wrong or files[:0])
