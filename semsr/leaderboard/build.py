"""Writes the whole site into a folder, or leaves the folder as it was."""

from __future__ import annotations

import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from semsr.errors import SemsrError
from semsr.files import PARTIAL, storage_errors, write_atomic
from semsr.leaderboard import build_pages
from semsr.leaderboard.assets import write_assets
from semsr.leaderboard.data import data_script
from semsr.leaderboard.data_json import json_of
from semsr.leaderboard.data_tables import block_data, file_of, key_of
from semsr.leaderboard.data_values import values_data
from semsr.leaderboard.model import Site
from semsr.leaderboard.pages import SIGNS, renderer
from semsr.leaderboard.plots import write_plots
from semsr.leaderboard.viewer import write_viewer
from semsr.reproduction.verdict import SAID

MARK = ".semsr-site"
"""A file that says that a folder holds such a site, so that nothing else is ever replaced."""


@dataclass(frozen=True)
class Built:
    """What was written, and where: pages, their bytes with data and scripts but without pictures, and the seconds that it took."""

    folder: Path
    pages: int
    files: int
    size: int
    pictures: int
    seconds: float


def build(site: Site, out: Path, *, pictures: int | None = None) -> Built:
    """Write the site.

    Args:
        site: all that it shows.
        out: its folder: made anew, so that no page of an earlier site stays.
        pictures: how many pictures of each data set come along, the first ones; None: all; 0: no viewer.

    Raises:
        SemsrError: `out` holds something that is no such site, or can't be written; it is left as it was.
    """
    start = time.monotonic()
    site = with_pictures(site, pictures)
    out = Path(os.path.abspath(out))  # noqa: PTH100 - "." has no name to put others beside; a link stays one
    with _swapped(out) as folder:
        write_assets(folder)
        render = renderer(site)
        for name, text in build_pages.pages(site, render):
            write_atomic(folder / name, text, durable=False)
        _write_data(site, folder)
        _write_downloads(site, folder)
        write_viewer(site, folder, render, pictures)
        write_plots(site, folder, render)
        write_atomic(folder / MARK, "made by semsr publish; a new run replaces the whole folder\n", durable=False)
        built = replace(_measured(folder, time.monotonic() - start), folder=out)
    return built


def with_pictures(site: Site, pictures: int | None) -> Site:
    """The same site with at most so many pictures of each data set (None: all); with 0, no link leads to any."""
    if pictures is None:
        return site
    if pictures > 0:
        return replace(site, viewables=tuple(replace(seen, images=seen.images[:pictures]) for seen in site.viewables))
    tables = tuple(replace(table, blocks=tuple(replace(block, viewer="") for block in table.blocks)) for table in site.tables)
    return replace(site, tables=tables, viewables=())


def _write_data(site: Site, folder: Path) -> None:
    words = {kind: {"sign": SIGNS[kind], "word": word} for kind, word in SAID.items()}
    write_atomic(folder / "data" / "words.js", data_script("verdicts", words), durable=False)
    write_atomic(folder / "data" / "values.js", data_script("values", values_data(site)), durable=False)
    for table in site.tables:
        for block in table.blocks:
            script = data_script(key_of(table, block), block_data(block))
            write_atomic(folder / file_of(table, block), script, durable=False)


def _write_downloads(site: Site, folder: Path) -> None:
    for table in site.tables:
        for name, text in (*table.downloads.items(), (f"{table.id}.json", json_of(site, table))):
            write_atomic(folder / "downloads" / name, text, durable=False)
            # Once more as a script, which is how a page that was opened from a file gets at it: static/downloads.js.
            write_atomic(folder / "downloads" / f"{name}.js", data_script(f"download:{name}", text), durable=False)


def _measured(folder: Path, seconds: float) -> Built:
    files = [path for path in folder.rglob("*") if path.is_file()]
    seen = [path for path in files if path.is_relative_to(folder / "pictures")]
    size = sum(path.stat().st_size for path in files) - sum(path.stat().st_size for path in seen)
    return Built(folder, sum(path.suffix == ".html" for path in files), len(files), size, len(seen), seconds)


@contextmanager
def _swapped(out: Path) -> Iterator[Path]:
    """A fresh folder beside `out` that takes its place once all is well."""
    _refuse(out)
    new = out.with_name(f".{out.name}.{os.getpid()}.{uuid.uuid4().hex[:8]}{PARTIAL}")
    old = new.with_name(f"{new.name}.old")
    try:
        with storage_errors(out):
            for leftover in out.parent.glob(f".{out.name}.*{PARTIAL}*"):  # of a killed run
                shutil.rmtree(leftover, ignore_errors=True)
            try:
                new.mkdir(parents=True)
            except FileNotFoundError:  # where the system lets nobody make folders, as below /proc
                raise SemsrError(f"{out}: no folder can be made there; name another with --out") from None
            yield new
            if out.exists():
                out.rename(old)
            try:
                new.rename(out)
            except OSError:
                if old.exists():
                    old.rename(out)
                raise
    finally:
        for folder in (new, old):
            with suppress(OSError):
                shutil.rmtree(folder, ignore_errors=True)


def _refuse(out: Path) -> None:
    """Never replace what is no site. Raises: SemsrError."""
    if out.is_symlink() or (out.exists() and not out.is_dir()):
        raise SemsrError(f"{out}: a site needs a folder of its own, found another kind of file; name another with --out")
    if Path.cwd().is_relative_to(out.resolve()):
        raise SemsrError(
            f"{out}: the working folder, or one above it, which a site takes the place of; name a folder in it with --out, or run "
            "this from elsewhere"
        )
    if out.is_dir() and not (out / MARK).is_file() and any(out.iterdir()):
        raise SemsrError(
            f"{out}: holds files that are no site of semsr publish, which would delete them; empty it, or name another with --out"
        )
