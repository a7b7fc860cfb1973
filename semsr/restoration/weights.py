"""A variant's weights as verified files: the alternatives of its card in order, the first that can be had, or what was trained here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from semsr.assets.store import Store
from semsr.assets.verification import digest
from semsr.cards.method import Variant
from semsr.errors import MethodError, MissingAssetsError, WeightsError
from semsr.project import GENERATOR, TRAINED, Project, seeded
from semsr.restoration.cell import FINGERPRINT, read_json

WeightsRecord = list[dict[str, str]]
"""What `run.json` says: [{"asset": id, "sha256": hex}, ...], the main file first; empty without weights."""

TRAINED_HERE = "trained:"
"""How a record names weights that no card declares: `trained:sed/rrdb-p@1`."""


class NotTrainedError(MethodError):
    """A variant that is trained here has not been, or not to the end."""


@dataclass(frozen=True)
class WeightsFiles:
    """The files in use, by asset id (or by role, where they were trained here), and their record."""

    files: dict[str, Path]
    record: WeightsRecord


def get_weights(project: Project, variant: Variant, store: Store, *, prefer: WeightsRecord | None = None) -> WeightsFiles:
    """Get the first alternative that can be had.

    Args:
        project: knows the assets.
        variant: the card's entry.
        store: where assets are kept.
        prefer: the record of a run that is to be continued: that alternative is tried first.

    Raises:
        MissingAssetsError: none can be had; says why for each, and what the first of them lacks.
        UnknownIdError: the card names an asset that no assets.yaml has.
    """
    return get_alternatives(project, variant.weights, store, prefer=prefer)


def get_alternatives(
    project: Project, weights: Sequence[str], store: Store, *, prefer: WeightsRecord | None = None
) -> WeightsFiles:
    """The same for alternatives from anywhere: each an asset's id, or several joined by '+'."""
    alternatives = [tuple(alternative.split("+")) for alternative in weights]
    if not alternatives:
        return WeightsFiles({}, [])
    for ids in alternatives:
        for name in ids:
            project.asset(name)
    used = tuple(entry["asset"] for entry in prefer or ())
    errors: dict[tuple[str, ...], MissingAssetsError] = {}
    for ids in sorted(alternatives, key=lambda ids: ids != used):
        try:
            files = {name: store.get(project.asset(name)) for name in ids}
        except MissingAssetsError as error:
            errors[ids] = error
            continue
        return WeightsFiles(files, [{"asset": name, "sha256": digest(path)} for name, path in files.items()])
    first = alternatives[0]
    known = errors[first].reasons
    # One file that can't be had ends the attempt; which of the others are here is looked up, not asked for.
    lacking = {name: known.get(name, "") for name in first if name in known or not store.look(project.asset(name)).present}
    if len(errors) == 1:
        raise MissingAssetsError(str(errors[first]), lacking)
    reasons = [f"({number}) {error}" for number, error in enumerate(errors.values(), 1)]
    raise MissingAssetsError(f"none of the {len(reasons)} ways to have the weights worked: {' '.join(reasons)}", lacking)


def get_trained(
    project: Project,
    profile: str,
    method: str,
    variant: str,
    seed: int,
    store: Store,
    parts: Mapping[str, tuple[str, int]] | None = None,
) -> WeightsFiles:
    """What `semsr train` left of one variant and seed, first, then what its generator needs to restore: assets, and other trainings.

    `parts`: the trainings that it was made from, by role (`semsr.planning.needed`).

    Raises:
        NotTrainedError: it has not been trained, or not to the end.
        WeightsError: what the training left has been harmed since: its record, or the weights, which are read once a process.
        AssetError: an asset that the generator needs can't be had.
    """
    recipe = project.recipe(method, variant)
    path, entry = _left_by(project, profile, method, variant, seed)
    files, record = {"generator": path}, [entry]
    for role in recipe.generator.assets:
        if role in recipe.trained:
            files[role], entry = _left_by(project, profile, method, *(parts or {})[role])
            record.append(entry)
            continue
        found = get_alternatives(project, recipe.assets[role], store)
        files[role] = next(iter(found.files.values()))
        record += found.record
    return WeightsFiles(files, record)


def _left_by(project: Project, profile: str, method: str, variant: str, seed: int) -> tuple[Path, dict[str, str]]:
    folder = project.trained(profile, method, variant, seed)
    name, told, weights = seeded(variant, seed), folder / TRAINED, folder / GENERATOR
    if not told.is_file():
        raise NotTrainedError(
            f"{method}/{name} has not been trained to the end in profile {profile} (no {project.show(told)}); "
            f"run `semsr train {method} --variant {variant}`"
        )
    again = f"train it again in profile {profile}: `semsr train {method} --variant {variant} --seed {seed}`"
    record = read_json(told)
    if not isinstance(record.get(FINGERPRINT), str):
        raise WeightsError(
            f"{project.show(told)}: damaged, or not the record of a training (no {FINGERPRINT!r} in it); {again}"
        )
    if not weights.is_file():
        raise WeightsError(f"{project.show(weights)}: not there, though {told.name} says it was trained; {again}")
    found, expected = digest(weights), record.get("generator_sha256")
    if expected is not None and found != expected:
        raise WeightsError(f"{project.show(weights)}: wrong sha256 (expected {expected}, found {found}); {again}")
    return weights, {"asset": f"{TRAINED_HERE}{method}/{name}", "sha256": found}


def still_declared(project: Project, weights: Sequence[str], record: Sequence[dict[str, str]]) -> bool:
    """Whether a recorded alternative is still one of a card's `weights`, with the checksums that are stated."""
    ids = [entry["asset"] for entry in record]
    if not ids:
        return not weights
    if ids not in [alternative.split("+") for alternative in weights]:
        return False
    return all(project.asset(entry["asset"]).sha256 in (None, entry["sha256"]) for entry in record)
