"""Takes a folder of pictures that someone else made (trust L1): nothing is restored here, names and sizes are checked."""

from __future__ import annotations

import os
from collections.abc import Collection, Generator
from pathlib import Path

from semsr.errors import MethodError, PictureError
from semsr.files import sha256_tree
from semsr.imaging.pictures import picture_files, read_rgb
from semsr.restoration.runner import Restored, Runner, Task


class OutputsRunner(Runner):
    """Copies the pictures' pixels; pairing is by file name without its ending."""

    def run(self, done: Collection[str] = ()) -> Generator[list[Restored], None, None]:
        """See `Runner.run`. Raises: MethodError where a picture is missing or has the wrong size, PictureError where it can't be read."""
        folder = outputs_folder(self.task)
        found = pictures_in(folder, self.task)
        assert self.task.card.outputs is not None
        self.facts = {"folder": str(folder), "made_by": self.task.card.outputs.made_by}
        for name in self.task.lr:
            if name not in done:
                yield [(name, self.check_size(name, read_rgb(found[name]), str(found[name])))]


def outputs_folder(task: Task) -> Path:
    """The card's folder with {dataset} and {variant} filled in; relative ones start from the project's root. Raises: MethodError."""
    assert task.card.outputs is not None
    pattern = task.card.outputs.folder
    try:
        text = pattern.format(dataset=task.dataset, variant=task.variant)
    except (KeyError, IndexError, ValueError) as error:
        raise MethodError(
            f"{task.name}: outputs.folder: {pattern!r} may only use {{dataset}} and {{variant}} ({error})"
        ) from None
    return task.root / Path(os.path.expandvars(text)).expanduser()


def outputs_hash(task: Task) -> str:
    """SHA-256 over the folder's files: other pictures are another result."""
    folder = outputs_folder(task)
    return sha256_tree([folder], folder)


def pictures_in(folder: Path, task: Task) -> dict[str, Path]:
    """The picture of every name. Raises: MethodError that names the missing ones."""
    try:
        found = picture_files(folder)
    except PictureError as error:
        raise MethodError(f"{task.name}: {error}") from None
    missing = [name for name in task.lr if name not in found]
    if missing:
        others = sorted(set(found) - set(task.lr))
        hint = f"; found but not expected: {', '.join(others[:3])}" if others else ""
        raise MethodError(
            f"{task.name}: {len(missing)} of {len(task.lr)} pictures are missing in {folder}: {', '.join(missing[:3])}"
            f"{', ...' if len(missing) > 3 else ''}{hint}. Every picture must be called like its LR picture"
        )
    return found
