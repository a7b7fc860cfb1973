"""The links of weights: files from outside by their assets' cards, or trainings by their records, down to where those started."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from semsr.assets.mirrors import describe
from semsr.assets.store import Store
from semsr.assets.verification import digest
from semsr.errors import SemsrError, UnknownIdError
from semsr.preparation.manifest import read_manifest
from semsr.project import GENERATOR, TRAINED, Project
from semsr.restoration.cell import FINGERPRINT, read_json
from semsr.restoration.weights import TRAINED_HERE
from semsr.stages.tracing.link import Depth, Link, file_link, listed, short, with_advice

Entry = Mapping[str, str]
"""What records say of one file: {"asset": id, "sha256": hex}."""


def weights_links(project: Project, profile: str, record: object, depth: Depth) -> tuple[Link, ...]:
    """A link for each file of a record, in its order.

    Args:
        project, profile: where assets and trainings are.
        record: [{"asset": id, "sha256": hex}, ...] as a JSON file has it; None: there are none. What has another form is a broken link.
        depth: how far to go.
    """
    if record is None:
        return ()
    if not isinstance(record, list) or not all(isinstance(entry, dict) for entry in record):
        return (
            Link(
                "weights",
                "unreadable",
                "broken",
                f"found {str(record)[:60]!r}; must be a list of files with 'asset' and 'sha256'",
            ),
        )
    entries = [{name: str(entry.get(name, "")) for name in ("asset", "sha256")} for entry in record]
    return tuple(
        training_link(project, profile, entry, depth)
        if entry["asset"].startswith(TRAINED_HERE)
        else asset_link(project, entry, depth)
        for entry in entries
    )


def asset_link(project: Project, entry: Entry, depth: Depth, *, what: str = "file from outside") -> Link:
    """A file from outside: what is recorded of it against its card; with `depth.verify` the file itself is read again."""
    name, recorded = entry.get("asset", ""), entry.get("sha256", "")
    text = f"{name}  sha256 {short(recorded)}"
    facts: dict[str, Any] = {"asset": name, "sha256": recorded}
    if name not in project.assets:
        return Link(what, text, "broken", "no assets.yaml has an asset of this id any more", facts)
    asset = project.asset(name)
    mirrors = [describe(mirror) for mirror in asset.mirrors]
    facts |= {"file": asset.file, "licence": asset.licence, "mirrors": mirrors}
    below = (Link("from", f"{'; or '.join(mirrors)}  licence: {asset.licence}", "recorded"),)
    if asset.sha256 is not None and asset.sha256 != recorded:
        why = f"sha256: recorded {recorded}, its card says {asset.sha256}: it is another file by now"
        return Link(what, text, "broken", why, facts, below)
    if not depth.verify:
        return Link(what, text, "recorded", facts=facts, below=below)
    store = Store()
    path = store.path(asset)
    if not store.look(asset).present:
        return Link(what, f"{text}, not in this machine's store", "recorded", facts=facts, below=below)
    if (found := digest(path)) != recorded:
        why = f"sha256: recorded {recorded}, the store has {found}; delete that file and fetch it again"
        return Link(what, text, "broken", why, facts, below)
    return Link(what, text, "checked", facts=facts, below=below)


def training_link(project: Project, profile: str, entry: Entry, depth: Depth) -> Link:
    """What was trained here: its record against the hash that was used; recipe, start, data, files and log below it."""
    called, recorded = entry.get("asset", "").removeprefix(TRAINED_HERE), entry.get("sha256", "")
    text = f"{called}  sha256 {short(recorded)}"
    facts: dict[str, Any] = {"training": called, "sha256": recorded}
    try:
        folder, again = _folder(project, profile, called)
    except SemsrError as error:
        return Link("training", text, "broken", str(error), facts)
    told = folder / TRAINED
    record = read_json(told)
    facts["file"] = project.show(told)
    if not record:
        why = "can't be read" if told.is_file() else "no such file"
        return Link("training", f"{text}  {project.show(told)}", "broken", f"{why}; {again}", facts)
    below = _below(project, profile, folder, record, depth)
    facts |= {name: record[name] for name in ("seed", "steps", "device", "created", "commit", FINGERPRINT) if name in record}
    steps, device, created = (record.get(name, "?") for name in ("steps", "device", "created"))
    text += f", seed {record.get('seed', 'none')}, {steps} steps on {device}, {created}"
    found = record.get("generator_sha256")
    if found != recorded:
        why = (
            f"{project.show(told)}: generator_sha256: used {recorded}, found {found}: it has been trained again since; {again}"
        )
        return Link("training", text, "broken", why, facts, below)
    return Link("training", text, "checked", facts=facts, below=below)


def _folder(project: Project, profile: str, called: str) -> tuple[Path, str]:
    """Where a training lies, and how it is made again. Raises: SemsrError where no card knows it."""
    method, slash, row = called.partition("/")
    if not slash:
        return project.trained_segmenter(profile, called), f"run `semsr train {called}`"
    variant, _, number = row.partition("@")
    card = project.method(method)
    if variant not in card.rows or card.variants[variant].training is None:
        trained = [f"{method}/{name}" for name in card.rows if card.variants[name].training is not None]
        raise UnknownIdError("variant", f"{method}/{variant}", trained)
    seed = int(number) if number.isdecimal() else 0
    again = f"run `semsr train {method} --variant {variant} --seed {seed}`"
    return project.trained(profile, method, variant, seed), again


def _below(project: Project, profile: str, folder: Path, record: Mapping[str, Any], depth: Depth) -> tuple[Link, ...]:
    recipe = _mapping(record.get("recipe"))
    objective = _mapping(recipe.get("objective")).get("kind")
    aims = [str(objective)] if objective else [name for name, loss in _mapping(recipe.get("losses")).items() if loss]
    said = f"{recipe.get('steps', '?')} steps, batch {recipe.get('batch', '?')}, for {', '.join(aims) or 'what its code says'}"
    links = [
        file_link("record", project, folder / TRAINED),
        Link("recipe", said, "recorded", facts={"recipe": dict(recipe)}),
        *(Link("start", *_start(link)) for link in weights_links(project, profile, record.get("start"), depth)),
        *(_data(project, name, str(sha256)) for name, sha256 in _mapping(record.get("data")).items()),
        *weights_links(project, profile, record.get("assets"), depth),
    ]
    if depth.verify:
        links.append(file_link("weights", project, folder / GENERATOR, str(record.get("generator_sha256", ""))))
    links.append(file_link("log", project, folder / "log.csv"))
    made = {name: record[name] for name in ("packages", "passport", "semsr", "commit") if name in record}
    links.append(Link("made with", listed(made), "recorded", facts=made))
    return tuple(links)


def _start(link: Link) -> tuple[Any, ...]:
    return link.text, link.state, link.why, link.facts, link.below


def _data(project: Project, name: str, recorded: str) -> Link:
    """What it was trained on: the manifest's hash then and now; the number stays what it is where that has changed."""
    text, facts = f"{name}  manifest {short(recorded)}", {"dataset": name, "manifest_sha256": recorded}
    if name not in project.datasets:
        return Link("trained on", text, "moved-on", "no data set of this id is here any more", facts)
    try:
        found = read_manifest(project.datasets[name], project.data / name).sha256
    except (FileNotFoundError, SemsrError):
        return Link("trained on", f"{text}, not prepared here", "recorded", facts=facts)
    if found != recorded:
        why = f"manifest: recorded {recorded}, found {found}; `semsr train` would train again"
        return Link("trained on", text, "moved-on", why, facts)
    return Link("trained on", text, "checked", facts=facts)


