"""The command line: one verb, one function, no logic. Each verb's work is a stage's `run`."""

from __future__ import annotations

import errno
import logging
import os
import sys
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
import typer.core

from semsr import __version__
from semsr.errors import SemsrError
from semsr.project import Project

app = typer.Typer(
    name="semsr",
    help="Does a published super-resolution result hold, and how does a method compare under exactly the same rules?",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
new_app = typer.Typer(no_args_is_help=True, help="Start something new from a template.", rich_markup_mode=None)
app.add_typer(new_app, name="new")
data_app = typer.Typer(no_args_is_help=True, help="Look at the data sets on this machine.", rich_markup_mode=None)
app.add_typer(data_app, name="data")


class _MethodByDefault(typer.core.TyperGroup):
    """`semsr check NAME` is short for `semsr check method NAME`."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, ["method", *args] if args and args[0] not in (*self.commands, "--help") else args)


check_app = typer.Typer(
    cls=_MethodByDefault,
    no_args_is_help=True,
    help="Check a method against its contract, or a data set's card. `check NAME` is short for `check method NAME`.",
    rich_markup_mode=None,
)
app.add_typer(check_app, name="check")

From = Annotated[Path | None, typer.Option("--from", help="Take the files from your own copy in this folder.")]
DryRun = Annotated[
    bool, typer.Option("--dry-run", help="Only say what it takes: bytes, files, licence, disk. Changes nothing.")
]
PlanAsJson = Annotated[bool, typer.Option("--json", help="The same as JSON.")]


class Listed(StrEnum):
    """What `semsr list` can list."""

    methods = "methods"
    datasets = "datasets"
    metrics = "metrics"
    protocols = "protocols"
    tables = "tables"
    profiles = "profiles"


@app.callback()
def _options(
    verbose: Annotated[bool, typer.Option("--verbose", "-v", help="Say more.")] = False,
) -> None:
    # Only our own loggers speak: libraries (pip, httpx, PIL) log every request they make.
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("semsr").setLevel(logging.DEBUG if verbose else logging.INFO)


@app.command("list")
def list_(
    what: Annotated[Listed, typer.Argument(help="The kind of card.")],
    json: Annotated[bool, typer.Option("--json", help="As JSON, one object a card.")] = False,
) -> None:
    """List methods, data sets, metrics, protocols, tables or profiles."""
    from semsr import listing

    typer.echo(listing.render(Project.find(), what.value, as_json=json))


@app.command()
def use(
    profile: Annotated[str | None, typer.Argument(help="A profile; without one, the one in force stays.")] = None,
) -> None:
    """Switch the profile in force: what `dvc repro` runs."""
    from semsr import planning

    project = Project.find()
    card = planning.use(project, profile or project.profile().id)
    typer.echo(f"profile in force: {card.id} ({card.title}); `dvc repro` runs it, `dvc repro --dry` lists its stages")


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


@app.command()
def infer(
    method: Annotated[str, typer.Argument(help="A method's id.")],
    dataset: Annotated[str, typer.Option("--dataset", help="A prepared data set's id.")],
    variant: Annotated[str | None, typer.Option(help="Only this variant.")] = None,
    profile: Annotated[str | None, typer.Option(help="A profile other than the one in force.")] = None,
) -> None:
    """Restore every picture of a data set with a method; continues where a killed run stopped."""
    from semsr.stages import infer as stage

    project = Project.find()
    stage.run(project, project.profile(profile), dataset, method, variant)


@app.command()
def score(
    dataset: Annotated[str, typer.Argument(help="A prepared data set's id.")],
    profile: Annotated[str | None, typer.Option(help="A profile other than the one in force.")] = None,
) -> None:
    """Score all rows of a data set by the profile's protocols, one decode for all metrics."""
    from semsr.stages import score as stage

    project = Project.find()
    stage.run(project, project.profile(profile), dataset)


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
    stage.run(project, project.profile(profile), keep_going=keep_going)


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


@new_app.command("method")
def new_method(name: Annotated[str, typer.Argument(help="Lower-case letters, digits and '-'.")]) -> None:
    """Write methods/NAME/ with a card, a working restorer to replace, and a README."""
    from semsr.stages import new as stage

    stage.method(Project.find(), name)


@data_app.command("report")
def data_report(
    ids: Annotated[list[str] | None, typer.Argument(metavar="[ID]...", help="Only these data sets; default: all.")] = None,
    out: Annotated[Path | None, typer.Option(help="The page; default: results/data/index.html.")] = None,
) -> None:
    """Write a page on the data sets here: counts, sizes, contact sheets, near-duplicates, and what is missing."""
    from semsr.stages import report as stage

    stage.run(Project.find(), out, ids or ())


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(__version__)


def main() -> None:
    """Run the command line; a user's mistake is one line on stderr and a non-zero exit status."""
    # Threads that wait must sleep, not spin: on a busy machine two spinning threads are slower than one. Read when torch is loaded.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    try:
        app()
    except SemsrError as error:
        _fail(str(error), error.exit_code)
    except KeyboardInterrupt:
        _fail("interrupted; what is finished is kept, the same command continues", 130)
    except OSError as error:
        if error.errno == errno.EPIPE:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(1)
        if error.errno not in (errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES):
            raise
        _fail(f"{error.filename or 'a file'}: {error.strerror}; free space or choose a folder you can write to", 2)


def _fail(message: str, code: int) -> None:
    sys.stderr.write(f"error: {message}\n")
    sys.exit(code)
