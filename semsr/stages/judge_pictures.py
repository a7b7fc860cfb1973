"""The part of `judge` that decides what pictures contribute: what was found is held against annotations. Counts in the fingerprint."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from semsr.cards.protocol import ObjectMatching
from semsr.cores import available_cores, end_with_parent
from semsr.errors import SemsrError
from semsr.evaluation.pairing import Size
from semsr.evaluation.semantic.annotations import Annotations
from semsr.evaluation.semantic.judging import contributions
from semsr.evaluation.semantic.metric import Columns, SemanticMetric
from semsr.evaluation.semantic.objects import Changes, changes
from semsr.plugins import load_plugin
from semsr.project import Project
from semsr.segmentation.stored import read_found

OBJECTS = "objects"
"""What the counts of objects are called among the contributions."""
VANISHED, LOST = "vanished", ("segments", "objects")
"""What the counts of annotations that have no pixel at the size of comparison are called, and of what they are; kept with HR."""
_WORTH_A_PROCESS = 200
"""Pictures a process must have for its start (about two seconds) to pay."""
_TOGETHER = 25


@dataclass(frozen=True)
class Bench:
    """What every picture of a data set is judged by; goes to other processes.

    Attributes:
        root: the project's.
        folder: the prepared data set's.
        sizes: (H, W) at which found and true things are compared, by picture.
        metrics: ids.
        matching: of objects; None where the judge gives no boxes.
    """

    root: Path
    folder: Path
    sizes: Mapping[str, Size]
    metrics: tuple[str, ...]
    matching: ObjectMatching | None


@dataclass(frozen=True)
class Folders:
    """Where what was found in one row lies, in HR, and in zoomed LR (None where that is not restored)."""

    row: Path
    hr: Path
    lr: Path | None


Contributions = Mapping[str, Columns]
"""What one picture adds, by metric, and by `OBJECTS`."""
Pool = ProcessPoolExecutor | None


@contextmanager
def pool(threads: int | None, pictures: int) -> Iterator[Pool]:
    """Processes for many pictures, or None where they are too few for that. `threads`: None for every core."""
    workers = min(threads or available_cores(), pictures // _WORTH_A_PROCESS)
    if workers < 2:
        yield None
        return
    with ProcessPoolExecutor(workers, get_context("spawn"), _start, (os.getpid(),)) as processes:
        try:
            yield processes
        except BrokenProcessPool:
            raise SemsrError(
                "a process that judges was killed (not enough memory?); start again, finished rows are kept"
            ) from None
        finally:
            processes.shutdown(cancel_futures=True)


def judge_row(
    bench: Bench, folders: Folders, names: Sequence[str], processes: Pool, progress: Callable[[int], None]
) -> list[Contributions]:
    """What each picture of a row contributes, in the order of `names`. Raises: SemanticError, SemsrError."""
    parts = [names[start : start + _TOGETHER] for start in range(0, len(names), _TOGETHER)]
    found: list[Contributions] = []
    todo = [(bench, folders, part) for part in parts]
    done = map(_judge, todo) if processes is None else processes.map(_judge, todo)
    for each in done:
        found += each
        progress(len(each))
    return found


def load_metrics(project: Project, ids: Sequence[str], annotations: Annotations) -> dict[str, SemanticMetric]:
    """The metrics by id. Raises: CardError: a card's entry is not there, or no semantic metric."""
    made: dict[str, SemanticMetric] = {}
    for name in ids:
        card = project.metric(name)
        make = load_plugin(project, "metric", project.metric_family(name), card.entry)
        if not (isinstance(make, type) and issubclass(make, SemanticMetric)):
            raise SemsrError(f"metric {name!r}: entry {card.entry!r} is not a semsr.evaluation.semantic.metric.SemanticMetric")
        made[name] = make(card, annotations.categories)
    return made


def _judge(todo: tuple[Bench, Folders, Sequence[str]]) -> list[Contributions]:
    bench, folders, names = todo
    annotations, metrics = _annotations(bench.folder), _metrics(bench.root, bench.folder, bench.metrics)
    made: list[Contributions] = []
    for name in names:
        size = bench.sizes[name]
        truth = annotations.truth(name, size)
        found = read_found(folders.row, name, annotations.categories, size)
        each = dict(contributions(metrics, truth, found))
        if bench.matching is not None and folders.row != folders.hr:
            hr = read_found(folders.hr, name, annotations.categories, size)
            # Without zoomed LR nothing counts as lost on it.
            lr = hr if folders.lr is None else read_found(folders.lr, name, annotations.categories, size)
            each[OBJECTS] = _counts(changes(truth, hr, lr, found, bench.matching))
        if folders.row == folders.hr:  # of the annotations, not of a row: once is enough
            each[VANISHED] = {
                what: np.array([count]) for what, count in zip(LOST, annotations.vanished.get(name, (0, 0)), strict=True)
            }
        made.append(each)
    return made


def _counts(found: Changes) -> Columns:
    return {name: np.array([count], np.int64) for name, count in vars(found).items()}


@lru_cache(maxsize=1)
def _annotations(folder: Path) -> Annotations:
    return Annotations.read(folder)


@lru_cache(maxsize=1)
def _metrics(root: Path, folder: Path, ids: tuple[str, ...]) -> dict[str, SemanticMetric]:
    return load_metrics(Project(root), ids, _annotations(folder))


def _start(parent: int) -> None:
    """Let a worker end with its parent, even one that was killed, and leave Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = "1"
    end_with_parent(parent)
