"""The published values that stand in a table: a paper's own, or for orientation those of another table's pictures."""

from __future__ import annotations

from semsr.cards import TableCard
from semsr.cards.table import TableDataset
from semsr.errors import CardError
from semsr.project import Project
from semsr.reproduction.reported import Published, Reported, load_reported


def load_published(project: Project, card: TableCard, where: str) -> tuple[Reported, str]:
    """The values to show as published, and what they are copied from: the table's own, or those of its context.

    Args:
        project: where the cards are.
        card: the table's.
        where: what errors call the card's file.

    Raises:
        CardError: the file is unusable or does not fit the card, or the context names what is not there.
    """
    if card.context is None:
        reported = load_reported(project.folders("table")[card.id], card, where)
        return reported, reported.title
    if card.reported is not None:
        raise CardError(f"{where}: context: a table with published values of its own ('reported') can't have one; remove one")
    of_scores = {name: other for name, other in project.tables.items() if isinstance(other, TableCard)}
    if card.context.table not in of_scores:
        raise CardError(f"{where}: context.table: found {card.context.table!r}; allowed: {', '.join(of_scores)}")
    other = of_scores[card.context.table]
    reported = load_reported(project.folders("table")[other.id], other, f"tables/{other.id}/table.yaml")
    if card.context.dataset not in (known := {key[1] for key in reported.values}):
        raise CardError(f"{where}: context.dataset: found {card.context.dataset!r}; allowed: {', '.join(sorted(known))}")
    return reported, reported.title


def moved(reported: Reported, card: TableCard, dataset: TableDataset) -> dict[tuple[str, str, str], Published]:
    """The context's values under the name of our data set, so that they can stand beside ours (marked as what they are)."""
    if card.context is None:
        return {}
    name = dataset.published or dataset.label
    return {(key[0], name, key[2]): value for key, value in reported.values.items() if key[1] == card.context.dataset}
