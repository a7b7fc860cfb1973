"""What a number of a judge was made from, as `semsr.reproduction.provenance` has it of other numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from semsr.evaluation.semantic.values import JudgedValues, RowKey
from semsr.project import seeded
from semsr.reproduction.provenance import Origin
from semsr.reproduction.semantic.objects import METRIC, VERSION

OBJECTS = METRIC
"""Stands for the metric of omission, hallucination and improvement, which no card has: the protocol, and so its hash, says it all."""


def row_name(key: RowKey) -> str:
    """A row as what a judge found is kept: `reference/hr`, `seesr/tiny@1`."""
    method, variant, seed = key
    return f"{method}/{seeded(variant, seed)}"


def origin_of(values: JudgedValues, column: str, metric: str, keys: Sequence[RowKey]) -> Origin | None:
    """What one mean over seeds is made from.

    Args:
        values: what the judge left.
        column: of the protocol, or of objects.
        metric: the id of the column's metric; `OBJECTS` for those of objects.
        keys: the row, a key a seed, in the profile's order; the ceiling is `values.REFERENCE`.

    Returns:
        the origin. Its `cells` are the fingerprints of what the judge found in each restored cell (which hold those of the cells), its
        `weights` the judge's. None where a seed of the row was not judged or nothing says what was found in it.
    """
    found = _mapping(values.facts.get("found"))
    cells = tuple(str(found.get(row_name(key), "")) for key in keys)
    if not cells or not all(cells) or any(key not in values.of for key in keys):
        return None
    versions = _mapping(values.facts.get("metric_versions"))
    return Origin(
        manifest=str(values.facts.get("manifest_sha256", "")),
        cells=cells,
        protocol_hash=str(values.facts.get("protocol_hash", "")),
        column=column,
        metric=metric,
        version=int(versions.get(column, VERSION)),
        weights="+".join(str(file["sha256"]) for file in values.facts.get("weights") or ()),
        seeds=tuple(seed for _, _, seed in keys),
    )


def _mapping(found: object) -> Mapping[str, Any]:
    return found if isinstance(found, Mapping) else {}
