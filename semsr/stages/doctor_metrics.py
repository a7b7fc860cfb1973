"""Canaries through every metric that can be computed here, against what is stored of them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from semsr.assets.store import Store
from semsr.assets.verification import problem_with
from semsr.cards.asset import Asset
from semsr.cards.protocol import ProtocolCard, ProtocolColumn
from semsr.errors import MetricError, MissingAssetsError
from semsr.evaluation.protocol import ResolvedColumn, ResolvedProtocol, resolve, resolve_columns
from semsr.evaluation.scoring import Scores, Subject, score
from semsr.evaluation.workbench import Workbench, build
from semsr.imaging.pictures import write_png
from semsr.project import Project
from semsr.stages.doctor_canaries import HARMS, canaries, harmed, sha256_of
from semsr.stages.doctor_check import Check, option_text
from semsr.stages.doctor_stored import AGAIN, Maker, StoredColumn, Values

WHOLE_SET = "*"


@dataclass(frozen=True)
class Measured:
    """What one way of measuring gives here; `unavailable`: why nothing, as "not available, because ..." goes on."""

    column: ResolvedColumn
    values: Values
    weights: str
    unavailable: str


def here(project: Project, store: Store, name: str) -> Path:
    """An asset's file, if the store has it whole; nothing is asked for. Raises: MissingAssetsError."""
    asset: Asset = project.asset(name)
    path = store.path(asset)
    problem = (
        problem_with(asset, path, store.pin(asset)) if path.is_file() else "not in the store; `semsr doctor` fetches nothing"
    )
    if problem:
        raise MissingAssetsError(f"asset {name}: {problem}", {name: problem})
    return path


def columns(project: Project) -> tuple[ResolvedColumn, ...]:
    """Every way in which some protocol measures pictures, each once, and metrics that none uses, by their defaults; sorted by key."""
    found = {column.key: column for name in project.protocols for column in resolve(project, name).columns}
    used = {column.metric.id for column in found.values()}
    others = [name for name, card in project.metrics.items() if card.reference != "annotations" and name not in used]
    unused = resolve_columns(
        project, [ProtocolColumn(name=name, metric=name) for name in others], "semsr doctor", semantic=False
    )
    found |= {column.key: column for column in unused}
    return tuple(found[key] for key in sorted(found))


def check_pictures(stored: Mapping[str, str]) -> dict[str, str]:
    """SHA-256 of every canary by name.

    Raises:
        MetricError: one is not the picture that values were stored for; then whole numbers are computed wrongly here.
    """
    found = {name: sha256_of(picture) for name, picture in canaries().items()}
    for name, sha256 in found.items():
        if stored.get(name, sha256) != sha256:
            raise MetricError(
                f"canary {name}: its pixels have SHA-256 {sha256[:12]}, those that values are stored for {stored[name][:12]}; it is made "
                f"of whole numbers, so mend numpy's installation first, or, if the canaries were changed on purpose, {AGAIN}"
            )
    return found


def measure(project: Project, device: str, threads: int | None) -> tuple[Measured, ...]:
    """Measure all canaries, harmed in every way, by every column.

    Args:
        project: where the metrics are.
        device: "cpu" or "cuda".
        threads: cores to use; None: all.
    """
    wanted = columns(project)
    store = Store()
    bench = build(project, [_as_protocol(wanted)], device=device, asset=lambda name: here(project, store, name))
    pictures = canaries()
    keys = frozenset(column.key for column in wanted if column.key not in bench.unavailable)
    with TemporaryDirectory(prefix="semsr-doctor-") as folder:
        paths: dict[str, dict[str, Path]] = {}
        for how in HARMS:
            for name, picture in pictures.items():
                paths.setdefault(how, {})[name] = Path(folder) / how / f"{name}.png"
                write_png(paths[how][name], harmed(picture, how))
        sizes = {name: picture.shape[:2] for name, picture in pictures.items()}
        subjects = [Subject("canaries", how, paths[how], keys) for how in HARMS]
        found = score(subjects, paths["same"], sizes, bench, threads=threads)
    return tuple(_measured(column, bench, dict(zip(HARMS, found, strict=True))) for column in wanted)


def _as_protocol(wanted: tuple[ResolvedColumn, ...]) -> ResolvedProtocol:
    """One protocol around all of them, as a workbench takes them."""
    named = tuple(ProtocolColumn(name=f"column{at}", metric=column.metric.id) for at, column in enumerate(wanted))
    return ResolvedProtocol(ProtocolCard(id="canaries", title="Canaries", columns=named, source="semsr doctor"), wanted)


def _measured(column: ResolvedColumn, bench: Workbench, found: Mapping[str, Scores]) -> Measured:
    values: dict[str, float | None] = {}
    for how, scores in found.items():
        its = {WHOLE_SET: scores.sets.get(column.key)} if column.of_set else scores.images.get(column.key, {})
        values |= {f"{how}/{name}": None if value is None or math.isnan(value) else value for name, value in its.items()}
    absent = bench.unavailable.get(column.key, "")
    return Measured(column, {} if absent else values, bench.weights.get(column.key, ""), absent)


def compare(measured: Measured, stored: StoredColumn | None, hardware: str) -> Check:
    """Hold what one column gave here against what is stored of it.

    A value may be off by half a unit of the last digit that the metric's card prints: more could change a printed number.

    Args:
        measured: here.
        stored: None: nothing is.
        hardware: what computed here, in the words of `Maker.hardware`.
    """
    column = measured.column
    chosen = [
        option_text(name, value) for name, value in column.options.items() if value != column.metric.options[name].default
    ]
    check = Check("metric", ", ".join([column.metric.id, *chosen]), column.key, column.metric.id, "not available")
    if measured.unavailable:
        return replace(check, why=measured.unavailable)
    if stored is None or stored.maker.weights != measured.weights or set(stored.values) != set(measured.values):
        return replace(check, standing="not stored", why=_not_comparable(measured, stored))
    tolerance = 0.5 * 10.0**-column.metric.decimals
    deviations = {name: deviation(value, stored.values[name]) for name, value in measured.values.items()}
    worst = max(deviations, key=lambda name: (math.inf if math.isnan(deviations[name]) else deviations[name], name))
    # `not <=`: a NaN is no small deviation.
    off = [name for name, size in deviations.items() if not size <= tolerance]
    return replace(
        check,
        standing="deviates" if off else "ok",
        why=f"{len(off)} of {len(deviations)} values are off by more than {tolerance:g}" if off else "",
        picture=worst,
        value=measured.values[worst],
        stored=stored.values[worst],
        deviation=deviations[worst],
        tolerance=tolerance,
        count=len(deviations),
        elsewhere=stored.maker.hardware != hardware,
    )


def deviation(value: float | None, stored: float | None) -> float:
    """How far two values are apart; 0 where both are missing or the same infinity, NaN where only one is."""
    if value is None or stored is None:
        return 0.0 if value is stored else math.nan
    if math.isinf(value) or math.isinf(stored):
        return 0.0 if value == stored else math.nan
    return abs(value - stored)


def _not_comparable(measured: Measured, stored: StoredColumn | None) -> str:
    if stored is None:
        return f"no values are stored for it; {AGAIN}"
    if stored.maker.weights != measured.weights:
        return f"the stored values were made with other weights; {AGAIN}"
    return f"the stored values are of other canaries; {AGAIN}"


def to_store(measured: Measured, passport: str, hardware: str) -> StoredColumn:
    """What is written down of one column."""
    return StoredColumn(measured.column.metric.id, Maker(passport, hardware, measured.weights), measured.values)
