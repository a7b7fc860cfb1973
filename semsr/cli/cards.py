"""Verbs that read cards only, and so answer at once."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from semsr import __version__
from semsr.cli.app import app
from semsr.project import Project


class Listed(StrEnum):
    """What `semsr list` can list."""

    methods = "methods"
    datasets = "datasets"
    metrics = "metrics"
    protocols = "protocols"
    tables = "tables"
    segmenters = "segmenters"
    profiles = "profiles"


@app.command("list")
def list_(
    what: Annotated[Listed, typer.Argument(help="The kind of card.")],
    json: Annotated[bool, typer.Option("--json", help="As JSON, one object a card.")] = False,
) -> None:
    """List methods, data sets, metrics, protocols, tables, segmenters or profiles."""
    from semsr import listing

    typer.echo(listing.render(Project.find(), what.value, as_json=json))


@app.command()
def use(
    profile: Annotated[str | None, typer.Argument(help="A profile; without one, the one in force stays.")] = None,
) -> None:
    """Switch the profile in force: what `dvc repro` runs."""
    from semsr import planning

    project = Project.find()
    card = planning.use(project, profile or project.profile().id)
    typer.echo(f"profile in force: {card.id} ({card.title}); `dvc repro` runs it, `dvc repro --dry` lists its stages")


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)
