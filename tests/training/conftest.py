"""Prepared training sets in a temporary folder, out of any pictures."""

from __future__ import annotations

import importlib.util
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from PIL import Image

from semsr.cards import DatasetCard
from semsr.imaging.pictures import Rgb, picture_files, read_rgb, write_png
from semsr.preparation.manifest import Entry, Prepared, pixel_sha256, read_manifest, write_manifest

Pairs = dict[str, tuple[Rgb, Rgb | None]]


def card(name: str, count: int, **keys: Any) -> DatasetCard:
    plain = {"id": name, "title": name, "licence": "CC0-1.0", "count": count, "split": "train", "comparable": "same-inputs"}
    return DatasetCard.model_validate(plain | {"source": {"kind": "files", "layouts": [{"hr": "{name}.png"}]}} | keys)


def prepared_set(
    root: Path, pictures: Pairs, name: str = "demo", *, split: str = "train", jpeg: bool = False, **keys: Any
) -> Prepared:
    folder = root / "data" / name
    entries = []
    for key, (hr, lr) in pictures.items():
        files: dict[str, Path | None] = {"hr": None, "lr": None}
        for kind, picture in (("hr", hr), ("lr", lr)):
            if picture is None:
                continue
            files[kind] = path = folder / kind / f"{key}.{'jpg' if jpeg else 'png'}"
            if jpeg:
                path.parent.mkdir(parents=True, exist_ok=True)
                Image.fromarray(picture).save(path, quality=95)
            else:
                write_png(path, picture)
        read = {kind: read_rgb(path) if path else None for kind, path in files.items()}
        sizes = {kind: (p.shape[0], p.shape[1]) if p is not None else None for kind, p in read.items()}
        hashes = {kind: pixel_sha256(p) if p is not None else None for kind, p in read.items()}
        entries.append(
            Entry(key, files["lr"], files["hr"], sizes["lr"], sizes["hr"], hashes["lr"], hashes["hr"], split)  # type: ignore[arg-type]
        )
    made = card(name, len(entries), **keys)
    write_manifest(folder, entries)
    return read_manifest(made, folder)


def coded(height: int, width: int, number: int = 0) -> Rgb:
    """A picture whose pixels say where they are: (row, column) modulo 256, and which picture."""
    y, x = np.mgrid[:height, :width]
    return np.stack([y % 256, x % 256, np.full_like(x, number)], -1).astype(np.uint8)


@pytest.fixture
def make_set(tmp_path: Path) -> Callable[..., Prepared]:
    return lambda pictures, name="demo", **keys: prepared_set(tmp_path, pictures, name, **keys)


@pytest.fixture
def make_coded() -> Callable[..., Rgb]:
    return coded


@pytest.fixture(scope="session")
def photographs(test_data: Path) -> Callable[[str], Pairs]:
    """Real pairs by data set: "set5", "set14", "set5_gtmod12", "realsr_crop128"."""

    def load(name: str) -> Pairs:
        folder = test_data / name
        hr, lr = picture_files(folder / "hr"), picture_files(folder / ("lr" if (folder / "lr").is_dir() else "lr_x4"))
        return {key: (read_rgb(hr[key], grey="replicate"), read_rgb(lr[key], grey="replicate")) for key in sorted(hr)}

    return load


@pytest.fixture(scope="session")
def demo_pictures() -> Pairs:
    """Nine pictures of several sizes, with LR that is every fourth pixel of HR: whatever is cut alike shows it."""
    sizes = [(64, 64), (64, 80), (96, 72), (68, 128), (100, 64), (72, 72), (64, 64), (80, 96), (128, 68)]
    noise = np.random.default_rng(0)
    pictures: Pairs = {}
    for number, (height, width) in enumerate(sizes):
        hr = coded(height, width, number)
        hr[..., 2] = noise.integers(0, 256, (height, width))
        pictures[f"p{number}"] = (hr, hr[::4, ::4].copy())
    return pictures


@pytest.fixture
def demo(make_set: Callable[..., Prepared], demo_pictures: Pairs) -> Prepared:
    """Those pictures, prepared; a test may damage them."""
    return make_set(demo_pictures)


@pytest.fixture(scope="session")
def lasting_demo(tmp_path_factory: pytest.TempPathFactory, demo_pictures: Pairs) -> Prepared:
    """The same for tests that only read."""
    return prepared_set(tmp_path_factory.mktemp("demo"), demo_pictures)


@pytest.fixture(scope="session")
def toy() -> ModuleType:
    """`toy.py` beside this file: a training small enough for tests, and a script to be killed."""
    spec = importlib.util.spec_from_file_location("training_toy", Path(__file__).with_name("toy.py"))
    assert spec is not None and spec.loader is not None
    module = sys.modules[spec.name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
