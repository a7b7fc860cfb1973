"""What is to be read of a data set to know whether it is whole: prepared pictures, annotations, originals; a function a file."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Literal

from semsr.assets.store import Store
from semsr.cards import DatasetCard
from semsr.cards.dataset import FileSource, PhotoSource
from semsr.errors import PictureError, SemsrError
from semsr.files import sha256_file
from semsr.imaging.pictures import read_rgb
from semsr.preparation.manifest import MANIFEST, Prepared, pixel_sha256, read_manifest
from semsr.preparation.originals import Fetched, read_record
from semsr.preparation.pairing import files_below, matches
from semsr.preparation.published import differences, read_table
from semsr.project import Project
from semsr.stages.sources import part_ids

Kind = Literal["missing", "damaged", "extra", "not as published"]


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong: `file` as a person would write it, or a picture's name where it is about what was published."""

    dataset: str
    kind: Kind
    file: str
    detail: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.file}" + (f": {self.detail}" if self.detail else "")


class Checks:
    """What is to be read of one data set, a function a file; each gives what is wrong with it, or None."""

    def __init__(self, project: Project, card: DatasetCard) -> None:
        self.project, self.card = project, card
        self.notes: list[str] = []
        self.prepared = self._open()
        self.all: list[Callable[[], Finding | None]] = [*self._pictures(), *self._annotations(), *self._originals()]

    def _open(self) -> Prepared:
        folder = self.project.data / self.card.id
        try:
            return read_manifest(self.card, folder)
        except FileNotFoundError:
            raise SemsrError(f"data set {self.card.id!r} is not prepared; run `semsr prepare {self.card.id}`") from None

    def _found(self, kind: Kind, path: Path | str, detail: str = "") -> Finding:
        name = self.project.show(path) if isinstance(path, Path) else path
        return Finding(self.card.id, kind, name, detail.removeprefix(f"{path}: "))

    # The prepared folder.

    def _pictures(self) -> Iterator[Callable[[], Finding | None]]:
        for entry in self.prepared.entries:
            for path, sha in ((entry.hr, entry.hr_sha256), (entry.lr, entry.lr_sha256)):
                if path is not None and sha is not None:
                    yield partial(self._picture, path, sha)

    def _picture(self, path: Path, sha: str) -> Finding | None:
        if not path.is_file():
            return self._found("missing", path)
        try:
            same = pixel_sha256(read_rgb(path)) == sha
        except PictureError as error:
            return self._found("damaged", path, str(error))
        except OSError as error:
            return self._found("damaged", path, f"can't be read ({error.strerror})")
        return None if same else self._found("damaged", path, "other pixels than the manifest says")

    def _annotations(self) -> Iterator[Callable[[], Finding | None]]:
        for name, sha in self.prepared.annotated.items():
            yield partial(self._bytes, self.prepared.folder / name, sha, "other bytes than the manifest says")

    def _bytes(self, path: Path, sha: str, detail: str) -> Finding | None:
        if not path.is_file():
            return self._found("missing", path)
        try:
            return None if sha256_file(path) == sha else self._found("damaged", path, detail)
        except OSError as error:
            return self._found("damaged", path, f"can't be read ({error.strerror})")

    def extra(self) -> list[Finding]:
        """Files of the prepared folder that nothing speaks of, and pictures that are not those published."""
        folder = self.prepared.folder
        known = {path for entry in self.prepared.entries for path in (entry.hr, entry.lr)}
        known |= {folder / MANIFEST, *self.prepared.annotations.values()}
        strangers = sorted(path for path in folder.rglob("*") if path.is_file() and path not in known)
        return [self._found("extra", path) for path in strangers] + self._published()

    def _published(self) -> list[Finding]:
        table = read_table(self.card, self.project.folders("dataset")[self.card.id])
        lines = differences(table, self.prepared.entries) if table is not None else []
        if not lines and self.prepared.as_published is False:
            lines = [f"{self.card.id}: the pictures are not, all together, those published"]
        if self.card.pixels is not None and self.card.pixels.required:
            return [self._found("not as published", *line.split(": ", 1)) for line in lines]
        self.notes += [f"not as published: {line}" for line in lines]
        return []

    # The originals.

    def _originals(self) -> Iterator[Callable[[], Finding | None]]:
        record = read_record(self.project, self.card.id)
        if record is None:
            self.notes.append(f"{self.card.id}: no record of a fetch; the originals were not checked")
        elif record.kind == "derived":
            yield from self._parts(record)
        elif record.folder is not None:
            yield from self._copy(record, Path(record.folder))
        else:
            yield from self._assets(record)

    def _parts(self, record: Fetched) -> Iterator[Callable[[], Finding | None]]:
        for name in part_ids(self.card):
            part = read_record(self.project, name)
            if part is not None and part.sha256 != record.files.get(name):
                self.notes.append(
                    f"{name} was fetched again since {self.card.id} was; `semsr prepare {self.card.id}` takes it up"
                )
        yield from ()

    def _copy(self, record: Fetched, folder: Path) -> Iterator[Callable[[], Finding | None]]:
        if not folder.is_dir():
            self.notes.append(f"{self.card.id}: your copy in {folder} is gone; the originals were not checked")
            return
        paths = {name: folder / name for name in record.files}
        if isinstance(self.card.source, PhotoSource):
            there = {path.name: path for _, path in files_below(folder)}
            names = {name: self.project.asset(name).file for name in record.files if name in self.project.assets}
            paths = {name: there.get(file, folder / file) for name, file in names.items()}
        for name, path in paths.items():
            # What was packed in an archive of the copy is checked where it lies now.
            if path.is_file() or name not in self.prepared.annotated:
                yield partial(self._bytes, path, record.files[name], "has changed since it was fetched")
        for path in _strangers(self.card, folder, record.files.keys() - self.prepared.annotated.keys()):
            yield partial(self._found, "extra", path, "was not there when your copy was fetched")

    def _assets(self, record: Fetched) -> Iterator[Callable[[], Finding | None]]:
        store = Store()
        gone = []
        for name, sha in record.files.items():
            path = store.path(self.project.asset(name)) if name in self.project.assets else None
            if path is not None and path.is_file():
                yield partial(self._bytes, path, sha, "has changed since it was fetched")
            else:
                gone.append(name)
        if gone:
            self.notes.append(f"{self.card.id}: not in the store any more, and not checked: {', '.join(gone)}")


def _strangers(card: DatasetCard, folder: Path, recorded: Set[str]) -> list[Path]:
    """Pictures of a copy that were not recorded: those of the layout that fits all recorded ones, and fits the fewest others."""
    if not isinstance(card.source, FileSource) or card.source.first is not None:
        return []
    files, before = files_below(folder), [(name, folder / name) for name in sorted(recorded)]
    fits = []
    for layout in card.source.layouts:
        patterns = [pattern for pattern in (layout.hr, layout.lr) if pattern]
        known, here = (
            {path for pattern in patterns for paths in matches(listed, pattern).values() for path in paths}
            for listed in (before, files)
        )
        fits.append((-len(known), len(here), sorted(here)))
    return [path for path in min(fits)[2] if path.relative_to(folder).as_posix() not in recorded]
