"""PQ, mIoU, box and mask AP of generated 512x512 predictions, against panopticapi-style code on one core, in one run.

    python benchmarks/semantic.py [--threads 2] [--pictures 5000] [--draws 1000]

The plain side is what the reference tools do: `np.unique` over a 64-bit number a pixel and dicts of segments (panopticapi), `np.bincount`
over a class map that is given to it (detectron2), `COCOeval` over the whole set (pycocotools). Ours is what `semsr` does, on as many
processes as threads; what its workers send back is in its time. Pictures are made as they go, block by block, by a seed, on both sides,
which is in nobody's time, and the two take turns, so that a busy machine hits both alike. Both must come to the same values. Memory
is the sum of the largest resident sets of our processes, that of the draws included. The last lines are `figure=VALUE goal<=GOAL`; the
exit status is 1 where a goal is missed or a value differs.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import sys
import time
from collections import defaultdict
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from semantic_data import SIDE, categories, make
from semantic_plain import Plain

ROOT = Path(__file__).resolve().parents[1]
BLOCK = 16
"""Pictures of a block in each of our processes."""
METRICS = ("pq", "miou", "box-ap", "mask-ap")
FIGURES = (
    ("pq", {"figure": "pq"}), ("pq", {"figure": "sq"}), ("pq", {"figure": "rq"}), ("miou", {"denominator": "truth"}),
    ("box-ap", {"figure": "ap"}), ("box-ap", {"figure": "ap-small"}), ("mask-ap", {"figure": "ap"}), ("mask-ap", {"figure": "ap-small"}),
)  # fmt: skip


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--threads", type=int, default=2, help="our processes (default: 2)")
    parser.add_argument("--pictures", type=int, default=5000, help="default: 5000")
    parser.add_argument("--draws", type=int, default=1000, help="bootstrap draws whose time is told, too (default: 1000)")
    return parser.parse_args()


# Ours.


class Ours:
    """What a process of a stage does: contributions of its pictures."""

    def __init__(self) -> None:
        from semsr.plugins import load_plugin
        from semsr.project import Project

        project = Project(ROOT)
        self.metrics = {}
        for name in METRICS:
            card = project.metric(name)
            self.metrics[name] = load_plugin(project, "metric", project.metric_family(name), card.entry)(card, categories())
        self.pairs: list[tuple[Any, Any]] = []
        self.seconds: dict[str, float] = defaultdict(float)

    def make(self, numbers: list[int]) -> None:
        self.pairs = [make(number) for number in numbers]

    def judge(self) -> list[dict[str, Any]]:
        from semsr.evaluation.semantic.judging import contributions

        told = []
        for truth, found in self.pairs:
            rows: dict[str, Any] = {}
            for name, metric in self.metrics.items():
                started = time.process_time()
                rows |= contributions({name: metric}, truth, found)
                self.seconds[name] += time.process_time() - started
            told.append(rows)
        return told

    def values(self, told: list[dict[str, Any]], draws: int) -> tuple[list[float], float, float]:
        """Values of the data set, seconds for them, and seconds for the draws of PQ and box AP."""
        import numpy as np

        from semsr.evaluation.semantic.draws import draws as drawn

        started = time.perf_counter()
        joined = {}
        for name in METRICS:
            lengths = [len(next(iter(rows[name].values()))) for rows in told]
            columns = {column: np.concatenate([rows[name][column] for rows in told]) for column in told[0][name]}
            joined[name] = columns, np.repeat(np.arange(len(told)), lengths)
        once = drawn(len(told), 0)
        values = [float(self.metrics[name].values(*joined[name], once, options)[0]) for name, options in FIGURES]
        middle = time.perf_counter()
        for name in ("pq", "box-ap") if draws else ():
            self.metrics[name].values(*joined[name], drawn(len(told), draws), {"figure": name.removeprefix("box-")})
        return values, middle - started, time.perf_counter() - middle


# Processes.


def serve(side: type, pipe: Connection, parent: int) -> None:
    """Do what the parent asks for, until it says stop; then tell CPU seconds by metric and in all, and peak memory in GiB."""
    from semsr.cores import end_with_parent

    end_with_parent(parent)
    worker, used = side(), 0.0
    while (asked := pipe.recv())[0] != "stop":
        started = time.process_time()
        pipe.send(getattr(worker, asked[0])(*asked[1:]))
        used += time.process_time() - started if asked[0] != "make" else 0.0
    pipe.send((dict(worker.seconds), used, peak()))


def peak() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20


class Worker:
    """A process on one side."""

    def __init__(self, side: type) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self.process = context.Process(target=serve, args=(side, theirs, os.getpid()), daemon=True)
        self.process.start()
        theirs.close()

    def ask(self, *what: Any) -> None:
        self.pipe.send(what)

    def answer(self) -> Any:
        try:
            return self.pipe.recv()
        except EOFError:
            sys.exit("a process ended before it was done; see above")


def timed(work: Callable[[], Any]) -> tuple[float, Any]:
    started = time.perf_counter()
    result = work()
    return time.perf_counter() - started, result


def in_all(workers: list[Worker]) -> list[Any]:
    for worker in workers:
        worker.ask("judge")
    return [worker.answer() for worker in workers]


def main() -> int:
    options = arguments()
    plain, workers = Worker(Plain), [Worker(Ours) for _ in range(options.threads)]
    ours_seconds = plain_seconds = 0.0
    told: list[dict[str, Any]] = []
    for first in range(0, options.pictures, BLOCK * options.threads):
        numbers = list(range(first, min(first + BLOCK * options.threads, options.pictures)))
        for at, worker in enumerate(workers):
            worker.ask("make", numbers[at * BLOCK : (at + 1) * BLOCK])
        plain.ask("make", numbers)
        for worker in (*workers, plain):
            worker.answer()
        seconds, parts = timed(lambda: in_all(workers))
        ours_seconds += seconds
        told += [rows for part in parts for rows in part]
        plain_seconds += timed(lambda: in_all([plain]))[0]
    plain.ask("values")
    seconds, expected = timed(plain.answer)
    plain_seconds += seconds
    here = Ours()
    values, last_seconds, draws_seconds = here.values(told, options.draws)
    ours_seconds += last_seconds
    for worker in (*workers, plain):
        worker.ask("stop")
    ended = [worker.answer() for worker in workers]
    by_metric, plain_used, plain_memory = plain.answer()

    print(
        f"{options.pictures} pictures of {SIDE}x{SIDE}, 133 classes, 100 instances each; load average {os.getloadavg()[0]:.1f}"
    )
    cores = (sum(used for _, used, _ in ended) + last_seconds) / ours_seconds
    print(
        f"ours:  {ours_seconds:8.1f} s on {options.threads} processes, {cores:.2f} cores used; {last_seconds:.1f} s of it to sum up"
    )
    print(f"plain: {plain_seconds:8.1f} s on 1 process, {plain_used / plain_seconds:.2f} cores used, {plain_memory:.2f} GiB\n")
    for name in METRICS:
        mine = sum(of[name] for of, _, _ in ended) / options.pictures * 1000
        theirs = by_metric[name] / options.pictures * 1000
        print(f"{name:8} alone: {mine:7.2f} ms of CPU a picture, plain {theirs:7.2f}: {mine / theirs:.2f} of it")
    print(f"{options.draws} draws of PQ and box AP: {draws_seconds:.1f} s\n")
    different = 0.0
    for (name, chosen), value, other in zip(FIGURES, values, expected, strict=True):
        print(f"{name:8} {next(iter(chosen.values())):9} {value:12.8f}   plain {other:12.8f}")
        different = max(different, abs(value - other))
    figures = {
        "largest_difference": (different, 1e-9),
        "seconds_over_plain": (ours_seconds / plain_seconds, 0.5),
        "peak_memory_gib": (peak() + sum(of for _, _, of in ended), 2.0),
    }
    print()
    for figure, (value, goal) in figures.items():
        print(f"{figure}={value:.3g} goal<={goal:g}{'' if value <= goal else '  MISSED'}")
    return int(any(not value <= goal for value, goal in figures.values()))


if __name__ == "__main__":
    # Before NumPy is loaded: one thread a process, in every library.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    sys.exit(main())
