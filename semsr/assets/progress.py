"""Progress bars, on a terminal only, gone when done."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Iterator

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    MofNCompleteColumn,
    Progress,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)


@contextlib.contextmanager
def download_bar(label: str, total: int | None, done: int = 0) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr while a file arrives; yields a function to be called with the number of new bytes."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task(label, total=total, completed=done)
        yield lambda count: progress.advance(task, count)


@contextlib.contextmanager
def count_bar(label: str, total: int) -> Iterator[Callable[[int], None]]:
    """Show a bar on stderr while `total` things are done; yields a function to be told how many more are."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal or not total) as progress:
        task = progress.add_task(label, total=total)
        yield lambda count: progress.advance(task, count)
