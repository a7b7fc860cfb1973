"""Describe: what a method's describers say of each test picture of a data set, clean (HR) and degraded (LR at its own size)."""

from __future__ import annotations

import importlib.metadata
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import semsr
from semsr.assets.missing import missing_file, to_plain
from semsr.assets.store import Store
from semsr.cards import DescriptionTableCard, MethodCard, ProfileCard, Variant
from semsr.errors import CardError, MethodError, MissingAssetsError, SemsrError, UnknownIdError
from semsr.files import remove_partial, write_atomic
from semsr.fingerprint import fingerprint
from semsr.planning import needed, seeds_of
from semsr.plugins import load_plugin
from semsr.preparation.manifest import Entry, Prepared, open_prepared
from semsr.project import Project
from semsr.reproduction.descriptions.assemble import planned_datasets, wanted
from semsr.restoration.cell import read_json
from semsr.restoration.weights import NotTrainedError, WeightsFiles, WeightsRecord, get_trained, get_weights
from semsr.stages.infer import NOT_CODE, git_commit

if TYPE_CHECKING:
    import torch

    from semsr.restoration.describer import Describer, Description

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class _Chosen:
    """One description that can be made: its card entry, weights, and what the describer is made with."""

    name: str
    entry: Variant
    weights: WeightsFiles
    options: Mapping[str, Any]
    seed: int


