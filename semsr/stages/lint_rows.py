"""The lints of a profile's rows: looked at once, kept in a journal, written beside the scores."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path

from semsr.cards import ProfileCard
from semsr.evaluation.journal import Journal
from semsr.evaluation.lints.copies import NamedRow, RowName
from semsr.evaluation.lints.finding import Finding
from semsr.evaluation.lints.judges import judge_rows
from semsr.evaluation.lints.looking import RowPictures, Sources, look_at_rows, looking_fingerprint
from semsr.evaluation.lints.store import write_lints
from semsr.evaluation.session import progress_bar
from semsr.project import Project, seeded
from semsr.reproduction.sanity import is_reference, is_sanity

log = logging.getLogger(__name__)


def lints_file(project: Project, profile: str, dataset: str) -> Path:
    """Where `semsr score` keeps what it found: results/<profile>/lints/<dataset>.json."""
    return project.results(profile) / "lints" / f"{dataset}.json"


def lint_scored(
    project: Project,
    profile: ProfileCard,
    dataset: str,
    rows: Sequence[RowPictures],
    sources: Sources,
) -> Path:
    """Look at all rows that are about to be scored, write down what was found and log what is wrong.

    Args:
        project: the project.
        profile: whose rows they are.
        dataset: the data set's id.
        rows: complete rows, of the right sizes, maybe none. HR as a row of its own is left out.
        sources: what they are compared with.

    Returns:
        results/<profile>/lints/<dataset>.json.

    Raises:
        PictureError: a picture is damaged. StorageError: the file can't be written.
    """
    judged = [row for row in rows if not is_reference(*row.name[:2])]
    findings = lint_rows(project, profile, dataset, judged, sources) if judged else {}
    path = lints_file(project, profile.id, dataset)
    write_lints(path, dataset, findings)
    for (method, variant, seed), found in findings.items():
        for finding in found:
            if finding.counts:
                log.warning("%s: %s/%s: %s: %s", dataset, method, seeded(variant, seed), finding.lint, finding.message)
    return path


def lint_rows(
    project: Project, profile: ProfileCard, dataset: str, rows: Sequence[RowPictures], sources: Sources
) -> Mapping[RowName, tuple[Finding, ...]]:
    """The findings of rows of a profile; what was looked at before is not looked at again.

    Raises:
        PictureError: a picture is damaged. StorageError: another run looks at the same rows, or the journal can't be written.
    """
    path = project.results(profile.id) / "journals" / f"{dataset}.lints.jsonl"
    with ExitStack() as stack:
        journal = stack.enter_context(Journal(path, looking_fingerprint(project)))
        progress = stack.enter_context(progress_bar(f"lint {dataset}", sum(len(row.pictures) for row in rows)))
        looks = look_at_rows(rows, sources, journal=journal, threads=profile.threads, progress=progress)
    return judge_rows(
        [NamedRow(row.name, its, is_sanity(project, *row.name[:2])) for row, its in zip(rows, looks, strict=True)]
    )
