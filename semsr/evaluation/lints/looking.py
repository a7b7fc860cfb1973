"""Measures all pictures of all rows of a data set, each once: what the journal knows of equal files is not measured again."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from threading import Event, Lock
from typing import Any

import semsr
from semsr.cores import available_cores
from semsr.errors import PictureError, SizeMismatchError
from semsr.evaluation.journal import Entry, Journal, batch_key
from semsr.evaluation.lints.copies import RowName
from semsr.evaluation.lints.look import Look, OriginalLook, Originals, look_at, look_at_originals
from semsr.evaluation.lints.row import RowLooks
from semsr.evaluation.pairing import Size
from semsr.fingerprint import fingerprint
from semsr.imaging.pictures import Rgb, decode_rgb
from semsr.project import Project

_MEASURE = ("alignment", "edges", "grid", "look", "sketch", "thumbnail")
"""Modules of this folder that measure; the others judge, and may change without anything being measured again."""


@dataclass(frozen=True)
class RowPictures:
    """The pictures of one row by name: all that `sizes` names, or some."""

    name: RowName
    pictures: Mapping[str, Path]


@dataclass(frozen=True)
class Sources:
    """What rows are compared with: HR and LR files by name (either may lack all), and the size each restored picture has."""

    hr: Mapping[str, Path]
    lr: Mapping[str, Path]
    sizes: Mapping[str, Size]


def looking_fingerprint(project: Project) -> str:
    """One hash over everything but the pictures that a look depends on."""
    package = Path(semsr.__file__).parent
    code = [package / "evaluation" / "lints" / f"{name}.py" for name in _MEASURE]
    code += [package / "imaging" / name for name in ("pictures.py", "resize.py")]
    return fingerprint(project, code, packages={name: version(name) for name in ("numpy", "pillow", "scikit-image", "scipy")})


def look_at_rows(
    rows: Sequence[RowPictures],
    sources: Sources,
    *,
    journal: Journal | None = None,
    threads: int | None = None,
    progress: Callable[[int], None] = lambda pictures: None,
) -> list[RowLooks]:
    """Look at every picture of every row.

    Args:
        rows: names of their pictures are names in `sources`.
        sources: what they are compared with; each name has HR, LR or both.
        journal: open; where looks are kept and looked up. None: nowhere.
        threads: pictures that are looked at side by side; None: as many as there are cores.
        progress: told how many pictures (counted once for each row) have been dealt with.

    Returns:
        The looks of each row, its names sorted.

    Raises:
        PictureError: a file is missing, damaged or not 8-bit RGB. SizeMismatchError: a picture's size is not the one in `sources`.
    """
    names = sorted({name for row in rows for name in row.pictures})
    desk = _Desk(sources, journal)
    stop = Event()

    def of_name(name: str) -> tuple[OriginalLook, dict[RowName, Look]] | None:
        return (
            None if stop.is_set() else desk.look(name, {row.name: row.pictures[name] for row in rows if name in row.pictures})
        )

    found: dict[str, tuple[OriginalLook, dict[RowName, Look]]] = {}
    with ThreadPoolExecutor(threads or available_cores(), thread_name_prefix="semsr-lint") as pool:
        try:
            for name, result in zip(names, pool.map(of_name, names), strict=True):
                assert result is not None
                found[name] = result
                progress(len(result[1]))
        except BaseException:
            stop.set()
            pool.shutdown(wait=True, cancel_futures=True)
            raise
    if journal is not None:
        journal.keep_only(desk.used)
    made = []
    for row in rows:
        mine = tuple(sorted(row.pictures))
        made.append(RowLooks(mine, tuple(found[name][1][row.name] for name in mine), tuple(found[name][0] for name in mine)))
    return made


class _Desk:
    """Looks at one name at a time, in several threads."""

    def __init__(self, sources: Sources, journal: Journal | None) -> None:
        self.used: list[str] = []
        self._sources = sources
        self._journal = journal
        self._lock = Lock()

    def look(self, name: str, pictures: Mapping[RowName, Path]) -> tuple[OriginalLook, dict[RowName, Look]]:
        size = self._sources.sizes[name]
        hr, lr = (_read(files[name]) if name in files else None for files in (self._sources.hr, self._sources.lr))
        hashes = ["" if file is None else file.sha256 for file in (hr, lr)]
        key = batch_key([name], hashes)
        files = {row: _read(path) for row, path in pictures.items()}
        keys = {row: batch_key([name], hashes, [file.sha256]) for row, file in files.items()}
        known = self._known([key, *keys.values()])
        if not known[key] or not all(known[each] for each in keys.values()):
            originals = Originals(
                None if lr is None else decode_rgb(lr.data, str(lr.path), grey="replicate"),
                None if hr is None else _sized(decode_rgb(hr.data, str(hr.path), grey="replicate"), hr.path, size),
                size,
            )
            if not known[key]:
                known[key] = self._add(key, look_at_originals(originals).plain())
            of_originals = OriginalLook.from_plain(known[key])
            for row, file in files.items():
                if not known[keys[row]]:
                    sr = _sized(decode_rgb(file.data, str(file.path)), file.path, size)
                    known[keys[row]] = self._add(keys[row], look_at(sr, originals, of_originals).plain())
        return OriginalLook.from_plain(known[key]), {row: Look.from_plain(known[each]) for row, each in keys.items()}

    def _known(self, keys: Iterable[str]) -> dict[str, Mapping[str, Any]]:
        with self._lock:
            wanted = list(dict.fromkeys(keys))
            self.used += wanted
            return {key: {} if self._journal is None else self._journal.get(key) for key in wanted}

    def _add(self, key: str, numbers: Mapping[str, Any]) -> Mapping[str, Any]:
        if self._journal is not None:
            with self._lock:
                self._journal.add(Entry(key, numbers))
        return numbers


@dataclass(frozen=True)
class _File:
    path: Path
    data: bytes
    sha256: str


def _read(path: Path) -> _File:
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        raise PictureError(f"{path}: no such file") from None
    return _File(path, data, hashlib.sha256(data).hexdigest())


def _sized(rgb: Rgb, path: Path, size: Size) -> Rgb:
    if rgb.shape[:2] != size:
        raise SizeMismatchError(
            f"{path}: {rgb.shape[1]}x{rgb.shape[0]} pixels (width x height), must be {size[1]}x{size[0]}; make the picture again"
        )
    return rgb
