"""Whether restored pictures look right, before anything is scored."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from semsr.cli.app import app
from semsr.errors import SemsrError
from semsr.planning import chosen_profile
from semsr.project import Project


@app.command()
def lint(
    method: Annotated[str | None, typer.Argument(help="A method's id: all its rows on --dataset.")] = None,
    dataset: Annotated[str | None, typer.Option(help="A prepared data set's id.")] = None,
    folder: Annotated[Path | None, typer.Option(help="Any folder of images instead, with --dataset, or --hr and --lr.")] = None,
    hr: Annotated[Path | None, typer.Option(help="For --folder: HR images of the same names.")] = None,
    lr: Annotated[Path | None, typer.Option(help="For --folder, with --hr: LR images of the same names.")] = None,
    profile: Annotated[str | None, typer.Option(help="A profile other than the one in force.")] = None,
    threads: Annotated[int | None, typer.Option(min=1, help="For --folder: CPU threads; default: every core.")] = None,
    json: Annotated[bool, typer.Option("--json", help="The findings as JSON.")] = False,
) -> None:
    """Say what looks wrong with restored pictures: shifts, swapped channels, casts, JPEG, borders. Exit status 1 if anything does."""
    from semsr.stages import lint as stage
    from semsr.stages import lint_page as page

    if (method is None) == (folder is None):
        raise SemsrError("say what to look at: either METHOD with --dataset ID, or --folder DIR")
    project = Project.find()
    if folder is not None:
        found = stage.run_folder(project, folder, dataset, hr, lr, threads)
    elif method is None or dataset is None or hr is not None or lr is not None:
        raise SemsrError("METHOD goes with --dataset ID alone; --hr and --lr are for --folder DIR")
    else:
        found = stage.run(project, chosen_profile(project, profile), method, dataset)
    typer.echo(page.render(found, as_json=json))
    if found.faulty:
        raise typer.Exit(1)
