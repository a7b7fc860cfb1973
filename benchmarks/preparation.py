"""Preparing 10,000 generated pictures: images/s with one and two processes, memory, and what a `kill -9` at 60 % costs.

    python benchmarks/preparation.py [--pictures 10000] [--side 128] [--repeats 3]

Each run is a process of its own, on a copy of the project in a temporary folder. One process against two is measured on four tenths of the
pictures, in turns, so that a busy machine hits both alike. Memory is the largest resident set, for a tenth of the pictures and for all:
of a worker, which must not grow, and of the parent, which keeps an index of names, paths and hashes. The last lines are
`figure=VALUE goal<=GOAL`; the exit status is 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

ROOT = Path(__file__).resolve().parents[1]
RUN = """
import json, resource, sys, time
from pathlib import Path
from semsr.project import Project
from semsr.stages import prepare

if __name__ == "__main__":
    source = Path(sys.argv[3]) if sys.argv[3] else None
    started = time.perf_counter()
    prepare.run(Project.find(), sys.argv[1], source, workers=int(sys.argv[2]))
    own, worker = (resource.getrusage(who).ru_maxrss / 1024 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(json.dumps({"seconds": time.perf_counter() - started, "own": own, "worker": worker}))
"""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=int, default=10_000, help="default: 10000")
    parser.add_argument("--side", type=int, default=128, help="of HR, in pixels (default: 128)")
    parser.add_argument("--repeats", type=int, default=3, help="of one process against two (default: 3)")
    return parser.parse_args()


def generate(folder: Path, side: int, number: int) -> None:
    """A picture with the statistics of a photograph's detail: coarse noise, enlarged."""
    coarse = np.random.default_rng(number).integers(0, 256, (side // 8, side // 8, 3), dtype=np.uint8)
    Image.fromarray(coarse).resize((side, side), Image.Resampling.BICUBIC).save(folder / f"{number:06}.png", compress_level=1)


def add_card(root: Path, name: str, count: int) -> None:
    card = {"id": name, "title": name, "licence": "CC0-1.0", "count": count, "comparable": "same-inputs"}
    card |= {"source": {"kind": "files", "layouts": [{"hr": "{name}.png"}], "first": count}}
    card |= {"degradation": {"kind": "matlab-bicubic", "dialect": "symmetric"}}
    (root / "datasets" / name).mkdir(parents=True)
    (root / "datasets" / name / "dataset.yaml").write_text(yaml.safe_dump(card))


def start(root: Path, name: str, workers: int, source: Path | None) -> subprocess.Popen[str]:
    environment = {**os.environ, "SEMSR_PROJECT": str(root), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, str(root / "run.py"), name, str(workers), str(source or "")]
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True)


def run(root: Path, name: str, workers: int, source: Path | None = None) -> dict[str, float]:
    process = start(root, name, workers, source)
    out, _ = process.communicate()
    if process.returncode:
        sys.exit(f"preparing {name} failed")
    found: dict[str, float] = json.loads(out)
    return found


def forget(root: Path, name: str) -> None:
    shutil.rmtree(root / "data" / name, ignore_errors=True)
    (root / "data" / f"{name}.prepared.jsonl").unlink(missing_ok=True)


def kill_at(root: Path, name: str, workers: int, wanted: int) -> int:
    """Kill a run when so many pictures are noted; returns how many were."""
    process = start(root, name, workers, None)
    journal = root / "data" / f"{name}.prepared.jsonl"
    while not journal.is_file() or journal.read_bytes().count(b'{"row"') < wanted:
        if process.poll() is not None:
            sys.exit(f"preparing {name} ended before it could be killed")
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(1.0)  # its workers notice
    return journal.read_bytes().count(b'{"row"')


def main() -> int:
    options = arguments()
    few, some = options.pictures // 10, options.pictures * 4 // 10
    with tempfile.TemporaryDirectory() as temporary:
        root, originals = Path(temporary) / "project", Path(temporary) / "originals"
        originals.mkdir()
        (root / "requirements").mkdir(parents=True)
        shutil.copy(ROOT / "requirements/lock.txt", root / "requirements")
        (root / "run.py").write_text(RUN)
        with ProcessPoolExecutor(2) as pool:
            list(pool.map(partial(generate, originals, options.side), range(options.pictures), chunksize=64))
        for name, count in (("few", few), ("some", some), ("many", options.pictures)):
            add_card(root, name, count)
        one: list[float] = []
        two: list[float] = []
        small = run(root, "few", 2, originals)
        run(root, "some", 2, originals)
        for _ in range(options.repeats):
            for workers, times in ((1, one), (2, two)):
                forget(root, "some")
                times.append(run(root, "some", workers)["seconds"])
        full = run(root, "many", 2, originals)
        again = run(root, "many", 2)
        whole = {path.name: path.read_bytes() for path in (root / "data/many/lr").iterdir()}
        forget(root, "many")
        noted = kill_at(root, "many", 2, options.pictures * 6 // 10)
        there = len(list((root / "data/many/lr").glob("*.png")))
        rest = run(root, "many", 2)
        equal = whole == {path.name: path.read_bytes() for path in (root / "data/many/lr").iterdir()}
    ratios = [b / a for a, b in zip(one, two, strict=True)]
    print(f"{options.side}x{options.side} pictures, HR kept, LR made by MATLAB bicubic; load average {os.getloadavg()[0]:.1f}")
    for label, times in (("1 process", one), ("2 processes", two)):
        rates = [some / seconds for seconds in times]
        print(f"{label:12} {some:6} pictures: {statistics.median(rates):7.1f} images/s ({min(rates):.1f}-{max(rates):.1f})")
    print(f"2 processes  {options.pictures:6} pictures: {options.pictures / full['seconds']:7.1f} images/s")
    print(f"a second run with nothing to do: {again['seconds']:.1f} s")
    for count, found in ((few, small), (options.pictures, full)):
        print(f"memory, {count:6} pictures: {found['own']:.0f} MiB, and {found['worker']:.0f} MiB in each of 2 workers")
    index = (full["own"] - small["own"]) * 1024 / (options.pictures - few)
    print(f"the index of names, paths and hashes: {index:.1f} KiB a picture")
    print(
        f"killed with {noted} noted, {there} there; the rest took {rest['seconds']:.1f} s; the same bytes: {'yes' if equal else 'NO'}"
    )
    redone = there - noted
    figures = {
        "two_process_time_ratio": (statistics.median(ratios), 0.7, f"({min(ratios):.2f}-{max(ratios):.2f})"),
        "worker_memory_growth": (full["worker"] / small["worker"], 1.25, ""),
        "index_kib_a_picture": (index, 8.0, ""),
        "made_twice_after_kill": (float(redone), 20.0, ""),
        "time_after_kill_ratio": (rest["seconds"] / full["seconds"], 0.6, ""),
        "bytes_differ": (0.0 if equal else 1.0, 0.0, ""),
    }
    for name, (value, goal, spread) in figures.items():
        print(f"{name}={value:.3g} goal<={goal:g} {spread}".rstrip())
    return int(any(value > goal for value, goal, _ in figures.values()))


if __name__ == "__main__":
    sys.exit(main())
