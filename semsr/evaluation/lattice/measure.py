"""Measures pictures by many metrics at once, as they are and edited: each file is read and decoded once for all of it."""

from __future__ import annotations

import hashlib
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from semsr.errors import PictureError, SizeMismatchError
from semsr.evaluation.cores import crew, torch_threads
from semsr.evaluation.journal import Entry, Journal, batch_key
from semsr.evaluation.lattice.edits import Edit
from semsr.evaluation.measuring import Found, References, measure_one
from semsr.evaluation.metric import Batch
from semsr.evaluation.pairing import Size, plan_batches
from semsr.evaluation.scoring import BATCH
from semsr.evaluation.workbench import Workbench
from semsr.imaging.pictures import Rgb, decode_rgb

EditName = tuple[str, str] | None
"""Axis and setting of an edit; None: the pictures as they are."""


@dataclass(frozen=True)
class Pictures:
    """One set of SR pictures with their HR.

    Attributes:
        outputs: SR files by name.
        references: HR files by name; None where there is no reference.
        sizes: (H, W) of each, SR and HR alike.
    """

    outputs: Mapping[str, Path]
    references: Mapping[str, Path] | None
    sizes: Mapping[str, Size]


@dataclass(frozen=True)
class Wanted:
    """Metrics of a bench, by key, wanted of the pictures as they are (`edit` None) or edited."""

    edit: Edit | None
    keys: tuple[str, ...]

    @property
    def name(self) -> EditName:
        """What the edit is called."""
        return None if self.edit is None else (self.edit.axis, self.edit.setting)


@dataclass
class Kept:
    """What is known by now: in the journal of earlier runs, and in memory; shared by all threads.

    `used`: keys of the journal that were asked for.
    """

    journal: Journal | None = None
    used: set[str] = field(default_factory=set)
    _memory: dict[str, dict[str, Found]] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, key: str) -> dict[str, Found]:
        """What is known of a batch, by metric."""
        with self._lock:
            self.used.add(key)
            kept = {} if self.journal is None else self.journal.get(key)
            return {**self._memory.get(key, {}), **kept}

    def add(self, key: str, found: Mapping[str, Found]) -> None:
        """Keep values; reasons why there are none are kept in memory alone."""
        numbers = {metric: value for metric, value in found.items() if not isinstance(value, str)}
        with self._lock:
            self._memory.setdefault(key, {}).update(found)
            if self.journal is not None and numbers:
                self.journal.add(Entry(key, numbers))

    def forget_others(self) -> None:
        """Drop from the journal what was not asked for since it was opened: of pictures that have changed. Raises: StorageError."""
        if self.journal is not None:
            self.journal.keep_only(self.used)


def measure(
    pictures: Pictures,
    wanted: Sequence[Wanted],
    bench: Workbench,
    kept: Kept,
    *,
    threads: int | None = None,
    progress: Callable[[int], object] = lambda pictures: None,
) -> dict[tuple[EditName, str], Found]:
    """The values of all pictures, in the order of their names, by edit and metric; a text where a metric says why there are none.

    Args:
        pictures: what to measure.
        wanted: edits with the metrics wanted of each; each edit once.
        bench: the metrics.
        kept: where finished batches are kept and looked up.
        threads: cores to use; None: all that are available.
        progress: told how many pictures (counted once an edit) have been dealt with.

    Raises:
        PictureError: a file is missing, truncated or not RGB. MetricError: a metric broke its contract.
    """
    pixels, most = BATCH["cpu" if bench.device == "cpu" else "cuda"]
    batches = plan_batches(pictures.sizes, pixels, most)
    largest = max(len(names) * pictures.sizes[names[0]][0] * pictures.sizes[names[0]][1] for names in batches)
    team = crew(threads, len(batches), largest, bench.device)
    stop = threading.Event()

    def work(names: tuple[str, ...]) -> Iterator[tuple[tuple[EditName, str], Found]]:
        return iter(_measure_batch(names, pictures, wanted, bench, kept, progress, stop).items())

    # One lane feeds an accelerator; on a CPU batches go side by side.
    workers = team.workers if bench.device == "cpu" else 1
    parts: list[dict[tuple[EditName, str], Found]] = []
    with torch_threads(team.threads), ThreadPoolExecutor(workers, thread_name_prefix="semsr-explain") as pool:
        try:
            parts = [dict(found) for found in pool.map(work, batches)]
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    return _joined(batches, parts)


def _joined(
    batches: Sequence[tuple[str, ...]], parts: Sequence[Mapping[tuple[EditName, str], Found]]
) -> dict[tuple[EditName, str], Found]:
    order = np.argsort([name for names in batches for name in names])
    joined: dict[tuple[EditName, str], Found] = {}
    for key in parts[0]:
        found = [part[key] for part in parts]
        reason = next((each for each in found if isinstance(each, str)), None)
        joined[key] = reason if reason is not None else np.concatenate([np.asarray(each) for each in found])[order]
    return joined


def _measure_batch(
    names: tuple[str, ...],
    pictures: Pictures,
    wanted: Sequence[Wanted],
    bench: Workbench,
    kept: Kept,
    progress: Callable[[int], object],
    stop: threading.Event,
) -> dict[tuple[EditName, str], Found]:
    import torch

    outputs = [_read(pictures.outputs[name]) for name in names]
    references = [] if pictures.references is None else [_read(pictures.references[name]) for name in names]
    hashes = [[hashlib.sha256(data).hexdigest() for _, data in files] for files in (references, outputs)]
    decoded: tuple[list[Rgb], list[Rgb]] | None = None
    # HR as it is serves all edits that do not touch it: its features are computed once.
    untouched: References | None = None
    values: dict[tuple[EditName, str], Found] = {}
    for want in wanted:
        key = batch_key(names, *hashes, list(want.name or ()))
        known = kept.get(key)
        todo = [metric for metric in want.keys if metric not in known]
        if todo and not stop.is_set():
            if decoded is None:
                decoded = _decoded(outputs), _decoded(references)
            sr, hr = decoded
            if want.edit is not None:
                sr = [want.edit.outputs(picture) for picture in sr]
            edited = [picture if want.edit is None else want.edit.references(picture) for picture in hr]
            if all(after is before for after, before in zip(edited, hr, strict=True)):
                untouched = untouched or References(bench, Batch(names, hr, bench.device) if hr else None)
                against = untouched
            else:
                against = References(bench, Batch(names, edited, bench.device))
            batch = Batch(names, sr, bench.device)
            with torch.inference_mode():
                found = {metric: _one(bench, metric, batch, against) for metric in todo}
            kept.add(key, found)
            known |= found
        values |= {(want.name, metric): known[metric] for metric in want.keys if metric in known}
        progress(len(names))
    return values


def _one(bench: Workbench, metric: str, batch: Batch, against: References) -> Found:
    try:
        return measure_one(bench, metric, batch, against)
    except SizeMismatchError as error:  # what an edit or a border leaves is too small
        return str(error)


def _read(path: Path) -> tuple[Path, bytes]:
    try:
        return path, path.read_bytes()
    except FileNotFoundError:
        raise PictureError(f"{path}: no such file") from None


def _decoded(files: Sequence[tuple[Path, bytes]]) -> list[Rgb]:
    return [decode_rgb(data, str(path)) for path, data in files]
