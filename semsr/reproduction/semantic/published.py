"""The published values of a table of judges, by our columns' names."""

from __future__ import annotations

from semsr.cards import SemanticTableCard
from semsr.project import Project
from semsr.reproduction.reported import Reported, check_used, read_reported, reported_file


def load_published(project: Project, card: SemanticTableCard) -> Reported:
    """The published values of a card; empty where it has none.

    A transcription writes `box_ap` where an id, which has no underscore, is `box-ap`.

    Raises:
        CardError: the file is unusable, or card and file do not name the same rows, data sets and columns.
    """
    if card.reported is None:
        return Reported()
    name = f"tables/{card.id}/table.yaml"
    path = reported_file(project.folders("table")[card.id], card.reported, name)
    found = read_reported(path, f"tables/{card.id}/{card.reported}")
    values = {(row, dataset, metric.replace("_", "-")): value for (row, dataset, metric), value in found.values.items()}
    reported = Reported(found.title, values)
    rows = {published for published in (card.ceiling.published, *(row.published for row in card.rows)) if published}
    check_used(card, rows, set(card.columns), reported, name)
    return reported
