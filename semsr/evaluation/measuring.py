"""Everything that is computed about one batch of pictures, once its files have been read."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import Any

import numpy as np

from semsr.errors import MetricError, MetricUnavailableError, SizeMismatchError
from semsr.evaluation.journal import Numbers
from semsr.evaluation.metric import Batch, Metric, SetMetric
from semsr.evaluation.pairing import Size
from semsr.evaluation.workbench import Workbench
from semsr.imaging.pictures import decode_rgb

Found = Numbers | str
"""Values or features of a batch, or the reason why these pictures have none."""


@dataclass(frozen=True)
class PictureFile:
    """A picture file's bytes, read once for both hashing and decoding."""

    path: Path
    data: bytes
    sha256: str


@dataclass(frozen=True)
class Side:
    """The files of one row (or of the HR side) in a batch.

    Attributes:
        key: under which the journal keeps what they give.
        files: in the order of the batch's names; empty where nothing is to be done.
        todo: keys of the metrics that are not known yet.
        sha256: of every file of the batch, in its order, also of those with nothing to be done.
    """

    key: str
    files: tuple[PictureFile, ...]
    todo: tuple[str, ...]
    sha256: tuple[str, ...] = ()


@dataclass(frozen=True)
class Unit:
    """A batch of equal-sized pictures: the HR side and every row. `hr` has no files where there is no reference."""

    names: tuple[str, ...]
    size: Size
    hr: Side
    rows: tuple[Side, ...]

    @property
    def is_done(self) -> bool:
        """Nothing is left to be computed."""
        return not self.hr.todo and not any(row.todo for row in self.rows)


@contextlib.contextmanager
def device_lane(device: str) -> Iterator[Executor | None]:
    """One thread that feeds the accelerator; None on a CPU, where each worker computes its networks itself."""
    if device == "cpu":
        yield None
        return
    with ThreadPoolExecutor(1, thread_name_prefix="semsr-device") as lane:
        yield lane


def measure_unit(
    unit: Unit, bench: Workbench, record: Callable[[str, Mapping[str, Found]], None], lane: Executor | None, stop: Event
) -> None:
    """Decode a unit's HR side once, then decode and measure row after row, handing each to `record` as soon as it is complete.

    Args:
        unit: what to measure.
        bench: the metrics.
        record: takes a side's key and what was found, by metric.
        lane: where networks run; None: here.
        stop: set by another thread to end early; what is incomplete is not recorded.

    Raises:
        PictureError: a picture can't be decoded. MetricError: a metric broke its contract.
    """
    needed = {key for row in unit.rows for key in row.todo if key in bench.needs_reference}
    hr = _decode(unit, unit.hr.files, bench.device) if unit.hr.files and (needed or unit.hr.todo) else None
    references = References(bench, hr)
    if hr is not None and unit.hr.todo:
        _measure_side(unit.hr, hr, References(bench, None), record, lane, stop)
    for row in unit.rows:
        if row.todo and not stop.is_set():
            _measure_side(row, _decode(unit, row.files, bench.device), references, record, lane, stop)


class References:
    """What each metric keeps of the HR batch, made when first asked for. Two threads may ask, but never for the same metric."""

    def __init__(self, bench: Workbench, hr: Batch | None) -> None:
        self.bench = bench
        self._hr = hr
        self._made: dict[str, Any] = {}

    def get(self, key: str) -> Any:
        """That of one metric; None where it compares with nothing, or there is no HR."""
        if self._hr is None or key not in self.bench.needs_reference:
            return None
        if key not in self._made:
            self._made[key] = self.bench.metrics[key].reference(self._hr)
        return self._made[key]


def _measure_side(
    side: Side,
    batch: Batch,
    references: References,
    record: Callable[[str, Mapping[str, Found]], None],
    lane: Executor | None,
    stop: Event,
) -> None:
    import torch

    bench = references.bench

    def compute(keys: Iterable[str]) -> dict[str, Found]:
        with torch.inference_mode():
            return {key: measure_one(bench, key, batch, references) for key in keys if not stop.is_set()}

    if lane is None:
        found = compute(side.todo)
    else:
        networks = [key for key in side.todo if key in bench.set_metrics or bench.metrics[key].uses_network]
        on_device = lane.submit(compute, networks)
        try:
            found = compute(key for key in side.todo if key not in networks)
        finally:
            wait([on_device])
        found |= on_device.result()
    if len(found) == len(side.todo):
        record(side.key, found)


def measure_one(bench: Workbench, key: str, batch: Batch, references: References) -> Found:
    """What one metric says of a batch, checked; or why it says nothing. Raises: MetricError: it broke its contract."""
    try:
        if key in bench.set_metrics:
            return _checked_features(bench.set_metrics[key], batch)
        metric = bench.metrics[key]
        return _checked_values(metric, metric.measure(batch, references.get(key)), batch)
    except MetricUnavailableError as error:
        return str(error) or "the metric does not say why"
    except Exception as error:
        error.add_note(f"while computing metric {key.partition('@')[0]!r} on {', '.join(batch.names)}")
        raise


def _decode(unit: Unit, files: Sequence[PictureFile], device: str) -> Batch:
    pictures = []
    for file in files:
        picture = decode_rgb(file.data, str(file.path))
        if picture.shape[:2] != unit.size:
            raise SizeMismatchError(
                f"{file.path}: {picture.shape[1]}x{picture.shape[0]} pixels (width x height), expected "
                f"{unit.size[1]}x{unit.size[0]}"
            )
        pictures.append(picture)
    return Batch(unit.names, pictures, device)


def _checked_values(metric: Metric, values: Any, batch: Batch) -> Numbers:
    found = np.array(values, dtype=np.float64)
    card = metric.workshop.card
    if found.shape != (len(batch),):
        raise MetricError(
            f"metric {card.id!r}: {len(batch)} pictures gave values of shape {found.shape}, expected ({len(batch)},)"
        )
    low, high = card.range
    for name, value in zip(batch.names, found, strict=True):
        if np.isnan(value) or (value == np.inf and high is not None) or (value == -np.inf and low is not None):
            allowed = f"numbers from {'-inf' if low is None else low} to {'+inf' if high is None else high}"
            raise MetricError(f"metric {card.id!r}: value {value} for picture {name!r}; allowed: {allowed}")
    return found


def _checked_features(metric: SetMetric, batch: Batch) -> Numbers:
    found = np.array(metric.features(batch), dtype=np.float64)
    card = metric.workshop.card
    if found.ndim != 2 or len(found) != len(batch):
        raise MetricError(f"metric {card.id!r}: {len(batch)} pictures gave features of shape {found.shape}, expected (B, D)")
    for name, row in zip(batch.names, found, strict=True):
        if not np.isfinite(row).all():
            raise MetricError(f"metric {card.id!r}: the features of picture {name!r} are not finite")
    return found
