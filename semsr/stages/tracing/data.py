"""The links of a data set: manifest, pictures, card, what was fetched for it and what that is a part of."""

from __future__ import annotations

from semsr.cards import DatasetCard
from semsr.errors import PictureError, SemsrError
from semsr.imaging.pictures import read_rgb
from semsr.preparation.manifest import MANIFEST, Entry, Prepared, pixel_sha256, read_manifest
from semsr.preparation.originals import Fetched, read_record, record_path
from semsr.project import Project
from semsr.stages.tracing.link import Depth, Link, file_link, short, with_advice
from semsr.stages.tracing.weights import asset_link

_COMPARABLE = {
    "same-inputs": "the files that everybody measures on",
    "regenerated": "our own draw of a recipe, not the inputs of published numbers",
}


def dataset_link(project: Project, dataset: str, recorded: str, depth: Depth) -> Link:
    """A prepared data set, held against the manifest's hash that stands beside scores (or in a training's record).

    The hash is over the manifest's content (names, sizes, pixel hashes), so that it is equal on every machine; with `depth.verify` the
    pixels of every test picture are decoded and hashed again.
    """
    again = f"run `semsr prepare {dataset}`"
    if dataset not in project.datasets:
        return Link("data set", dataset, "broken", "no card of this id is here any more", {"dataset": dataset})
    card = project.datasets[dataset]
    facts = {"dataset": dataset, "manifest_sha256": recorded}
    try:
        prepared = read_manifest(card, project.data / dataset)
    except (FileNotFoundError, SemsrError) as error:
        why = "it is not prepared" if isinstance(error, FileNotFoundError) else str(error)
        text = f"{dataset}  manifest {short(recorded)}"
        return Link(
            "data set", text, "broken", with_advice(why, again), facts, (_card(project, card), _source(project, card, depth))
        )
    found = prepared.sha256
    below = (
        file_link("manifest", project, prepared.folder / MANIFEST),
        _pictures(project, prepared, depth),
        _card(project, card),
        _source(project, card, depth),
    )
    text = f"{dataset}, {len(prepared.test)} test pictures  manifest {short(found)}"
    if found != recorded:
        why = f"manifest: recorded {recorded or 'none'}, found {found}: the data set has been prepared otherwise since"
        return Link("data set", text, "broken", why, facts | {"found": found}, below)
    return Link("data set", text, "checked", facts=facts, below=below)


def _pictures(project: Project, prepared: Prepared, depth: Depth) -> Link:
    entries = prepared.test
    files = [path for entry in entries for path in (entry.lr, entry.hr) if path is not None]
    gone = [path for path in files if not path.is_file()]
    listed = tuple(_picture(project, entry, depth) for entry in entries) if depth.pictures or depth.verify else ()
    text = f"{len(files)} files of {len(entries)} pictures in {project.show(prepared.folder)}"
    same = prepared.as_published
    if same is not None:
        text += ", pixel for pixel the published ones" if same else ", not the published pixels"
    if gone:
        why = f"{project.show(gone[0])} is gone" + (f" (and {len(gone) - 1} more)" if len(gone) > 1 else "")
        return Link("pictures", text, "broken", f"{why}; run `semsr prepare {prepared.card.id}`", below=listed)
    facts = {"as_published": same}
    if not depth.verify:
        return Link("pictures", text, "recorded", facts=facts, below=listed)
    wrong = tuple(link for link in listed if link.state == "broken")
    return Link("pictures", text, "recorded" if wrong else "checked", facts=facts, below=listed if depth.pictures else wrong)


def _picture(project: Project, entry: Entry, depth: Depth) -> Link:
    """One picture's LR and HR: the pixel hashes of the manifest, decoded and computed again where that is asked for."""
    hashes = {"lr": entry.lr_sha256, "hr": entry.hr_sha256}
    text = "  ".join(f"{side} {short(value)}" for side, value in hashes.items() if value)
    facts = {f"{side}_pixels_sha256": value for side, value in hashes.items() if value}
    if not depth.verify:
        return Link(entry.name, text, "recorded", facts=facts)
    for path, recorded in ((entry.lr, entry.lr_sha256), (entry.hr, entry.hr_sha256)):
        if path is None:
            continue
        try:
            found = pixel_sha256(read_rgb(path))
        except (PictureError, OSError) as error:
            return Link(entry.name, text, "broken", str(error), facts)
        if found != recorded:
            why = f"{project.show(path)}: pixels: recorded {recorded}, found {found}"
            return Link(entry.name, text, "broken", why, facts)
    return Link(entry.name, text, "checked", facts=facts)


def _card(project: Project, card: DatasetCard) -> Link:
    path = project.folders("dataset")[card.id] / "dataset.yaml"
    facts = {
        "licence": card.licence,
        "scale": card.scale,
        "comparable": card.comparable,
        "degradation": card.degradation.model_dump() if card.degradation else None,
    }
    made = card.degradation
    recipe = (
        "LR as published"
        if made is None
        else "LR by " + ", ".join(f"{key} {value}" for key, value in made.model_dump().items() if value is not None)
    )
    below = (
        Link("licence", card.licence, "recorded"),
        Link("degradation", recipe, "recorded"),
        Link("comparable", f"{card.comparable}: {_COMPARABLE[card.comparable]}", "recorded"),
    )
    link = file_link("card", project, path, below=below)
    return Link(link.what, link.text, link.state, link.why, {**link.facts, **facts}, link.below)


def _source(project: Project, card: DatasetCard, depth: Depth, above: tuple[str, ...] = ()) -> Link:
    """What was fetched: each original file with the hash that its asset's card has, or each part with a record of its own."""
    path = record_path(project, card.id)
    shown = project.show(path)
    record = read_record(project, card.id)
    if record is None:
        why = "not a record of what was fetched" if path.is_file() else "no such file"
        return Link("source", shown, "broken", f"{why}; run `semsr fetch {card.id}`", {"file": shown})
    whence = {"assets": "official files", "folder": "a copy of one's own", "derived": "made of other data sets"}[record.kind]
    text = f"{shown}  {len(record.files)} {whence}"
    facts = {"file": shown, "kind": record.kind, "files": record.files}
    below = (
        tuple(_part(project, card, record, name, depth, (*above, card.id)) for name in record.files)
        if record.kind != "folder"
        else ()
    )
    return Link("source", text, "recorded", facts=facts, below=below)


def _part(project: Project, card: DatasetCard, record: Fetched, name: str, depth: Depth, above: tuple[str, ...]) -> Link:
    recorded = record.files[name]
    if record.kind == "assets":
        return asset_link(project, {"asset": name, "sha256": recorded}, depth)
    if name not in project.datasets or name in above:
        return Link("part", name, "broken", "no data set of this id is here any more", {"sha256": recorded})
    below = _source(project, project.datasets[name], depth, above)
    found = read_record(project, name)
    if found is None or found.sha256 != recorded:
        why = f"what was fetched for {name}: recorded {recorded}, found {found.sha256 if found else 'none'}; run `semsr fetch {card.id}`"
        return Link("part", f"{name}  {short(recorded)}", "broken", why, {"sha256": recorded}, (below,))
    return Link("part", f"{name}  {short(recorded)}", "checked", facts={"sha256": recorded}, below=(below,))
