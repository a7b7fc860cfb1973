"""How many cores there are to work with, and processes on them that end with their parent."""

from __future__ import annotations

import os
from multiprocessing import parent_process
from threading import Thread


def available_cores() -> int:
    """The cores this process may use (its affinity, not the machine's total)."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def end_with_parent(parent: int) -> None:
    """Let this process end when its parent does, even where that was killed.

    Args:
        parent: the process that this one must have been started by; where another did, nothing happens.
    """
    process = parent_process()
    if process is None or process.pid != parent:
        return

    def watch() -> None:
        process.join()
        os._exit(1)

    Thread(target=watch, daemon=True, name="semsr-parent").start()
