"""A lock that makes processes wait for each other instead of downloading the same file twice."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from semsr.files import storage_errors

logger = logging.getLogger(__name__)


@contextlib.contextmanager
def locked(folder: Path, subject: str) -> Iterator[None]:
    """Hold the lock of `folder` (made if absent); says so when another process has it. A killed process loses its lock.

    Raises:
        StorageError: the folder can't be made or written.
    """
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        lock = FileLock(folder / ".lock")
        try:
            lock.acquire(timeout=1)
        except Timeout:
            logger.info("%s: another process is fetching it; waiting", subject)
            lock.acquire()
    try:
        yield
    finally:
        lock.release()
