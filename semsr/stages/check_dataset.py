"""Check: a data set's card against its schema and its surroundings, without touching a picture or the network."""

from __future__ import annotations

import logging
from collections.abc import Iterable

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from semsr.cards import Asset, AssetFile, DatasetCard
from semsr.errors import CardError, SemsrError, UnknownIdError
from semsr.project import Kind, Project
from semsr.stages.dataset_rules import findings
from semsr.stages.dataset_rules.subject import Finding, Subject

log = logging.getLogger(__name__)

MARKS = {True: "[green]pass[/green]", False: "[red]FAIL[/red]", None: "[dim]n/a[/dim]"}


def run(project: Project, dataset: str | None = None) -> None:
    """Check one data set's card, or all of them, and print a table.

    Args:
        project: where the cards are.
        dataset: a data set's id; None: all.

    Raises:
        CardError: a check failed.
        UnknownIdError: no such data set.
    """
    folders = project.folders("dataset")
    if dataset is not None and dataset not in folders:
        if dataset in project.folders("method"):
            raise SemsrError(
                f"unknown data set {dataset!r}, but there is a method of this name: `semsr check method {dataset}`"
            )
        raise UnknownIdError("dataset", dataset, folders)
    names = [dataset] if dataset is not None else sorted(folders)
    if not names:
        raise CardError(f"{project.show(project.root / 'datasets')}: no data set here (a folder with dataset.yaml)")
    cards, assets = readable(project)
    found = {name: check(project, name, cards, assets) for name in names}
    Console().print(_one(found[dataset], dataset) if dataset is not None else _all(found))
    failed = {name: [finding.name for finding in all_ if finding.passed is False] for name, all_ in found.items()}
    failed = {name: failures for name, failures in failed.items() if failures}
    if dataset is not None and failed:
        names, count = failed[dataset], _count(found[dataset])
        raise CardError(f"{dataset}: {len(names)} of {count} checks failed ({', '.join(names)}); see the table above")
    if failed:
        listed = "; ".join(f"{name}: {', '.join(failures)}" for name, failures in failed.items())
        raise CardError(f"{len(failed)} of {len(found)} data sets failed ({listed}); see `semsr check dataset ID`")


def check(project: Project, name: str, cards: dict[str, DatasetCard], assets: dict[str, list[Asset]]) -> list[Finding]:
    """All checks of one data set.

    Args:
        project: where the cards are.
        name: the data set's id, which is its folder's name.
        cards: all data set cards that can be read.
        assets: all assets that can be read, by id.

    Returns:
        One finding a check; the schema's comes first, and alone where the card can't be read.
    """
    folder = project.folders("dataset")[name]
    try:
        card = project.read(folder / "dataset.yaml", DatasetCard)
        if card.id != name:
            raise CardError(f"{project.show(folder)}/dataset.yaml: id: found {card.id!r}; must be the folder's name, {name!r}")
        beside = folder / "assets.yaml"
        declared = project.read(beside, AssetFile).assets if beside.exists() else ()
    except SemsrError as error:
        return [Finding("schema", False, str(error))]
    return [
        Finding("schema", True, f"{card.source.kind}, for {card.split}"),
        *findings(Subject(card, folder, declared, assets, cards)),
    ]


def readable(project: Project) -> tuple[dict[str, DatasetCard], dict[str, list[Asset]]]:
    """All cards and assets of data sets (and the assets of other plugins) that can be read: one broken card must not hide the rest."""
    cards: dict[str, DatasetCard] = {}
    for name, folder in project.folders("dataset").items():
        try:
            cards[name] = project.read(folder / "dataset.yaml", DatasetCard)
        except SemsrError:
            continue
    assets: dict[str, list[Asset]] = {}
    kinds: tuple[Kind, ...] = ("method", "dataset", "metric")
    for folder in (folder for kind in kinds for folder in project.folders(kind).values()):
        path = folder / "assets.yaml"
        try:
            declared = project.read(path, AssetFile).assets if path.exists() else ()
        except SemsrError:
            continue
        for asset in declared:
            assets.setdefault(asset.id, []).append(asset)
    return cards, assets


def _count(found: Iterable[Finding]) -> int:
    return sum(finding.passed is not None for finding in found)


def _one(found: list[Finding], name: str) -> Table:
    table = Table(title=f"data set {name}", title_justify="left")
    table.add_column("check", no_wrap=True)
    table.add_column("result", no_wrap=True)
    table.add_column("found", overflow="fold")
    for finding in found:
        table.add_row(finding.name, MARKS[finding.passed], escape(finding.figure))
    return table


def _all(found: dict[str, list[Finding]]) -> Table:
    table = Table(title=f"{len(found)} data sets", title_justify="left")
    table.add_column("data set", no_wrap=True)
    table.add_column("checks", justify="right")
    table.add_column("result", no_wrap=True)
    table.add_column("found", overflow="fold")
    for name, all_ in found.items():
        wrong = [finding for finding in all_ if finding.passed is False]
        shown = wrong or [finding for finding in all_ if finding.name in ("counts", "comparable")]
        figure = "; ".join(f"{finding.name}: {finding.figure}" for finding in shown)
        table.add_row(name, str(_count(all_)), MARKS[not wrong], escape(figure))
    return table
