"""The folder of what one segmenter found in one row: continued only under the same fingerprint, complete only with its record."""

from __future__ import annotations

import json
import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from semsr.evaluation.semantic.values import RowKey
from semsr.files import remove_partial, storage_errors, write_atomic
from semsr.project import seeded
from semsr.restoration.cell import FINGERPRINT, read_json
from semsr.segmentation.stored import stored_names


@dataclass(frozen=True)
class Findings:
    """What `semsr.segmentation.stored` keeps a picture in, and `run.json` when every picture is there; `run.partial.json` until then."""

    folder: Path

    @property
    def record(self) -> Path:
        """What made it; there only when it is complete."""
        return self.folder / "run.json"

    @property
    def partial(self) -> Path:
        """What is making it."""
        return self.folder / "run.partial.json"

    def made_by(self) -> dict[str, Any]:
        """The record, empty where it is not complete."""
        return read_json(self.record)

    def is_complete(self, fingerprint: str, names: Collection[str]) -> bool:
        """Whether a finished run of this fingerprint left exactly these pictures' findings."""
        return self.made_by().get(FINGERPRINT) == fingerprint and stored_names(self.folder) == set(names)

    def kept(self, fingerprint: str) -> set[str]:
        """Names of the pictures that an earlier run of the same fingerprint left, finished or not."""
        left = read_json(self.partial) or read_json(self.record)
        return stored_names(self.folder) if left.get(FINGERPRINT) == fingerprint else set()

    def begin(self, fingerprint: str) -> None:
        """Go on with what a run of the same fingerprint left, or start from an empty folder. Raises: StorageError."""
        with storage_errors(self.folder):
            found = read_json(self.partial) or read_json(self.record)
            if found.get(FINGERPRINT) != fingerprint and self.folder.exists():
                self.record.unlink(missing_ok=True)
                self.partial.unlink(missing_ok=True)
                shutil.rmtree(self.folder)
            self.folder.mkdir(parents=True, exist_ok=True)
            # First the note that it is unfinished, then the finished mark goes: a kill between leaves nothing that looks complete.
            write_atomic(self.partial, json.dumps({FINGERPRINT: fingerprint}) + "\n")
            self.record.unlink(missing_ok=True)
            for folder in (self.folder, *(path for path in self.folder.iterdir() if path.is_dir())):
                remove_partial(folder)

    def finish(self, record: dict[str, Any]) -> None:
        """Write the record: from now on it is complete. Raises: StorageError."""
        write_atomic(self.record, json.dumps(record, indent=2, default=str) + "\n")
        with storage_errors(self.partial):
            self.partial.unlink(missing_ok=True)


def row_folder(folder: Path, method: str, variant: str, seed: int) -> Path:
    """Where the folder of a judge (`Project.segmented`, `Project.judged`) keeps what is of one row."""
    return folder / method / seeded(variant, seed)


def row_name(key: RowKey) -> str:
    """A row as facts call it: `sed/tiny-p@1`, `reference/hr`."""
    method, variant, seed = key
    return f"{method}/{seeded(variant, seed)}"
