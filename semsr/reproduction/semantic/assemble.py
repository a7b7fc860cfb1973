"""Builds a table of judges from its card, the published values, and what the judges of one profile left."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from semsr.cards import ProfileCard, SemanticTableCard, TableRow
from semsr.cards.table import TableDataset
from semsr.errors import CardError
from semsr.evaluation.protocol import ResolvedColumn
from semsr.evaluation.semantic.protocol import ResolvedSemanticProtocol
from semsr.evaluation.semantic.values import JudgedValues
from semsr.project import Project
from semsr.reproduction import not_run
from semsr.reproduction.assemble import column_of
from semsr.reproduction.claims import check_all
from semsr.reproduction.footnotes import Footnotes
from semsr.reproduction.reported import Reported
from semsr.reproduction.semantic.agreement import agree
from semsr.reproduction.semantic.judging import files_lacking, judgement
from semsr.reproduction.semantic.objects import object_columns
from semsr.reproduction.semantic.published import load_published
from semsr.reproduction.semantic.reading import Judge, Reader, Wanted
from semsr.reproduction.semantic.table import Block, Comparison, Judgement, SemanticTable
from semsr.reproduction.semantic.verdicts import grounds_of, with_verdicts
from semsr.reproduction.verdict import Part
from semsr.reproduction.verdicts import Explained, Grounds
from semsr.reproduction.wording import with_care

Values = Mapping[str, Mapping[str, JudgedValues]]
"""What judges left, by data set id, then by segmenter id."""


def planned(project: Project, card: SemanticTableCard, profile: ProfileCard) -> tuple[tuple[str, str], ...]:
    """The (data set, judge) of a table that this profile must have values for."""
    if not_run.table_reason(card, profile):
        return ()
    judges = [judge for judge in card.judges if not _judge_reason(project, profile, judge)]
    datasets = [entry.dataset for entry in card.datasets if not not_run.dataset_reason(project, card, profile, entry.dataset)]
    return tuple((dataset, judge) for dataset in datasets for judge in judges)


def assemble(
    project: Project,
    card: SemanticTableCard,
    profile: ProfileCard,
    protocol: ResolvedSemanticProtocol,
    values: Values,
    remarks: Mapping[str, str] | None = None,
    expected: Mapping[str, int | None] | None = None,
    *,
    explained: Explained | None = None,
    machine: Mapping[str, Part] | None = None,
) -> SemanticTable:
    """Put published and reproduced values side by side, and say what the judges make of the rows.

    Args:
        project: where the cards are.
        card: the table's card.
        profile: the profile whose results `values` are.
        protocol: the table's protocol, resolved.
        values: those of `planned` that are there, all of one data set of the same draws.
        remarks: by data set id, why its pictures are not the paper's own.
        expected: by data set id, how many pictures it should have.
        explained: other ways of measuring that give published values (`semsr explain`).
        machine: machine noise that was measured, by metric id.

    Raises:
        CardError: the card, its reported.csv and its protocol do not fit each other.
    """
    if card.floor != protocol.card.floor:
        raise CardError(
            f"tables/{card.id}/table.yaml: floor: found {card.floor.method}/{card.floor.variant}; must be that of protocol {protocol.id}: "
            f"{protocol.card.floor.method}/{protocol.card.floor.variant}"
        )
    columns = _columns(card, protocol)
    published = load_published(project, card)
    refused = not_run.table_reason(card, profile)
    rows = card.rows if refused else (*card.rows, *_entrants(project, card, profile, values))
    footnotes = Footnotes()
    blocks, lacking = [], []
    for dataset in card.datasets:
        reason = refused or not_run.dataset_reason(project, card, profile, dataset.dataset)
        wanted = Wanted(
            card=card,
            dataset=dataset.dataset,
            published_as=dataset.published or dataset.label,
            rows=rows,
            columns=columns,
            shown=tuple(map(column_of, columns)),
            published=published,
            expected=(expected or {}).get(dataset.dataset),
            reason=reason,
        )
        found = values.get(dataset.dataset, {})
        readers = [
            Reader(
                project, profile, wanted if at == 0 else _without_paper(wanted), _judge(project, profile, name, found.get(name))
            )
            for at, name in enumerate(card.judges)
        ]
        said = [judgement(reader, footnotes) for reader in readers]
        pictures = (remarks or {}).get(dataset.dataset, "") if card.reported else ""
        count = readers[0].judge.values.pictures if readers[0].judge.values else None
        grounds = Grounds(pictures, wanted.expected, explained or {}, machine or {})
        said[0] = with_verdicts(said[0], columns, count, grounds)
        blocks.append(_block(dataset, readers, said, with_care(pictures)))
        for reader, judged in zip(readers, said, strict=True):
            lacking += files_lacking(reader, judged)
    return SemanticTable(
        id=card.id,
        title=card.title,
        source=published.title,
        profile=profile.id,
        protocol=protocol.id,
        protocol_hash=protocol.hash,
        protocol_title=protocol.card.title,
        protocol_says=_says(protocol),
        columns=tuple(map(column_of, columns)),
        objects=object_columns(protocol.card.objects),
        blocks=tuple(blocks),
        not_run=refused,
        footnotes=footnotes.texts,
        notes=card.notes,
        missing=not_run.lacks(lacking),
        claims=check_all(card.claims, grounds_of(blocks)),
    )


def _judge(project: Project, profile: ProfileCard, name: str, values: JudgedValues | None) -> Judge:
    title = project.segmenters[name].title if name in project.segmenters else name
    return Judge(name, title, values, _judge_reason(project, profile, name))


def _judge_reason(project: Project, profile: ProfileCard, judge: str) -> str:
    """Why a judge is not asked in a profile; empty where it is."""
    if judge not in project.segmenters:
        return f"no segmenter card yet ({judge})"
    if judge not in profile.segmenters.judges:
        return f"judge {judge} is not in profile {profile.id}"
    return ""


def _columns(card: SemanticTableCard, protocol: ResolvedSemanticProtocol) -> tuple[ResolvedColumn, ...]:
    known = {column.name: column for column in protocol.columns}
    for name in card.columns:
        if name not in known:
            allowed = ", ".join(known)
            raise CardError(f"tables/{card.id}/table.yaml: columns: found {name!r}; protocol {protocol.id} allows: {allowed}")
    return tuple(known[name] for name in card.columns)


def _entrants(project: Project, card: SemanticTableCard, profile: ProfileCard, values: Values) -> list[TableRow]:
    """Rows for what the judges of the profile saw, or would have, and the card does not name."""
    named = {(row.method, row.variant) for row in card.rows}
    labels = {row.label for row in card.rows} | {card.ceiling.label}
    seen = {
        key
        for judges in values.values()
        for found in judges.values()
        for key in (*((method, variant) for method, variant, _ in found.of), *found.missing)
    }
    rows = []
    for method in not_run.track_of(card, profile).entrants:
        methods = project.methods
        for variant in profile.variants.get(method, methods[method].rows) if method in methods else ():
            if (method, variant) in seen - named and variant in methods[method].rows:
                label = methods[method].variants[variant].label
                label = f"{label} ({method}/{variant})" if label in labels else label  # rows are told apart by it
                labels.add(label)
                rows.append(TableRow(label=label, method=method, variant=variant))
    return rows


def _without_paper(wanted: Wanted) -> Wanted:
    """What a judge is asked that is not the paper's: its values have no published ones beside them."""
    return Wanted(**{**vars(wanted), "published": Reported()})


