"""How fast training is fed: images/s of the loader against the time of a training step, and what reading from each kind of store costs.

    python benchmarks/loader.py [--pictures DIR] [--workers 2] [--threads 2] [--repeats 3] [--device cpu|cuda]

DIR holds PNG pictures of about 2K (say some of DIV2K's); without it, twenty are put together from the photographs of lite-photos.
They are copied to a temporary folder ($SEMSR_BENCHMARK_DISK, or the system's), which must be on a real disk for "from the disk" to
mean it. The step is one of SeD's generator, the 23-block RRDB network, on a patch of 64x64: forward, L1, backward, Adam. The last lines are
`figure=VALUE goal<=GOAL`: the loader's time an image over the step's; the exit status is 1 where a goal is missed.
"""

from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
MODES = ("plain", "paired", "bicubic", "degraded")
LABELS = {
    "plain": "HR alone",
    "paired": "LR from files",
    "bicubic": "MATLAB bicubic on the fly",
    "degraded": "full degradation on the fly",
    "paired, PNG": "LR from files, not packed (PNG)",
    "paired, sub-images": "LR from files, sub-images 480/240 as windows",
}
THREAD_VARIABLES = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--pictures", type=Path, help="a folder of PNG pictures of about 2K (default: made of lite-photos)")
    parser.add_argument("--workers", type=int, default=2, help="of the loader (default: 2)")
    parser.add_argument("--threads", type=int, default=2, help="of the training step on a CPU (default: 2)")
    parser.add_argument("--batch", type=int, default=8, help="of the loader, and of a step on a GPU (default: 8, SeD's)")
    parser.add_argument("--step-batch", type=int, help="of a step (default: 1 on a CPU, --batch on a GPU)")
    parser.add_argument("--repeats", type=int, default=3, help="each value is the median of so many (default: 3)")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="of the training step (default: cpu)")
    return parser.parse_args()


# Pictures.


