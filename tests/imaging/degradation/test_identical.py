"""The same bytes whatever the batch, order, workers, threads and instruction set."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset

from semsr.imaging.degradation.parameters import FULL, LIGHT, PARAMETERS, PASD
from semsr.imaging.degradation.recipe import Recipe, degrade, degrade_batch

from .conftest import make_picture

COUNT = 16
SIDE = 64
RECIPES = {
    "full": Recipe(FULL),
    "light": Recipe(LIGHT, seed=7),
    "pasd": Recipe(PASD),
    "seesr": Recipe(FULL, ground_truth="sharpened", shared_choices=10),
}


def hashed(*pictures: NDArray[np.uint8]) -> str:
    return hashlib.sha256(b"".join(np.ascontiguousarray(picture).tobytes() for picture in pictures)).hexdigest()


def hr(at: int) -> NDArray[np.uint8]:
    return make_picture(SIDE, SIDE, at)


@pytest.fixture(scope="module")
def alone() -> dict[str, list[str]]:
    """Each picture by itself, in order: what all others must equal."""
    found = {}
    for name, recipe in RECIPES.items():
        pairs = [degrade(hr(at), recipe, f"{at}", place=at) for at in range(COUNT)]
        found[name] = [hashed(pair.hr, pair.lr) for pair in pairs]
        assert len({hashed(pair.lr) for pair in pairs}) == COUNT
    return found


@pytest.mark.parametrize("name", RECIPES)
@pytest.mark.parametrize("backwards", [False, True])
@pytest.mark.parametrize("batch, threads", [(1, 1), (7, 1), (7, 2), (16, 3)])
def test_batches(name: str, batch: int, backwards: bool, threads: int, alone: dict[str, list[str]]) -> None:
    order = list(range(COUNT))[:: -1 if backwards else 1]
    found: dict[int, str] = {}
    for start in range(0, COUNT, batch):
        part = order[start : start + batch]
        pairs = degrade_batch([hr(at) for at in part], RECIPES[name], [f"{at}" for at in part], part, threads=threads)
        found |= {at: hashed(pair.hr, pair.lr) for at, pair in zip(part, pairs, strict=True)}
    assert [found[at] for at in range(COUNT)] == alone[name]


class Pairs(Dataset[tuple[int, str]]):
    def __init__(self, recipe: Recipe) -> None:
        self.recipe = recipe

    def __len__(self) -> int:
        return COUNT

    def __getitem__(self, at: int) -> tuple[int, str]:
        pair = degrade(hr(at), self.recipe, f"{at}", place=at)
        return at, hashed(pair.hr, pair.lr)


@pytest.mark.parametrize("batch", [1, 7, 16])
@pytest.mark.parametrize("workers", [0, 2])
@pytest.mark.parametrize("backwards", [False, True])
def test_loader_workers(workers: int, backwards: bool, batch: int, alone: dict[str, list[str]]) -> None:
    order = list(range(COUNT))[:: -1 if backwards else 1]
    loader: Any = DataLoader(Pairs(RECIPES["seesr"]), batch, sampler=order, num_workers=workers)
    found = {int(at): text for places, texts in loader for at, text in zip(places, texts, strict=True)}
    assert [found[at] for at in range(COUNT)] == alone["seesr"]


def test_sizes_in_one_batch_may_differ() -> None:
    pictures = [make_picture(64, 96), make_picture(100, 40), make_picture(256, 256)]
    pairs = degrade_batch(pictures, Recipe(FULL), ["a", "b", "c"], threads=2)
    for picture, image, pair in zip(pictures, "abc", pairs, strict=True):
        assert np.array_equal(pair.lr, degrade(picture, Recipe(FULL), image).lr)


def test_batches_leave_the_number_of_threads_as_it_was() -> None:
    before = torch.get_num_threads()
    degrade_batch([hr(0), hr(1)], Recipe(FULL), ["a", "b"], threads=2)
    assert torch.get_num_threads() == before


def dispatched() -> str:
    """NumPy's instruction sets above its baseline that this processor has."""
    from numpy._core import _multiarray_umath as core

    names = [name for name in core.__cpu_dispatch__ if core.__cpu_features__[name]]
    return " ".join(names)


MACHINES: dict[str, dict[str, str]] = {
    "plain torch": {"ATEN_CPU_CAPABILITY": "default"},
    "avx2 torch": {"ATEN_CPU_CAPABILITY": "avx2"},
    "old mkl": {"MKL_ENABLE_INSTRUCTIONS": "SSE4_2", "MKL_CBWR": "COMPATIBLE"},
    "avx2 mkl": {"MKL_ENABLE_INSTRUCTIONS": "AVX2"},
    "plain numpy": {"NPY_DISABLE_CPU_FEATURES": dispatched()},
    "plain libm": {"GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-AVX"},
    "plain libjpeg": {"JSIMD_FORCENONE": "1"},
    "one thread": {"OMP_NUM_THREADS": "1"},
    "four threads": {"OMP_NUM_THREADS": "4", "MKL_NUM_THREADS": "4", "OPENBLAS_NUM_THREADS": "4"},
    "an old machine": {
        "ATEN_CPU_CAPABILITY": "default",
        "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
        "MKL_CBWR": "COMPATIBLE",
        "NPY_DISABLE_CPU_FEATURES": dispatched(),
        "GLIBC_TUNABLES": "glibc.cpu.hwcaps=-AVX512F,-AVX2,-FMA,-AVX",
        "JSIMD_FORCENONE": "1",
        "OMP_NUM_THREADS": "3",
    },
}
PLACES = 6


def golden() -> dict[str, list[str]]:
    """LR pixel hashes of generated pictures, 200 x 264, six for each set."""
    return {
        name: [hashed(degrade(make_picture(200, 264, at), Recipe(parameters), f"{at}").lr)[:16] for at in range(PLACES)]
        for name, parameters in PARAMETERS.items()
    }


GOLDEN = json.loads(Path(__file__).with_name("golden.json").read_text())
"""Made by `python -m tests.imaging.degradation.test_identical > golden.json`; a change is a new `VERSION`."""


def test_bytes_are_those_of_every_other_machine() -> None:
    assert golden() == GOLDEN


@pytest.mark.slow
@pytest.mark.parametrize("machine", MACHINES)
def test_instruction_sets_and_threads(machine: str) -> None:
    """Fresh processes that were told to use other kernels compute the same bytes."""
    clean = {key: value for key, value in os.environ.items() if not key.endswith("_NUM_THREADS")}
    command = [sys.executable, "-W", "ignore", "-m", "tests.imaging.degradation.test_identical"]
    done = subprocess.run(
        command, cwd=Path(__file__).parents[3], env=clean | MACHINES[machine], capture_output=True, text=True, check=True
    )
    assert json.loads(done.stdout) == GOLDEN


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_within_a_few_levels() -> None:
    for at in range(PLACES):
        picture = make_picture(200, 264, at)
        here, there = (degrade(picture, Recipe(FULL), f"{at}", device=device).lr.astype(int) for device in ("cpu", "cuda"))
        assert np.abs(here - there).max() <= 4


if __name__ == "__main__":
    sys.stdout.write(json.dumps(golden(), indent=1) + "\n")
