"""Measures pictures: each file is read and decoded once, and everything about it is computed then.

The unit of work is a batch of equal-sized pictures: its HR side is decoded once and turned into every metric's reference once; then
each row (method and variant) is decoded, measured and written to the journal in turn. As many units as there are workers are in work
at a time and one more is read ahead, so memory does not grow with the number of pictures, and a killed run loses what was in work.
"""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from semsr.errors import MetricError, MetricUnavailableError, PictureError
from semsr.evaluation.cores import crew, torch_threads
from semsr.evaluation.journal import Entry, Journal, batch_key
from semsr.evaluation.measuring import Found, PictureFile, Side, Unit, device_lane, measure_unit
from semsr.evaluation.metric import SetMetric
from semsr.evaluation.pairing import Size, plan_batches
from semsr.evaluation.workbench import Workbench

BATCH = {"cpu": (512 * 512, 8), "cuda": (8 * 512 * 512, 32)}
"""Pixels and pictures in a batch at most. A CPU gains nothing from larger ones: its cores work on batches side by side."""


@dataclass(frozen=True)
class Subject:
    """One row to be measured: the pictures of one variant, and the keys of the metrics wanted for it.

    `seed` is that of its training; 0 for what is not trained here.
    """

    method: str
    variant: str
    pictures: Mapping[str, Path]
    keys: frozenset[str]
    seed: int = 0


