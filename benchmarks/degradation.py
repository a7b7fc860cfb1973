"""How long degrading a picture takes, beside the published code's time, and how fast the training loader is fed.

    python benchmarks/degradation.py [--hr DIR] [--pictures 24] [--repeats 5] [--parameters full] [--no-loader]

Pictures of 512x512, the published *full* set, on a CPU. A thread degrades a picture by itself, with one torch thread, and two threads two
pictures at a time; the published code's times (protocol facts: PyTorch on 2 cores, batch of 1) are of one picture at a time. Beside them
stands what the published way of sharpening, a dense 51x51 filter run twice, costs on this machine. The loader's part is that of
benchmarks/loader.py. The last lines are `figure=VALUE goal<=GOAL`; the exit status is 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
PUBLISHED = {1: 0.74, 2: 0.41}
"""Seconds a 512x512 picture of the published code, by threads."""
GOAL = {1: 0.27, 2: 0.15}
"""Seconds a picture, by threads: at two what was set as the goal, at one the same share of the published time."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--hr", type=Path, help="a folder of HR pictures (default: $SEMSR_TEST_DATA or ../shared/data)")
    parser.add_argument("--pictures", type=int, default=24, help="how many (default: 24)")
    parser.add_argument("--repeats", type=int, default=5, help="each value is the median of so many (default: 5)")
    parser.add_argument("--parameters", default="full", help="full, light or pasd (default: full)")
    parser.add_argument("--no-loader", action="store_true", help="leave the training loader out")
    return parser.parse_args()


def find_pictures(folder: Path | None, count: int) -> dict[str, Any]:
    """512x512 uint8 pictures; smaller ones are continued by reflection."""
    import numpy as np

    from semsr.imaging.pictures import picture_files, read_rgb

    data = Path(os.environ.get("SEMSR_TEST_DATA", ROOT.parent / "shared" / "data"))
    folders = [folder] if folder else [data / "realsr_crop128" / "hr", ROOT / "data" / "lite-photos" / "hr"]
    there = [folder for folder in folders if folder.is_dir()]
    if not there:
        sys.exit("no pictures: run `semsr prepare lite-photos`, or pass --hr DIR")
    files = list(picture_files(there[0]).items())
    found = {}
    for at in range(count):
        name, path = files[at % len(files)]
        picture = read_rgb(path, grey="replicate")[:512, :512]
        picture = np.pad(picture, ((0, 512 - picture.shape[0]), (0, 512 - picture.shape[1]), (0, 0)), "reflect")
        found[f"{name}-{at}"] = np.ascontiguousarray(picture)
    return found


