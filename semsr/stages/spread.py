"""How much the results of a random method differ from draw to draw: the spread of each pixel over seeds."""

from __future__ import annotations

import json
import logging
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from semsr.cards import ProfileCard
from semsr.files import write_atomic
from semsr.imaging.pictures import Rgb, read_rgb
from semsr.preparation.manifest import Prepared
from semsr.project import Project
from semsr.restoration.cell import Cell, read_json

log = logging.getLogger(__name__)

DEFINITION = (
    "sample standard deviation (n - 1) of each pixel and channel over the results, in grey levels of 0 to 255; of a picture its mean "
    "over pixels and channels, of the data set the mean over pictures"
)


def run(
    project: Project, profile: ProfileCard, prepared: Prepared, method: str, variant: str, seeds: Sequence[int]
) -> Path | None:
    """Write `<variant>.spread.json` beside the cells of one variant: the spread of each picture, and the mean over pictures.

    Args:
        project, profile, prepared: whose cells.
        method, variant: the row.
        seeds: the draws to compare; a cell that is not complete (its weights are missing) is not compared with others.

    Returns:
        the file; None where fewer than two results are complete.

    Raises:
        PictureError: a result is damaged. StorageError: can't be written.
    """
    folder = project.cell(profile.id, prepared.card.id, method, variant).parent
    cells = {seed: Cell(project.cell(profile.id, prepared.card.id, method, variant, seed)) for seed in seeds}
    marks = {seed: read_json(cell.record).get("fingerprint") for seed, cell in cells.items() if not cell.missing.exists()}
    done = {seed: cells[seed] for seed, mark in marks.items() if mark}
    if len(done) < 2:
        log.info("%s/%s on %s: no spread, of fewer than two results", method, variant, prepared.card.id)
        return None
    pictures = {name: deviation([read_rgb(cell.picture(name)) for cell in done.values()]) for name in sorted(prepared.inputs)}
    mean = float(np.mean(list(pictures.values())))
    record: dict[str, Any] = {
        "method": method,
        "variant": variant,
        "dataset": prepared.card.id,
        "what": DEFINITION,
        "seeds": list(done),
        "fingerprints": {str(seed): marks[seed] for seed in done},
        "mean": mean,
        "pictures": pictures,
    }
    path = folder / f"{variant}.spread.json"
    write_atomic(path, json.dumps(record, indent=2) + "\n")
    log.info(
        "%s/%s on %s: %d results differ by %.2f grey levels (standard deviation of a pixel, mean over %d pictures)",
        method, variant, prepared.card.id, len(done), mean, len(pictures),
    )  # fmt: skip
    return path


def deviation(results: Sequence[Rgb]) -> float:
    """The mean over pixels and channels of their sample standard deviation over results.

    Args:
        results: at least two pictures (H, W, 3) uint8 of one size.

    Returns:
        grey levels, 0 for equal pictures.
    """
    # Sums of whole numbers: exact, so that equal pictures have no spread at all, and one picture at a time is float.
    count = len(results)
    total = np.zeros(results[0].shape, np.int64)
    squares = np.zeros_like(total)
    for result in results:
        values = result.astype(np.int64)
        total += values
        squares += values * values
    variance = (count * squares - total * total) / (count * (count - 1))
    return float(np.sqrt(variance).mean())
