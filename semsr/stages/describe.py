"""Describe: what a method's describers say of each test picture of a data set, clean (HR) and degraded (LR at its own size)."""

from __future__ import annotations

import importlib.metadata
import json
import logging
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import semsr
from semsr.assets.missing import missing_file, summary, to_plain
from semsr.assets.store import Store
from semsr.cards import DescriptionTableCard, MethodCard, ProfileCard
from semsr.errors import MethodError, MissingAssetsError, SemsrError, UnknownIdError
from semsr.files import remove_partial, write_atomic
from semsr.machine import note_machine
from semsr.preparation.manifest import Entry, Prepared, open_prepared
from semsr.project import Project
from semsr.reproduction.descriptions.assemble import planned_datasets, wanted
from semsr.reproduction.descriptions.said import file_of, folder_of
from semsr.restoration.cell import read_json
from semsr.restoration.weights import NotTrainedError, WeightsRecord
from semsr.stages import describe_weights
from semsr.stages.cell_facts import devices
from semsr.stages.commit import git_commit
from semsr.stages.describe_pictures import describe_pictures, said_fingerprint

log = logging.getLogger(__name__)


def run(
    project: Project,
    profile: ProfileCard,
    dataset: str,
    method: str,
    description: str | None = None,
    *,
    keep_going: bool = False,
) -> None:
    """Write results/<profile>/descriptions/<dataset>/<method>/<description>.json for each description that is wanted.

    What is finished and unchanged is left alone, and needs no weights.

    Args:
        project: where the cards, the prepared data and the results are.
        profile: names the results folder; its `device`, `threads` and `training` count.
        dataset: id of a prepared data set with HR and LR.
        method: id of a method whose card has `descriptions`.
        description: only this one; None: those that the profile's tables show, or all where none does. Of these, one whose training is
            none of the profile's is written down as such where it has not been done, and is no error.
        keep_going: a description whose files from outside can't be had is written down with the reason, and is no error; the next run
            tries it again.

    Raises:
        SemsrError: the data set is not prepared or has no pairs, the card is wrong, the weights can't be had, a describer broke its
            contract, the disk is full. With several descriptions, the others are made before the first error is raised.
    """
    card = project.method(method)
    if card.describer is None:
        raise MethodError(f"{method}: its card has no 'describer' and 'descriptions'; it puts nothing into words")
    if description is not None and description not in card.descriptions:
        raise UnknownIdError("description", f"{method}/{description}", [f"{method}/{known}" for known in card.descriptions])
    prepared = open_prepared(project, dataset)
    pairs = [entry for entry in prepared.test if entry.hr and entry.lr]
    if not pairs:
        raise SemsrError(f"data set {dataset!r} has no test pictures with both HR and LR; describing compares the two")
    store = Store(ask_once=True)  # several descriptions need the same large file
    errors: list[SemsrError] = []
    names = descriptions_of(project, profile, card, dataset) if description is None else (description,)
    for name in names:
        path = file_of(project.results(profile.id), dataset, method, name)
        try:
            _make(project, profile, prepared, pairs, card, name, path, store)
        except SemsrError as error:
            outside = keep_going and isinstance(error, MissingAssetsError) and bool(error.reasons)
            if outside or (description is None and _not_of_this_profile(project, profile, card, name, path, error)):
                _lack(project, prepared, card, name, path, error)
                continue
            errors.append(error)
            if len(names) > 1:
                log.error("%s, description %s on %s: %s", method, name, dataset, error)
    if (folder := folder_of(project.results(profile.id), dataset, method)).is_dir():
        remove_partial(folder)
    if errors:
        raise errors[0]


def descriptions_of(project: Project, profile: ProfileCard, card: MethodCard, dataset: str) -> tuple[str, ...]:
    """The descriptions that the profile's tables show of a data set, in the card's order; all of the card where none shows any.

    A profile of minutes must not fetch gigabytes for a describer that none of its tables has.
    """
    shown = {
        name
        for table in map(project.table, profile.tables)
        if isinstance(table, DescriptionTableCard)
        and table.method == card.id
        and dataset in planned_datasets(project, table, profile)
        for name in wanted(table)
    }
    return tuple(name for name in card.descriptions if name in shown or not shown)