def timed(work: Callable[[], Any]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def dense_sharpening(picture: Any) -> Callable[[], Any]:
    """The published way: two dense 51x51 filters in float32."""
    import torch

    from semsr.imaging.degradation.sharpen import TAPS, gaussian_taps

    taps = torch.from_numpy(gaussian_taps()).float()
    kernel = torch.outer(taps, taps)[None, None]
    planes = torch.from_numpy(picture.transpose(2, 0, 1).copy()).float()[:, None] / 255

    def blur(planes: torch.Tensor) -> torch.Tensor:
        padded = torch.nn.functional.pad(planes, (TAPS // 2,) * 4, mode="reflect")
        return torch.nn.functional.conv2d(padded, kernel)

    def work() -> torch.Tensor:
        residual = planes - blur(planes)
        soft = blur((residual.abs() * 255 > 10).float())
        sharp = (planes + 0.5 * residual).clamp(0, 1)
        return soft * sharp + (1 - soft) * planes

    return work


def sharpening(picture: Any) -> Callable[[], Any]:
    import torch

    from semsr.imaging.degradation.sharpen import sharpen

    planes = torch.from_numpy(picture.transpose(2, 0, 1).astype("float64"))
    return lambda: sharpen(planes)


def measure(pictures: dict[str, Any], parameters: str, repeats: int) -> dict[str, list[float]]:
    """Seconds a picture, a value each repeat; the ways take turns, so that whatever else the machine does meets them all."""
    import torch

    from semsr.imaging.degradation.parameters import PARAMETERS
    from semsr.imaging.degradation.recipe import Recipe, degrade, degrade_batch

    recipe, names, hr = Recipe(PARAMETERS[parameters]), list(pictures), list(pictures.values())
    alone: list[float] = []
    dense, ours = dense_sharpening(hr[0]), sharpening(hr[0])
    found: dict[str, list[float]] = {}
    degrade_batch(hr[:4], recipe, names[:4], threads=2)
    for _ in range(repeats):
        torch.set_num_threads(1)
        each = [timed(lambda at=at: degrade(hr[at], recipe, names[at])) for at in range(len(hr))]
        alone += each
        found.setdefault("1 thread", []).append(sum(each) / len(each))
        before = time.process_time()
        seconds = timed(lambda: degrade_batch(hr, recipe, names, threads=2))
        found.setdefault("2 threads, 2 pictures at a time", []).append(seconds / len(hr))
        found.setdefault("... of which processor time (both cores)", []).append((time.process_time() - before) / len(hr))
        for threads in (1, 2):
            torch.set_num_threads(threads)
            found.setdefault(f"sharpening: dense 51x51, {threads} torch threads", []).append(timed(dense))
            found.setdefault(f"sharpening: ours, {threads} torch threads", []).append(timed(ours))
    torch.set_num_threads(1)
    alone.sort()
    print(
        f"one picture alone, 1 thread: median {statistics.median(alone):.3f} s, 95th of 100 {alone[len(alone) * 95 // 100]:.3f} s, "
        f"slowest {alone[-1]:.3f} s (what is drawn decides: noise on an enlarged picture costs most)\n"
    )
    return found


def loader_part(repeats: int) -> list[tuple[str, float, float]]:
    """benchmarks/loader.py: images/s at 256x256 crops with 2 workers, and its time an image over that of a training step."""
    path = Path(__file__).with_name("loader.py")
    if not path.is_file():
        print("\nno benchmarks/loader.py: the training loader is not measured")
        return []
    spec = importlib.util.spec_from_file_location("semsr_benchmark_loader", path)
    assert spec is not None and spec.loader is not None
    loader: Any = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = loader
    spec.loader.exec_module(loader)
    rates = loader.measure(repeats=repeats)
    step = statistics.median(loader.step_seconds("cpu", 2, 1, repeats))
    print(f"\ntraining loader, 256x256 crops, 2 workers; a training step on 2 threads takes {step:.2f} s an image")
    figures = []
    for mode, values in rates.items():
        print(f"{loader.LABELS[mode]:<50} {statistics.median(values):8.1f} images/s  ({min(values):.1f} to {max(values):.1f})")
        figures.append((f"loader_{mode}_over_step", 1 / statistics.median(values) / step, 1.0))
    return figures


def main() -> int:
    options = arguments()
    pictures = find_pictures(options.hr, options.pictures)
    print(
        f"{len(pictures)} pictures of 512x512, parameters {options.parameters}, {options.repeats} repeats; "
        f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    found = measure(pictures, options.parameters, options.repeats)
    print(f"{'seconds a picture':<50} {'median':>8}  {'smallest to largest':<22} published")
    figures = []
    for name, values in found.items():
        threads = int(name[0]) if name[0].isdigit() else None
        published = f"{PUBLISHED[threads]:.2f}" if threads else ""
        print(f"{name:<50} {statistics.median(values):8.3f}  {f'({min(values):.3f} to {max(values):.3f})':<22} {published}")
        if threads:
            figures.append((f"seconds_per_picture_{threads}_threads", statistics.median(values), GOAL[threads]))
    if not options.no_loader:
        figures += loader_part(min(options.repeats, 3))
    print()
    for figure, value, goal in figures:
        print(f"{figure}={value:.4g} goal<={goal:g}{'' if value <= goal else '  MISSED'}")
    return int(any(value > goal for _, value, goal in figures))


if __name__ == "__main__":
    # Before NumPy and torch are loaded: a thread here is one core, in every library.
    for variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ[variable] = "1"
    sys.exit(main())
