"""Infer: restore every picture of a prepared data set with one method's variants; continues where a killed run stopped."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any, Literal

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from semsr.assets.missing import missing_file, summary
from semsr.assets.store import Store
from semsr.cards import MethodCard, ProfileCard
from semsr.errors import MethodError, MissingAssetsError, SemsrError, UnknownIdError, located
from semsr.planning import needed, rows_of, seeds_of
from semsr.plugins import load_plugin
from semsr.preparation.manifest import Prepared, open_prepared
from semsr.project import Project, seeded
from semsr.restoration.cell import Cell, read_json
from semsr.restoration.runner import LrPicture, Task, make_runner
from semsr.restoration.weights import WeightsFiles, WeightsRecord, get_trained, get_weights, still_declared
from semsr.stages import spread
from semsr.stages.cell_facts import cell_record, devices, task_fingerprint

log = logging.getLogger(__name__)

CUDA_BATCH = 4
"""Pictures of one size restored at once on a GPU; one on a CPU, where more gains nothing."""


def run(
    project: Project,
    profile: ProfileCard,
    dataset: str,
    method: str,
    variant: str | None = None,
    *,
    seed: int | None = None,
    seeds: int | None = None,
    keep_going: bool = False,
    batch: int | None = None,
    tile: int | None = None,
) -> None:
    """Fill one cell for each variant.

    Args:
        project: where the cards, the prepared data and the results are.
        profile: names the results folder; its `device`, `threads` and `variants` count.
        dataset: id of a prepared data set.
        method: id of a method.
        variant: only this one; None: those the profile names for the method, or all.
        seed: seeds every random draw, together with the picture's name; of a variant that is trained here it is that of the
            training. None: 0, and all seeds of the profile.
        seeds: restore with seeds 0, 1, ..., this many in all, and write down how the results differ (`semsr.stages.spread`); a variant that
            is trained here has those of its trainings. None: as the profile says.
        keep_going: a variant whose weights can't be had is noted as such in its cell and in the log, and is no error.
        batch: pictures of one size restored at once; None: 1 on a CPU, 4 on a GPU.
        tile: tile to start with, in LR pixels; None: the whole picture, or what the method asks for.

    Raises:
        SemsrError: the data set is not prepared, the weights can't be had, the method broke its contract, the disk is full.
            With several variants, the others are tried before the first error is raised.
    """
    if seed is not None and seeds is not None:
        raise SemsrError("give --seed N for one result or --seeds K for several, not both")
    card = project.method(method)
    prepared = open_prepared(project, dataset)
    if card.scale is not None and card.scale != prepared.card.scale:
        raise MethodError(f"{method}: restores x{card.scale}, but data set {dataset} is x{prepared.card.scale}")
    errors: list[SemsrError] = []
    chosen = choose_variants(project, profile, card, variant)
    wanted = {name: _seeds(project, profile, card, name, seed, seeds) for name in chosen}
    rows = [(name, each) for name in chosen for each in wanted[name]]
    store = Store(ask_once=True)
    for name, each in rows:
        cell = Cell(project.cell(profile.id, dataset, method, name, each))
        try:
            _fill(project, profile, prepared, card, name, cell, {"seed": each, "batch": batch, "tile": tile}, store)
        except SemsrError as error:
            if keep_going and isinstance(error, MissingAssetsError) and error.reasons:
                _lack(project, cell, method, seeded(name, each), dataset, error)
                continue
            errors.append(error)
            if len(rows) > 1:
                log.error("%s/%s on %s: %s", method, name, dataset, error)
    if errors:
        raise errors[0]
    for name in chosen if seeds is not None else ():
        spread.run(project, profile, prepared, method, name, wanted[name])


def _lack(project: Project, cell: Cell, method: str, name: str, dataset: str, error: MissingAssetsError) -> None:
    files = tuple(missing_file(project.asset(asset), reason) for asset, reason in error.reasons.items())
    cell.lack(files)
    variant = name.partition("@")[0]
    log.warning(
        "%s/%s on %s: not run, needs %s; see `semsr plan %s --variant %s`",
        method,
        name,
        dataset,
        summary(files),
        method,
        variant,
    )


def choose_variants(project: Project, profile: ProfileCard, card: MethodCard, variant: str | None) -> tuple[str, ...]:
    """The variants to run. Raises: UnknownIdError."""
    if variant is None:
        return rows_of(project, profile, card.id)
    if variant not in card.rows:
        raise UnknownIdError("variant", f"{card.id}/{variant}", [f"{card.id}/{known}" for known in card.rows])
    return (variant,)


def _seeds(
    project: Project, profile: ProfileCard, card: MethodCard, variant: str, seed: int | None, seeds: int | None
) -> tuple[int, ...]:
    known = seeds_of(project, profile, card.id, variant)
    if card.variants[variant].training is None:
        return (seed,) if seed is not None else known if seeds is None else tuple(range(seeds))
    if seed is None:
        return known
    if seed not in known:
        raise UnknownIdError("seed", f"{card.id}/{variant}@{seed}", [f"{card.id}/{variant}@{other}" for other in known])
    return (seed,)


def _fill(
    project: Project,
    profile: ProfileCard,
    prepared: Prepared,
    card: MethodCard,
    variant: str,
    cell: Cell,
    settings: dict[str, Any],
    store: Store,
) -> None:
    lr = {name: LrPicture(*found) for name, found in prepared.inputs.items()}
    task = Task(
        card=card,
        variant=variant,
        folder=project.folders("method")[card.id],
        lr=lr,
        scale=prepared.card.scale,
        root=project.root,
        cell=cell.folder,
        dataset=prepared.card.id,
        seed=settings["seed"],
        threads=profile.threads,
        generator=project.recipe(card.id, variant).generator.model_dump() if card.variants[variant].training else None,
    )
    found = read_json(cell.record) or read_json(cell.partial)
    # Without torch: a finished cell must answer at once. Its own device counts where the profile leaves the choice ("auto").
    if (
        found
        and found.get("device") in devices(profile.device)
        and _still_the_weights(project, profile, task, found.get("weights", []), store)
    ):
        mark = task_fingerprint(project, task, prepared, found["weights"], _with_device(settings, found["device"]))
        if cell.is_complete(mark, lr):
            cell.partial.unlink(missing_ok=True)
            cell.lack_nothing()
            log.info("%s on %s: nothing to do, all %d pictures are there", task.name, task.dataset, len(lr))
            return
    device = _device(card, profile)
    settings = _with_device(settings, device)
    weights = _weights(project, profile, task, read_json(cell.partial).get("weights"), store)
    mark = task_fingerprint(project, task, prepared, weights.record, settings)
    done, facts = cell.begin(mark, lr, {"device": device, "weights": weights.record})
    if done:
        log.info("%s on %s: going on, %d of %d pictures are there", task.name, task.dataset, len(done), len(lr))
    task = replace(
        task,
        weights=weights.files,
        device=device,
        batch=settings["batch"],
        tile=facts.get("tile", settings["tile"]),
        make=load_plugin(project, "method", card.id, card.entry) if card.entry is not None else None,
        on_change=cell.note,
    )
    with _located(project, task):
        runner = make_runner(task)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = Console(stderr=True)
    with Progress(*columns, console=console, disable=not console.is_terminal) as progress:
        bar = progress.add_task(f"{task.name} on {task.dataset}", total=len(lr), completed=len(done))
        cell.fill(runner, done, lambda count: progress.advance(bar, count))
    cell.finish(cell_record(project, prepared, task, weights.record, mark, runner.facts))
    log.info("%s on %s: %d pictures, %s s each", task.name, task.dataset, len(lr), runner.facts.get("seconds_per_image"))


@contextmanager
def _located(project: Project, task: Task) -> Iterator[None]:
    """Errors name the variant's entry in the card, or the recipe where it is its generator that does not fit."""
    try:
        yield
    except SemsrError as error:
        recipe = task.row.training if str(error).startswith("generator") else None
        found = ("method.yaml", f"variants.{task.variant}") if recipe is None else ("recipes.yaml", recipe)
        with located(project.entry(task.card.id, *found)):
            raise


