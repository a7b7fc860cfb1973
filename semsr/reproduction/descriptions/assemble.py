"""Builds a table of descriptions from its card, the paper's marks, and what the describers of one profile said."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from semsr.cards import DescriptionTableCard, ProfileCard
from semsr.cards.table import DescriptionRow
from semsr.errors import CardError
from semsr.project import Project
from semsr.reproduction import not_run
from semsr.reproduction.descriptions.marks import Marks, load_marks
from semsr.reproduction.descriptions.measures import MARKS, MEASURES, Measure, measure
from semsr.reproduction.descriptions.said import Described, Pair
from semsr.reproduction.descriptions.table import Block, DescriptionTable, Row, Value
from semsr.reproduction.footnotes import Footnotes

NO_TAGS = "no picture has tags to count"


def planned_datasets(project: Project, card: DescriptionTableCard, profile: ProfileCard) -> tuple[str, ...]:
    """The data sets of a table that this profile's describers must have described."""
    if not_run.profile_reason(card, profile):
        return ()
    return tuple(entry.dataset for entry in card.datasets if not _dataset_reason(project, card, profile, entry.dataset))


def wanted(card: DescriptionTableCard) -> tuple[str, ...]:
    """The descriptions that a table needs: its rows' and its reference."""
    return tuple(dict.fromkeys((*(row.description for row in card.rows), card.reference)))


def assemble(
    project: Project,
    card: DescriptionTableCard,
    profile: ProfileCard,
    described: Mapping[str, Mapping[str, Described]],
    remarks: Mapping[str, str] | None = None,
) -> DescriptionTable:
    """Put the paper's marks and our measures side by side.

    Args:
        project: where the cards are.
        card: the table's card.
        profile: the profile whose results `described` are.
        described: by data set id, then by description.
        remarks: by data set id, what a reader must know about its pictures.

    Raises:
        CardError: the card, its reported.csv and the method's card do not fit each other.
    """
    known = _known(project, card)
    source, marks = load_marks(project, card)
    footnotes = Footnotes()
    refused = not_run.profile_reason(card, profile)
    blocks = []
    if refused:  # the marks belong to no data set
        rows = tuple(_row(project, card, row, known, marks, None, (), footnotes) for row in card.rows)
        blocks.append(Block(source or card.title, "", None, rows, refused))
    for dataset in () if refused else card.datasets:
        reason = _dataset_reason(project, card, profile, dataset.dataset)
        if not reason and dataset.dataset not in described:
            reason = f"data set {dataset.dataset} has not been described (`semsr fetch {dataset.dataset}`, `dvc repro`)"
        said = {} if reason else described[dataset.dataset]
        reference = said[card.reference].pairs if said else ()
        rows = tuple(
            _row(project, card, row, known, marks, said.get(row.description), reference, footnotes) for row in card.rows
        )
        count = max((len(found.pairs) for found in said.values()), default=0) or None
        remark = (remarks or {}).get(dataset.dataset, "")
        blocks.append(Block(dataset.label, dataset.dataset, count, rows, reason, remark))
    return DescriptionTable(
        id=card.id,
        title=card.title,
        source=source,
        profile=profile.id,
        method=card.method,
        reference=known[card.reference],
        measures=MEASURES,
        blocks=tuple(blocks),
        context=card.context.why if card.context else "",
        not_run=refused,
        footnotes=footnotes.texts,
        notes=card.notes,
    )


def _dataset_reason(project: Project, card: DescriptionTableCard, profile: ProfileCard, dataset: str) -> str:
    """Why nothing of this data set is described in a profile; empty where it is."""
    if dataset not in project.datasets:
        return f"no data set card yet ({dataset})"
    if card.method not in profile.descriptions.methods:
        return f"method {card.method} describes nothing in profile {profile.id}"
    if dataset not in profile.descriptions.datasets:
        return f"data set {dataset} is not described in profile {profile.id}"
    return ""


def _known(project: Project, card: DescriptionTableCard) -> dict[str, str]:
    """Labels of the method's descriptions by id. Raises: CardError: the table names one that is not there."""
    where = f"tables/{card.id}/table.yaml"
    if card.method not in project.methods:
        raise CardError(f"{where}: method: found {card.method!r}; allowed: {', '.join(project.methods)}")
    known = {name: entry.label for name, entry in project.methods[card.method].descriptions.items()}
    for name in wanted(card):
        if name not in known:
            raise CardError(
                f"{where}: description {name!r} is not among those of methods/{card.method}/method.yaml: {', '.join(known) or 'none'}"
            )
    return known


def _row(
    project: Project,
    card: DescriptionTableCard,
    row: DescriptionRow,
    known: Mapping[str, str],
    marks: Marks,
    said: Described | None,
    reference: Sequence[Pair],
    footnotes: Footnotes,
) -> Row:
    reason = said.reason if said else ""
    pairs = said.pairs if said and not reason else ()
    entry = project.methods[card.method].descriptions[row.description]
    record = [] if said is None else list(said.facts.get("weights") or ())
    return Row(
        label=row.label,
        published_as=row.published,
        description=row.description,
        describer=known[row.description],
        marks={mark: marks[row.published][mark] for mark in MARKS} if row.published else {},
        trust=entry.trust if pairs else None,
        not_run=reason,
        values=tuple(_value(what, pairs, reference) for what in MEASURES) if pairs else (),
        notes=tuple(footnotes.mark(line) for line in [file.line() for file in said.missing]) if said and reason else (),
        weights=tuple(f"{found['asset']} {found['sha256'][:12]}" for found in record),
    )


def _value(what: Measure, pairs: Sequence[Pair], reference: Sequence[Pair]) -> Value:
    found = measure(what, pairs, reference or None)
    if found is None:
        return Value(what, None, "the reference could not be had")
    return Value(what, found, "" if found.value is not None else NO_TAGS)
