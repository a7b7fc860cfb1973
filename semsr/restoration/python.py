"""Runs a `Restorer` in this process: batches, padding, tiles, rounding, checks; the same pixels on every run."""

from __future__ import annotations

import os
import random
import resource
import time
from collections.abc import Collection, Generator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Literal

import numpy as np
import torch
from torch import Tensor

from semsr.errors import MethodError
from semsr.imaging.pictures import Rgb, read_rgb
from semsr.imaging.tiling import Tiler
from semsr.restoration.counting import count_parameters
from semsr.restoration.restorer import Restorer
from semsr.restoration.runner import LrPicture, Restored, Runner, Task
from semsr.restoration.seeding import picture_seed

OVERSHOOT = 1.0
"""Networks leave [0, 1] a little and are clipped; results further out than this are in other units, and an error."""


class PythonRunner(Runner):
    """Batches are fixed by the data set's order and the pictures' sizes, so that a continued run forms the same ones."""

    def __init__(self, task: Task) -> None:
        super().__init__(task)
        make_deterministic(task.threads)
        self.device = torch.device(task.device)
        self.restorer = make_restorer(task, self.device)
        self.tiler = Tiler(
            scale=task.scale,
            halo=self.restorer.halo,
            multiple=self.restorer.multiple,
            tile=task.tile if task.tile is not None else self.restorer.tile,
            on_shrink=lambda tile: task.on_change({"tile": tile}),
        )
        self.facts = {
            "torch": torch.__version__,
            "threads": torch.get_num_threads(),
            "batch": task.batch,
            "parameters": count_parameters(self.restorer),
        }

    def run(self, done: Collection[str] = ()) -> Generator[list[Restored], None, None]:
        """See `Runner.run`; decoding of the next batch overlaps with restoring."""
        todo = [batch for batch in batches(self.task.lr, self.task.batch) if not all(name in done for name in batch)]
        seconds, count = 0.0, 0
        with ThreadPoolExecutor(1) as decoder:
            coming = decoder.submit(self._decode, todo[0]) if todo else None
            for index, names in enumerate(todo):
                assert coming is not None
                pictures = coming.result()
                if index + 1 < len(todo):
                    coming = decoder.submit(self._decode, todo[index + 1])
                started = time.perf_counter()
                restored = self.restore(names, pictures)
                seconds, count = seconds + time.perf_counter() - started, count + len(names)
                self._note(seconds, count)
                yield list(zip(names, restored, strict=True))
        self._note(seconds, count)

    def restore(self, names: Sequence[str], pictures: Sequence[Rgb]) -> list[Rgb]:
        """Restore one batch of equal-sized pictures. Raises: MethodError."""
        lr = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2).to(self.device).float().div_(255.0).contiguous()
        where = f"{self.task.name}: {', '.join(names)}"

        def step(window: Tensor) -> Tensor:
            # A method that draws from the global generators instead of its own is at least the same in a continued run.
            seed_everything(picture_seed(self.task.seed, *names))
            sr = self.restorer.restore(window, names=tuple(names), seed=self.task.seed)
            if not isinstance(sr, Tensor) or not sr.is_floating_point():
                found = f"dtype {sr.dtype}" if isinstance(sr, Tensor) else type(sr).__name__
                raise MethodError(f"the method returned {found}; expected a floating-point tensor, RGB in [0, 1]")
            return sr

        try:
            with torch.inference_mode():
                return quantise(self.tiler(step, lr, where), names)
        except MethodError as error:
            raise MethodError(str(error) if str(error).startswith(where) else f"{where}: {error}") from error.__cause__

    def _decode(self, names: Sequence[str]) -> list[Rgb]:
        return [read_lr(self.task.lr[name]) for name in names]

    def _note(self, seconds: float, count: int) -> None:
        self.facts["tile"] = self.tiler.tile
        self.facts["seconds_per_image"] = round(seconds / count, 4) if count else None
        self.facts["images_timed"] = count
        self.facts["peak_memory_bytes"] = peak_memory(self.device)


