"""The contract tests that every method must pass, shipped so that an author can run them: `semsr check NAME`."""

from __future__ import annotations

import contextlib
import pickle
import tempfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from semsr.errors import SemsrError
from semsr.imaging.pictures import Rgb, write_png
from semsr.restoration.cell import Cell
from semsr.restoration.python import PythonRunner
from semsr.restoration.runner import LrPicture, Runner, Task, make_runner

ODD_SIZES = ((17, 23), (32, 13), (16, 16), (33, 31))
"""(height, width) of LR pictures that no network was built for."""
TILE = 32
BATCH_TOLERANCE = 1
"""Grey levels by which a picture may differ when it is restored in a batch: sums in another order, then rounding."""


@dataclass(frozen=True)
class Finding:
    """One contract test: passed, failed, or (None) not applicable; and the figure or reason behind it."""

    name: str
    passed: bool | None
    figure: str


class StoppedError(Exception):
    """Stands in for a kill in the middle of a run."""


def sample(height: int, width: int, index: int = 0) -> Rgb:
    """A made-up picture with edges, gradients, fine texture and noise; the same on every machine."""
    y, x = np.mgrid[:height, :width].astype(np.float64)
    base = 0.5 + 0.25 * np.sin(x / 7 + index) * np.cos(y / 5) + 0.2 * ((x + 2 * y + 5 * index) % 24 < 9)
    planes = [base + 0.1 * np.sin((x * (c + 1) + y * (3 - c)) / 2.5) for c in range(3)]
    noise = np.random.default_rng(index).normal(0, 0.02, (height, width, 3))
    return np.asarray(np.clip((np.stack(planes, axis=-1) + noise) * 255, 0, 255).round(), dtype=np.uint8)


def check_python(task: Task, pictures: Mapping[str, Rgb] | None = None) -> Iterator[Finding]:
    """All tests of a python runner.

    Args:
        task: the variant with its weights; its `lr` is not used.
        pictures: real LR pictures to use besides the made-up ones, for sizes and range.

    Yields:
        findings, as they are made.
    """
    runner: list[PythonRunner] = []

    def load() -> str:
        pickled = pickle.loads(pickle.dumps(task.make))  # noqa: S301 (what was pickled here, a moment ago)
        if pickled is not task.make:
            raise SemsrError("the class does not come back from a worker process (pickle) as the same class")
        runner.append(PythonRunner(replace(task, lr={})))
        restorer = runner[0].restorer
        halo = "sees the whole picture" if restorer.halo is None else f"halo {restorer.halo}"
        return f"x{restorer.scale}, {halo}, multiple of {restorer.multiple}"

    yield _try("loads", load)
    if not runner:
        return
    once = runner[0]
    a, b = sample(32, 32, 0), sample(32, 32, 1)

    def one(rgb: Rgb, name: str = "a") -> Rgb:
        return once.restore([name], [rgb])[0]

    yield _try("size, type, range", lambda: _extent(one(a)))
    yield _try("odd sizes", lambda: _sizes(one))
    if pictures:
        yield _try("real pictures", lambda: _real(one, pictures))
    yield _try("deterministic", lambda: _same(one, a, b), applies=task.card.deterministic, otherwise="the card says it is not")
    yield _try("batch of 2 = singles", lambda: _batch(once, a, b))
    yield _try(
        "tiles = whole",
        lambda: _tiles(task, once),
        applies=once.restorer.halo is not None,
        otherwise="declares no halo, is never tiled",
    )
    yield _try("resumes", lambda: _resume(once))


def check_command(task: Task) -> Iterator[Finding]:
    """All tests of a command runner; the program is started three times."""
    pictures = {f"odd{index}": sample(*size, index) for index, size in enumerate(ODD_SIZES)} | {"a": sample(32, 32)}
    results: list[dict[str, Rgb]] = []

    def run() -> str:
        results.append(_run_in_folder(task, pictures))
        return f"{len(pictures)} pictures, among them {', '.join(f'{width}x{height}' for height, width in ODD_SIZES)}"

    def again() -> str:
        worst = max(_difference(rgb, results[0][name]) for name, rgb in _run_in_folder(task, pictures).items())
        return _within(worst, 0, "two runs")

    def alone() -> str:
        return _within(
            _difference(_run_in_folder(task, {"a": pictures["a"]})["a"], results[0]["a"]),
            BATCH_TOLERANCE,
            "alone and among others",
        )

    yield _try("runs; sizes, type", run)
    there, fixed = bool(results), task.card.deterministic
    reason = "the program does not run" if not there else "the card says it is not deterministic"
    yield _try("deterministic", again, applies=there and fixed, otherwise=reason)
    yield _try("a picture alone", alone, applies=there and fixed, otherwise=reason)
    yield Finding("resumes", None, "a killed program is started again as a whole")


