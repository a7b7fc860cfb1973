"""The verb that examines the machine."""

from __future__ import annotations

from typing import Annotated

import typer

from semsr.cli.app import app
from semsr.project import Project


@app.command()
def doctor(
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; default: every core.")] = None,
    json: Annotated[bool, typer.Option("--json", help="What was found as JSON.")] = False,
    write: Annotated[
        bool, typer.Option("--write", help="For maintainers: store what this machine gives as what is expected everywhere.")
    ] = False,
) -> None:
    """Say what this machine is and whether its metrics and methods give the stored values; exit status 1 where one does not."""
    from rich.console import Console

    from semsr.stages import doctor as stage
    from semsr.stages import doctor_page

    diagnosis = stage.run(Project.find(), device=device, threads=threads, write=write)
    if json:
        typer.echo(doctor_page.render_json(diagnosis))
    else:
        doctor_page.render(diagnosis, Console())
    raise typer.Exit(0 if diagnosis.sound else 1)
