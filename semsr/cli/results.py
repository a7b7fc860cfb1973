"""Verbs about methods and their results."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from semsr.cli.app import app, check_app, new_app
from semsr.planning import chosen_profile
from semsr.project import Project

LARGEST_SEED = 2**32 - 1
"""What numpy and the programs of others take as a seed; torch's 64 bits also hold it on top of its own default seed."""


@app.command()
def infer(
    method: Annotated[str, typer.Argument(help="A method's id.")],
    dataset: Annotated[str, typer.Option("--dataset", help="A prepared data set's id.")],
    variant: Annotated[str | None, typer.Option(help="Only this variant.")] = None,
    seed: Annotated[
        int | None,
        typer.Option(min=0, max=LARGEST_SEED, help="One result, drawn from this seed (of a trained variant: its own)."),
    ] = None,
    seeds: Annotated[
        int | None, typer.Option(min=1, help="This many results, drawn from seeds 0, 1, ...; how they differ is written down.")
    ] = None,
    keep_going: Annotated[
        bool,
        typer.Option("--keep-going", help="Leave out variants whose weights can't be had, and say so, instead of failing."),
    ] = False,
    profile: Annotated[str | None, typer.Option(help="A profile other than the one in force.")] = None,
) -> None:
    """Restore every picture of a data set with a method; continues where a killed run stopped."""
    from semsr.stages import infer as stage

    project = Project.find()
    stage.run(
        project, chosen_profile(project, profile), dataset, method, variant, seed=seed, seeds=seeds, keep_going=keep_going
    )


@app.command()
def plan(
    method: Annotated[str, typer.Argument(help="A method's id.")],
    variant: Annotated[str | None, typer.Option(help="Only this variant.")] = None,
    profile: Annotated[str | None, typer.Option(help="A profile other than the one in force.")] = None,
    json: Annotated[bool, typer.Option("--json", help="The plan as JSON.")] = False,
) -> None:
    """Say what a method takes: weights with sizes, mirrors, licences, how to supply them by hand; data sets, trainings. Changes nothing."""
    from semsr.stages import plan_method, plan_method_page

    project = Project.find()
    typer.echo(
        plan_method_page.render(plan_method.run(project, chosen_profile(project, profile), method, variant), as_json=json)
    )


@app.command()
def score(
    dataset: Annotated[str, typer.Argument(help="A prepared data set's id.")],
    profile: Annotated[str | None, typer.Option(help="A profile other than the one in force.")] = None,
) -> None:
    """Score all rows of a data set by the profile's protocols, one decode for all metrics."""
    from semsr.stages import score as stage

    project = Project.find()
    stage.run(project, chosen_profile(project, profile), dataset)


@app.command()
def tabulate(
    profile: Annotated[str | None, typer.Option(help="A profile other than the one in force.")] = None,
    keep_going: Annotated[
        bool, typer.Option("--keep-going", help="Say in the tables which data sets have not been scored, instead of stopping.")
    ] = False,
) -> None:
    """Write results/tables/*.{csv,tex,md}: published and reproduced values side by side."""
    from semsr.stages import tabulate as stage

    project = Project.find()
    stage.run(project, chosen_profile(project, profile), keep_going=keep_going)


@app.command("eval")
def eval_(
    folder: Annotated[Path, typer.Argument(help="The folder of images to score.")],
    protocol: Annotated[str, typer.Option(help="How to measure: see `semsr list protocols`.")],
    dataset: Annotated[str | None, typer.Option(help="A prepared data set whose HR is the reference.")] = None,
    hr: Annotated[Path | None, typer.Option(help="A folder of reference images of the same names.")] = None,
    out: Annotated[Path | None, typer.Option(help="Write the scores, a row an image and metric, to this file.")] = None,
    device: Annotated[str, typer.Option(help="cpu, cuda or auto.")] = "auto",
    threads: Annotated[int | None, typer.Option(min=1, help="CPU threads; default: every core.")] = None,
) -> None:
    """Score any folder of images: no plugin needed, paired by file name (trust level L1)."""
    from semsr.stages import evaluate as stage

    stage.run(Project.find(), folder, dataset, hr, protocol, out, device=device, threads=threads)


@check_app.command("method")
def check_method(
    method: Annotated[str, typer.Argument(help="A method's id.")],
    variant: Annotated[str | None, typer.Option(help="Only this variant.")] = None,
    dataset: Annotated[str | None, typer.Option(help="Try it on this prepared data set's pictures.")] = None,
) -> None:
    """Run the contract tests on a method: sizes, range, determinism, batches, odd sizes, weights, resume."""
    from semsr.stages import check as stage

    stage.run(Project.find(), method, variant, dataset=dataset)


@new_app.command("method")
def new_method(name: Annotated[str, typer.Argument(help="Lower-case letters, digits and '-'.")]) -> None:
    """Write methods/NAME/ with a card, a working restorer to replace, and a README."""
    from semsr.stages import new as stage

    stage.method(Project.find(), name)
