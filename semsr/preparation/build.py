"""Makes the prepared form of a data set on every core, picture by picture: each file is written whole, the manifest last, so that a
killed run leaves nothing that passes for finished, and the next run goes on with what is missing and ends with the same bytes."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import partial
from itertools import islice
from multiprocessing import get_context
from pathlib import Path

from semsr.cores import end_with_parent
from semsr.errors import PictureError, SemsrError
from semsr.files import PARTIAL, remove_partial, storage_errors, write_atomic
from semsr.imaging.pictures import Rgb, read_rgb
from semsr.preparation.journal import Journal, Noted, leftovers, noted
from semsr.preparation.labels import map_file
from semsr.preparation.making import File, Picture
from semsr.preparation.manifest import MANIFEST, Entry, pixel_sha256

logger = logging.getLogger(__name__)

_WORTH_A_PROCESS = 24
"""Pictures a process must have for its start (about a second) to pay."""
_TOGETHER = 8
"""Pictures handed to a process at a time: what goes there and back costs as much as a small picture does."""
_WAITING = 3
"""Such handfuls given out ahead for each process; memory is these, however many pictures there are."""


@dataclass(frozen=True)
class Job:
    """One picture to be made. `make` goes to another process, so it is a module's function with its arguments."""

    name: str
    make: Callable[[], Picture]


def build(
    folder: Path, jobs: Sequence[Job], journal: Journal, *, workers: int, advance: Callable[[int], None] = lambda _: None
) -> list[Entry]:
    """Make `folder`/hr and /lr, and the label maps of generated pictures; what the journal knows and nobody has touched since stays.

    Args:
        folder: data/<id>; its manifest is removed first, since from now on it is not whole.
        jobs: all pictures.
        journal: opened; each picture is noted as soon as it is there.
        workers: processes; few pictures are made in this one.
        advance: told how many pictures are done.

    Returns:
        All pictures, sorted by name.

    Raises:
        PictureError: what a picture's own error says; nothing of that picture is written.
        StorageError: the folder can't be written.
        SemsrError: a process was killed (memory?).
    """
    with storage_errors(folder):
        for part in (folder, folder / "hr", folder / "lr"):
            part.mkdir(parents=True, exist_ok=True)
            remove_partial(part)
        (folder / MANIFEST).unlink(missing_ok=True)
    todo = [job for job in jobs if not journal.untouched(job.name)]
    advance(len(jobs) - len(todo))
    if 0 < len(todo) < len(jobs):
        logger.info("%d of %d pictures are there already", len(jobs) - len(todo), len(jobs))
    for done in _made(todo, partial(make, folder), min(workers, len(todo) // _WORTH_A_PROCESS)):
        journal.add(done)
        advance(1)
    if todo:
        os.sync()
    entries = sorted((journal.pictures[job.name].entry for job in jobs), key=lambda entry: entry.name)
    for path in leftovers(folder, entries):
        logger.info("%s: removed, not a picture of this data set", path)
        with storage_errors(path):
            path.unlink()
    for side in ("hr", "lr"):
        with contextlib.suppress(OSError):  # one that holds pictures stays
            (folder / side).rmdir()
    return entries


def make(folder: Path, job: Job) -> Noted:
    """Make one picture and write its files; those that have the right bytes are kept. Raises: PictureError, StorageError."""
    picture = job.make()
    if (labels := picture.labels) is not None:
        write_atomic(folder / map_file(picture.name), labels.png, durable=False)
    hr, lr = (_place(folder / side, picture.name, file) for side, file in (("hr", picture.hr), ("lr", picture.lr)))
    entry = Entry(
        name=picture.name,
        lr=lr,
        hr=hr,
        lr_size=_size(picture.lr),
        hr_size=_size(picture.hr),
        lr_sha256=pixel_sha256(picture.lr.rgb) if picture.lr else None,
        hr_sha256=pixel_sha256(picture.hr.rgb) if picture.hr else None,
        split=picture.split,
    )
    return noted(entry, folder, labels.facts if labels else None)


def damage(entry: Entry) -> list[str]:
    """What is wrong with a prepared picture: files that are gone or have other pixels than the manifest says."""
    found = []
    for path, sha in ((entry.hr, entry.hr_sha256), (entry.lr, entry.lr_sha256)):
        if path is None:
            continue
        try:
            if pixel_sha256(read_rgb(path)) != sha:
                found.append(f"{path}: other pixels than the manifest says")
        except PictureError as error:
            found.append(str(error))
    return found


def _made(todo: Sequence[Job], make_one: Callable[[Job], Noted], workers: int) -> Iterator[Noted]:
    if workers <= 1:
        yield from map(make_one, todo)
        return
    # Spawned, not forked: this process may have threads (torch, a progress bar), whose locks a fork would copy in any state.
    with ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, (os.getpid(),)) as pool:
        handfuls = (todo[start : start + _TOGETHER] for start in range(0, len(todo), _TOGETHER))
        waiting = {pool.submit(_each, make_one, jobs) for jobs in islice(handfuls, workers * _WAITING)}
        try:
            while waiting:
                done, waiting = wait(waiting, return_when=FIRST_COMPLETED)
                waiting |= {pool.submit(_each, make_one, jobs) for jobs in islice(handfuls, len(done))}
                for future in done:
                    yield from future.result()
        except BrokenProcessPool:
            raise SemsrError(
                "a process that prepares pictures was killed (not enough memory?); start again, finished pictures are kept"
            ) from None
        finally:
            pool.shutdown(cancel_futures=True)


def _each(make_one: Callable[[Job], Noted], jobs: Sequence[Job]) -> list[Noted]:
    return [make_one(job) for job in jobs]


def _start_worker(parent: int) -> None:
    """Let a worker end with its parent, even one that was killed, and leave Ctrl-C to it."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ["OMP_NUM_THREADS"] = "1"  # one process a core; read when torch is loaded, if it is
    end_with_parent(parent)


def _place(folder: Path, name: str, file: File | None) -> Path | None:
    if file is None:
        return None
    path = folder / f"{name}{file.suffix}"
    if path.is_file() and path.read_bytes() == file.data:
        return path
    if file.origin is None or not _linked(file.origin, path):
        write_atomic(path, file.data, durable=False)  # the journal knows its size; `build` waits for the disk once
    return path


def _linked(origin: Path, path: Path) -> bool:
    """Give a large set's file a second name instead of a copy, where both lie on one disk."""
    between = path.with_name(f".{path.name}.{os.getpid()}{PARTIAL}")
    try:
        os.link(origin.resolve(), between)
        between.replace(path)
    except OSError:
        with contextlib.suppress(OSError):
            between.unlink(missing_ok=True)
        return False
    return True


def _size(file: File | None) -> tuple[int, int] | None:
    return _sides(file.rgb) if file else None


def _sides(rgb: Rgb) -> tuple[int, int]:
    return rgb.shape[0], rgb.shape[1]
