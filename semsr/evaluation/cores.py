"""How the cores given are used: as many batches side by side as there are threads, each computed by one."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

from semsr.cores import available_cores
from semsr.errors import SemsrError

BYTES_PER_PIXEL = 3500
"""Peak memory of measuring one pixel (VGG16 features of SR and HR, float32, and the float64 planes), rounded up; decides only how many
batches run side by side."""


@dataclass(frozen=True)
class Crew:
    """`workers` batches at a time, each with `threads` threads inside torch's operators."""

    workers: int
    threads: int


def crew(threads: int | None, batches: int, pixels: int, device: str) -> Crew:
    """Divide the threads given.

    Whole batches side by side beat many threads on one (no waiting between layers), and a value does then not depend on the number of
    threads. Threads go inside operators only where there are fewer batches than threads, or memory would not hold more batches.

    Args:
        threads: how many; None: all that are available.
        batches: how many batches the whole job has (not what is left of it: a resumed run must divide alike).
        pixels: of the largest batch.
        device: on "cuda" networks run in one lane of their own, and the workers decode and compute the rest.
    """
    total = threads or available_cores()
    if device != "cpu":
        return Crew(max(total, 2), 1)
    fit = max(_memory() // 2 // (BYTES_PER_PIXEL * max(pixels, 1)), 1)
    workers = max(min(total, batches, fit), 1)
    return Crew(workers, max(total // workers, 1))


def _memory() -> int:
    """The machine's memory in bytes."""
    return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") if hasattr(os, "sysconf") else 1 << 33


@contextlib.contextmanager
def torch_threads(count: int) -> Iterator[None]:
    """Set torch's threads an operator, for threads started inside this block, and set them back."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def pick_device(wanted: str) -> str:
    """ "cpu" or "cuda" for "cpu", "cuda" or "auto" (a GPU where there is one). Raises: SemsrError."""
    import torch

    if wanted not in ("cpu", "cuda", "auto"):
        raise SemsrError(f"device: found {wanted!r}; allowed: cpu, cuda, auto")
    there = torch.cuda.is_available()
    if wanted == "cuda" and not there:
        raise SemsrError("device: 'cuda' was asked for, but torch finds no GPU here; use cpu or auto")
    return "cuda" if there and wanted != "cpu" else "cpu"
