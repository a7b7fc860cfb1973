"""Verbs about training."""

from __future__ import annotations

from typing import Annotated

import typer

from semsr.cli.app import app
from semsr.planning import chosen_profile
from semsr.project import Project


@app.command()
def train(
    method: Annotated[str, typer.Argument(help="A method's id.")],
    variant: Annotated[str | None, typer.Option(help="Only this variant, and what it starts from.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only variants that train on this data set.")] = None,
    seed: Annotated[int | None, typer.Option(min=1, help="Only this one of the profile's seeds.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes that read data; default: 0 on a CPU, 4 on a GPU.")
    ] = None,
    stop_after: Annotated[int | None, typer.Option(min=1, help="Stop after this step with a checkpoint.")] = None,
    profile: Annotated[str | None, typer.Option(help="A profile other than the one in force.")] = None,
) -> None:
    """Train a method's variants with the profile's seeds; continues where a killed run stopped (docs/training.md)."""
    from semsr.stages import train as stage

    project = Project.find()
    stage.run(
        project,
        chosen_profile(project, profile),
        method,
        variant,
        dataset=dataset,
        seed=seed,
        workers=workers,
        stop_after=stop_after,
    )
