"""Work in processes beside each other: the first error ends the others, those that listen to SIGTERM too."""

from __future__ import annotations

import signal
import sys
import time
from multiprocessing import get_context
from pathlib import Path

import pytest

from semsr.errors import SemsrError
from semsr.project import Project
from semsr.stages.side_by_side import end_all, run_side_by_side


def work(listening: Path, fails: bool) -> None:
    """As trainings do: one leaves when it is told to, the other fails while the first is at work."""
    if not fails:
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
        listening.touch()
        time.sleep(600)
    while not listening.exists():
        time.sleep(0.01)
    raise SemsrError("this one failed")


@pytest.mark.timeout(120)
@pytest.mark.parametrize("order", [(False, True), (True, False), (False, True, False, True)])
def test_the_first_error_ends_those_that_leave_when_told(
    project: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, order: tuple[bool, ...]
) -> None:
    monkeypatch.syspath_prepend(project.root)  # so that the processes find this module
    with pytest.raises(SemsrError, match="this one failed"):
        run_side_by_side(work, [(tmp_path / "listening", fails) for fails in order], 2)


def test_ending_what_has_ended_is_no_error() -> None:
    """The first process that dies lets its pool end the others while they are still being ended here."""
    process = get_context("spawn").Process(target=print)
    process.start()
    process.join()
    end_all([process])
