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
import contextlib
import io
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

ROOT = Path(__file__).resolve().parents[1]
SIDE, BLOCK = 512, 16
"""Pixels of a side; pictures of a block in each of our processes."""
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


# The data.


def categories() -> tuple[Any, ...]:
    """As COCO: 80 things, 53 stuff."""
    from semsr.segmentation.found import Category

    return tuple(Category(at, f"class {at}", at <= 80) for at in range(1, 134))


def make(number: int) -> tuple[Any, Any]:
    """A picture's annotations and predictions: 3 regions of stuff, 4 to 12 things (some crowds), void; the same moved, relabelled, dropped.

    Predictions have 100 instances, as query-based segmenters give: 20 to 28 masks, each with several classes and scores.
    """
    import numpy as np
    from pycocotools import mask as coco

    from semsr.evaluation.semantic.truth import TrueObject, TrueSegment, Truth
    from semsr.segmentation.found import Found, Instance, Segment

    random, size = np.random.default_rng(number), (SIDE, SIDE)
    rows, columns = np.ogrid[:SIDE, :SIDE]
    ids = random.permutation(1 << 20)[:40].tolist()
    classes_of: dict[int, int] = {}
    true = np.zeros(size, np.int32)
    waves = np.sin(rows * random.uniform(0.01, 0.04) + random.uniform(0, 6)) + np.sin(columns * random.uniform(0.01, 0.04))
    waves += 0.08 * np.sin(rows * 0.7 + columns * 0.5)  # ragged borders
    for low, high in ((-3, -0.7), (-0.7, 0.6), (0.6, 1.7)):  # what lies above is void
        id = ids.pop()
        classes_of[id] = int(random.integers(81, 134))
        true[(waves >= low) & (waves < high)] = id
    crowds = set()
    present = random.integers(1, 81, 4)  # several things of one class
    for _ in range(int(random.integers(4, 13))):
        id, reach = ids.pop(), random.uniform(6, 90, 2)
        y, x = random.uniform(0, SIDE, 2)
        distance = ((rows - y) / reach[0]) ** 2 + ((columns - x) / reach[1]) ** 2
        true[distance + 0.1 * np.sin(rows * 0.9) * np.sin(columns * 0.8) < 1] = id
        classes_of[id] = int(random.choice(present))
        if random.random() < 0.05:
            crowds.add(id)
    counts = dict(zip(*(part.tolist() for part in np.unique(true, return_counts=True)), strict=True))
    segments = tuple(TrueSegment(id, category, id in crowds, counts[id]) for id, category in classes_of.items() if id in counts)
    things = [one for one in segments if one.category <= 80]
    encoded = [coco.encode(np.asfortranarray(true == one.id).view(np.uint8)) for one in things]
    objects = tuple(
        TrueObject(number * 100 + at + 1, one.category, tuple(coco.toBbox(mask).tolist()), float(one.area), mask, one.crowd)
        for at, (one, mask) in enumerate(zip(things, encoded, strict=True))
    )

    shift = tuple(random.integers(-4, 5, 2).tolist())
    found = np.roll(true, shift, (0, 1))
    said = {}
    for one in segments:
        chance = random.random()
        if chance < 0.1:
            found[found == one.id] = 0
        else:
            said[one.id] = one.category if chance < 0.85 else int(random.integers(1, 134))
    y, x = random.integers(0, SIDE - 60, 2)
    invented = ids.pop()
    found[y : y + 60, x : x + 60], said[invented] = invented, int(random.integers(1, 134))
    left = set(np.unique(found).tolist())
    table = np.full(1 << 20, -1, np.int16)
    for id, category in said.items():
        table[id] = category - 1
    masks = []
    for at in range(int(random.integers(20, 29))):
        if at < 2 * len(things):
            pixels = np.roll(true == things[at // 2].id, random.integers(-5, 6, 2), (0, 1))
            masks.append((coco.encode(np.asfortranarray(pixels).view(np.uint8)), things[at // 2].category))
        else:
            pixels = np.zeros(size, np.uint8, order="F")
            y, x, height, width = random.integers(2, SIDE // 2, 4)
            pixels[y : y + height, x : x + width] = 1
            masks.append((coco.encode(pixels), int(random.choice(present))))
    masks = [(mask, category) for mask, category in masks if coco.area(mask)]
    boxes = [tuple(coco.toBbox(mask).tolist()) for mask, _ in masks]
    scores = np.sort(random.random(100))[::-1].tolist()
    instances = tuple(
        Instance(
            masks[at % len(masks)][1] if at < len(masks) else int(random.integers(1, 81)),
            score,
            boxes[at % len(masks)],
            masks[at % len(masks)][0],
        )
        for at, score in enumerate(scores)
    )
    name = f"{number:012}"
    answer = Found(name, size, found, tuple(Segment(id, said[id]) for id in said if id in left), table[found], instances)
    return Truth(name, size, true, segments, objects), answer


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


# Theirs.


class Plain:
    """The reference tools' ways, one picture after the other."""

    OFFSET = 256**3

    def __init__(self) -> None:
        import numpy as np

        self.pairs: list[tuple[Any, Any, Any]] = []
        self.seconds: dict[str, float] = defaultdict(float)
        self.tallies: dict[int, dict[str, float]] = defaultdict(lambda: dict.fromkeys(("iou", "tp", "fp", "fn"), 0))
        self.classes = len(categories())
        self.confusion = np.zeros((self.classes + 1, self.classes + 1), np.int64)
        self.images: list[dict[str, Any]] = []
        self.objects: list[dict[str, Any]] = []
        self.results: dict[str, list[dict[str, Any]]] = {"bbox": [], "segm": []}

    def make(self, numbers: list[int]) -> None:
        """The data, and what the tools read beside it: the true class map (255 is void), COCO's lists."""
        import numpy as np

        self.pairs = []
        for number in numbers:
            truth, found = make(number)
            table = np.full(1 << 20, self.classes, np.int64)
            for one in truth.segments:
                table[one.id] = one.category - 1
            self.pairs.append((truth, found, table[truth.panoptic]))
            self.images.append({"id": number, "height": SIDE, "width": SIDE})
            for one in truth.objects:
                entry = {
                    "id": one.id,
                    "image_id": number,
                    "category_id": one.category,
                    "area": one.area,
                    "iscrowd": int(one.crowd),
                }
                self.objects.append(entry | {"bbox": list(one.box), "segmentation": one.mask})
            for found_one in found.instances:
                entry = {"image_id": number, "category_id": found_one.category, "score": found_one.score}
                self.results["bbox"].append(entry | {"bbox": list(found_one.box)})
                self.results["segm"].append(entry | {"segmentation": found_one.mask})

    def judge(self) -> None:
        for truth, found, classes in self.pairs:
            started = time.process_time()
            self._panoptic(truth, found)
            middle = time.process_time()
            self._confusion(classes, found)
            self.seconds["pq"] += middle - started
            self.seconds["miou"] += time.process_time() - middle

    def _panoptic(self, truth: Any, found: Any) -> None:
        import numpy as np

        true = {one.id: {"category_id": one.category, "iscrowd": int(one.crowd), "area": one.area} for one in truth.segments}
        other = {one.id: {"category_id": one.category, "area": 0} for one in found.segments}
        for label, count in zip(*np.unique(found.panoptic, return_counts=True), strict=True):
            if label:
                other[int(label)]["area"] = int(count)
        pixels = truth.panoptic.astype(np.uint64) * self.OFFSET + found.panoptic.astype(np.uint64)
        shared = {}
        for label, count in zip(*np.unique(pixels, return_counts=True), strict=True):
            shared[int(label) // self.OFFSET, int(label) % self.OFFSET] = int(count)
        matched_true, matched_other = set(), set()
        for (one, two), count in shared.items():
            if (
                one not in true
                or two not in other
                or true[one]["iscrowd"]
                or true[one]["category_id"] != other[two]["category_id"]
            ):
                continue
            iou = count / (other[two]["area"] + true[one]["area"] - count - shared.get((0, two), 0))
            if iou > 0.5:
                self.tallies[true[one]["category_id"]]["tp"] += 1
                self.tallies[true[one]["category_id"]]["iou"] += iou
                matched_true.add(one)
                matched_other.add(two)
        crowds = {}
        for one, said in true.items():
            if one in matched_true:
                continue
            if said["iscrowd"]:
                crowds[said["category_id"]] = one
            else:
                self.tallies[said["category_id"]]["fn"] += 1
        for two, said in other.items():
            if two in matched_other:
                continue
            count = shared.get((0, two), 0)
            if said["category_id"] in crowds:
                count += shared.get((crowds[said["category_id"]], two), 0)
            if count / said["area"] <= 0.5:
                self.tallies[said["category_id"]]["fp"] += 1

    def _confusion(self, classes: Any, found: Any) -> None:
        import numpy as np

        size = self.classes + 1
        other = found.classes.astype(np.int64)
        other[other < 0] = self.classes
        self.confusion += np.bincount((size * other + classes).ravel(), minlength=size**2).reshape(size, size)

    def values(self) -> list[float]:
        """The figures' values in percent, in their order; what COCOeval takes is timed here."""
        import numpy as np

        shares = [
            (one["iou"] / weight, one["iou"] / max(one["tp"], 1), one["tp"] / weight)
            for one in self.tallies.values()
            if (weight := one["tp"] + one["fp"] / 2 + one["fn"] / 2)
        ]
        values = [100 * float(part) for part in np.mean(shares, axis=0)]
        both, true = np.diag(self.confusion)[:-1], self.confusion[:, :-1].sum(axis=0)
        union = true + self.confusion[:-1, :-1].sum(axis=1) - both
        values.append(100 * float((both[true > 0] / union[true > 0]).mean()))
        for kind in ("bbox", "segm"):
            started = time.process_time()
            precision = self._evaluated(kind)
            values += [100 * float(part[part > -1].mean()) for part in (precision[..., 0, -1], precision[..., 1, -1])]
            self.seconds[{"bbox": "box-ap", "segm": "mask-ap"}[kind]] += time.process_time() - started
        return values

    def _evaluated(self, kind: str) -> Any:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval

        with contextlib.redirect_stdout(io.StringIO()):  # it prints what it does
            data = COCO()
            entries = [{"id": one.id} for one in categories() if one.thing]
            data.dataset = {"info": {}, "images": self.images, "annotations": self.objects, "categories": entries}
            data.createIndex()
            evaluation = COCOeval(data, data.loadRes(self.results[kind]), kind)
            evaluation.evaluate()
            evaluation.accumulate()
        return evaluation.eval["precision"]


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
