"""Where a page may be written: what can't be is said at once, in one line, before any work is done and before anything is replaced."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path

from semsr.errors import StorageError
from semsr.files import existing, storage_errors


def check_page(page: Path) -> None:
    """Refuse a place that no page can be written to.

    A device, a link or the like is refused, too: a page appears by being renamed to its name, which would put it in their place.

    Raises:
        StorageError: it is a folder, no ordinary file, or a file stands where a folder is needed.
    """
    with page_errors(page):
        if page.name in ("", "..") or page.is_dir():
            raise StorageError(f"{page}: is a folder; name the page, such as {page / 'index.html'}")
        check_folder(page.parent)
        if page.is_symlink() or (page.exists() and not page.is_file()):
            raise StorageError(f"{page}: can't be written: not an ordinary file; name another")


def check_folder(folder: Path) -> None:
    """Refuse a folder that can't be made. Raises: StorageError: a file stands in its way."""
    with page_errors(folder):
        nearest = existing(folder)
        if not nearest.is_dir():
            raise StorageError(f"{folder}: can't be written: {nearest} is no folder; name another, or move it away")


@contextlib.contextmanager
def page_errors(place: Path) -> Iterator[None]:
    """Turn whatever the operating system refuses while a page is written into one line. Raises: StorageError."""
    try:
        with storage_errors(place):
            yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise StorageError(f"{error.filename or place}: can't be written: {reason}; name another place") from error
