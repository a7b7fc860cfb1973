"""Runs an external program in its own environment: a folder of LR pictures in, a folder of SR pictures out."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import time
from collections.abc import Collection, Generator
from pathlib import Path

from semsr.errors import MethodError
from semsr.files import storage_errors
from semsr.imaging.pictures import read_rgb
from semsr.restoration.outputs import pictures_in
from semsr.restoration.runner import Restored, Runner, Task

LOG = "log.txt"
WORK = "work"
LAST_LINES = 5
GRACE_SECONDS = 5.0
PLACEHOLDERS = "{lr}, {sr}, {scale}, {weights}, {method}, {seed}"


class CommandRunner(Runner):
    """The program always sees every LR picture, in one go: its results may depend on the pictures before (published code's do).

    A killed run is therefore started again from its beginning; results are taken over only after the program ended well.
    """

    def run(self, done: Collection[str] = ()) -> Generator[list[Restored], None, None]:
        """See `Runner.run`. Raises: MethodError with the last lines of the log."""
        if all(name in done for name in self.task.lr):
            return
        work = self.task.cell / WORK
        remove_work(self.task.cell)
        try:
            lr, sr = work / "lr", work / "sr"
            with storage_errors(work):
                lr.mkdir(parents=True)
                sr.mkdir()
                for name, picture in self.task.lr.items():
                    shutil.copyfile(picture.path, lr / f"{name}{picture.path.suffix}")
            self._call(lr, sr, work)
            for name, path in self._results(sr).items():
                yield [(name, self.check_size(name, read_rgb(path), f"{self.task.name}: {path.name}"))]
        finally:
            remove_work(self.task.cell)

    def _call(self, lr: Path, sr: Path, work: Path) -> None:
        command = self.task.card.command
        assert command is not None
        arguments = fill(command.run, self.task, lr, sr)
        log, limit = self.task.cell / LOG, command.time_limit_minutes * 60
        started = time.perf_counter()
        with storage_errors(log), log.open("wb") as file:
            try:
                process = subprocess.Popen(
                    arguments,
                    cwd=work,
                    env=environment(self.task),
                    stdin=subprocess.DEVNULL,
                    stdout=file,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
            except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
                raise MethodError(
                    f"{self.task.name}: the program {arguments[0]!r} can't be started ({error.strerror}); "
                    "see command.run and command.environment in its card"
                ) from None
            status = _wait(process, limit)
        seconds = time.perf_counter() - started
        self.facts = {
            "command": arguments,
            "exit_status": status,
            "log": LOG,
            "seconds": round(seconds, 3),
            "seconds_per_image": round(seconds / len(self.task.lr), 4),
            "images_timed": len(self.task.lr),
            "repository": command.repository,
            "commit": command.commit,
        }
        # Kept even where the run fails, and no run.json is written.
        with storage_errors(log), log.open("ab") as file:
            end = (
                f"time limit of {command.time_limit_minutes:g} minutes reached, killed"
                if status is None
                else f"exit status {status}"
            )
            file.write(f"\n[semsr] {end} after {seconds:.1f} s\n".encode())
        if status is None:
            raise MethodError(
                f"{self.task.name}: no end within {command.time_limit_minutes:g} minutes, killed; {self._last_lines()}"
            )
        if status != 0:
            raise MethodError(f"{self.task.name}: the program ended with exit status {status}; {self._last_lines()}")

    def _results(self, sr: Path) -> dict[str, Path]:
        try:
            found = pictures_in(sr, self.task)
        except MethodError as error:
            text = str(error).replace(str(sr), "{sr}")
            raise MethodError(f"{text}; {self._last_lines()}") from None
        return {name: found[name] for name in self.task.lr}

    def _last_lines(self) -> str:
        log = self.task.cell / LOG
        lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
        lines = [line for line in lines if not line.startswith("[semsr]")][-LAST_LINES:]
        return f"last lines of {log}: {' | '.join(lines)}" if lines else f"it wrote nothing ({log} is empty)"


def fill(run: tuple[str, ...], task: Task, lr: Path, sr: Path) -> list[str]:
    """The program's arguments with their placeholders filled in. Raises: MethodError for an unknown one."""
    values = {
        "lr": lr.resolve(),
        "sr": sr.resolve(),
        "scale": task.scale,
        "weights": next(iter(task.weights.values()), ""),
        "method": task.folder.resolve(),
        "seed": task.seed,
    }
    try:
        return [part.format_map(values) for part in run]
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise MethodError(f"{task.name}: command.run: unknown placeholder {error}; allowed: {PLACEHOLDERS}") from None


def environment(task: Task) -> dict[str, str]:
    """The program's environment variables: ours without what points at our own Python, its folder first on PATH, then the card's.

    `environment` may be a virtual environment (its `bin` is used) or a folder of programs; relative ones start from the project's root.
    Raises: MethodError where that folder is not there.
    """
    command = task.card.command
    assert command is not None
    ours = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONSTARTUP"}
    variables = {name: value for name, value in os.environ.items() if name not in ours}
    if task.threads is not None:
        variables["OMP_NUM_THREADS"] = str(task.threads)
    if command.environment is not None:
        folder = task.root / Path(os.path.expandvars(command.environment)).expanduser()
        if not folder.is_dir():
            raise MethodError(
                f"{task.name}: command.environment: no folder {folder}; make it as methods/{task.card.id}/README.md says"
            )
        programs = folder / "bin" if (folder / "bin").is_dir() else folder
        variables["PATH"] = f"{programs.resolve()}{os.pathsep}{variables.get('PATH', '')}"
    found = shutil.which(command.run[0], path=variables.get("PATH"))
    if found is None and "{" not in command.run[0]:
        raise MethodError(
            f"{task.name}: command.run: no program {command.run[0]!r} on PATH; set command.environment, see its README.md"
        )
    return {**variables, **command.variables}


def remove_work(cell: Path) -> None:
    """Delete the program's folders, also those of a killed run."""
    shutil.rmtree(cell / WORK, ignore_errors=True)


def _wait(process: subprocess.Popen[bytes], limit: float) -> int | None:
    """The exit status, or None where the time was up. Whatever happens, no process of the group outlives this call."""
    try:
        return process.wait(timeout=limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        _end_group(process)


def _end_group(process: subprocess.Popen[bytes]) -> None:
    for number in (signal.SIGTERM, signal.SIGKILL):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, number)
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=GRACE_SECONDS)
