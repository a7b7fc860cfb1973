"""Verbs about data sets."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from semsr.cli.app import app, check_app, data_app
from semsr.project import Project

From = Annotated[Path | None, typer.Option("--from", help="Take the files from your own copy in this folder.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only say what it takes: bytes, files, licence, disk. Changes nothing.")
]
PlanAsJson = Annotated[bool, typer.Option("--json", help="The plan as JSON; implies --dry-run.")]


@app.command()
def fetch(
    dataset: Annotated[str, typer.Argument(help="A data set's id.")],
    source: From = None,
    dry_run: DryRun = False,
    json: PlanAsJson = False,
) -> None:
    """Get a data set's files from their official place, or from your own copy."""
    from semsr.stages import fetch as stage
    from semsr.stages import plan, plan_page

    if dry_run or json:
        typer.echo(plan_page.render(plan.run(Project.find(), dataset, source), as_json=json))
    else:
        stage.run(Project.find(), dataset, source)


@app.command()
def prepare(
    dataset: Annotated[str, typer.Argument(help="A data set's id.")],
    source: From = None,
    dry_run: DryRun = False,
    json: PlanAsJson = False,
) -> None:
    """Bring a data set into the form everything else reads: data/<id>/{hr,lr}/ and manifest.parquet."""
    from semsr.stages import plan, plan_page
    from semsr.stages import prepare as stage

    if dry_run or json:
        typer.echo(plan_page.render(plan.run(Project.find(), dataset, source, prepare=True), as_json=json))
    else:
        stage.run(Project.find(), dataset, source)


@app.command()
def pack(
    dataset: Annotated[str, typer.Argument(help="A prepared data set's id.")],
    to: Annotated[
        Path | None, typer.Option("--to", help="Another folder than data/pixels, on a larger or faster disk.")
    ] = None,
) -> None:
    """Keep the raw pixels of a data set's training pictures, so that training never decodes (docs/training-data.md)."""
    from semsr.stages import pack as stage

    stage.run(Project.find(), dataset, to)


@app.command()
def verify(
    dataset: Annotated[str, typer.Argument(help="A prepared data set's id.")],
    json: Annotated[bool, typer.Option("--json", help="As JSON.")] = False,
) -> None:
    """Read a prepared data set and its originals again, and name every file that is damaged, missing or too many."""
    from semsr.stages import verify as stage

    verified = stage.run(Project.find(), dataset)
    typer.echo(verified.render(as_json=json))
    stage.require_whole(verified)


@check_app.command("dataset")
def check_dataset(
    dataset: Annotated[str | None, typer.Argument(help="A data set's id; without one, all of them.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="All data sets.")] = False,
) -> None:
    """Check a data set's card: schema, addresses, licence, counts, layouts, pixel hashes; no picture and no network is touched."""
    from semsr.stages import check_dataset as stage

    if dataset is not None and all_:
        raise typer.BadParameter("give a data set's id or --all, not both")
    stage.run(Project.find(), dataset)


@data_app.command("report")
def data_report(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Only these data sets; default: all.")] = None,
    out: Annotated[Path | None, typer.Option(help="The page; default: results/data/index.html.")] = None,
) -> None:
    """Write a page on the data sets here: counts, sizes, contact sheets, near-duplicates, and what is missing."""
    from semsr.stages import report as stage

    stage.run(Project.find(), out, ids or ())
