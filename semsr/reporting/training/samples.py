"""Sample pictures of a training: the same window of LR, of the first and the last sample, and of HR, pixel for pixel."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from semsr.errors import PictureError
from semsr.files import write_atomic
from semsr.imaging.pictures import Rgb, encode_png, read_rgb
from semsr.preparation.manifest import Entry
from semsr.reporting.contact_sheet import Shown, busiest
from semsr.reporting.training.read import Training

SIDE = 176
"""Side of the window in HR pixels."""


@dataclass(frozen=True)
class Sample:
    """One picture of one training, or of several seeds of a variant.

    Attributes:
        picture: its name.
        size: side of the window in HR pixels.
        parts: (what it is, the window) in reading order.
    """

    picture: str
    size: int
    parts: tuple[tuple[str, Shown], ...]


def make_samples(
    variants: Mapping[str, Sequence[Training]], entries: Mapping[str, Entry], folder: Path
) -> tuple[dict[str, list[Sample]], list[str]]:
    """Cut the same window of a picture's LR, first sample, last sample of each seed, and HR.

    Args:
        variants: trainings by variant.
        entries: pictures of the validation's data set by name, for LR and HR; a picture that is not there is shown without.
        folder: where windows are written, under `samples/`.

    Returns:
        Samples by variant, and what can't be shown, a line each.

    Raises:
        StorageError: the folder can't be written.
    """
    made: dict[str, list[Sample]] = {}
    problems: list[str] = []
    for variant, trainings in variants.items():
        made[variant] = []
        pictures = dict.fromkeys(name for training in trainings for shown in training.samples.values() for name in shown)
        for picture in pictures:
            try:
                sample = _sample(trainings, picture, entries.get(picture), folder)
            except PictureError as error:
                problems.append(str(error))
                continue
            made[variant].append(sample)
    return made, problems


def _sample(trainings: Sequence[Training], picture: str, entry: Entry | None, folder: Path) -> Sample:
    several = len(trainings) > 1
    found: list[tuple[str, Rgb]] = []
    for place, training in enumerate(trainings):
        steps = [step for step, shown in training.samples.items() if picture in shown]
        # The start is the same for all seeds where it is a pretrained network; one is enough.
        for step in dict.fromkeys([steps[0], steps[-1]] if place == 0 else steps[-1:]) if steps else ():
            seed = f", seed {training.seed}" if several and (place or step == steps[-1]) else ""
            found.append((f"step {step:,}{seed}", read_rgb(training.samples[step][picture])))
    hr = read_rgb(entry.hr) if entry is not None and entry.hr is not None else None
    lr = read_rgb(entry.lr) if entry is not None and entry.lr is not None else None
    size = found[0][1].shape[:2]
    guide = hr if hr is not None and hr.shape[:2] == size else found[0][1]
    scale = size[0] // lr.shape[0] if lr is not None else 1
    side = min(SIDE, *size) // scale * scale
    top, left = busiest(guide, side, max(scale, side // 4 // scale * scale))
    key = f"samples/{trainings[0].method}-{trainings[0].variant}-{picture}"
    parts = []
    if lr is not None and (scale * lr.shape[0], scale * lr.shape[1]) == size:
        # Enlarged here, so that no browser smooths it.
        window = lr[top // scale : (top + side) // scale, left // scale : (left + side) // scale]
        parts.append(("LR", _write(folder, f"{key}-lr.png", window.repeat(scale, axis=0).repeat(scale, axis=1))))
    for number, (label, rgb) in enumerate(found):
        if rgb.shape[:2] == size:
            parts.append((label, _write(folder, f"{key}-{number}.png", rgb[top : top + side, left : left + side])))
    if hr is not None and hr.shape[:2] == size:
        parts.append(("HR", _write(folder, f"{key}-hr.png", hr[top : top + side, left : left + side])))
    return Sample(picture, side, tuple(parts))


def _write(folder: Path, file: str, rgb: Rgb) -> Shown:
    write_atomic(folder / file, encode_png(np.ascontiguousarray(rgb)))
    return Shown(file, rgb.shape[1], rgb.shape[0])
