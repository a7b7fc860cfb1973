"""The verb about putting pictures into words."""

from __future__ import annotations

from typing import Annotated

import typer

from semsr.cli.app import app
from semsr.planning import chosen_profile
from semsr.project import Project


@app.command()
def describe(
    method: Annotated[str, typer.Argument(help="The id of a method whose card has descriptions.")],
    dataset: Annotated[str, typer.Option("--dataset", help="A prepared data set's id.")],
    description: Annotated[str | None, typer.Option(help="Only this description of the card.")] = None,
    profile: Annotated[str | None, typer.Option(help="A profile other than the one in force.")] = None,
) -> None:
    """Put every clean and degraded test picture of a data set into words, by each of a method's describers."""
    from semsr.stages import describe as stage

    project = Project.find()
    stage.run(project, chosen_profile(project, profile), dataset, method, description)
