"""Verbs about training."""

from __future__ import annotations

from typing import Annotated

import typer

from semsr.cli.app import app
from semsr.errors import SemsrError, UnknownIdError
from semsr.planning import chosen_profile
from semsr.project import Project


@app.command()
def train(
    name: Annotated[str | None, typer.Argument(metavar="ID", help="A method's id, or a segmenter's.")] = None,
    variant: Annotated[str | None, typer.Option(help="Only this variant, and what it starts from.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Only variants that train on this data set.")] = None,
    seed: Annotated[int | None, typer.Option(min=1, help="Only this one of the profile's seeds.")] = None,
    workers: Annotated[
        int | None, typer.Option(min=0, help="Processes that read data; default: 0 on a CPU, 4 on a GPU.")
    ] = None,
    stop_after: Annotated[int | None, typer.Option(min=1, help="Stop after this step with a checkpoint.")] = None,
    profile: Annotated[str | None, typer.Option(help="A profile other than the one in force.")] = None,
    segmenters: Annotated[bool, typer.Option("--segmenters", help="All segmenters that the profile trains.")] = False,
) -> None:
    """Train a method's variants with the profile's seeds, or a judge; continues where a killed run stopped (docs/training.md)."""
    project = Project.find()
    chosen = chosen_profile(project, profile)
    if (name is None) != segmenters:
        raise SemsrError("semsr train: name a method or a segmenter, or pass --segmenters for all that the profile trains")
    if name is not None and name not in project.segmenters and name not in project.methods:
        raise UnknownIdError("method", name, [*project.methods, *project.segmenters])
    if name in project.methods:
        from semsr.stages import train as stage

        assert name is not None
        stage.run(project, chosen, name, variant, dataset=dataset, seed=seed, workers=workers, stop_after=stop_after)
        return
    for option, given in (("--variant", variant), ("--dataset", dataset), ("--seed", seed)):
        if given is not None:
            raise SemsrError(f"semsr train: {option} is a method's; a segmenter has one training: leave it out")
    from semsr.stages import train_segmenter

    if name is not None:
        train_segmenter.run(project, chosen, name, workers=workers, stop_after=stop_after)
    elif stop_after is not None:
        raise SemsrError("semsr train: --stop-after is for one training; name the segmenter")
    else:
        train_segmenter.run_all(project, chosen, workers=workers)
