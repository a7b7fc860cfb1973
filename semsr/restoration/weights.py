"""A variant's weights as verified files: the alternatives of its card in order, the first that can be had."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from semsr.assets.store import Store
from semsr.cards.method import Variant
from semsr.errors import AssetError
from semsr.files import sha256_file
from semsr.project import Project

WeightsRecord = list[dict[str, str]]
"""What `run.json` says: [{"asset": id, "sha256": hex}, ...], the main file first; empty without weights."""


@dataclass(frozen=True)
class WeightsFiles:
    """The files in use, by asset id, and their record."""

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
        AssetError: none can be had; says why for each.
        UnknownIdError: the card names an asset that no assets.yaml has.
    """
    alternatives = [tuple(alternative.split("+")) for alternative in variant.weights]
    if not alternatives:
        return WeightsFiles({}, [])
    for ids in alternatives:
        for name in ids:
            project.asset(name)
    used = tuple(entry["asset"] for entry in prefer or ())
    alternatives.sort(key=lambda ids: ids != used)
    reasons: list[str] = []
    for ids in alternatives:
        try:
            files = {name: store.get(project.asset(name)) for name in ids}
        except AssetError as error:
            reasons.append(f"({len(reasons) + 1}) {error}")
            continue
        return WeightsFiles(files, [{"asset": name, "sha256": sha256_file(path)} for name, path in files.items()])
    if len(reasons) == 1:
        raise AssetError(reasons[0].removeprefix("(1) "))
    raise AssetError(f"none of the {len(reasons)} ways to have the weights worked: {' '.join(reasons)}")


def still_declared(project: Project, variant: Variant, record: Sequence[dict[str, str]]) -> bool:
    """Whether a recorded alternative is still one of the card's, with the checksums the card states."""
    ids = [entry["asset"] for entry in record]
    if not ids:
        return not variant.weights
    if ids not in [alternative.split("+") for alternative in variant.weights]:
        return False
    return all(project.asset(entry["asset"]).sha256 in (None, entry["sha256"]) for entry in record)
