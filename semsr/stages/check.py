"""Check: run the contract tests on a method, and say what was found."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from semsr.assets.store import Store
from semsr.cards import MethodCard
from semsr.errors import MethodError, SemsrError, UnknownIdError
from semsr.imaging.pictures import Rgb, picture_files, read_rgb
from semsr.planning import chosen_profile, needed, seeds_of
from semsr.plugins import load_plugin
from semsr.preparation.manifest import Prepared, open_prepared
from semsr.project import Project
from semsr.restoration.contract import Finding, check_command, check_outputs, check_python
from semsr.restoration.outputs import outputs_folder
from semsr.restoration.restorer import Restorer
from semsr.restoration.runner import LrPicture, Task
from semsr.restoration.weights import TRAINED_HERE, NotTrainedError, WeightsFiles, get_trained, get_weights

log = logging.getLogger(__name__)

REAL_PICTURES, REAL_SIDE = 2, 48
MARKS = {True: "[green]pass[/green]", False: "[red]FAIL[/red]", None: "[dim]n/a[/dim]"}


def run(
    project: Project,
    method: str,
    variant: str | None = None,
    *,
    dataset: str | None = None,
    pictures: Path | None = None,
    threads: int | None = None,
) -> None:
    """Test a method's variants (or one) on the CPU and print a table.

    Args:
        project: where the cards are.
        method: id of a method.
        variant: only this one.
        dataset: a prepared data set, whose first pictures (cut to 48 x 48) are restored, too.
        pictures: or a folder of LR pictures for the same.
        threads: CPU threads; None: every core.

    Raises:
        MethodError: a test failed.
        UnknownIdError: no such method or variant.
    """
    if method not in project.methods and method in project.folders("dataset"):
        raise SemsrError(f"unknown method {method!r}, but there is a data set of this name: `semsr check dataset {method}`")
    card = project.method(method)
    if variant is not None and variant not in card.rows:
        raise UnknownIdError("variant", f"{method}/{variant}", [f"{method}/{known}" for known in card.rows])
    real = _real_pictures(project, dataset, pictures)
    table = Table(title=f"{card.title} ({method})", title_justify="left")
    for column in ("variant", "test", "result"):
        table.add_column(column, no_wrap=True)
    table.add_column("found", overflow="fold")
    failed, count = [], 0
    for name in (variant,) if variant is not None else card.rows:
        for finding in _check(project, card, name, real, threads):
            table.add_row(name, finding.name, MARKS[finding.passed], escape(finding.figure))
            count += finding.passed is not None
            if finding.passed is False:
                failed.append(f"{name}: {finding.name}")
    Console().print(table)
    if failed:
        raise MethodError(f"{method}: {len(failed)} of {count} checks failed ({'; '.join(failed)}); see the table above")


def _check(project: Project, card: MethodCard, variant: str, real: dict[str, Rgb], threads: int | None) -> Iterator[Finding]:
    folder = project.folders("method")[card.id]
    written = (folder / "README.md").is_file()
    yield Finding(
        "README.md", written, "there" if written else f"write {project.show(folder)}/README.md: paper, licence, checklist"
    )
    weights, seed, generator = WeightsFiles({}, []), 0, None
    try:
        if card.variants[variant].training is not None:
            profile = chosen_profile(project)
            seed, generator = (
                seeds_of(project, profile, card.id, variant)[0],
                project.recipe(card.id, variant).generator.model_dump(),
            )
            parts = needed(project, profile, card.id, variant, seed)
            weights = get_trained(project, profile.id, card.id, variant, seed, Store(), parts)
        else:
            weights = get_weights(project, card.variants[variant], Store())
        yield Finding("weights", True if weights.files else None, _weights_figure(project, weights))
    except NotTrainedError as error:
        yield Finding("weights", None, str(error))
        return
    except SemsrError as error:
        yield Finding("weights", False, str(error))
        return
    with TemporaryDirectory() as temporary:
        task = Task(
            card=card,
            variant=variant,
            folder=folder,
            lr={},
            scale=card.scale or Restorer.scale,
            root=project.root,
            cell=Path(temporary),
            weights=weights.files,
            threads=threads,
            seed=seed,
            generator=generator,
        )
        if card.runner == "command":
            yield from check_command(task)
        elif card.runner == "outputs":
            yield from check_outputs(_outputs_tasks(project, task))
        else:
            try:
                assert card.entry is not None
                made = load_plugin(project, "method", card.id, card.entry)
            except SemsrError as error:
                yield Finding("loads", False, str(error))
                return
            yield from check_python(replace(task, make=made), real)


def _weights_figure(project: Project, weights: WeightsFiles) -> str:
    if not weights.files:
        return "the variant names none"
    figures = []
    for entry in weights.record:
        found = f"{entry['asset']} sha256 {entry['sha256'][:12]}"
        if entry["asset"].startswith(TRAINED_HERE):
            figures.append(found)
        else:
            pinned = project.asset(entry["asset"]).sha256 is not None
            figures.append(f"{found} {'as its card says' if pinned else '(the card pins none)'}")
    return "; ".join(figures)


def _outputs_tasks(project: Project, task: Task) -> dict[str, Task]:
    tasks = {}
    for name, card in project.datasets.items():
        candidate = replace(task, dataset=name, scale=card.scale)
        if not outputs_folder(candidate).is_dir():
            continue
        with contextlib.suppress(SemsrError):
            tasks[name] = replace(candidate, lr=_lr(open_prepared(project, name)))
    return tasks


def _lr(prepared: Prepared) -> dict[str, LrPicture]:
    return {name: LrPicture(*found) for name, found in prepared.inputs.items()}


def _real_pictures(project: Project, dataset: str | None, folder: Path | None) -> dict[str, Rgb]:
    found: dict[str, Path] = {}
    if dataset is not None:
        found = {name: picture.path for name, picture in _lr(open_prepared(project, dataset)).items()}
    elif folder is not None:
        found = picture_files(folder)
    return {name: read_rgb(path)[:REAL_SIDE, :REAL_SIDE] for name, path in list(found.items())[:REAL_PICTURES]}