def _weights(project: Project, profile: ProfileCard, task: Task, prefer: WeightsRecord | None, store: Store) -> WeightsFiles:
    if task.row.training is not None:
        parts = needed(project, profile, task.card.id, task.variant, task.seed)
        return get_trained(project, profile.id, task.card.id, task.variant, task.seed, store, parts)
    return get_weights(project, task.row, store, prefer=prefer)


def _still_the_weights(project: Project, profile: ProfileCard, task: Task, record: WeightsRecord, store: Store) -> bool:
    """Whether the weights a finished cell was made with are those it would be made with now."""
    if task.row.training is None:
        return still_declared(project, task.row.weights, record)
    return _weights(project, profile, task, None, store).record == record


def _device(card: MethodCard, profile: ProfileCard) -> Literal["cpu", "cuda"]:
    """The device that restores; a method that is not run in this process is not asked about it."""
    if card.runner != "python":
        return "cuda" if profile.device == "cuda" else "cpu"
    from semsr.restoration.python import choose_device

    return choose_device(profile.device)


def _with_device(settings: dict[str, Any], device: str) -> dict[str, Any]:
    batch = settings["batch"] if settings["batch"] is not None else (CUDA_BATCH if device == "cuda" else 1)
    return {**settings, "device": device, "batch": batch}
