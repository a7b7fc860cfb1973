"""Seconds a step of the training loop against a plain loop around the same networks, what the loader blocks, and memory.

    python benchmarks/training.py [--threads 2] [--steps 40] [--device cpu|cuda]
    python benchmarks/training.py --real --device cuda [--steps 200] [--batch 8] [--out DIR]

The plain loop is what one would write down: Adam, one half after the other, nothing logged, checked or averaged. It is timed twice: with
the frozen extractor's features of HR computed once a step, and in each of the discriminator's three passes as upstream does. Ours is timed
with its gradient norms and checks, a line in its log and TensorBoard's curves after each step (recipes log every hundredth). The three take
turns step by step in one process, so that whatever else the machine does meets them all; ratios are of steps that follow each other. Memory
and the loader's share are measured after that, one side at a time. Networks are SeD's P+SeD with CLIP's RN50 and a small RRDB, with random
weights, VGG19 too: no weights need be had. `--real` trains P+SeD and U+SeD with the full RRDB (LR 64) in fp32 and in bf16 and says how
fast; it compares nothing.

The last lines are `figure=VALUE goal<=GOAL`; the exit status is 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import csv
import gc
import os
import re
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from training_setup import make_job, make_recipe, pictures, random_vgg

WARM = 2
"""Steps at the start of each side that do not count: lazy imports, first allocations."""
ALONE = 6
"""Steps of the runs that measure memory and the loader."""
GOALS = {"ours_over_plain": 1.05, "features_once_over_every_pass": 1.0, "loader_share": 0.02}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--threads", type=int, default=2, help="of all sides, on a CPU (default: 2)")
    parser.add_argument("--steps", type=int, help="of each side that count (default: 40; with --real 200)")
    parser.add_argument("--batch", type=int, help="default: 1; with --real 8")
    parser.add_argument("--patch", type=int, help="side of HR (default: 64; with --real 256)")
    parser.add_argument("--workers", type=int, help="of the loader (default: 0 on a CPU, 4 on a GPU)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--real", action="store_true", help="the networks in full size, ours alone")
    parser.add_argument("--precision", nargs="+", default=["fp32", "bf16"], help="of --real (default: fp32 bf16)")
    parser.add_argument("--out", type=Path, help="keep the logs of --real here")
    options = parser.parse_args()
    options.steps = options.steps or (200 if options.real else 40)
    options.batch = options.batch or (8 if options.real else 1)
    options.patch = options.patch or (256 if options.real else 64)
    options.workers = options.workers if options.workers is not None else (4 if options.device == "cuda" else 0)
    return options


# The sides.


class Turns:
    """Lets threads take turns; each hands on where it would fetch its next batch."""

    def __init__(self, device: str, names: list[str]) -> None:
        self.device, self.waiting, self.order = device, threading.Condition(), list(names)
        self.seconds: dict[str, list[float]] = {name: [] for name in names}
        self.processor: dict[str, list[float]] = {name: [] for name in names}
        self.errors: list[BaseException] = []
        self.began = self.used = 0.0

    def begin(self, name: str) -> None:
        with self.waiting:
            self.waiting.wait_for(lambda: self.order[0] == name)
        self.began, self.used = time.perf_counter(), time.process_time()

    def hand_on(self, name: str) -> None:
        synchronise(self.device)
        self.seconds[name].append(time.perf_counter() - self.began)
        self.processor[name].append(time.process_time() - self.used)
        with self.waiting:
            self.order.append(self.order.pop(0))
            self.waiting.notify_all()
        self.begin(name)

    def run(self, name: str, side: Callable[[Callable[[], None]], Any]) -> None:
        try:
            self.begin(name)
            side(lambda: self.hand_on(name))
        except BaseException as error:
            self.errors.append(error)
        finally:
            with self.waiting:
                self.order.remove(name)
                self.waiting.notify_all()


Steps = dict[str, list[float]]


def take_turns(options: argparse.Namespace, data: Any) -> tuple[Steps, Steps]:
    """Seconds of each side's steps that count, and of the processor's; the nth of all sides were made one after the other."""
    sides: dict[str, Callable[[Callable[[], None]], Any]] = {
        "plain": lambda hand_on: plain(options, data, options.steps + WARM, hand_on, once=True),
        "ours": lambda hand_on: ours(options, data, options.steps + WARM, hand_on),
        "plain, features in every pass": lambda hand_on: plain(options, data, options.steps + WARM, hand_on, once=False),
    }
    turns = Turns(options.device, list(sides))
    threads = [threading.Thread(target=turns.run, args=side) for side in sides.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    for error in turns.errors:
        raise error
    # What comes before the first step is handed on as if it were one.
    first = 1 + WARM
    return (
        {name: values[first:] for name, values in turns.seconds.items()},
        {name: values[first:] for name, values in turns.processor.items()},
    )


def ours(options: argparse.Namespace, data: Any, steps: int, hand_on: Callable[[], None] = lambda: None) -> dict[str, Any]:
    """Our loop. Returns: what it says of itself."""
    from semsr.training import run
    from semsr.training.loader import Loader

    class Turning(Loader):
        def __iter__(self) -> Iterator[Any]:
            batches = super().__iter__()
            while True:
                hand_on()
                yield next(batches)

    with tempfile.TemporaryDirectory() as folder, patch.object(run, "Loader", Turning):
        facts: dict[str, Any] = run.train(
            make_job(options, make_recipe(options, "patch", "fp32", steps, 1), data, Path(folder))
        )
        hand_on()
    return facts


def plain(
    options: argparse.Namespace, data: Any, steps: int, hand_on: Callable[[], None] = lambda: None, *, once: bool
) -> None:
    import torch
    from torch.utils.data import DataLoader

    from semsr.restoration.python import make_deterministic
    from semsr.training.networks import make_step
    from semsr.training.process import Processes
    from semsr.training.sampler import EpochSampler

    make_deterministic(options.threads if options.device == "cpu" else None)
    job = make_job(options, make_recipe(options, "patch", "fp32", steps, 1), data, Path())
    made = make_step(job, Processes(options.device))
    networks = made.generator.network, made.discriminator.network, made.condition, made.losses.perceptual
    del made
    optimisers = [torch.optim.Adam(network.parameters(), lr=1e-4, betas=(0.9, 0.99)) for network in networks[:2]]
    order, gpu = EpochSampler(len(data), seed=1, endless=True), options.device == "cuda"
    batches = iter(DataLoader(data, options.batch, sampler=order, num_workers=options.workers, pin_memory=gpu))
    for _ in range(steps):
        hand_on()
        batch = next(batches)
        lr, hr = (batch[key].to(options.device, non_blocking=True) for key in ("lr", "hr"))
        plain_step(lr, hr, *networks, *optimisers, once=once)
    hand_on()


def plain_step(lr: Any, hr: Any, g: Any, d: Any, extractor: Any, vgg: Any, of_g: Any, of_d: Any, *, once: bool) -> None:
    """The loop written down. `once`: the features of HR are computed once, not for each pass of the discriminator."""
    import torch
    import torch.nn.functional as F

    def semantics() -> Any:
        with torch.no_grad():
            return extractor(hr)

    shared = semantics() if once else None

    def judge(image: Any) -> Any:
        return d(image, shared if once else semantics())

    for parameter in d.parameters():
        parameter.requires_grad = False
    of_g.zero_grad()
    sr = g(lr)
    logits = judge(sr)
    loss = F.l1_loss(sr, hr) + 0.1 * vgg(sr, hr)
    loss = loss + 0.01 * F.binary_cross_entropy_with_logits(logits, torch.ones_like(logits))
    loss.backward()
    of_g.step()
    for parameter in d.parameters():
        parameter.requires_grad = True
    of_d.zero_grad()
    real = judge(hr)
    fake = judge(sr.detach())
    loss = F.binary_cross_entropy_with_logits(real, torch.ones_like(real))
    loss = loss + F.binary_cross_entropy_with_logits(fake, torch.zeros_like(fake))
    loss.backward()
    of_d.step()


def synchronise(device: str) -> None:
    import torch

    if device == "cuda":
        torch.cuda.synchronize()


@contextmanager
def memory(device: str) -> Iterator[Callable[[], int]]:
    """The peak inside, of the GPU's memory or (on Linux) of this process's."""
    import torch

    status, reset, found = Path("/proc/self/status"), Path("/proc/self/clear_refs"), [0]
    gc.collect()
    if device == "cuda":
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()
    elif reset.exists():
        reset.write_text("5")
    yield lambda: found[0]
    if device == "cuda":
        found[0] = torch.cuda.max_memory_allocated()
    elif status.exists() and (line := re.search(r"VmHWM:\s+(\d+) kB", status.read_text())):
        found[0] = int(line[1]) * 1024


def read_log(folder: Path) -> list[dict[str, float]]:
    with (folder / "log.csv").open() as file:
        return [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]


# The reports.


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.4g} ({min(values):.4g} to {max(values):.4g})"


def compare(options: argparse.Namespace) -> int:
    with pictures(options.patch) as data, random_vgg():
        seconds, processor = take_turns(options, data)
        peaks = {}
        with memory(options.device) as peak:
            plain(options, data, ALONE, once=True)
        peaks["plain"] = peak()
        with memory(options.device) as peak:
            facts = ours(options, data, ALONE)
        peaks["ours"] = peak()
    print(f"\n{'loop':<32} {'s a step':>30} {'peak MB':>10}")
    for name, values in seconds.items():
        print(f"{name:<32} {spread(values):>30} {f'{peaks[name] / 1e6:.0f}' if name in peaks else '':>10}")

    def ratios(one: str, other: str, of: Steps = seconds) -> list[float]:
        return [a / b for a, b in zip(of[one], of[other], strict=True)]

    figures = {
        "ours_over_plain": ratios("ours", "plain"),
        "features_once_over_every_pass": ratios("plain", "plain, features in every pass"),
        "loader_share": [facts["loader_share"]],
    }
    print("\nMedian (quartiles) of the ratios of steps that follow each other:")
    more = (
        {"ours_over_plain, of the processor's seconds": ratios("ours", "plain", processor)} if options.device == "cpu" else {}
    )
    for name, values in (figures | more).items():
        if len(values) > 1:
            low, middle, high = statistics.quantiles(values, n=4)
            print(f"{name}: {middle:.4g} ({low:.4g} to {high:.4g})")
    print()
    missed = False
    for name, values in figures.items():
        value = statistics.median(values)
        missed |= value > GOALS[name]
        print(f"{name}={value:.4g} goal<={GOALS[name]:g}{'' if value <= GOALS[name] else '  MISSED'}")
    return int(missed)


def real(options: argparse.Namespace) -> int:
    from semsr.training.run import train

    every = max(1, options.steps // 10)
    with pictures(options.patch) as data, random_vgg():
        for network in ("patch", "pixel"):
            for precision in options.precision:
                with tempfile.TemporaryDirectory() as scratch, memory(options.device) as peak:
                    name = f"{'P' if network == 'patch' else 'U'}+SeD, {precision}"
                    folder = options.out / f"{network}-{precision}" if options.out else Path(scratch)
                    folder.mkdir(parents=True, exist_ok=True)
                    facts = train(
                        make_job(options, make_recipe(options, network, precision, options.steps, every), data, folder)
                    )
                    lines = read_log(folder)
                counted = lines[-1]["step"] - lines[0]["step"]
                rate = counted / (lines[-1]["seconds"] - lines[0]["seconds"]) if counted else facts["steps_per_second"]
                print(f"\n{name}: {rate:.4g} steps/s, peak {peak() / 1e9:.2f} GB, loader's share {facts['loader_share']:.3f}")
                for line in lines:
                    print(
                        "  " + ", ".join(f"{key} {value:.4g}" for key, value in line.items() if key not in ("seconds", "rate"))
                    )
    return 0


def main() -> int:
    options = arguments()
    print(
        f"{options.device}, {options.threads} threads, {options.steps} steps, batches of {options.batch}, patches of "
        f"{options.patch}x{options.patch}, {options.workers} workers; load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    return real(options) if options.real else compare(options)


if __name__ == "__main__":
    # Threads that wait must sleep, as under the command line: on a busy machine spinning ones measure the neighbours.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    sys.exit(main())
