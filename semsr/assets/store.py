"""The store of assets on this machine: ask for an asset, get a verified file."""

from __future__ import annotations

import contextlib
import logging
import os
import shutil
from dataclasses import dataclass
from pathlib import Path

from semsr.assets.archives import is_archive, unpack
from semsr.assets.download import discard
from semsr.assets.locking import locked
from semsr.assets.mirrors import Order, bring, describe, link_or_copy
from semsr.assets.network import MirrorError
from semsr.assets.unpinned import UNPINNED, note_of, require_one
from semsr.assets.verification import digest, problem_with, wrong_size
from semsr.cards.asset import Asset, Mirror
from semsr.errors import AssetError, MissingAssetsError, StorageError
from semsr.files import PARTIAL, storage_errors, write_atomic

logger = logging.getLogger(__name__)

FOLDER_VARIABLE = "SEMSR_ASSETS"


def default_folder() -> Path:
    """`$SEMSR_ASSETS`, or `semsr/assets` in the user's cache folder (`$XDG_CACHE_HOME`, `~/.cache`)."""
    if named := os.environ.get(FOLDER_VARIABLE):
        return Path(named).expanduser()
    return Path(os.environ.get("XDG_CACHE_HOME") or "~/.cache").expanduser() / "semsr" / "assets"


def _unpacked(archive: Path) -> Path:
    return archive.with_name(archive.name + ".unpacked")


@dataclass(frozen=True)
class Standing:
    """How an asset stands in the store, as far as can be told without reading it.

    Attributes:
        size: bytes of the file that lies there; None where there is none.
        present: it is there, with the size that the card says, or about that (any size where the card says none).
        partial: bytes of the longest unfinished download.
        unpacked: an archive's contents lie beside it.
    """

    size: int | None
    present: bool
    partial: int
    unpacked: bool