def run(project: Project, profile: ProfileCard, dataset: str, method: str, description: str | None = None) -> None:
    """Write results/<profile>/descriptions/<dataset>/<method>/<description>.json for each description that is wanted.

    What is there and still holds is left alone. A describer whose weights can't be had here is written down with the reason and stops no
    other; the next run tries it again.

    Args:
        project: where the cards, the prepared data and the results are.
        profile: names the results folder; its `device`, `threads` and `training` count.
        dataset: id of a prepared data set with HR and LR.
        method: id of a method whose card has `descriptions`.
        description: only this one; None: those that the profile's tables show, or all where none does.

    Raises:
        SemsrError: the data set is not prepared or has no pairs, the card is wrong, a describer broke its contract, the disk is full.
            With several descriptions, the others are made before the first error is raised.
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
    folder = project.results(profile.id) / "descriptions" / dataset / method
    store = Store(ask_once=True)  # several descriptions need the same large file
    errors: list[SemsrError] = []
    for name in descriptions_of(project, profile, card, dataset) if description is None else (description,):
        try:
            _make(project, profile, prepared, pairs, card, name, folder, store)
        except SemsrError as error:
            errors.append(error)
            log.error("%s, description %s on %s: %s", method, name, dataset, error)
    if folder.is_dir():
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
    folder: Path,
    store: Store,
) -> None:
    entry, path = card.descriptions[name], folder / f"{name}.json"
    base = {
        "method": card.id,
        "description": name,
        "label": entry.label,
        "trust": entry.trust,
        "options": entry.options,
        "training": entry.training,
        "dataset": prepared.card.id,
        "manifest_sha256": prepared.sha256,
    }
    try:
        chosen = _choose(project, profile, card, name, store, read_json(path).get("weights"))
    except (MissingAssetsError, NotTrainedError) as error:
        lacking = error.reasons if isinstance(error, MissingAssetsError) else {}
        files = [missing_file(project.asset(asset), reason) for asset, reason in lacking.items()]
        unavailable = {"reason": str(error), "missing": to_plain(files)}
        _write(project, path, {**base, "unavailable": unavailable, "weights": [], "pictures": []})
        log.warning("%s, description %s on %s: left out: %s", card.id, name, prepared.card.id, error)
        return
    devices = ("cpu", "cuda") if profile.device == "auto" else (profile.device,)
    found = read_json(path)
    # Without torch: what is there must be answered for at once, on the device that it was made on.
    if found.get("device") in devices and found.get("fingerprint") == _mark(
        project, profile, prepared, card, chosen, found["device"]
    ):
        log.info(
            "%s, description %s on %s: nothing to do, all %d pictures are there", card.id, name, prepared.card.id, len(pairs)
        )
        return
    from semsr.restoration.python import choose_device

    device = choose_device(profile.device)
    pictures = _describe(project, profile, card, chosen, pairs, device)
    record = {
        **base,
        "unavailable": None,
        "weights": chosen.weights.record,
        "seed": chosen.seed,
        "device": device,
        "packages": {each: importlib.metadata.version(each) for each in ("torch", "numpy", "pillow")},
        "fingerprint": _mark(project, profile, prepared, card, chosen, device),
        "pictures": pictures,
    }
    _write(project, path, record)
    log.info("%s, description %s on %s: %d pictures", card.id, name, prepared.card.id, len(pairs))


def _choose(
    project: Project, profile: ProfileCard, card: MethodCard, name: str, store: Store, prefer: WeightsRecord | None
) -> _Chosen:
    """The weights of one description: published ones, or those of the card's variant that the same recipe trains.

    Raises:
        MissingAssetsError, NotTrainedError: they can't be had here.
        CardError: the recipe trains no variant of the card.
    """
    entry = card.descriptions[name]
    if entry.training is None:
        return _Chosen(name, entry, get_weights(project, entry, store, prefer=prefer), entry.options, 0)
    variant = next((each for each, found in card.variants.items() if found.training == entry.training), None)
    if variant is None:
        trained = [found.training for found in card.variants.values() if found.training]
        raise CardError(
            f"methods/{card.id}/method.yaml: descriptions.{name}.training: found {entry.training!r}; "
            f"must train one of the variants: {', '.join(trained) or 'none is trained'}"
        )
    # One training is described, the profile's first: tables of descriptions have no spread over seeds.
    seed = seeds_of(project, profile, card.id, variant)[0]
    parts = needed(project, profile, card.id, variant, seed)
    weights = get_trained(project, profile.id, card.id, variant, seed, store, parts)
    options = {**entry.options, "generator": project.recipe(card.id, variant).generator.model_dump()}
    return _Chosen(name, entry, weights, options, seed)


def _describe(
    project: Project, profile: ProfileCard, card: MethodCard, chosen: _Chosen, pairs: list[Entry], device: str
) -> list[dict[str, Any]]:
    """Both descriptions of every picture. Picture by picture: a batch changes the last bits, and with them a tag at its threshold."""
    import torch

    from semsr.restoration.python import make_deterministic

    make_deterministic(profile.threads)
    where = f"{card.id}, description {chosen.name}"
    describer = _make_describer(project, card, chosen, where)
    on = torch.device(device)
    describer.load(on)
    pictures = []
    with torch.inference_mode():
        for entry in pairs:
            assert entry.hr is not None and entry.lr is not None
            told = {"clean": entry.hr, "degraded": entry.lr}
            said = {each: _say(describer, path, entry.name, on, where) for each, path in told.items()}
            pictures.append({"name": entry.name, **said})
    return pictures


def _make_describer(project: Project, card: MethodCard, chosen: _Chosen, where: str) -> Describer:
    from semsr.restoration.describer import Describer

    assert card.describer is not None
    make = load_plugin(project, "method", card.id, card.describer)
    if not (isinstance(make, type) and issubclass(make, Describer)):
        raise MethodError(f"{where}: {card.describer!r} is not a subclass of semsr.restoration.describer.Describer")
    try:
        describer: Describer = make(**chosen.options)
    except TypeError as error:
        raise MethodError(f"{where}: options {dict(chosen.options)!r} are not what the describer takes: {error}") from error
    describer.files = dict(chosen.weights.files)
    return describer


def _say(describer: Describer, path: Path, name: str, device: torch.device, where: str) -> dict[str, Any]:
    """One picture's description as plain values. Raises: MethodError, PictureError."""
    import torch

    from semsr.imaging.pictures import read_rgb
    from semsr.restoration.describer import Description
    from semsr.restoration.python import seed_everything
    from semsr.restoration.seeding import picture_seed

    picture = torch.from_numpy(read_rgb(path).copy()).permute(2, 0, 1)[None].to(device).float().div_(255.0)
    # A describer that draws from the global generators is at least the same for a picture whatever came before.
    seed_everything(picture_seed(0, name))
    found: list[Description] = describer.describe(picture)
    if not (isinstance(found, list) and len(found) == 1 and isinstance(found[0], Description)):
        raise MethodError(f"{where}: {name}: describe() returned {found!r}; expected a list of one Description a picture")
    said = found[0]
    if len(set(said.tags)) != len(said.tags):
        raise MethodError(f"{where}: {name}: tags stand twice in {said.tags!r}; each once")
    return {"tags": list(said.tags), "text": said.text}


def _mark(project: Project, profile: ProfileCard, prepared: Prepared, card: MethodCard, chosen: _Chosen, device: str) -> str:
    """The hash of everything that decides what is said."""
    package = Path(semsr.__file__).parent
    folder = project.folders("method")[card.id]
    code = [path for path in folder.iterdir() if path.suffix != ".md" and path.name not in NOT_CODE and path.name[0] != "."]
    return fingerprint(
        project,
        [*sorted(code), package / "restoration", *sorted((package / "imaging").glob("*.py")), Path(__file__)],
        method=card.id,
        describer=card.describer,
        description=chosen.name,
        options=dict(chosen.options),
        weights=[entry["sha256"] for entry in chosen.weights.record],
        dataset=prepared.sha256,
        device=device,
        threads=profile.threads,
    )


def _write(project: Project, path: Path, record: dict[str, Any]) -> None:
    stamp = {
        "created": datetime.now(UTC).isoformat(timespec="seconds"),
        "semsr": semsr.__version__,
        "commit": git_commit(project.root),
    }
    text = json.dumps({**record, **stamp}, indent=1, ensure_ascii=False)
    write_atomic(path, text + "\n")
