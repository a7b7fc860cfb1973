"""Rows that check the set-up rather than compete: interpolations, and HR measured against itself."""

from __future__ import annotations

from collections.abc import Collection

from semsr.cards import ProfileCard, TableCard, TableRow
from semsr.evaluation.semantic.values import REFERENCE as REFERENCE_CELL
from semsr.project import Project
from semsr.reproduction.not_run import track_of

REFERENCE = REFERENCE_CELL[:2]
"""Method and variant of HR itself, which no method restores: `semsr score` measures it wherever a data set has it."""
REFERENCE_LABEL = "HR"


def is_reference(method: str | None, variant: str) -> bool:
    """Whether a row is HR itself: it has no method's card, no trust level and no seeds."""
    return (method, variant) == REFERENCE


def is_sanity(project: Project, method: str | None, variant: str) -> bool:
    """Whether a row is there to check the set-up and takes part in no ranking: HR itself, and methods whose card says `sanity`."""
    return is_reference(method, variant) or (method in project.methods and project.methods[method].sanity)


def sanity_rows(project: Project, card: TableCard, profile: ProfileCard, scored: Collection[tuple[str, str]]) -> list[TableRow]:
    """The sanity rows that a table has although its card does not name them, last in the table.

    Args:
        project: where the methods' cards are.
        card: the table's card.
        profile: whose results the table shows; those of its track that it runs.
        scored: (method, variant) of every row that has scores on one of the table's data sets; HR is a row where it is among them.
    """
    named = {(row.method, row.variant) for row in card.rows}
    rows = [
        TableRow(label=its.variants[variant].label, method=method, variant=variant)
        for method in track_of(card, profile).entrants
        if (its := project.methods.get(method)) is not None and its.sanity
        for variant in profile.variants.get(method, its.rows)
        if variant in its.rows and (method, variant) not in named
    ]
    if REFERENCE in scored and REFERENCE not in named:
        rows.append(TableRow(label=REFERENCE_LABEL, method=REFERENCE[0], variant=REFERENCE[1]))
    return rows
