"""Verbs about what judges see in restored pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from semsr.cli.app import app
from semsr.planning import chosen_profile
from semsr.project import Project


@app.command()
def segment(
    segmenter: Annotated[str, typer.Argument(help="A segmenter's id.")],
    dataset: Annotated[str, typer.Option("--dataset", help="The id of a prepared data set with annotations.")],
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Where its weights can't be had, write that down instead of failing.")
    ] = False,
    profile: Annotated[str | None, typer.Option(help="A profile other than the one in force.")] = None,
) -> None:
    """Say what a segmenter finds in HR and in every restored row of a data set; continues where a killed run stopped."""
    from semsr.stages import segment as stage

    project = Project.find()
    stage.run(project, chosen_profile(project, profile), dataset, segmenter, keep_going=keep_going)


@app.command()
def judge(
    dataset: Annotated[str, typer.Argument(help="A prepared data set's id.")],
    profile: Annotated[str | None, typer.Option(help="A profile other than the one in force.")] = None,
) -> None:
    """Compare what segmenters found with the annotations: panoptic quality, average precision, mean IoU, objects lost and won."""
    from semsr.stages import judge as stage

    project = Project.find()
    stage.run(project, chosen_profile(project, profile), dataset)


@app.command("semantic-report")
def semantic_report(
    dataset: Annotated[str, typer.Argument(help="A prepared data set's id that has been judged.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The page's folder; default: results/<profile>/semantic-report/<dataset>.")
    ] = None,
    samples: Annotated[int, typer.Option(min=1, help="How many pictures are shown.")] = 6,
    profile: Annotated[str | None, typer.Option(help="A profile other than the one in force.")] = None,
) -> None:
    """Write a page with the same scenes as judges see them on HR, zoomed LR and every restoration, beside the numbers."""
    from semsr.stages import semantic_report as stage

    project = Project.find()
    stage.run(project, chosen_profile(project, profile), dataset, out, samples=samples)
