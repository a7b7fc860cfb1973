"""The links of restored cells: the record of the run, weights, machine, and the pictures that were measured."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from semsr.assets.verification import digest
from semsr.cards import ProfileCard
from semsr.errors import SemsrError
from semsr.passport import passport_path, read_passport
from semsr.preparation.manifest import Prepared
from semsr.project import Project, seeded
from semsr.restoration.cell import FINGERPRINT, Cell, read_json
from semsr.restoration.runner import LrPicture, Task
from semsr.stages.cell_facts import task_fingerprint
from semsr.stages.infer import CUDA_BATCH
from semsr.stages.tracing.link import Depth, Link, State, file_link, listed, short
from semsr.stages.tracing.weights import weights_links


def cell_link(
    project: Project,
    profile: ProfileCard,
    prepared: Prepared,
    row: tuple[str, str, int],
    measured: str,
    pictures: Mapping[str, str],
    depth: Depth,
) -> Link:
    """One seed of a row on a data set.

    Args:
        project: the project.
        profile: whose cell it is.
        prepared: the data set as it is now.
        row: method, variant and seed.
        measured: the fingerprint that stands beside the scores; "" where they name none.
        pictures: SHA-256 of each file that was measured, by the picture's name; empty where scores are of the whole set alone.
        depth: with `verify` every picture's file is read again.
    """
    method, variant, seed = row
    dataset = prepared.card.id
    cell = Cell(project.cell(profile.id, dataset, method, variant, seed))
    name = f"{method}/{seeded(variant, seed)}"
    infer = f"run `semsr infer {method} --dataset {dataset}`, then `semsr score {dataset}`"
    text = f"{name}: {project.show(cell.folder)}"
    facts: dict[str, Any] = {"method": method, "variant": variant, "seed": seed, "folder": project.show(cell.folder)}
    record = read_json(cell.record)
    shown = _pictures(project, cell, pictures, depth, infer)
    if not record:
        why = "can't be read" if cell.record.is_file() else "no such file"
        gone = Link("run.json", project.show(cell.record), "broken", f"{why}; {infer}")
        return Link("cell", text, "recorded", facts=facts, below=(gone, shown))
    below = (
        _run(project, cell, record, measured, prepared, dataset),
        _code(project, profile, prepared, row, record),
        *weights_links(project, profile.id, record.get("weights"), depth),
        passport_link(project, record),
        shown,
    )
    return Link("cell", text, "recorded", facts=facts, below=below)


def _run(project: Project, cell: Cell, record: Mapping[str, Any], measured: str, prepared: Prepared, dataset: str) -> Link:
    """The record: is it that of the pictures that were measured, restored from the data that is here?"""
    link = file_link("run.json", project, cell.record)
    mark = str(record.get(FINGERPRINT, ""))
    kept = ("device", "seconds_per_image", "batch", "tile", "threads", "options", "packages", "created", "semsr", "commit")
    facts = {**link.facts, FINGERPRINT: mark, **{name: record[name] for name in kept if name in record}}
    text = f"{link.text}  fingerprint {short(mark)}"
    options, packages = (found if isinstance(found := record.get(name), Mapping) else {} for name in ("options", "packages"))
    below = (
        Link(
            "made",
            f"{record.get('created', '?')} on {record.get('device', '?')}, {record.get('seconds_per_image', '?')} s a picture",
            "recorded",
        ),
        Link("options", ", ".join(f"{name} {json.dumps(value)}" for name, value in options.items()) or "none", "recorded"),
        Link("packages", listed(packages) or "none noted", "recorded"),
        Link("commit", f"{record.get('commit') or 'none'}, semsr {record.get('semsr', '?')}", "recorded"),
    )
    if mark != measured:
        why = f"fingerprint: measured {measured or 'none'}, found {mark}: other pictures were measured; run `semsr score {dataset}`"
        return Link("run.json", text, "broken", why, facts, below)
    made = str(record.get("manifest_sha256", ""))
    if made and made != prepared.sha256:
        why = f"manifest: restored from {made}, here is {prepared.sha256}; run `semsr infer {record.get('method')} --dataset {dataset}`"
        return Link("run.json", text, "broken", why, facts, below)
    return Link("run.json", text, "checked", facts=facts, below=below)


def _code(
    project: Project, profile: ProfileCard, prepared: Prepared, row: tuple[str, str, int], record: Mapping[str, Any]
) -> Link:
    """Whether code, packages, weights and options would give the same fingerprint now; where not, the commit has them."""
    method, variant, seed = row
    mark = str(record.get(FINGERPRINT, ""))
    facts = {FINGERPRINT: mark, "commit": record.get("commit")}
    text = f"method code, packages and options  fingerprint {short(mark)}"
    try:
        card = project.method(method)
        task = Task(
            card=card,
            variant=variant,
            folder=project.folders("method")[method],
            lr={name: LrPicture(*found) for name, found in prepared.inputs.items()},
            scale=prepared.card.scale,
            root=project.root,
            cell=project.cell(profile.id, prepared.card.id, method, variant, seed),
            dataset=prepared.card.id,
            seed=seed,
            threads=profile.threads,
            generator=project.recipe(method, variant).generator.model_dump() if card.variants[variant].training else None,
        )
        device = str(record.get("device", "cpu"))
        settings = {"seed": seed, "batch": CUDA_BATCH if device == "cuda" else 1, "tile": None, "device": device}
        now = task_fingerprint(project, task, prepared, record.get("weights") or [], settings)
    except SemsrError as error:
        return Link("code", text, "moved-on", str(error), facts)
    except (KeyError, TypeError) as error:  # a variant that is gone, or a damaged record, whose links say so themselves
        why = f"the fingerprint can't be computed again ({type(error).__name__}: {error})"
        return Link("code", text, "moved-on", why, facts)
    if now != mark:
        why = f"`semsr infer` would restore these pictures again; commit {record.get('commit') or 'none'} has what made them"
        return Link("code", text, "moved-on", why, facts | {"now": now})
    return Link("code", text, "checked", facts=facts)


def passport_link(project: Project, record: Mapping[str, Any]) -> Link:
    """The machine that made something, if its record names one: a passport's id is a hash of what it says."""
    name = record.get("passport")
    if not isinstance(name, str) or not name:
        return Link("machine", "no passport is noted", "recorded")
    path = passport_path(project, name)
    text, facts = f"passport {name}  {project.show(path)}", {"passport": name}
    try:
        found = read_passport(project, name)
    except SemsrError as error:
        return Link("machine", text, "broken", str(error), facts)
    if found is None:
        return Link("machine", f"passport {name}, whose file is not here", "recorded", facts=facts)
    return Link("machine", text, "checked", facts=facts | {"facts": dict(found.facts)})


