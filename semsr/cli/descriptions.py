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
    keep_going: Annotated[
        bool,
        typer.Option(
            "--keep-going", help="Leave out descriptions whose files from outside can't be had, and say so, instead of failing."
        ),
    ] = False,
    profile: Annotated[str | None, typer.Option(help="A profile other than the one in force.")] = None,
) -> None:
    """Put every clean and degraded test picture of a data set into words, by each of a method's describers.

    What is finished and unchanged needs no weights. A description that fails does not stop the others: they are made first, then the
    first error is said and the exit status is 2.
    """
    from semsr.stages import describe as stage

    project = Project.find()
    stage.run(project, chosen_profile(project, profile), dataset, method, description, keep_going=keep_going)