def _make(
    project: Project,
    profile: ProfileCard,
    prepared: Prepared,
    pairs: list[Entry],
    card: MethodCard,
    name: str,
    path: Path,
    store: Store,
) -> None:
    chosen = describe_weights.choose(project, profile, card, name)
    where = f"{card.id}, description {name} on {prepared.card.id}"

    def mark(weights: WeightsRecord, device: str) -> str:
        return said_fingerprint(project, card, name, chosen.options, weights, prepared, device=device, threads=profile.threads)

    # Without torch and without weights: what is there must be answered for at once, on the device that it was made on.
    found = read_json(path)
    if (
        found.get("device") in devices(profile.device)
        and describe_weights.still_the_weights(project, profile, card, chosen, found.get("weights", []))
        and found.get("fingerprint") == mark(found["weights"], found["device"])
    ):
        log.info("%s: nothing to do, all %d pictures are there", where, len(pairs))
        return
    weights = describe_weights.get(project, profile, card, chosen, store, found.get("weights"))
    from semsr.restoration.python import choose_device

    device = choose_device(profile.device)
    pictures = describe_pictures(
        project, card, name, chosen.options, weights.files, pairs, device=device, threads=profile.threads
    )
    record = {
        "unavailable": None,
        "weights": weights.record,
        "seed": chosen.seed,
        "device": device,
        "passport": note_machine(project),
        "packages": {each: importlib.metadata.version(each) for each in ("torch", "numpy", "pillow")},
        "fingerprint": mark(weights.record, device),
        "pictures": pictures,
    }
    _write(project, path, {**_facts(prepared, card, name), **record})
    log.info("%s: %d pictures", where, len(pairs))


def _not_of_this_profile(
    project: Project, profile: ProfileCard, card: MethodCard, name: str, path: Path, error: SemsrError
) -> bool:
    """Whether a description was not made for want of a training that the profile does not ask for, as `seesr` does for "trained here".

    Pictures that were described all the same, from a training that has gone since, are no such case: they would be lost.
    """
    if not isinstance(error, NotTrainedError) or read_json(path).get("pictures"):
        return False
    return not describe_weights.trains(project, profile, card, describe_weights.choose(project, profile, card, name))


def _lack(project: Project, prepared: Prepared, card: MethodCard, name: str, path: Path, error: SemsrError) -> None:
    """Write down why a description is not there; only where nothing lies or what would not be made now."""
    reasons = error.reasons if isinstance(error, MissingAssetsError) else {}
    files = [missing_file(project.asset(asset), reason) for asset, reason in reasons.items()]
    # The error names folders of this machine; what is missing has the way by hand without them.
    unavailable = {"reason": f"{summary(files)} can't be had" if files else str(error), "missing": to_plain(files)}
    record = {**_facts(prepared, card, name), "unavailable": unavailable, "weights": [], "pictures": []}
    found = read_json(path)
    # The same note with another date would have every table made again.
    if {key: found.get(key) for key in record} != json.loads(json.dumps(record)):
        _write(project, path, record)
    log.warning("%s, description %s on %s: left out: %s", card.id, name, prepared.card.id, error)


def _facts(prepared: Prepared, card: MethodCard, name: str) -> dict[str, Any]:
    entry = card.descriptions[name]
    return {
        "method": card.id,
        "description": name,
        "label": entry.label,
        "trust": entry.trust,
        "options": entry.options,
        "training": entry.training,
        "dataset": prepared.card.id,
        "manifest_sha256": prepared.sha256,
    }


def _write(project: Project, path: Path, record: dict[str, Any]) -> None:
    stamp = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "semsr": semsr.__version__,
        "commit": git_commit(project.root),
    }
    text = json.dumps({**record, **stamp}, indent=1, ensure_ascii=False)
    write_atomic(path, text + "\n")