def _pictures(project: Project, cell: Cell, measured: Mapping[str, str], depth: Depth, infer: str) -> Link:
    """The restored pictures against the hashes that stand beside their scores."""
    there = cell.done()
    text, facts = f"{len(there)} restored pictures in {project.show(cell.images)}", {"pictures": dict(measured)}
    if lacking := sorted(set(measured) - there):
        more = f" (and {len(lacking) - 1} more)" if len(lacking) > 1 else ""
        return Link("pictures", text, "broken", f"{project.show(cell.picture(lacking[0]))}: no such file{more}; {infer}", facts)
    if not depth.verify:
        listed = (
            tuple(_picture(project, cell.picture(name), value, depth) for name, value in measured.items())
            if depth.pictures
            else ()
        )
        return Link("pictures", text, "recorded", facts=facts, below=listed)
    if not measured:
        return Link("pictures", f"{text}, whose hashes nobody noted", "recorded", facts=facts)
    each = tuple(_picture(project, cell.picture(name), value, depth) for name, value in measured.items())
    wrong = tuple(link for link in each if link.state == "broken")
    state: State = "recorded" if wrong or not each else "checked"
    return Link("pictures", text, state, facts=facts, below=each if depth.pictures else wrong)


def _picture(project: Project, path: Path, recorded: str, depth: Depth) -> Link:
    facts = {"file": project.show(path), "sha256": recorded}
    text = f"{path.name}  sha256 {short(recorded)}"
    if not depth.verify:
        return Link("picture", text, "recorded", facts=facts)
    if (found := digest(path)) != recorded:
        why = f"sha256: measured {recorded}, found {found}: it was changed after it was measured"
        return Link("picture", text, "broken", why, facts)
    return Link("picture", text, "checked", facts=facts)
