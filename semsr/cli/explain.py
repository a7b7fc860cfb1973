"""Which other way of measuring gives a published value."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from semsr.cli.app import app
from semsr.errors import SemsrError
from semsr.planning import chosen_profile
from semsr.project import Project


@app.command()
def explain(
    cell: Annotated[str | None, typer.Argument(metavar="TABLE:ROW:COLUMN", help="A cell of a table, or its result id.")] = None,
    all_: Annotated[bool, typer.Option("--all", help="Every published value of the profile that ours is not.")] = False,
    folder: Annotated[
        Path | None, typer.Option("--folder", help="Any folder of outputs; with --metric and --published.")
    ] = None,
    hr: Annotated[Path | None, typer.Option(help="For --folder: HR pictures of the same names.")] = None,
    dataset: Annotated[str | None, typer.Option(help="For --folder: a prepared data set whose HR is the reference.")] = None,
    metric: Annotated[
        list[str] | None, typer.Option(help="For --folder: what is published; may be given several times.")
    ] = None,
    published: Annotated[
        list[str] | None, typer.Option(help="For --folder: its value, as printed; one for each metric.")
    ] = None,
    protocol: Annotated[str | None, typer.Option(help="For --folder: where to start; default: the cards' defaults.")] = None,
    scale: Annotated[int, typer.Option(min=1, help="For --folder: the factor of super-resolution.")] = 4,
    profile: Annotated[str | None, typer.Option(help="A profile other than the one in force.")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Show every alternative, not the first ones alone.")] = False,
    json: Annotated[bool, typer.Option("--json", help="All of it as JSON.")] = False,
) -> None:
    """Measure the same pictures in other ways, and rank which one gives a published value that ours is not."""
    from semsr.stages import explain as stage
    from semsr.stages import explain_page as page

    if (cell is not None) + all_ + (folder is not None) != 1:
        raise SemsrError(
            "say what to explain: one of TABLE:ROW:COLUMN, --all, or --folder DIR (with --hr, --metric, --published)"
        )
    project = Project.find()
    if folder is not None:
        found = stage.run_folder(
            project, folder, metric or [], published or [], hr=hr, dataset=dataset, protocol=protocol, scale=scale
        )
        typer.echo(page.render(found, as_json=json, everything=everything))
        return
    chosen = chosen_profile(project, profile)
    if cell is not None:
        typer.echo(page.render(stage.run_cell(project, chosen, cell), as_json=json, everything=everything))
        return
    found = stage.run_all(project, chosen)
    written = f"{project.show(project.results(chosen.id) / 'explained')}/<table>.json"
    typer.echo(page.render(found, as_json=True) if json else page.summary(found, written))
