"""Leaving a training when asked to: at the end of a step, with a checkpoint."""

from __future__ import annotations

import signal
import threading
import time
from types import FrameType
from typing import Any

SIGNALS = (signal.SIGTERM, signal.SIGINT)
INSIST = 1.0
"""Seconds after which a second signal is meant as one; launchers pass on what a terminal has already sent to everybody."""


class Asked:
    """Notes SIGTERM and SIGINT (Ctrl-C) while it is open, instead of dying of them; a second one acts as if nobody listened.

    Args:
        patient: listen on however often they come (processes of a launcher, which ends them itself when it loses patience).

    Attributes:
        signal: the one that came, or None.
    """

    def __init__(self, *, patient: bool = False) -> None:
        self.signal: signal.Signals | None = None
        self._patient, self._at = patient, 0.0
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Asked:
        # Python lets only the main thread handle signals.
        if threading.current_thread() is threading.main_thread():
            self._before = {number: signal.signal(number, self._note) for number in SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)
        self._before = {}

    def __bool__(self) -> bool:
        return self.signal is not None

    def _note(self, number: int, _: FrameType | None) -> None:
        now = time.monotonic()
        if self.signal is None:
            self.signal, self._at = signal.Signals(number), now
        elif not self._patient and now - self._at > INSIST:
            signal.signal(number, self._before[number])
            signal.raise_signal(number)