def make_restorer(task: Task, device: torch.device) -> Restorer:
    """Make the method's restorer with the variant's options, check its class attributes and load its weights.

    Raises:
        MethodError: not a Restorer, options it does not take, a scale other than the data set's.
    """
    assert task.make is not None
    if not (isinstance(task.make, type) and issubclass(task.make, Restorer)):
        raise MethodError(f"{task.name}: entry {task.card.entry!r} is not a subclass of semsr.restoration.restorer.Restorer")
    try:
        restorer = task.make(**task.options)
    except TypeError as error:
        raise MethodError(f"{task.name}: options {task.options!r} are not what the method takes: {error}") from error
    if restorer.scale != task.scale:
        raise MethodError(
            f"{task.name}: restores x{restorer.scale}, the data set {task.dataset or 'given'} needs x{task.scale}"
        )
    restorer.files = dict(task.weights)
    restorer.load(next(iter(task.weights.values()), None), device)
    return restorer


def batches(lr: Mapping[str, LrPicture], size: int) -> list[tuple[str, ...]]:
    """Names in batches of at most `size` pictures of equal size; depends on the order and sizes only."""
    by_size: dict[tuple[int, int], list[str]] = {}
    for name, picture in lr.items():
        by_size.setdefault(picture.size, []).append(name)
    return [tuple(names[at : at + size]) for names in by_size.values() for at in range(0, len(names), size)]


def read_lr(picture: LrPicture) -> Rgb:
    """Decode an LR picture and check that its size is the one the batches were formed by. Raises: PictureError, MethodError."""
    rgb = read_rgb(picture.path)
    if rgb.shape[:2] != picture.size:
        raise MethodError(
            f"{picture.path}: {rgb.shape[1]}x{rgb.shape[0]} pixels, {picture.size[1]}x{picture.size[0]} in the manifest"
        )
    return rgb


def quantise(sr: Tensor, names: Sequence[str]) -> list[Rgb]:
    """(B, 3, H, W) in [0, 1] to 8-bit pictures: clipped, times 255, rounded half to even.

    Raises:
        MethodError: NaN, infinite, or plainly not in [0, 1]; names the picture.
    """
    sr = sr if sr.dtype == torch.float64 else sr.float()
    for name, picture in zip(names, sr, strict=True):
        if not bool(torch.isfinite(picture).all()):
            bad = int((~torch.isfinite(picture)).sum())
            raise MethodError(
                f"{name}: {bad} of {picture.numel()} values are NaN or infinite; nothing was written for this picture"
            )
        low, high = float(picture.min()), float(picture.max())
        if low < -OVERSHOOT or high > 1 + OVERSHOOT:
            raise MethodError(f"{name}: values from {low:.4g} to {high:.4g}; expected RGB in [0, 1]")
    rounded = sr.clamp(0, 1).mul(255).round().to(torch.uint8).permute(0, 2, 3, 1).contiguous().cpu().numpy()
    return list(rounded)


def make_deterministic(threads: int | None) -> None:
    """Full precision, fixed algorithms, a fixed number of threads: the reference is exact, not fast."""
    os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
    if threads is not None:
        torch.set_num_threads(threads)
    # The same as use_deterministic_algorithms(True, warn_only=True), which imports the compiler for three seconds.
    torch.set_deterministic_debug_mode("warn")
    torch.backends.cudnn.benchmark = False
    torch.backends.cudnn.allow_tf32 = False
    torch.backends.cuda.matmul.allow_tf32 = False


def seed_everything(seed: int) -> None:
    """Seed torch's, numpy's and Python's global generators."""
    torch.manual_seed(seed)
    np.random.seed(seed & 0xFFFFFFFF)
    random.seed(seed)


def peak_memory(device: torch.device) -> int:
    """Bytes: of the GPU's memory, or of this process's resident memory on a CPU."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def choose_device(wanted: str) -> Literal["cpu", "cuda"]:
    """ "cpu" or "cuda" for a profile's `device`. Raises: MethodError where "cuda" is asked for and not there."""
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise MethodError("the profile asks for device cuda, but torch sees no GPU here; set `device: cpu` or `device: auto`")
    return "cuda" if there and wanted != "cpu" else "cpu"
