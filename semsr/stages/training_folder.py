"""The folder of one training: whether its result is there, going on with what a killed run left, and the record at the end."""

from __future__ import annotations

import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from semsr.errors import located
from semsr.files import sha256_file, storage_errors, write_atomic
from semsr.project import GENERATOR, TRAINED
from semsr.restoration.cell import read_json
from semsr.training.job import Job
from semsr.training.process import is_main, wait_for_all
from semsr.training.run import train

log = logging.getLogger(__name__)

UNFINISHED = "train.partial.json"
"""What is being trained; gone when `train.json` is there."""


def is_trained(folder: Path, mark: str) -> bool:
    """Whether an earlier run left the whole result of the training with this fingerprint, unharmed."""
    finished, weights = read_json(folder / TRAINED), folder / GENERATOR
    return (
        finished.get("fingerprint") == mark and weights.is_file() and sha256_file(weights) == finished.get("generator_sha256")
    )


def train_into(
    folder: Path,
    mark: str,
    name: str,
    steps: int,
    where: str,
    make: Callable[[], Job],
    record: Callable[[dict[str, Any]], dict[str, Any]],
) -> bool:
    """Train unless it is trained; goes on where a killed run with the same fingerprint stopped. Every process calls this.

    Args:
        folder: the training's own.
        mark: its fingerprint.
        name: what logs and errors call it.
        steps: of the recipe, for the log.
        where: what errors call the recipe: file and entry.
        make: gives the job; called only where there is something to train.
        record: what `train.json` is to say, from the facts that training gives.

    Returns:
        Whether it is trained to the end; not, where the job said `stop_after`.

    Raises:
        SemsrError: see `semsr.training.run.train`; what is about the recipe begins with `where`.
    """
    if is_trained(folder, mark):
        wait_for_all()
        log.info("%s: nothing to do, all %d steps are trained", name, steps)
        return True
    wait_for_all()  # every process has looked before the first one changes anything
    if is_main():
        _begin(folder, mark)
    wait_for_all()
    # Networks are made when the training begins, so that it is not the job alone that may not like its recipe.
    with located(where, name, str(folder)):
        facts = train(make())
    if is_main() and not facts.get("stopped"):
        write_atomic(folder / TRAINED, json.dumps(record(facts), indent=2, default=str) + "\n")
        with storage_errors(folder / UNFINISHED):
            (folder / UNFINISHED).unlink(missing_ok=True)
    wait_for_all()
    return not facts.get("stopped")


def _begin(folder: Path, mark: str) -> None:
    """Keep what a killed run of the same fingerprint left, or start from an empty folder."""
    with storage_errors(folder):
        folder.mkdir(parents=True, exist_ok=True)
        left = read_json(folder / UNFINISHED) or read_json(folder / TRAINED)
        # A finished training whose weights were harmed has no checkpoint to go on from.
        if left.get("fingerprint") != mark or (folder / TRAINED).is_file():
            (folder / TRAINED).unlink(missing_ok=True)
            shutil.rmtree(folder)
            folder.mkdir()
        write_atomic(folder / UNFINISHED, json.dumps({"fingerprint": mark}, indent=2) + "\n")
