"""How far a training is: a bar with the time left on a terminal, a plain line now and then elsewhere."""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from datetime import timedelta

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

log = logging.getLogger(__name__)

QUIET = 10.0
"""Seconds between plain lines, at least."""


class Shown:
    """Shows progress on stderr.

    Args:
        name: of the training. begun: steps done before. steps: of the whole training. shows: whether this process shows anything.
    """

    def __init__(self, name: str, begun: int, steps: int, *, shows: bool) -> None:
        self._name, self._begun, self._steps, self._shows = name, begun, steps, shows
        self._since = self._last = time.monotonic()
        console = Console(stderr=True)
        self._bar: Progress | None = None
        if shows and console.is_terminal:
            columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
            self._bar = Progress(*columns, TextColumn("{task.fields[told]}"), console=console, transient=True)
            self._task = self._bar.add_task(name, total=steps, completed=begun, told="")

    def __enter__(self) -> Shown:
        if self._bar is not None:
            self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self._bar is not None:
            self._bar.stop()

    def step(self, step: int) -> None:
        """Say that a step is done."""
        if self._bar is not None:
            self._bar.update(self._task, completed=step)

    def tell(self, step: int, values: Mapping[str, float]) -> None:
        """Show values; without a terminal as a line, unless the last one is seconds ago."""
        told = ", ".join(f"{name} {value:.4g}" for name, value in values.items())
        if self._bar is not None:
            self._bar.update(self._task, told=told)
            return
        now = time.monotonic()
        if not self._shows or (now - self._last < QUIET and step < self._steps):
            return
        self._last = now
        each = (now - self._since) / max(step - self._begun, 1)
        left = timedelta(seconds=round(each * (self._steps - step)))
        log.info("%s: step %d of %d, %.3g s a step, %s left: %s", self._name, step, self._steps, each, left, told)
