"""The verb about where one number comes from."""

from __future__ import annotations

from typing import Annotated

import typer

from semsr.cli.app import app
from semsr.planning import chosen_profile
from semsr.project import Project


@app.command()
def trace(
    address: Annotated[
        str,
        typer.Argument(help="<table>:<row>:<column>, as lite-sed-table1:DAT:psnr, or a result's id of 12 hexadecimal digits."),
    ],
    verify: Annotated[
        bool, typer.Option("--verify", help="Read every picture and weights file again and compare its hash.")
    ] = False,
    pictures: Annotated[bool, typer.Option("--pictures", help="List each picture with its hash.")] = False,
    json: Annotated[bool, typer.Option("--json", help="The chain as JSON.")] = False,
    profile: Annotated[str | None, typer.Option(help="A profile other than the one in force.")] = None,
) -> None:
    """Print the chain from a number down to files and hashes; exit status 1 where a link is broken."""
    from semsr.stages import trace as stage
    from semsr.stages import trace_page

    project = Project.find()
    found = stage.run(project, chosen_profile(project, profile), address, verify=verify, pictures=pictures)
    typer.echo(trace_page.render(found, as_json=json))
    raise typer.Exit(1 if found.broken else 0)
