"""Pictures of the site: under which names they lie beside its pages."""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from PIL import Image

from semsr.errors import PictureError
from semsr.files import storage_errors


def slugs(names: Iterable[str]) -> dict[str, str]:
    """A file name for each name: lower-case letters, digits and hyphens, no two alike, and the same whatever comes later.

    Names of cards are such already; those of pictures and of rows may be anything.
    """
    given: dict[str, str] = {}
    taken: set[str] = set()
    for name in dict.fromkeys(names):
        base = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60] or "x"
        slug, number = base, 2
        while slug in taken:
            slug, number = f"{base}-{number}", number + 1
        taken.add(slug)
        given[name] = slug
    return given


def place(source: Path, target: Path) -> None:
    """Put a picture beside the pages: as a hard link where both lie on one disk, else as a copy.

    Raises:
        PictureError: the picture is not there.
        StorageError: the disk is full or can't be written.
    """
    with storage_errors(target):
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)  # copying over a link would write into the picture that it is a link to
        try:
            os.link(source.resolve(), target)
        except FileNotFoundError:
            raise PictureError(f"{source}: the picture is gone; run `dvc repro` and publish again") from None
        except OSError:
            shutil.copyfile(source, target)


def size_of(path: Path) -> tuple[int, int]:
    """Width and height of a picture, from its head. Raises: PictureError: it can't be read."""
    try:
        with Image.open(path) as picture:
            return picture.size
    except OSError as error:
        raise PictureError(f"{path}: not a picture that can be read ({error}); run `dvc repro` and publish again") from error
