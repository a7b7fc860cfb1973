"""The part of `tabulate` that makes tables of descriptions. Reads what describers said, never pictures."""

from __future__ import annotations

from collections.abc import Callable

from semsr.cards import DescriptionTableCard, ProfileCard
from semsr.errors import SemsrError
from semsr.preparation.manifest import Prepared, open_prepared
from semsr.project import Project
from semsr.reproduction.descriptions.assemble import assemble, planned_datasets, wanted
from semsr.reproduction.descriptions.render import render_csv, render_latex, render_markdown
from semsr.reproduction.descriptions.said import Described, file_of, folder_of, read_described
from semsr.reproduction.descriptions.table import DescriptionTable

RENDERERS: dict[str, Callable[[DescriptionTable], str]] = {"csv": render_csv, "tex": render_latex, "md": render_markdown}
REGENERATED = "these pictures are made again, they are not the paper's own"


def tables_of(project: Project, profile: ProfileCard, *, keep_going: bool = False) -> tuple[DescriptionTable, ...]:
    """Every table of descriptions of the profile, as data.

    Args:
        project: the project.
        profile: whose results to use.
        keep_going: a data set that has not been described at all is said to be so in the table, and is no error.

    Raises:
        SemsrError: a card is wrong, or a data set is not described or was described otherwise than the cards say now.
    """
    tables = []
    for card in map(project.table, profile.tables):
        if not isinstance(card, DescriptionTableCard):
            continue
        described, remarks = {}, {}
        for dataset in planned_datasets(project, card, profile):
            if keep_going and not folder_of(project.results(profile.id), dataset, card.method).is_dir():
                continue
            prepared = open_prepared(project, dataset)
            described[dataset] = {name: _read(project, profile, card, prepared, name) for name in wanted(card)}
            remarks[dataset] = REGENERATED if prepared.card.comparable == "regenerated" and card.reported else ""
        tables.append(assemble(project, card, profile, described, remarks))
    return tuple(tables)


def _read(
    project: Project, profile: ProfileCard, card: DescriptionTableCard, prepared: Prepared, description: str
) -> Described:
    """What one describer said, if it is of the pictures and the card that are here now. Raises: SemsrError."""
    dataset = prepared.card.id
    path = file_of(project.results(profile.id), dataset, card.method, description)
    again = f"semsr describe {card.method} --dataset {dataset}"
    found = read_described(path, project.show(path), again)
    entry = project.method(card.method).descriptions.get(description)
    stale = None
    if found.facts.get("manifest_sha256") != prepared.sha256:
        stale = f"data set {dataset} has been prepared again since"
    elif entry is not None and (found.facts.get("options"), found.facts.get("training")) != (entry.options, entry.training):
        stale = f"the card's options of description {description} are others now"
    elif found.pairs and [pair.name for pair in found.pairs] != sorted(
        each.name for each in prepared.test if each.hr and each.lr
    ):
        stale = "pictures are missing"
    if stale:
        raise SemsrError(f"{project.show(path)}: {stale}; run `{again}`")
    return found
