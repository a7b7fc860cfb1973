"""Trainings of few threads each, side by side on a CPU, in processes that end with this one."""

from __future__ import annotations

import logging
import os
import sys
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from typing import Any

from semsr.cards import ProfileCard, Recipe
from semsr.cores import available_cores, end_with_parent
from semsr.errors import SemsrError
from semsr.restoration.python import choose_device
from semsr.training.process import launched


def how_many_fit(profile: ProfileCard, recipes: Sequence[Recipe]) -> int:
    """How many trainings fit beside each other: on a CPU, as often as the most threads of one go into the profile's."""
    if len(recipes) < 2 or launched() > 1 or choose_device(profile.device) != "cpu":
        return 1
    cores = profile.threads or available_cores()
    return max(1, cores // max(recipe.threads or cores for recipe in recipes))


def run_side_by_side(work: Callable[..., None], each: Sequence[tuple[Any, ...]], at_once: int) -> None:
    """Call `work` with each of the arguments, `at_once` at a time, each process working off one after the other.

    The first error ends the others as SIGTERM does: a training writes a checkpoint then.

    Args:
        work: a function of a module, which can be sent to another process.
        each: its arguments.
        at_once: processes.

    Raises:
        SemsrError: the first that was raised, or a process was ended from outside.
    """
    level = logging.getLogger("semsr").getEffectiveLevel()
    pool = ProcessPoolExecutor(at_once, get_context("spawn"), _begin_worker, (os.getpid(), level))
    try:
        futures = [pool.submit(_end_where_asked, work, *arguments) for arguments in each]
        for future in wait(futures, return_when=FIRST_EXCEPTION).done:
            future.result()
    except BrokenProcessPool:
        raise SemsrError(
            "a training's process was ended from outside (memory ran out, most often); the same command goes on"
        ) from None
    except BaseException:
        end_all(list((pool._processes or {}).values()))
        raise
    finally:
        pool.shutdown(cancel_futures=True)


def end_all(processes: Iterable[BaseProcess]) -> None:
    """Send SIGTERM to each; one that is gone already is no error, since the first to die makes its pool end the others, too."""
    for process in processes:
        process.terminate()


def _end_where_asked(work: Callable[..., None], *arguments: Any) -> None:
    """Call it; where it leaves because it was told to, the process goes, too: in its pool it would wait for more work, for ever."""
    try:
        work(*arguments)
    except SystemExit as leaving:
        logging.shutdown()
        os._exit(leaving.code if isinstance(leaving.code, int) else 1)


def _begin_worker(parent: int, level: int) -> None:
    """Speak as the parent does, and end with it, even where it was killed."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s", stream=sys.stderr)
    logging.getLogger("semsr").setLevel(level)
    end_with_parent(parent)
