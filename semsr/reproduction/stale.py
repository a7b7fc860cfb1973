"""Whether scores are still of what is there now: the data, the pictures, the protocol, the metric and its weights."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import pandas as pd

from semsr.evaluation.protocol import ResolvedColumn, ResolvedProtocol
from semsr.project import seeded

CellKey = tuple[str, str, int]
"""Method, variant and seed."""
DIGITS = 12
"""How much of a hash stands in a message."""


@dataclass(frozen=True)
class CellNow:
    """What the `run.json` of a cell says now: the fingerprint of what made its pictures, and the manifest they were restored from.

    Either is empty where it does not say it; what can't be compared makes nothing stale.
    """

    fingerprint: str = ""
    manifest: str = ""


@dataclass(frozen=True)
class Present:
    """What scores of one data set must be of, to count.

    Attributes:
        manifest: SHA-256 of the prepared data set's manifest.
        cells: of those that have a `run.json`. A cell without one can't be checked, and makes nothing stale: scores outlive pictures
            where results are moved without them; `semsr trace` says that this link of the chain is missing.
        weights: SHA-256 of the files that a metric may be made with, by the metric's id; a metric with a file whose checksum no card
            knows is not among them.
    """

    manifest: str
    cells: Mapping[CellKey, CellNow] = field(default_factory=dict)
    weights: Mapping[str, frozenset[str]] = field(default_factory=dict)


def of_measuring(
    first: pd.Series, protocol: ResolvedProtocol, column: ResolvedColumn, dataset: str, now: Present | None
) -> str:
    """Why scores of one column were measured otherwise than they would be now; empty where they were not.

    Args:
        first: one of the column's scores; all have the same protocol, metric, version, weights and manifest.
        protocol, column: as the cards say now.
        dataset: its id.
        now: None: only the cards are compared.
    """
    again = f"run `semsr score {dataset}` again"
    made = str(first["protocol_hash"]), f"{first['metric_id']} version {first['metric_version']}"
    cards = protocol.hash, f"{column.metric.id} version {column.metric.version}"
    for had, has, what in zip(made, cards, (f"{protocol.id}@", ""), strict=True):
        if had != has:
            return f"measured by {what}{had}, the cards say {what}{has} now; {again}"
    if now is None:
        return ""
    if (had := str(first["manifest"])) != now.manifest:
        found = f"manifest {had[:DIGITS]}" if had else "the scores name no manifest"
        return (
            f"measured on another revision of data set {dataset} ({found}, now {now.manifest[:DIGITS]}); "
            f"run `semsr infer METHOD --dataset {dataset}` for its methods and `semsr score {dataset}`, or `dvc repro`"
        )
    allowed = now.weights.get(column.metric.id)
    others = sorted({part for part in str(first["weights"]).split("+") if part} - allowed) if allowed is not None else []
    if others:
        known = ", ".join(sorted(part[:DIGITS] for part in allowed or ())) or "none"
        return f"measured with other weights of metric {column.metric.id} ({others[0][:DIGITS]}, its assets have {known} now); {again}"
    return ""


def of_pictures(key: CellKey, cell: str, dataset: str, now: Present | None) -> str:
    """Why scores of one seed of a row are of other pictures than are there now; empty where nothing says so.

    Args:
        key: the row and its seed.
        cell: the fingerprint that stands beside its scores.
        dataset: its id.
        now: None: nothing is compared.
    """
    found = now.cells.get(key) if now is not None else None
    if now is None or found is None:
        return ""
    method, variant, seed = key
    name = f"{method}/{seeded(variant, seed)}"
    if found.manifest and found.manifest != now.manifest:
        return (
            f"the pictures of {name} were restored from another revision of data set {dataset} (manifest {found.manifest[:DIGITS]}, "
            f"now {now.manifest[:DIGITS]}); run `semsr infer {method} --dataset {dataset}`, then `semsr score {dataset}`"
        )
    if found.fingerprint and found.fingerprint != cell:
        had = cell[:DIGITS] or "none"
        return (
            f"measured on other pictures of {name} than are there now (fingerprint {had}, now {found.fingerprint[:DIGITS]}); "
            f"run `semsr score {dataset}` again"
        )
    return ""
