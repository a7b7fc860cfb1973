"""Prepared data sets made by hand, of any pictures."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest

from semsr.cards.dataset import Split
from semsr.imaging.pictures import Rgb, read_rgb, write_png
from semsr.preparation.manifest import Entry, pixel_sha256, write_manifest
from semsr.project import Project

Prepare = Callable[..., Path]


def smooth(seed: int, height: int = 96, width: int = 128) -> Rgb:
    """A colourful picture of waves; other seeds give pictures that look otherwise."""
    random = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width].astype(np.float64)
    planes = np.zeros((height, width, 3))
    for _ in range(24):
        fy, fx, phase = random.uniform(-0.3, 0.3), random.uniform(-0.3, 0.3), random.uniform(0, 6.3)
        planes += np.cos(fy * y + fx * x + phase)[..., None] * random.uniform(0.2, 1.0, 3)
    planes = (planes - planes.min()) / np.ptp(planes)
    return np.asarray((255 * planes).round(), dtype=np.uint8)


@pytest.fixture(scope="session")
def waves() -> Callable[..., Rgb]:
    """Makes pictures: see `smooth`."""
    return smooth


@pytest.fixture
def prepare(workspace: Project) -> Prepare:
    """Write data/<id>/ as `semsr prepare` would: HR pictures by name, and LR by leaving out pixels."""

    def make(dataset: str, pictures: Mapping[str, Rgb], split: Split = "test", *, hr: bool = True, lr: bool = True) -> Path:
        folder, entries = workspace.data / dataset, []
        for name, rgb in pictures.items():
            small = np.ascontiguousarray(rgb[::4, ::4])
            paths = folder / "hr" / f"{name}.png", folder / "lr" / f"{name}.png"
            for path, pixels, wanted in zip(paths, (rgb, small), (hr, lr), strict=True):
                if wanted:
                    write_png(path, pixels)
            entries.append(
                Entry(
                    name,
                    paths[1] if lr else None,
                    paths[0] if hr else None,
                    (small.shape[0], small.shape[1]) if lr else None,
                    (rgb.shape[0], rgb.shape[1]) if hr else None,
                    pixel_sha256(small) if lr else None,
                    pixel_sha256(rgb) if hr else None,
                    split,
                )
            )
        write_manifest(folder, entries)
        return folder

    return make


@pytest.fixture(scope="session")
def photographs(test_data: Path) -> dict[str, Rgb]:
    """119 real photographs: RealSR's crops, Set5, Set14."""
    folders = {"realsr": "realsr_crop128", "set5": "set5", "set14": "set14"}
    return {
        f"{name}-{path.stem}": read_rgb(path, grey="replicate")
        for name, folder in folders.items()
        for path in sorted((test_data / folder / "hr").glob("*.png"))
    }