def _block(dataset: TableDataset, readers: Sequence[Reader], said: Sequence[Judgement], remark: str) -> Block:
    there = [reader.judge.values for reader in readers if reader.judge.values is not None]
    lengths = [len(draws) - 1 for values in there for row in values.of.values() for draws in row.values()]
    return Block(
        label=dataset.label,
        published_as=dataset.published,
        dataset=dataset.dataset,
        count=max((values.pictures for values in there), default=None),
        draws=max(lengths, default=0),
        manifest=next((str(values.facts.get("manifest_sha256", "")) for values in there), ""),
        judgements=tuple(said),
        comparisons=tuple(_compared((readers[0], readers[at]), (said[0], said[at])) for at in range(1, len(said))),
        not_run=readers[0].wanted.reason,
        remark=remark,
    )


def _compared(readers: tuple[Reader, Reader], said: tuple[Judgement, Judgement]) -> Comparison:
    first, other = said
    for found in said:
        if found.not_run:
            return Comparison(other.judge, other.title, why=f"judge {found.judge} did not judge: {found.not_run}")
    compared = []
    for column in first.columns:
        ours, others = (reader.comparable(column.name) for reader in readers)
        if len(ours.keys() & others.keys()) > 1:
            compared.append((column, agree(ours, others, column.direction)))
    why = "" if compared else f"judges {first.judge} and {other.judge} share no column with two rows to order"
    return Comparison(other.judge, other.title, tuple(compared), why)


def _says(protocol: ResolvedSemanticProtocol) -> tuple[tuple[str, str], ...]:
    """What the protocol fixes beside its columns, in words."""
    card = protocol.card
    found, sizes = (
        card.post_processing,
        {
            "resized": "brought to the pictures' size (ids by nearest neighbour, boxes scaled, masks and areas made again)",
            "original": "as published; the judge answers at their size",
        },
    )
    thresholds = (
        f"a segment from probability {found.score:g}, a pixel of a mask from {found.mask:g}, a segment stays where {found.overlap:g} of "
        f"its mask is left after better ones, {found.detections} instances a picture"
    )
    return (("Annotations", sizes[card.annotations]), ("Post-processing", thresholds))