def two_k_pictures(folder: Path | None, count: int = 20) -> list[Any]:
    """(H, W, 3) uint8 pictures with sides that are multiples of 4."""
    import numpy as np

    from semsr.imaging.pictures import picture_files, read_rgb

    if folder is not None:
        pictures = [read_rgb(path) for path in list(picture_files(folder).values())[:count]]
        return [picture[: picture.shape[0] // 4 * 4, : picture.shape[1] // 4 * 4] for picture in pictures]
    photos = ROOT / "data" / "lite-photos" / "hr"
    if not photos.is_dir():
        sys.exit("no pictures: run `semsr prepare lite-photos`, or pass --pictures DIR")
    parts = [read_rgb(path) for path in picture_files(photos).values()]
    random = np.random.default_rng(0)
    made = []
    for _ in range(count):
        # Photographs side by side, mirrored at random: real texture everywhere, so that PNG compresses as little as it does real ones.
        rows = []
        for _ in range(5):
            row = [parts[random.integers(len(parts))][:288, :384][:, :: random.choice((-1, 1))] for _ in range(6)]
            rows.append(
                np.concatenate([np.pad(p, ((0, 288 - p.shape[0]), (0, 384 - p.shape[1]), (0, 0)), "reflect") for p in row], 1)
            )
        made.append(np.ascontiguousarray(np.concatenate(rows)[:1356, :2040]))
    return made


def prepare(pictures: list[Any], root: Path) -> Any:
    """Those pictures as a prepared training set, with MATLAB bicubic LR."""
    from semsr.cards import DatasetCard
    from semsr.imaging.pictures import write_png
    from semsr.imaging.resize import bicubic_uint8
    from semsr.preparation.manifest import Entry, pixel_sha256, read_manifest, write_manifest

    card = DatasetCard.model_validate(
        {"id": "two-k", "title": "2K pictures", "licence": "see the pictures", "count": len(pictures), "split": "train"}
        | {
            "comparable": "regenerated",
            "source": {"kind": "files", "layouts": [{"hr": "hr/{name}.png", "lr": "lr/{name}.png"}]},
        }
    )
    folder, entries = root / "two-k", []
    for number, hr in enumerate(pictures):
        lr = bicubic_uint8(hr, 0.25)
        files = {kind: folder / kind / f"{number:04}.png" for kind in ("hr", "lr")}
        write_png(files["hr"], hr)
        write_png(files["lr"], lr)
        sizes = lr.shape[:2], hr.shape[:2]
        entries.append(Entry(f"{number:04}", files["lr"], files["hr"], *sizes, pixel_sha256(lr), pixel_sha256(hr), "train"))
    write_manifest(folder, entries)
    return read_manifest(card, folder)


@dataclass
class Place:
    """A prepared set of 2K pictures and its packed pixels."""

    prepared: Any
    packed: Path


@contextmanager
def two_k(folder: Path | None) -> Iterator[Place]:
    from semsr.training.index import Index, Source
    from semsr.training.packing import pack

    with tempfile.TemporaryDirectory(prefix="semsr-loader-", dir=os.environ.get("SEMSR_BENCHMARK_DISK")) as scratch:
        prepared = prepare(two_k_pictures(folder), Path(scratch))
        pack(Index([Source(prepared)]), Path(scratch) / "pixels")
        yield Place(prepared, Path(scratch) / "pixels")


# The loader.


def make_loader(place: Place, mode: str, *, workers: int, batch: int, size: int) -> Any:
    from semsr.imaging.degradation.parameters import FULL
    from semsr.imaging.degradation.recipe import Recipe
    from semsr.training.crops import Patch
    from semsr.training.index import Source
    from semsr.training.loader import Loader
    from semsr.training.lowres import BicubicLr, DegradedLr, PairedLr
    from semsr.training.patches import TrainingPictures
    from semsr.training.sampler import EpochSampler
    from semsr.training.subimages import SubImages

    lr: Any = {"plain": None, "bicubic": BicubicLr(), "degraded": DegradedLr(Recipe(FULL))}.get(mode, PairedLr())
    view = Patch(size, cut=SubImages() if mode == "paired, sub-images" else None)
    packed = None if mode == "paired, PNG" else place.packed
    data = TrainingPictures([Source(place.prepared)], view, lr=lr, packed=packed)
    return Loader(data, EpochSampler(len(data), endless=True), batch=batch, workers=workers)


def images_per_second(batches: Iterator[Any], seconds: float) -> float:
    """Over a stretch of time in which only whole batches count; what was fetched ahead before it is used up first."""
    until = time.perf_counter() + seconds / 4
    while time.perf_counter() < until:
        next(batches)
    start, count = time.perf_counter(), 0
    while (spent := time.perf_counter() - start) < seconds or not count:
        count += len(next(batches)["name"])
    return count / spent


def measure(
    modes: tuple[str, ...] = MODES,
    *,
    workers: int = 2,
    batch: int = 8,
    size: int = 256,
    repeats: int = 3,
    seconds: float = 4.0,
    pictures: Path | None = None,
) -> dict[str, list[float]]:
    """Images/s of the loader, by mode, one value a repeat (the modes in turn, so that whatever else the machine does meets them all).

    Args:
        modes: of `LABELS`.
        workers: processes; 0: this one.
        batch: samples a batch.
        size: of the HR patch.
        repeats: values a mode.
        seconds: each value is measured over, after a quarter of it unmeasured.
        pictures: a folder of 2K pictures; None: made of lite-photos.
    """
    with two_k(pictures) as place:
        return measure_at(place, modes, workers=workers, batch=batch, size=size, repeats=repeats, seconds=seconds)


def measure_at(
    place: Place, modes: tuple[str, ...], *, workers: int, batch: int, size: int, repeats: int, seconds: float
) -> dict[str, list[float]]:
    found: dict[str, list[float]] = {mode: [] for mode in modes}
    for _ in range(repeats):
        for mode in modes:
            # One loader at a time: the workers of a waiting one would go on fetching ahead.
            batches = iter(make_loader(place, mode, workers=workers, batch=batch, size=size))
            next(batches)
            found[mode].append(images_per_second(batches, seconds))
            del batches
    return found


# The stores.


def stores(place: Place, size: int, repeats: int) -> None:
    """Milliseconds a random patch, from memory and from the disk, and bytes, of three ways to keep pictures."""
    import numpy as np

    from semsr.imaging.pictures import read_rgb, write_png
    from semsr.training.index import Index, Source
    from semsr.training.pixels import FilePixels, PackedPixels
    from semsr.training.subimages import Box, SubImages, Windows

    index = Index([Source(place.prepared)])
    whole = [index.file(at, "hr") for at in range(len(index))]
    folder = place.packed.parent / "cut"
    windows, cut = Windows(index.sizes("hr"), SubImages()), []
    held: tuple[int, Any] = (-1, None)
    for number in range(len(windows)):
        at, box = windows[number]
        held = held if held[0] == at else (at, read_rgb(whole[at]))
        cut.append(folder / f"{number:05}.png")
        write_png(cut[-1], held[1][box.top : box.top + box.height, box.left : box.left + box.width])
    raw = [path for path in place.packed.glob("*/*.npy") if path.stat().st_size > 3 * 600 * 600]
    random = np.random.default_rng(0)

    def box_in(height: int, width: int) -> Box:
        return Box(int(random.integers(height - size + 1)), int(random.integers(width - size + 1)), size, size)

    def of_cut(number: int) -> None:
        picture, box = read_rgb(cut[number]), box_in(480, 480)
        picture[box.top : box.top + size, box.left : box.left + size].copy()

    def of(pixels: Any) -> Callable[[int], None]:
        return lambda at: pixels.read(index, at, "hr", box_in(*index.size(at, "hr"))).copy()

    png = sum(path.stat().st_size for path in whole)
    print(f"\nA random {size}x{size} patch out of {len(index)} pictures, one process:")
    print(f"{'store':<28} {'ms, in memory':>24} {'ms, from the disk':>24} {'MB a picture':>14} {'of PNG':>7}")
    for label, files, reads, count in (
        ("whole PNG, decoded", whole, of(FilePixels()), len(whole)),
        ("sub-images 480/240, PNG", cut, of_cut, 10 * len(whole)),
        ("raw pixels, memory-mapped", raw, of(PackedPixels(place.packed)), 10 * len(whole)),
    ):
        warm, cold = [], []
        for _ in range(repeats):
            for path in files:
                path.read_bytes()
            warm.append(timed(reads, random.integers(len(files), size=count)))
            forget(files)
            cold.append(timed(reads, random.permutation(len(files))[: len(whole)]))
        total = sum(path.stat().st_size for path in files)
        print(f"{label:<28} {spread(warm):>24} {spread(cold):>24} {total / len(whole) / 1e6:>14.2f} {total / png:>7.2f}")
    pixels = sum(height * width for height, width in index.sizes("hr").tolist())
    print(f"(PNG: {png / pixels:.2f} bytes a pixel; raw: 3. DIV2K's training archive: 4.41 MB a picture)")


def timed(read: Callable[[int], None], numbers: Any) -> float:
    start = time.perf_counter()
    for number in numbers:
        read(int(number))
    return (time.perf_counter() - start) / len(numbers) * 1e3


def forget(files: list[Path]) -> None:
    """Ask the kernel to drop the files from its memory, so that the next read comes from the disk."""
    for path in files:
        descriptor = os.open(path, os.O_RDONLY)
        os.fsync(descriptor)
        os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
        os.close(descriptor)


# The step.


def step_seconds(device: str, threads: int, batch: int, repeats: int) -> list[float]:
    """Seconds an image of a training step: RRDB with 23 blocks, LR 64x64, L1, backward, Adam."""
    import torch
    from spandrel.architectures.ESRGAN import ESRGAN

    torch.set_num_threads(threads)
    torch.manual_seed(0)
    network = ESRGAN(num_filters=64, num_blocks=23, scale=4).to(device).train()
    optimizer = torch.optim.Adam(network.parameters(), lr=1e-4, betas=(0.9, 0.99))
    lr, hr = torch.rand(batch, 3, 64, 64, device=device), torch.rand(batch, 3, 256, 256, device=device)

    def step() -> float:
        start = time.perf_counter()
        optimizer.zero_grad(set_to_none=True)
        torch.nn.functional.l1_loss(network(lr), hr).backward()
        optimizer.step()
        if device == "cuda":
            torch.cuda.synchronize()
        return (time.perf_counter() - start) / batch

    for _ in range(3 if device == "cuda" else 1):
        step()
    return [step() for _ in range(repeats * (5 if device == "cuda" else 1))]


# The report.


def spread(values: list[float]) -> str:
    return f"{statistics.median(values):.4g} ({min(values):.4g} to {max(values):.4g})"


def main() -> int:
    options = arguments()
    print(
        f"{options.workers} workers, batches of {options.batch}, patches of 256x256, {options.repeats} repeats; "
        f"load before: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    )
    with two_k(options.pictures) as place:
        stores(place, 256, options.repeats)
        shared = {"workers": options.workers, "batch": options.batch, "size": 256, "repeats": options.repeats}
        rates = measure_at(place, (*MODES, "paired, sub-images"), seconds=4.0, **shared)
        rates |= measure_at(place, ("paired, PNG",), seconds=4.0, **shared)
    batch = options.step_batch or (1 if options.device == "cpu" else options.batch)
    steps = step_seconds(options.device, options.threads, batch, options.repeats)
    step = statistics.median(steps)

    print(f"\n{'loader, ' + str(options.workers) + ' workers':<46} {'images/s':>26} {'ms an image':>12}")
    for mode, values in rates.items():
        print(f"{LABELS[mode]:<46} {spread(values):>26} {1e3 / statistics.median(values):>12.2f}")
    what = f"{options.threads} threads" if options.device == "cpu" else "GPU"
    print(f"\ntraining step ({what}, batch {batch}): {spread(steps)} s an image")
    print("\nA GPU whose step takes x ms an image needs 1000/x images/s; workers for that, at this machine's rate a worker:")
    print(f"{'':<46} " + " ".join(f"{f'x = {x} ms':>11}" for x in (50, 20, 10, 5)))
    for mode in MODES:
        each = statistics.median(rates[mode]) / max(options.workers, 1)
        print(f"{LABELS[mode]:<46} " + " ".join(f"{1000 / x / each:>11.1f}" for x in (50, 20, 10, 5)))
    print()
    missed = False
    for mode in MODES:
        value = 1 / statistics.median(rates[mode]) / step
        missed |= value > 1
        print(f"{mode}_over_step={value:.4g} goal<=1{'' if value <= 1 else '  MISSED'}")
    return int(missed)


if __name__ == "__main__":
    # One thread in each worker; the step gets its own number from torch.
    for variable in THREAD_VARIABLES:
        os.environ.setdefault(variable, "1")
    sys.exit(main())