def check_outputs(tasks: Mapping[str, Task]) -> Iterator[Finding]:
    """Names and sizes of someone else's pictures, for each data set that there is a folder for."""
    for dataset, task in tasks.items():

        def run(task: Task = task) -> str:
            count = sum(len(batch) for batch in make_runner(task).run())
            return f"{count} pictures, names and sizes right"

        yield _try(f"pictures of {dataset}", run)
    if not tasks:
        yield Finding(
            "pictures", False, "no folder for any prepared data set; see outputs.folder in the card, and `semsr prepare`"
        )


def _try(name: str, test: Callable[[], str], *, applies: bool = True, otherwise: str = "") -> Finding:
    if not applies:
        return Finding(name, None, otherwise)
    try:
        return Finding(name, True, test())
    except SemsrError as error:
        return Finding(name, False, str(error))
    except Exception as error:  # an author's bug, whatever it is, is a failed test and not the end of the others
        return Finding(name, False, f"{type(error).__name__}: {' '.join(str(error).split())[:300]}")


def _extent(sr: Rgb) -> str:
    if int(sr.max()) - int(sr.min()) < 8:
        raise SemsrError(f"the result is nearly one colour (grey levels {sr.min()} to {sr.max()})")
    return f"{sr.shape[1]}x{sr.shape[0]} RGB, grey levels {sr.min()} to {sr.max()}"


def _sizes(one: Callable[[Rgb], Rgb]) -> str:
    for index, (height, width) in enumerate(ODD_SIZES):
        one(sample(height, width, index))
    return ", ".join(f"{width}x{height}" for height, width in ODD_SIZES)


def _real(one: Callable[[Rgb, str], Rgb], pictures: Mapping[str, Rgb]) -> str:
    for name, rgb in pictures.items():
        _extent(one(rgb, name))
    return ", ".join(pictures)


def _same(one: Callable[[Rgb, str], Rgb], a: Rgb, b: Rgb) -> str:
    first = one(a, "a")
    one(b, "b")
    return _within(_difference(first, one(a, "a")), 0, "two runs with another picture between")


def _batch(runner: PythonRunner, a: Rgb, b: Rgb) -> str:
    together = runner.restore(["a", "b"], [a, b])
    singles = [runner.restore(["a"], [a])[0], runner.restore(["b"], [b])[0]]
    worst = max(_difference(left, right) for left, right in zip(together, singles, strict=True))
    return _within(worst, BATCH_TOLERANCE, "batch and singles")


def _tiles(task: Task, runner: PythonRunner) -> str:
    halo = runner.restorer.halo or 0
    rgb = sample(24, 2 * halo + 4 * TILE + 5)
    before = runner.tiler.tile
    try:
        runner.tiler.tile = None
        whole = runner.restore(["a"], [rgb])[0]
        runner.tiler.tile = TILE
        tiled = runner.restore(["a"], [rgb])[0]
    finally:
        runner.tiler.tile = before
    allowed = max(runner.restorer.halo_error, BATCH_TOLERANCE)
    return _within(_difference(whole, tiled), allowed, f"tiles of {TILE} with halo {halo}, and whole")


def _resume(runner: PythonRunner) -> str:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        pictures = {f"p{index}": sample(16, 12 + 2 * (index // 3), index) for index in range(5)}
        runner.task = replace(runner.task, lr=_write(pictures, folder / "lr"), batch=2)
        undisturbed, killed = Cell(folder / "undisturbed"), Cell(folder / "killed")
        done, _ = undisturbed.begin("same", pictures, {})
        undisturbed.fill(runner, done)
        done, _ = killed.begin("same", pictures, {})
        with contextlib.suppress(StoppedError):
            killed.fill(runner, done, _stop)
        killed.picture(next(iter(pictures))).unlink()  # as if the kill had come in the middle of the first batch
        done, _ = killed.begin("same", pictures, {})
        killed.fill(runner, done)
        different = [name for name in pictures if killed.picture(name).read_bytes() != undisturbed.picture(name).read_bytes()]
    if different:
        raise SemsrError(
            f"after a stop in the middle, {', '.join(different)} came out different; is there a random draw without (seed, name)?"
        )
    return f"{len(pictures)} pictures, stopped in the middle, same bytes"


def _stop(count: int) -> None:
    raise StoppedError


def _run_in_folder(task: Task, pictures: Mapping[str, Rgb]) -> dict[str, Rgb]:
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "cell").mkdir()
        runner: Runner = make_runner(replace(task, lr=_write(pictures, folder / "lr"), cell=folder / "cell"))
        return dict(restored for batch in runner.run() for restored in batch)


def _write(pictures: Mapping[str, Rgb], folder: Path) -> dict[str, LrPicture]:
    for name, rgb in pictures.items():
        write_png(folder / f"{name}.png", rgb)
    return {name: LrPicture(folder / f"{name}.png", (rgb.shape[0], rgb.shape[1])) for name, rgb in pictures.items()}


def _difference(left: Rgb, right: Rgb) -> int:
    return int(np.abs(left.astype(np.int16) - right.astype(np.int16)).max())


def _within(found: int, allowed: int, what: str) -> str:
    if found > allowed:
        raise SemsrError(f"{what} differ by up to {found} grey levels; allowed: {allowed}")
    return f"{what} differ by {found} grey levels (allowed: {allowed})"
