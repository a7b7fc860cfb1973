"""The chain behind one number of a table of descriptions: down to what a describer said, its weights and the data."""

from __future__ import annotations

from semsr.cards import DescriptionTableCard, ProfileCard
from semsr.project import Project
from semsr.reproduction.descriptions.said import file_of, read_described
from semsr.reproduction.descriptions.table import Block, DescriptionTable, Row, Value
from semsr.reproduction.reported import Published
from semsr.stages.tracing.cells import passport_link
from semsr.stages.tracing.data import dataset_link
from semsr.stages.tracing.environment import environment_link
from semsr.stages.tracing.link import Depth, Link, file_link, listed
from semsr.stages.tracing.paper import published_link, table_link
from semsr.stages.tracing.weights import weights_links


def chain(
    project: Project,
    profile: ProfileCard,
    card: DescriptionTableCard,
    table: DescriptionTable,
    found: tuple[Block, Row, Value],
    depth: Depth,
) -> tuple[Link, ...]:
    """Every link behind a cell; arguments as of `tracing.scores.chain`. Such cells have no verdict and no id: the paper prints marks."""
    block, row, value = found
    mark = row.marks.get(value.measure.mark, "")
    links = [
        table_link(project, card, profile.id),
        _mark(project, card, row, value, mark),
        _value(value, row),
    ]
    path = file_of(project.results(profile.id), block.dataset, card.method, row.description)
    if row.not_run or not path.is_file():
        return tuple(links)
    again = f"semsr describe {card.method} --dataset {block.dataset}"
    said = read_described(path, project.show(path), again)
    link = file_link("descriptions", project, path, again=f"run `{again}`")
    links.append(Link(link.what, f"{link.text}, {len(said.pairs)} pictures", link.state, link.why, link.facts))
    facts = said.facts
    options = facts.get("options") or {}
    links.append(
        Link("describer", f"{row.describer} ({card.method}/{row.description})", "recorded", facts={"options": options})
    )
    links += weights_links(project, profile.id, facts.get("weights"), depth)
    made = {name: facts[name] for name in ("device", "packages", "created", "semsr", "commit", "fingerprint") if name in facts}
    links.append(Link("made", listed(made) or "not noted", "recorded", facts=made))
    links.append(passport_link(project, facts))
    links += [dataset_link(project, block.dataset, str(facts.get("manifest_sha256", "")), depth), environment_link(project)]
    return tuple(links)


def _mark(project: Project, card: DescriptionTableCard, row: Row, value: Value, mark: str) -> Link:
    """The paper's mark for what the measure stands for, which is no number; marks of another table's file stand there."""
    if not mark:
        return Link("published", "the paper has no mark here", "recorded")
    if card.context is not None:
        other = project.tables[card.context.table]
        text = f"the mark {mark!r} of table {other.id}, shown for orientation: {card.context.why}"
        return Link("published", text, "recorded", facts={"mark": mark, "elsewhere": card.context.why})
    return published_link(project, card, Published(mark), (row.published_as or "", "", value.measure.mark))


def _value(value: Value, row: Row) -> Link:
    if value.estimate is None or value.estimate.value is None:
        return Link("value", "none", "broken", value.reason or row.not_run or "there is nothing to count")
    estimate = value.estimate
    said = f"{value.text}, unrounded {estimate.value!r}" + (f", 95 % interval {value.interval}" if value.interval else "")
    return Link("value", said, "here", facts={"value": estimate.value, "low": estimate.low, "high": estimate.high})
