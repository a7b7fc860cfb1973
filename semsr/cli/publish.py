"""Verbs that show results to others."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from semsr.cli.app import app
from semsr.planning import chosen_profile
from semsr.project import Project


@app.command()
def publish(
    out: Annotated[Path | None, typer.Option("--out", help="The site's folder, made anew; default: results/site.")] = None,
    pictures: Annotated[
        str, typer.Option("--pictures", help="How many pictures of each data set come along: a number, all or none.")
    ] = "all",
    profile: Annotated[str | None, typer.Option(help="A profile other than the one in force.")] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Say in the tables which data sets have not been scored, instead of stopping.")
    ] = False,
) -> None:
    """Write the leaderboard: a static site with tables, verdicts, pictures and plots that opens from a file."""
    from semsr.stages import publish as stage

    project = Project.find()
    stage.run(project, chosen_profile(project, profile), out, pictures=stage.count_of(pictures), keep_going=keep_going)


@app.command()
def report(
    what: Annotated[list[str], typer.Argument(help="A paper's arXiv number, or tables by their ids.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="The file, replaced where it is there; default: results/<profile>/report-<first>.html."),
    ] = None,
    images: Annotated[int, typer.Option(min=0, help="Of how many pictures of each data set cuts are shown.")] = 3,
    profile: Annotated[str | None, typer.Option(help="A profile other than the one in force.")] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Say in the tables which data sets have not been scored, instead of stopping.")
    ] = False,
) -> None:
    """Write one paper's reproduction as a single HTML file, to attach to a review: tables, verdicts, claims, pictures, environment."""
    from semsr.stages import paper_report as stage

    project = Project.find()
    stage.run(project, chosen_profile(project, profile), what, out, images=images, keep_going=keep_going)
