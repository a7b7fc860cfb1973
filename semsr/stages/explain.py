"""Explain: which other way of measuring the same pictures gives a published value that ours is not."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path

from semsr.cards import ProfileCard
from semsr.cards.protocol import ProtocolCard, ProtocolColumn
from semsr.errors import SemsrError
from semsr.evaluation.cores import pick_device
from semsr.evaluation.journal import Journal
from semsr.evaluation.lattice import edits
from semsr.evaluation.lattice import measure as measuring
from semsr.evaluation.lattice.measure import Kept, Pictures
from semsr.evaluation.pairing import check_sizes
from semsr.evaluation.protocol import ResolvedProtocol, resolve, resolve_columns
from semsr.evaluation.session import measuring_fingerprint
from semsr.files import storage_errors
from semsr.fingerprint import fingerprint
from semsr.imaging.pictures import picture_files
from semsr.project import Project
from semsr.reproduction.forensics.explanation import Explanation
from semsr.reproduction.forensics.ranking import Question, rank
from semsr.reproduction.forensics.store import Key, write_explanations
from semsr.reproduction.reported import Published
from semsr.reproduction.tolerance import tolerance_of
from semsr.stages.explain_address import find_cell
from semsr.stages.explain_cells import explainable, open_rows, row_of
from semsr.stages.explain_row import Answer, Row, Value, ask
from semsr.stages.explained import explained_path
from semsr.stages.tabulate import tables_of

log = logging.getLogger(__name__)
DEFAULTS = "defaults"
EDITING = (Path(edits.__file__), Path(measuring.__file__))
"""What decides how pictures are edited: scores do not hang on it, values of edited pictures do."""


@dataclass(frozen=True)
class Explained:
    """One published value with what was found.

    Attributes:
        where: table, row and column, for people.
        unit: of the metric.
        explanation: None where it can't be measured here, for the reason in `why`.
    """

    where: str
    column: str
    unit: str
    explanation: Explanation | None
    why: str = ""


def run_all(project: Project, profile: ProfileCard) -> tuple[Explained, ...]:
    """Explain every published value of the profile's tables that may be compared and is not reproduced.

    Writes results/<profile>/explained/<table>.json for each table of scores, which the tables read; a killed run continues.

    Raises:
        SemsrError: scores or pictures can't be read, or are not of each other. StorageError: results can't be written.
    """
    found: list[Explained] = []
    tables = tables_of(project, profile, keep_going=True)
    paths = {table.id: explained_path(project, profile.id, table.id) for table in tables}
    folder = project.results(profile.id) / "explained"
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
    with _keeper(project, profile, prune=True) as kept_of:
        for table in tables:
            protocol = resolve(project, table.protocol)
            answers = [
                (row, _ask(project, profile, protocol, row, kept_of(dataset)))
                for dataset, row in open_rows(project, profile, protocol, table)
            ]
            explained, keyed = _rank(table.id, protocol, answers)
            write_explanations(paths[table.id], keyed)
            found += explained
    for stray in set(folder.glob("*.json")) - set(paths.values()):  # of tables that the profile had earlier
        with storage_errors(stray):
            stray.unlink()
    return tuple(found)


def run_cell(project: Project, profile: ProfileCard, address: str) -> tuple[Explained, ...]:
    """Explain one cell of a table; other values of its row speak for or against what is found.

    Args:
        project: the project.
        profile: whose results to use.
        address: `<table>:<row>:<column>` or a result id (`semsr.reproduction.address`).

    Raises:
        SemsrError: no such cell, nothing is published there, we have no value, or the two may not be compared.
    """
    table, block, line, column, cell = find_cell(project, profile, address)
    protocol = resolve(project, table.protocol)
    row = row_of(project, profile, protocol, block, line, explainable(table, column, cell, address))
    with _keeper(project, profile) as kept_of:
        answer = _ask(project, profile, protocol, row, kept_of(block.dataset), focus=column.name)
    explained, _ = _rank(table.id, protocol, [(row, answer)])
    return tuple(each for each in explained if each.column == column.name)


def run_folder(
    project: Project,
    folder: Path,
    metrics: Sequence[str],
    published: Sequence[str],
    *,
    hr: Path | None = None,
    dataset: str | None = None,
    protocol: str | None = None,
    scale: int = 4,
    threads: int | None = None,
) -> tuple[Explained, ...]:
    """Explain published values of any folder of pictures; no table, method or data set is needed.

    Args:
        project: where protocols and metrics are.
        folder: SR pictures.
        metrics, published: columns of the protocol (or ids of metrics), and as many values as printed.
        hr, dataset: what to compare with: a folder of HR pictures, or a prepared data set.
        protocol: its id, to start from; None: the defaults of the metrics' cards.
        scale: the factor of super-resolution, in which borders are measured; that of a data set is known.
        threads: cores to use; None: all that are available.

    Raises:
        SemsrError: neither or both of `hr` and `dataset`, values that are no numbers, an unknown metric, nothing that can be measured.
        PairingError, SizeMismatchError, PictureError: the folders do not fit.
    """
    from semsr.stages.evaluate import reference_for

    if (dataset is None) == (hr is None):
        raise SemsrError("say what to compare with: either --dataset ID or --hr DIR")
    printed = _printed(metrics, published)
    resolved = _protocol(project, protocol, metrics)
    pictures = picture_files(folder)
    reference, sizes = reference_for(project, folder, pictures, dataset, hr)
    check_sizes(pictures, sizes, "its HR picture" if reference else "its LR picture, enlarged,")
    scale = scale if dataset is None else project.dataset(dataset).scale
    cards = {column.name: column.metric for column in resolved.columns}
    values = tuple(
        Value(name, value.text, tolerance_of(value, cards[name], count=len(sizes)).measuring) for name, value in printed.items()
    )
    row = Row(str(folder), (Pictures(pictures, reference, sizes),), values, scale)
    answer = ask(project, resolved, row, Kept(), device=pick_device("auto"), threads=threads)
    if not answer.questions:
        raise SemsrError("; ".join(f"{name}: {why}" for name, why in answer.unanswered.items()))
    explained, _ = _rank(str(folder), resolved, [(row, answer)])
    return explained


def _ask(
    project: Project, profile: ProfileCard, protocol: ResolvedProtocol, row: Row, kept: Kept, *, focus: str = ""
) -> Answer:
    answer = ask(project, protocol, row, kept, device=pick_device(profile.device), threads=profile.threads, focus=focus)
    for name, why in answer.unanswered.items():
        log.warning("%s: %s can't be explained here: %s", row.name, name, why)
    return answer


def _rank(
    where: str, protocol: ResolvedProtocol, answers: Sequence[tuple[Row, Answer]]
) -> tuple[tuple[Explained, ...], Mapping[Key, Explanation]]:
    """All values of a table at once, since what explains several of them goes first."""
    units = {column.name: column.metric.unit for column in protocol.columns}
    together: list[Question] = [question for _, answer in answers for question in answer.questions]
    ranked = dict(zip(map(id, together), rank(together), strict=True))
    found: list[Explained] = []
    keyed: dict[Key, Explanation] = {}
    for row, answer in answers:
        by_column = {question.column: question for question in answer.questions}
        for value in (value for value in row.values if value.asked):
            place = f"{where}: {row.name}" if where != row.name else where
            question = by_column.get(value.column)
            explanation = None if question is None else ranked[id(question)]
            why = answer.unanswered.get(value.column, "")
            found.append(Explained(f"{place}: {value.column}", value.column, units[value.column], explanation, why))
            if explanation is not None and value.result_id:
                keyed[value.result_id, value.published, value.column] = explanation
    return tuple(found), keyed


def editing_fingerprint(project: Project, device: str) -> str:
    """One hash over everything but the pictures that a value of edited pictures depends on."""
    return fingerprint(project, EDITING, measuring=measuring_fingerprint(project, device))


@contextmanager
def _keeper(project: Project, profile: ProfileCard, *, prune: bool = False) -> Iterator[Callable[[str], Kept]]:
    """What was measured earlier, by data set: a journal each, opened when first needed; `prune`: what was not asked for goes at the end."""
    folder = project.results(profile.id) / "journals"
    opened: dict[str, Kept] = {}
    with ExitStack() as journals:

        def kept_of(dataset: str) -> Kept:
            if dataset not in opened:
                made_by = editing_fingerprint(project, pick_device(profile.device))
                opened[dataset] = Kept(journals.enter_context(Journal(folder / f"explain-{dataset}.jsonl", made_by)))
            return opened[dataset]

        yield kept_of
        if prune:
            for kept in opened.values():
                kept.forget_others()


def _protocol(project: Project, name: str | None, metrics: Sequence[str]) -> ResolvedProtocol:
    if name is not None:
        resolved = resolve(project, name)
        known = [column.name for column in resolved.columns]
        for metric in metrics:
            if metric not in known:
                raise SemsrError(f"--metric: found {metric!r}; protocol {name} allows: {', '.join(known)}")
        return resolved
    columns = tuple(ProtocolColumn(name=metric, metric=metric) for metric in dict.fromkeys(metrics))
    card = ProtocolCard(id=DEFAULTS, title="The defaults of the metrics' cards", columns=columns, source="metrics/*/*.yaml")
    return ResolvedProtocol(card, resolve_columns(project, columns, "--metric", semantic=False))


def _printed(metrics: Sequence[str], published: Sequence[str]) -> dict[str, Published]:
    if not metrics or len(metrics) != len(published) or len(set(metrics)) != len(metrics):
        raise SemsrError(
            f"found --metric {', '.join(metrics) or 'none'} and --published {', '.join(published) or 'none'}; "
            "give each metric once, and one published value for each, in the same order"
        )
    for text in published:
        try:
            number = Decimal(text)
        except InvalidOperation:
            number = Decimal("NaN")
        if not number.is_finite() or "e" in text.lower():
            raise SemsrError(f"--published: found {text!r}; must be a number as it was printed, such as 25.15")
    return {metric: Published(text) for metric, text in zip(metrics, published, strict=True)}
