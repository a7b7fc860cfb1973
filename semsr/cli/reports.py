"""Verbs that write pages for people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from semsr.cli.app import app
from semsr.planning import chosen_profile
from semsr.project import Project


@app.command("train-report")
def train_report(
    profile: Annotated[str | None, typer.Option(help="A profile other than the one in force.")] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="The page's folder; default: results/<profile>/training-report.")
    ] = None,
    pictures: Annotated[
        Path | None,
        typer.Option("--pictures", help="A folder with a subfolder of pictures a class; default: patches of the data sets."),
    ] = None,
    layer: Annotated[
        str | None,
        typer.Option(help="The discriminators' module whose output is looked at; default: the map before the logits."),
    ] = None,
    per_class: Annotated[int, typer.Option(min=4, help="Pictures a class at most.")] = 24,
) -> None:
    """Write a page on what was trained: curves, samples, what discriminators tell apart, what semantic tokens attend to."""
    from semsr.stages import training_report as stage

    project = Project.find()
    stage.run(project, chosen_profile(project, profile), out, pictures, layer=layer, per_class=per_class)