class Store:
    """Assets on this machine, in `<folder>/<asset id>/<first 12 digits of its sha256, or "unpinned">/<file>`.

    A file appears under its name only when complete and verified. Several processes may ask for the same asset: one downloads, the
    others wait. A store whose files are all there may be read-only.

    `ask_once`: what no mirror gave is not asked for again by this store, so that many users of one file cost one attempt.
    """

    def __init__(self, folder: Path | None = None, *, ask_once: bool = False) -> None:
        self.folder = folder if folder is not None else default_folder()
        self._ask_once = ask_once
        self._gone: dict[Asset, MissingAssetsError] = {}

    def path(self, asset: Asset) -> Path:
        """Where the asset's file lies or would lie."""
        return self.folder / asset.id / (asset.sha256[:12] if asset.sha256 else UNPINNED) / asset.file

    def pin(self, asset: Asset) -> str | None:
        """The sha256 in force: the card's; for an unpinned asset the one seen first on this machine; None before that."""
        if asset.sha256 is not None:
            return asset.sha256
        note = note_of(self.path(asset))
        return note.read_text().strip() if note.is_file() else None

    def get(self, asset: Asset) -> Path:
        """The asset's file, verified; fetched from the first mirror that has it, when it is not there yet.

        Raises:
            MissingAssetsError: no mirror could give it, or what they gave is not what the card says. The message has each mirror's
                reason and the way to do it by hand.
            AssetError: it is unpinned, and the user's own copy is another file than the one kept; which one counts is for the user to say.
            StorageError: the store can't be written.
        """
        path = self.path(asset)
        with storage_errors(path):
            accepted = path.is_file() and self._accept(asset, path) is None
        if accepted:
            require_one(asset, path)
            return path
        if asset in self._gone:
            raise self._gone[asset]
        with locked(self.folder / asset.id, asset.id):
            self._sweep(path)
            reasons = []
            if path.is_file():
                if (problem := self._accept(asset, path)) is None:
                    require_one(asset, path)
                    return path
                aside = path.with_name(path.name + ".rejected")
                with storage_errors(path):
                    if asset.sha256 is None and self.pin(asset) == digest(path):
                        note_of(path).unlink()  # what is refused must not be what is expected from now on
                    path.replace(aside)
                logger.warning("%s: %s; set aside as %s", path, problem, aside.name)
                reasons.append(f"the file that was there: {problem}")
            self._fetch(asset, path, reasons)
            self._tell_licence(asset)
            return path

    def look(self, asset: Asset) -> Standing:
        """How an asset stands here. Nothing is read, written or locked."""
        path = self.path(asset)
        size = path.stat().st_size if path.is_file() else None
        kept = [found.stat().st_size for found in path.parent.glob(f".{asset.file}.*{PARTIAL}") if found.is_file()]
        present = size is not None and wrong_size(asset, size) is None
        return Standing(size, present, max(kept, default=0), _unpacked(path).is_dir())

    def adopt(self, asset: Asset, source: Path) -> Path:
        """Take the user's own copy: `source` is the file, or a folder that holds it under the card's file name.

        Raises:
            AssetError: not there, or not the file that the card describes.
            StorageError: the store can't be written.
        """
        file = source / asset.file if source.is_dir() else source
        if not file.is_file():
            raise AssetError(f"asset {asset.id!r}: no file {file}; give the file itself, or a folder that holds {asset.file}")
        if problem := self._problem(asset, file):
            raise AssetError(f"asset {asset.id!r}: {file}: {problem}; {asset.manual}")
        path = self.path(asset)
        with locked(self.folder / asset.id, asset.id):
            partial = path.with_name(f".{path.name}.adopted{PARTIAL}")
            with storage_errors(path):
                path.parent.mkdir(parents=True, exist_ok=True)
                link_or_copy(file, partial)
            if problem := self._problem(asset, partial):
                discard(partial)
                raise AssetError(f"asset {asset.id!r}: {file} changed while it was copied: {problem}")
            self._place(asset, partial, path)
            self._tell_licence(asset)
            return path

    def unpacked(self, asset: Asset) -> Path:
        """The folder with the contents of an asset that is an archive, unpacked once beside it.

        Raises:
            AssetError: as `get`; or the archive is damaged, or holds paths that leave its folder or links.
            StorageError: the store can't be written.
        """
        archive = self.get(asset)
        folder = _unpacked(archive)
        if not folder.is_dir():
            with locked(self.folder / asset.id, asset.id):
                if not folder.is_dir():
                    self._sweep(archive)
                    unpack(archive, folder)
        return folder

    def opened(self, asset: Asset) -> Path:
        """The folder with an asset's files: an archive's contents, or where a file that is none lies. Raises: as `unpacked`."""
        return self.unpacked(asset) if is_archive(asset.file) else self.get(asset).parent

    def folder_of(self, asset: Asset) -> Path | None:
        """The same where it is here already, without verifying anything; else None."""
        standing, path = self.look(asset), self.path(asset)
        if not standing.present or (is_archive(asset.file) and not standing.unpacked):
            return None
        return _unpacked(path) if is_archive(asset.file) else path.parent

    def _fetch(self, asset: Asset, path: Path, reasons: list[str]) -> None:
        order = Order(asset, path.parent, self.folder / "packages", pinned=self.pin(asset) is not None or asset.md5 is not None)
        for mirror in asset.mirrors:
            resumed = order.partial(mirror).exists()
            try:
                partial, problem = self._try(asset, mirror, order)
                if problem and resumed:
                    logger.info("%s: %s after resuming; starting over", asset.id, problem)
                    partial, problem = self._try(asset, mirror, order)
            except MirrorError as error:
                problem = str(error)
            if not problem:
                self._place(asset, partial, path)
                return
            logger.info("%s: %s: %s", asset.id, describe(mirror), problem)
            reasons.append(f"{describe(mirror)}: {problem}")
        listed = "; ".join(f"({number}) {reason}" for number, reason in enumerate(reasons, 1))
        gone = MissingAssetsError(
            f"asset {asset.id!r} ({asset.file}) could not be had: {listed}. By hand: {' '.join(asset.manual.split()).rstrip('.')}. "
            f"Put the file at {path} and start again (files of a data set also by `semsr fetch DATASET --from DIR`)",
            {asset.id: listed},
        )
        if self._ask_once:
            self._gone[asset] = gone
        raise gone

    def _try(self, asset: Asset, mirror: Mirror, order: Order) -> tuple[Path, str | None]:
        partial = bring(mirror, order)
        problem = self._problem(asset, partial)
        if problem:
            discard(partial)
        return partial, problem

    def _problem(self, asset: Asset, path: Path) -> str | None:
        """What is wrong with a file that is to be taken; None if nothing."""
        problem = problem_with(asset, path, self.pin(asset))
        if problem and asset.sha256 is None and "sha256" in problem:
            problem += f"; expected is what came first on this machine: delete {note_of(self.path(asset))} to accept another"
        return problem

    def _sweep(self, path: Path) -> None:
        """Delete what killed processes left of extracting and unpacking; called with the lock held. Resumable files stay."""
        for leftover in (*path.parent.glob(f"..*{PARTIAL}"), *path.parent.glob(f".{_unpacked(path).name}.*{PARTIAL}")):
            if leftover.is_dir():
                shutil.rmtree(leftover, ignore_errors=True)
            else:
                leftover.unlink(missing_ok=True)

    def _place(self, asset: Asset, partial: Path, path: Path) -> None:
        with storage_errors(path):
            if asset.sha256 is None and self.pin(asset) is None:
                write_atomic(note_of(self.path(asset)), digest(partial) + "\n")
            if _unpacked(path).exists():  # of another version
                shutil.rmtree(_unpacked(path))
            partial.replace(path)

    def _accept(self, asset: Asset, path: Path) -> str | None:
        """What is wrong with the file that lies there; None when it may be used. An unpinned one put there by hand is pinned."""
        pin = self.pin(asset)
        problem = problem_with(asset, path, pin)
        if problem is None and pin is None:
            with contextlib.suppress(
                OSError, StorageError
            ):  # a read-only store can't remember; the file is usable all the same
                write_atomic(note_of(self.path(asset)), digest(path) + "\n")
        return problem

    def _tell_licence(self, asset: Asset) -> None:
        """Say once a machine under which licence the file comes, and again when the card's licence changes."""
        marker = self.folder / asset.id / "licence.txt"
        text = f"{asset.title}: {asset.licence}. Source: {asset.source}\n"
        if not marker.is_file() or marker.read_text() != text:
            logger.warning("%s (%s): licence %s; source %s", asset.title, asset.file, asset.licence, asset.source)
            write_atomic(marker, text)
