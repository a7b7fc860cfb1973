"""The folder of one variant on one data set: pictures written whole or not at all, continued only under the same fingerprint."""

from __future__ import annotations

import contextlib
import json
import logging
import shutil
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semsr.assets.missing import MissingFile, from_plain, to_plain
from semsr.files import remove_partial, storage_errors, write_atomic
from semsr.imaging.pictures import write_png
from semsr.restoration.runner import Restored, Runner

log = logging.getLogger(__name__)

FINGERPRINT = "fingerprint"


@dataclass(frozen=True)
class Cell:
    """`images/<name>.png` and, when all are there, `run.json`; `run.partial.json` while it is being made.

    `missing.json` says which files from outside stood in the way of making it, or of making it again as things are now; what an earlier run
    left is not touched then, and does not count either.
    """

    folder: Path

    @property
    def images(self) -> Path:
        """The restored pictures."""
        return self.folder / "images"

    @property
    def record(self) -> Path:
        """What made the pictures; there only when every picture is."""
        return self.folder / "run.json"

    @property
    def partial(self) -> Path:
        """What is making the pictures."""
        return self.folder / "run.partial.json"

    @property
    def missing(self) -> Path:
        """Which files from outside it lacks; there only where that is why it was not made."""
        return self.folder / "missing.json"

    def lack(self, files: Sequence[MissingFile]) -> None:
        """Note what stands in the way; nothing else of the cell is touched. Raises: StorageError."""
        with storage_errors(self.missing):
            self.folder.mkdir(parents=True, exist_ok=True)
        write_atomic(self.missing, json.dumps({"files": to_plain(files)}, indent=2) + "\n")

    def lacking(self) -> tuple[MissingFile, ...]:
        """The files that stood in the way at the last attempt; none where nothing did."""
        return from_plain(read_json(self.missing).get("files"))

    def lack_nothing(self) -> None:
        """Forget what was missing. Raises: StorageError."""
        with storage_errors(self.missing):
            self.missing.unlink(missing_ok=True)

    def picture(self, name: str) -> Path:
        """The file of one restored picture."""
        return self.images / f"{name}.png"

    def done(self) -> set[str]:
        """Names of the pictures that are there."""
        return {path.stem for path in self.images.glob("*.png") if not path.name.startswith(".")}

    def is_complete(self, fingerprint: str, names: Collection[str]) -> bool:
        """Whether a finished run of this fingerprint left exactly these pictures."""
        return read_json(self.record).get(FINGERPRINT) == fingerprint and self.done() == set(names)

    def begin(self, fingerprint: str, names: Collection[str], facts: dict[str, Any]) -> tuple[set[str], dict[str, Any]]:
        """Continue what a killed run of the same fingerprint left, or start from an empty folder.

        Args:
            fingerprint: of everything that decides the pixels.
            names: the pictures to be made.
            facts: what a later run must know to continue (which weights, ...).

        Returns:
            names of the pictures already there, and the facts of the run that made them (with those it noted on its way).

        Raises:
            StorageError: the folder can't be written.
        """
        with storage_errors(self.folder):
            self.images.mkdir(parents=True, exist_ok=True)
            self.missing.unlink(missing_ok=True)
            found = read_json(self.partial) or read_json(self.record)
            if found.get(FINGERPRINT) == fingerprint:
                remove_partial(self.images)
                remove_partial(self.folder)
                for name in self.done() - set(names):
                    self.picture(name).unlink()
                done = self.done()
                log.debug("%s: going on, %d of %d pictures are there", self.folder, len(done), len(names))
            else:
                self.wipe()
                done, found = set(), {}
            facts = {**facts, **found, FINGERPRINT: fingerprint}
            # First the note that it is unfinished, then the finished mark goes: a kill between leaves nothing that looks complete.
            write_atomic(self.partial, json.dumps(facts, indent=2, default=str) + "\n")
            self.record.unlink(missing_ok=True)
        return done, facts

    def note(self, facts: dict[str, Any]) -> None:
        """Add facts that a continued run must know."""
        write_atomic(self.partial, json.dumps({**read_json(self.partial), **facts}, indent=2, default=str) + "\n")

    def wipe(self) -> None:
        """Remove everything; the marks first, so that a kill in between leaves nothing that looks valid."""
        with storage_errors(self.folder):
            self.record.unlink(missing_ok=True)
            self.partial.unlink(missing_ok=True)
            shutil.rmtree(self.folder)
            self.images.mkdir(parents=True)

    def fill(self, runner: Runner, done: Collection[str], progress: Callable[[int], None] = lambda count: None) -> None:
        """Write every missing picture. A batch is written before the next one begins, so that a kill costs at most one.

        Raises:
            MethodError, PictureError: from the runner.
            StorageError: disk full, read-only.
        """
        with ThreadPoolExecutor(4) as encoders, contextlib.closing(runner.run(done)) as batches:
            for batch in batches:
                for future in [encoders.submit(self._write, restored) for restored in batch]:
                    future.result()
                progress(len(batch))

    def _write(self, restored: Restored) -> None:
        name, rgb = restored
        write_png(self.picture(name), rgb)

    def finish(self, record: dict[str, Any]) -> None:
        """Write `run.json`: from now on the cell is complete."""
        write_atomic(self.record, json.dumps(record, indent=2, default=str) + "\n")
        with storage_errors(self.partial):
            self.partial.unlink(missing_ok=True)


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object from a file; an empty one where there is none or it can't be read."""
    with contextlib.suppress(OSError, ValueError):
        found = json.loads(path.read_text(encoding="utf-8"))
        if isinstance(found, dict):
            return found
    return {}
