"""The committed cards against the published pictures, in every layout they are known to come in."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from semsr.project import Project
from semsr.stages import prepare

SETS = {"set5": "set5", "set14": "set14", "set5-gtmod12": "set5_gtmod12", "realsr": "realsr_crop128"}
LAYOUTS = {
    "set5": [
        ("image_SRF_4 of SelfExSR", "data/Set5/image_SRF_4/{}_SRF_4_HR.png", "data/Set5/image_SRF_4/{}_SRF_4_LR.png"),
        ("its zip", "Set5_SR/Set5/image_SRF_4/{}_SRF_4_HR.png", "Set5_SR/Set5/image_SRF_4/{}_SRF_4_LR.png"),
        ("its folder", "{}_SRF_4_HR.png", "{}_SRF_4_LR.png"),
        ("benchmark", "Set5/HR/{}.png", "Set5/LR_bicubic/X4/{}x4.png"),
        ("HR only", "{}.png", None),
        ("HR only, BMP", "{}.bmp", None),
    ],
    "set14": [
        ("image_SRF_4 of SelfExSR", "data/Set14/image_SRF_4/{}_SRF_4_HR.png", "data/Set14/image_SRF_4/{}_SRF_4_LR.png"),
        ("benchmark", "HR/{}.png", "LR_bicubic/X4/{}x4.png"),
        ("HR only", "hr/{}.png", None),
    ],
    "set5-gtmod12": [
        ("SeD's repository", "SeD-311195f/Evaluation/Set5/GTmod12/{}.png", "SeD-311195f/Evaluation/Set5/LRbicx4/{}.png"),
        ("its folder", "GTmod12/{}.png", "LRbicx4/{}.png"),
    ],
    "realsr": [
        (
            "OSEDiff",
            "OSEDiff/preset/datasets/benchmark_realsr/test_HR/{}.png",
            "OSEDiff/preset/datasets/benchmark_realsr/test_LR/{}.png",
        ),
        (
            "StableSR",
            "StableSR_testsets/RealSRVal_crop128/test_HR/{}.png",
            "StableSR_testsets/RealSRVal_crop128/test_LR/{}.png",
        ),
    ],
}


def lr_folder(folder: Path) -> Path:
    return folder / "lr_x4" if (folder / "lr_x4").is_dir() else folder / "lr"


@pytest.mark.parametrize("name", SETS)
def test_prepared_as_published(workspace: Project, test_data: Path, name: str) -> None:
    source = test_data / SETS[name]
    prepared = prepare.run(workspace, name, source)
    assert prepared.as_published
    assert len(prepared.test) == workspace.dataset(name).count
    for entry in prepared.entries:
        for ours, theirs in ((entry.hr, source / "hr"), (entry.lr, lr_folder(source))):
            assert ours is not None
            assert np.array_equal(Image.open(ours), Image.open(theirs / f"{entry.name}.png").convert("RGB"))


def test_crops_of_realsr(workspace: Project, test_data: Path) -> None:
    prepared = prepare.run(workspace, "realsr", test_data / "realsr_crop128")
    assert {entry.hr_size for entry in prepared.entries} == {(512, 512)}
    assert {entry.lr_size for entry in prepared.entries} == {(128, 128)}
    assert sum(entry.name.startswith("Canon") for entry in prepared.entries) == 50


@pytest.mark.parametrize(
    ("name", "hr", "lr"),
    [pytest.param(name, *files, id=f"{name}: {title}") for name, all_ in LAYOUTS.items() for title, *files in all_],
)
def test_known_layouts(workspace: Project, test_data: Path, tmp_path: Path, name: str, hr: str, lr: str | None) -> None:
    source, folder = test_data / SETS[name], tmp_path / "copy"
    for side, pattern in ((source / "hr", hr), (lr_folder(source), lr)):
        for path in side.iterdir() if pattern else ():
            target = folder / pattern.format(path.stem)
            target.parent.mkdir(parents=True, exist_ok=True)
            if target.suffix == path.suffix:
                shutil.copy(path, target)
            else:
                Image.open(path).save(target)
    prepared = prepare.run(workspace, name, folder)
    assert prepared.as_published
    assert [entry.name for entry in prepared.entries] == sorted(path.stem for path in (source / "hr").iterdir())


def test_uncropped_pictures_are_cropped_as_matlab_does(workspace: Project, test_data: Path, tmp_path: Path) -> None:
    """Extra rows and columns at the bottom and right go away (modcrop)."""
    folder = tmp_path / "uncropped"
    folder.mkdir()
    for path in (test_data / "set5" / "hr").iterdir():
        picture = np.pad(np.array(Image.open(path)), ((0, 3), (0, 1), (0, 0)), mode="reflect")
        Image.fromarray(picture).save(folder / path.name)
    assert prepare.run(workspace, "set5", folder).as_published


def test_set14_as_sed_crops_it_is_made_from_any_copy(workspace: Project, test_data: Path) -> None:
    """The crop to multiples of 12 out of the published crop to multiples of 4; LR by the dialect that SeD's Set5 is published in."""
    prepared = prepare.run(workspace, "set14-gtmod12", test_data / "set14")
    assert len(prepared.test) == 14
    for entry in prepared.test:
        assert entry.hr is not None and entry.lr is not None and entry.hr_size is not None
        original = np.asarray(Image.open(test_data / "set14/hr" / entry.hr.name).convert("RGB"))
        height, width = (side // 12 * 12 for side in original.shape[:2])
        assert entry.hr_size == (height, width)
        assert np.array_equal(np.asarray(Image.open(entry.hr)), original[:height, :width])