def _mapping(found: object) -> Mapping[str, Any]:
    """What JSON should have as an object; an empty one where a damaged file has something else."""
    return found if isinstance(found, Mapping) else {}


def metric_weights(project: Project, metric: str, recorded: str, depth: Depth) -> tuple[Link, ...]:
    """The files that a metric was made with: each recorded hash with the asset of the metric's card that has it.

    Args:
        project: knows the cards.
        metric: its id.
        recorded: SHA-256 joined by "+", as beside each score; empty without weights.
        depth: how far to go.
    """
    assets = project.metric(metric).assets if metric in project.metrics else ()
    by_hash = {sha256: name for name in assets if (sha256 := project.asset(name).sha256)}
    unpinned = [name for name in assets if project.asset(name).sha256 is None]
    links = []
    for sha256 in (part for part in recorded.split("+") if part):
        name = by_hash.get(sha256) or (unpinned[0] if len(unpinned) == 1 else None)
        if name is None:
            why = with_advice(
                "no asset of the metric's card has this hash: its weights are other ones now", "run `semsr score`"
            )
            links.append(Link("weights", f"sha256 {short(sha256)}", "broken", why, {"sha256": sha256}))
            continue
        links.append(asset_link(project, {"asset": name, "sha256": sha256}, depth, what="weights"))
    return tuple(links)
