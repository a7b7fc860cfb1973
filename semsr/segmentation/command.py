"""Runs a segmenter that is an external program in its own environment: a folder of pictures in, COCO's result files out."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import signal
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import BinaryIO

from semsr.cards.protocol import PostProcessing
from semsr.cards.segmenter import SegmenterCard
from semsr.errors import SegmenterError, SemanticError
from semsr.files import storage_errors, write_atomic
from semsr.imaging.pictures import read_rgb, write_png
from semsr.project import Project
from semsr.segmentation.coco_results import CocoResults
from semsr.segmentation.found import Category, Found

PLACEHOLDERS = "{pictures}, {sizes}, {categories}, {found}, {weights}, {segmenter}, {score}, {mask}, {overlap}, {detections}"
LAST_LINES = 5
LAST_CHARACTERS = 300
"""Of these lines, the end."""
_READ = 1 << 16
"""Bytes at the end of what a program printed that are looked at."""
_SEQUENCE = re.compile(r"\x1b\[[0-9;:?]*[ -/]*[@-~]")
"""Colours and movements of terminals."""
GRACE_SECONDS = 5.0


def run_command(
    card: SegmenterCard,
    files: Mapping[str, Path],
    pictures: Mapping[str, Path],
    sizes: Mapping[str, tuple[int, int]],
    categories: Sequence[Category],
    post_processing: PostProcessing,
    scratch: Path,
) -> Iterator[Found]:
    """Start the program once for all pictures, wait for its end, then read what it left.

    Args:
        card: of runner "command".
        files: of the weights, the main one first.
        pictures: by name; the program gets them as <name>.png.
        sizes: (H, W) of each answer.
        categories: the data set's, sorted by id.
        post_processing: the protocol's, for the placeholders.
        scratch: an existing folder to work in, which the caller removes.

    Yields:
        what was found, in the order of `pictures`.

    Raises:
        SegmenterError: the program can't be started, fails, takes too long, or left results that can't be read; with the last lines
            that it printed.
        StorageError: `scratch` can't be written.
    """
    command = card.command
    if command is None:
        raise SegmenterError(f"segmenter {card.id!r} has no command; its runner is {card.runner!r}")
    log = scratch / "log.txt"
    places = {key: scratch / name for key, name in _NAMES.items()}
    segmenter = _folder(card)
    arguments = _fill(card, places, files, segmenter, post_processing)
    variables = _environment(card)
    _write_inputs(places, pictures, sizes, categories)
    with storage_errors(log), log.open("w+b") as output:
        try:
            process = subprocess.Popen(
                arguments,
                cwd=scratch,
                env=variables,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        except (FileNotFoundError, PermissionError, NotADirectoryError) as error:
            raise SegmenterError(
                f"{card.id}: the program {arguments[0]!r} can't be started ({error.strerror}); see command.run and "
                "command.environment in its card"
            ) from None
        status = _wait(process, command.time_limit_minutes * 60)
        ended = _last_lines(output)  # by the open file: the program may have deleted it
    if status is None:
        raise SegmenterError(f"{card.id}: no end within {command.time_limit_minutes:g} minutes, killed; {ended}")
    if status != 0:
        raise SegmenterError(f"{card.id}: the program ended with exit status {status}; {ended}")
    try:
        results = CocoResults.read(places["found"], pictures, categories)
        for name in pictures:
            yield results.found(name, sizes[name])
    except SemanticError as error:
        text = str(error).replace(str(places["found"]), "{found}")
        raise SegmenterError(f"{card.id}: {text}; {ended}") from None


_NAMES = {"pictures": "pictures", "sizes": "sizes.json", "categories": "categories.json", "found": "found"}


def _folder(card: SegmenterCard) -> Path:
    folders = Project.find().folders("segmenter")
    return folders.get(card.id, Path(card.id)).resolve()


def _write_inputs(
    places: Mapping[str, Path],
    pictures: Mapping[str, Path],
    sizes: Mapping[str, tuple[int, int]],
    categories: Sequence[Category],
) -> None:
    with storage_errors(places["pictures"]):
        places["pictures"].mkdir(parents=True)
        places["found"].mkdir()
        for name, path in pictures.items():
            target = places["pictures"] / f"{name}.png"
            if path.suffix.lower() == ".png":
                shutil.copyfile(path, target)
            else:
                write_png(target, read_rgb(path))
    write_atomic(places["sizes"], json.dumps({name: list(sizes[name]) for name in pictures}))
    told = [{"id": category.id, "name": category.name, "isthing": int(category.thing)} for category in categories]
    write_atomic(places["categories"], json.dumps(told))


def _fill(
    card: SegmenterCard,
    places: Mapping[str, Path],
    files: Mapping[str, Path],
    segmenter: Path,
    post_processing: PostProcessing,
) -> list[str]:
    assert card.command is not None
    values = {
        **{key: path.resolve() for key, path in places.items()},
        "weights": next(iter(files.values()), ""),
        "segmenter": segmenter,
        "score": post_processing.score,
        "mask": post_processing.mask,
        "overlap": post_processing.overlap,
        "detections": post_processing.detections,
    }
    try:
        return [part.format_map(values) for part in card.command.run]
    except (KeyError, IndexError, ValueError, AttributeError) as error:
        raise SegmenterError(f"{card.id}: command.run: unknown placeholder {error}; allowed: {PLACEHOLDERS}") from None


def _environment(card: SegmenterCard) -> dict[str, str]:
    """Our variables without what points at our own Python, the program's folder first on PATH, then the card's own.

    `environment` is a virtual environment (its `bin` is used) or a folder of programs; a relative one starts from the project's root.
    """
    command = card.command
    assert command is not None
    ours = {"PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "PYTHONSTARTUP"}
    variables = {name: value for name, value in os.environ.items() if name not in ours}
    readme = f"segmenters/{card.id}/README.md"
    if command.environment is not None:
        folder = Project.find().root / Path(os.path.expandvars(command.environment)).expanduser()
        if not folder.is_dir():
            raise SegmenterError(f"{card.id}: command.environment: no folder {folder}; make it as {readme} says")
        programs = folder / "bin" if (folder / "bin").is_dir() else folder
        variables["PATH"] = f"{programs.resolve()}{os.pathsep}{variables.get('PATH', '')}"
    program = command.run[0]
    if "{" not in program and shutil.which(program, path=variables.get("PATH")) is None:
        raise SegmenterError(f"{card.id}: command.run: no program {program!r} on PATH; set command.environment, see {readme}")
    return {**variables, **{key: os.path.expandvars(value) for key, value in command.variables.items()}}


def _last_lines(output: BinaryIO) -> str:
    output.seek(max(0, output.seek(0, os.SEEK_END) - _READ))
    printed = _SEQUENCE.sub("", output.read().decode(errors="replace"))
    plain = ("".join(sign for sign in line if sign.isprintable()).strip() for line in printed.splitlines())
    text = " | ".join([line for line in plain if line][-LAST_LINES:])
    if not text:
        return "it printed nothing"
    return f"it ended with: {text if len(text) <= LAST_CHARACTERS else f'...{text[-LAST_CHARACTERS:]}'}"


def _wait(process: subprocess.Popen[bytes], limit: float) -> int | None:
    """The exit status, or None where the time was up. Whatever happens, no process of the group outlives this call."""
    try:
        return process.wait(timeout=limit)
    except subprocess.TimeoutExpired:
        return None
    finally:
        for number in (signal.SIGTERM, signal.SIGKILL):
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, number)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(timeout=GRACE_SECONDS)