@dataclass
class Scores:
    """What was found for one subject, by metric key.

    Attributes:
        images: value of each picture, by name; NaN where there is none.
        sets: value of the whole set, for set metrics; NaN where there is none.
        reasons: why a value is missing, by (key, picture name), or (key, "*") for a set.
        files: SHA-256 of the file that was measured, by name.
    """

    subject: Subject
    images: dict[str, dict[str, float]] = field(default_factory=dict)
    sets: dict[str, float] = field(default_factory=dict)
    reasons: dict[tuple[str, str], str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


def score(
    subjects: Sequence[Subject],
    hr: Mapping[str, Path] | None,
    sizes: Mapping[str, Size],
    bench: Workbench,
    *,
    journal: Journal | None = None,
    threads: int | None = None,
    progress: Callable[[int], None] = lambda pictures: None,
) -> list[Scores]:
    """Measure all subjects against one HR set.

    Args:
        subjects: the rows; each has exactly the pictures in `sizes`.
        hr: HR files by name; None where there is no reference.
        sizes: (H, W) of each picture, SR and HR alike.
        bench: the metrics; those in `bench.unavailable` are left out here.
        journal: where finished batches are kept and looked up; None: nowhere.
        threads: cores to use; None: all that are available.
        progress: told how many pictures (counted once for each subject) have been dealt with.

    Raises:
        PictureError: a file is truncated or not RGB. SizeMismatchError: a file's size is not the one in `sizes`.
        MetricError: a metric gave NaN, a forbidden infinity or the wrong number of values.
    """
    pixels, most = BATCH["cpu" if bench.device == "cpu" else "cuda"]
    batches = plan_batches(sizes, pixels, most)
    if not batches or not subjects:
        return [Scores(subject) for subject in subjects]
    largest = max(len(batch) * sizes[batch[0]][0] * sizes[batch[0]][1] for batch in batches)
    team = crew(threads, len(batches), largest, bench.device)
    known = _Known(journal)
    stop = threading.Event()
    units = (_read_unit(batch, subjects, hr, sizes, bench, known) for batch in batches)
    keys: list[tuple[tuple[str, ...], str, tuple[Side, ...]]] = []
    with torch_threads(team.threads), device_lane(bench.device) as lane:
        for unit in _work(units, team.workers, lambda unit: measure_unit(unit, bench, known.add, lane, stop), stop):
            # Without their bytes, which would stay in memory until the end.
            keys.append((unit.names, unit.hr.key, tuple(replace(row, files=()) for row in unit.rows)))
            progress(len(unit.names) * len(subjects))
    if journal is not None:
        journal.keep_only(key for _, hr_key, rows in keys for key in (hr_key, *(row.key for row in rows)))
    keys.sort(key=lambda batch: batch[0])
    return [
        _collect(
            subject,
            [_Part(names, known.get(hr_key), known.get(rows[at].key), rows[at].sha256) for names, hr_key, rows in keys],
            bench,
        )
        for at, subject in enumerate(subjects)
    ]


class _Known:
    """What is known by now, from the journal of an earlier run or measured in this one; shared by all threads.

    Reasons for missing values are not kept in the journal: what can't be had today may be there tomorrow.
    """

    def __init__(self, journal: Journal | None) -> None:
        self._journal = journal
        self._memory: dict[str, dict[str, Found]] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> Mapping[str, Found]:
        with self._lock:
            kept: Mapping[str, Found] = self._journal.get(key) if self._journal is not None else {}
            return {**self._memory.get(key, {}), **kept}

    def add(self, key: str, found: Mapping[str, Found]) -> None:
        numbers = {metric: value for metric, value in found.items() if not isinstance(value, str)}
        with self._lock:
            if self._journal is None:
                self._memory.setdefault(key, {}).update(found)
                return
            self._memory.setdefault(key, {}).update({metric: why for metric, why in found.items() if isinstance(why, str)})
            self._journal.add(Entry(key, numbers))


def _read_unit(
    names: tuple[str, ...],
    subjects: Sequence[Subject],
    hr: Mapping[str, Path] | None,
    sizes: Mapping[str, Size],
    bench: Workbench,
    known: _Known,
) -> Unit:
    """Read the files of a batch (HR once, for all subjects) and find out what is left to do about them."""
    hr_files = tuple(_read(hr[name]) for name in names) if hr is not None else ()
    hr_hashes = [file.sha256 for file in hr_files]
    hr_key = batch_key(names, hr_hashes)
    wanted = frozenset[str]().union(*(subject.keys for subject in subjects))
    gathered = [key for key in bench.set_metrics if key in wanted and hr_files]
    rows = []
    for subject in subjects:
        files = tuple(_read(subject.pictures[name]) for name in names)
        hashes = tuple(file.sha256 for file in files)
        key = batch_key(names, hr_hashes, hashes)
        done = known.get(key)
        todo = tuple(metric for metric in (*bench.metrics, *bench.set_metrics) if metric in subject.keys and metric not in done)
        rows.append(Side(key, files if todo else (), todo, hashes))
    hr_done = known.get(hr_key)
    return Unit(
        names, sizes[names[0]], Side(hr_key, hr_files, tuple(key for key in gathered if key not in hr_done)), tuple(rows)
    )


def _read(path: Path) -> PictureFile:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise PictureError(f"{path}: no such file") from None
    return PictureFile(path, data, hashlib.sha256(data).hexdigest())


def _work(units: Iterable[Unit], workers: int, measure: Callable[[Unit], None], stop: threading.Event) -> Iterator[Unit]:
    """Run `measure` on all units, one read ahead; yields each when it is done. The first error ends it all."""
    with ThreadPoolExecutor(workers, thread_name_prefix="semsr-score") as pool:
        pending: dict[Future[None], Unit] = {}
        try:
            for unit in units:
                if unit.is_done:
                    yield unit
                    continue
                pending[pool.submit(measure, unit)] = unit
                if len(pending) > workers:
                    yield from _finished(pending)
            while pending:
                yield from _finished(pending)
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise


def _finished(pending: dict[Future[None], Unit]) -> list[Unit]:
    done, _ = wait(pending, return_when=FIRST_COMPLETED)
    for future in done:
        future.result()
    return [pending.pop(future) for future in done]


@dataclass(frozen=True)
class _Part:
    """What is known of one batch of a subject."""

    names: tuple[str, ...]
    hr: Mapping[str, Found]
    sr: Mapping[str, Found]
    sha256: tuple[str, ...]


def _collect(subject: Subject, parts: Sequence[_Part], bench: Workbench) -> Scores:
    scores = Scores(subject, files={name: file for part in parts for name, file in zip(part.names, part.sha256, strict=True)})
    for key in (key for key in bench.metrics if key in subject.keys):
        values = scores.images.setdefault(key, {})
        for part in parts:
            found = part.sr[key]
            for at, name in enumerate(part.names):
                if isinstance(found, str):
                    scores.reasons[key, name] = found
                values[name] = float("nan") if isinstance(found, str) else float(found[at])
    for key, metric in bench.set_metrics.items():
        if key in subject.keys:
            value = _distance(metric, [part.sr[key] for part in parts], [part.hr[key] for part in parts])
            if isinstance(value, str):
                scores.reasons[key, "*"] = value
            scores.sets[key] = float("nan") if isinstance(value, str) else value
    return scores


def _distance(metric: SetMetric, sr: Sequence[Found], hr: Sequence[Found]) -> float | str:
    for found in (*sr, *hr):
        if isinstance(found, str):
            return found
    try:
        value = float(
            metric.distance(
                np.concatenate([np.asarray(part) for part in sr]), np.concatenate([np.asarray(part) for part in hr])
            )
        )
    except MetricUnavailableError as error:
        return str(error) or "the metric does not say why"
    if not np.isfinite(value):
        raise MetricError(f"metric {metric.workshop.card.id!r}: value {value} for the whole set")
    return value
