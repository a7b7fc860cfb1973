"""A session of measuring: what the values depend on, and how far it has come."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

import semsr
from semsr.fingerprint import fingerprint
from semsr.project import Project


def measuring_fingerprint(project: Project, device: str) -> str:
    """One hash over everything but the pictures that a value depends on: metric code, this package's own, packages, kind of device.

    Metrics' versions and options are part of their keys, and the pictures' bytes of the batches' keys; so neither belongs here, and a
    protocol or a method added later leaves finished work as it is.
    """
    package = Path(semsr.__file__).parent
    # Neither lints nor the lattice of protocols measure a score; a change there measures nothing again.
    evaluation = sorted(
        path for path in (package / "evaluation").iterdir() if path.name not in ("lattice", "lints", "__pycache__")
    )
    code = [*project.folders("metric").values(), *evaluation, *sorted((package / "imaging").glob("*.py"))]
    packages = {name: version(name) for name in ("torch", "numpy", "scipy", "pillow")}
    return fingerprint(project, code, device=device, packages=packages)


@contextlib.contextmanager
def progress_bar(what: str, total: int) -> Iterator[Callable[[int], None]]:
    """A bar on standard error, where that is a terminal; yields a function that moves it on."""
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console, disable=not console.is_terminal, transient=True) as progress:
        task = progress.add_task(what, total=total)
        yield lambda pictures: progress.advance(task, pictures)
