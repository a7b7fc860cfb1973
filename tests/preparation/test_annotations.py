"""Annotations: found in the layouts they come in, checked against the pictures, kept beside them."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from semsr.errors import PairingError, SemsrError
from semsr.preparation.manifest import open_prepared
from semsr.project import Project
from semsr.stages import prepare

AddCard = Callable[..., Project]
SOURCE = {"kind": "files", "layouts": [{"hr": "**/val2017/{name}.jpg"}]}
ANNOTATIONS = [
    {"file": "annotations/instances.json", "patterns": ["**/instances_val2017.json"], "images": True},
    {
        "file": "annotations/panoptic/{name}.png",
        "patterns": ["**/panoptic_val2017/{name}.png"],
        "archive": "**/panoptic_val2017.zip",
    },
]
NAMES = ("000000000139", "000000000285", "000000000632")


@pytest.fixture
def coco(
    add_card: AddCard, make_picture: Callable[..., np.ndarray], save_picture: Callable[..., Path], tmp_path: Path
) -> tuple[Project, Path]:
    """A miniature of COCO's folders; the panoptic pictures are packed once more, as COCO packs them."""
    folder = tmp_path / "coco"
    for number, name in enumerate(NAMES):
        save_picture(folder / f"val2017/{name}.jpg", make_picture(number))
        save_picture(tmp_path / f"panoptic_val2017/{name}.png", make_picture(10 + number))
    (folder / "annotations").mkdir()
    images = [{"id": int(name), "file_name": f"{name}.jpg"} for name in (*NAMES, "000000000724")]
    (folder / "annotations/instances_val2017.json").write_text(json.dumps({"images": images}))
    with zipfile.ZipFile(folder / "annotations/panoptic_val2017.zip", "w") as packed:
        for name in NAMES:
            packed.write(tmp_path / f"panoptic_val2017/{name}.png", f"panoptic_val2017/{name}.png")
    project = add_card("coco", split="train", count=3, source=SOURCE, annotations=ANNOTATIONS)
    return project, folder


def files(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_kept_beside_the_pictures(coco: tuple[Project, Path], tmp_path: Path) -> None:
    project, folder = coco
    prepared = prepare.run(project, "coco", folder)
    assert files(prepared.folder / "annotations") == {
        "instances.json": (folder / "annotations/instances_val2017.json").read_bytes(),
        **{f"panoptic/{name}.png": (tmp_path / f"panoptic_val2017/{name}.png").read_bytes() for name in NAMES},
    }
    again = open_prepared(project, "coco")
    assert again.annotations["annotations/instances.json"].is_file()
    assert len(again.annotations) == 4


def test_unpacked_copies_do_as_well(coco: tuple[Project, Path], tmp_path: Path) -> None:
    project, folder = coco
    packed = prepare.run(project, "coco", folder).sha256
    (folder / "annotations/panoptic_val2017.zip").unlink()
    shutil.move(tmp_path / "panoptic_val2017", folder / "annotations/panoptic_val2017")
    assert prepare.run(project, "coco", folder).sha256 == packed


@pytest.mark.parametrize("spoil", ["changed", "deleted"])
def test_damage_is_repaired(coco: tuple[Project, Path], spoil: str) -> None:
    project, folder = coco
    prepared = prepare.run(project, "coco", folder)
    whole = files(prepared.folder)
    victim = prepared.folder / f"annotations/panoptic/{NAMES[1]}.png"
    victim.unlink()
    if spoil == "changed":
        victim.write_bytes(b"other")
    prepare.run(project, "coco")
    assert files(prepared.folder) == whole


def test_a_changed_annotation_is_other_data(coco: tuple[Project, Path]) -> None:
    project, folder = coco
    before = prepare.run(project, "coco", folder).sha256
    path = folder / "annotations/instances_val2017.json"
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, "info": "another edition"}))
    assert prepare.run(project, "coco", folder).sha256 != before


def drop_image(folder: Path) -> None:
    path = folder / "annotations/instances_val2017.json"
    content: dict[str, Any] = json.loads(path.read_text())
    path.write_text(json.dumps({"images": content["images"][1:]}))


def drop_panoptic(folder: Path) -> None:
    with zipfile.ZipFile(folder / "annotations/panoptic_val2017.zip", "w") as packed:
        packed.writestr(f"panoptic_val2017/{NAMES[0]}.png", b"1")


@pytest.mark.parametrize(
    ("spoil", "error", "message"),
    [
        (drop_image, PairingError, r"instances_val2017\.json does not name 1 of 3 pictures: 000000000139"),
        (drop_panoptic, PairingError, r"2 of 3 pictures have no annotation .*: 000000000285, 000000000632 \(looked for"),
        (
            lambda folder: (folder / "annotations/instances_val2017.json").unlink(),
            PairingError,
            r"the annotation annotations/instances\.json is not there \(looked for \*\*/instances_val2017\.json\); add it",
        ),
        (
            lambda folder: (folder / "annotations/instances_val2017.json").write_text("<html>"),
            SemsrError,
            r"instances_val2017\.json: not a JSON file of COCO's kind",
        ),
        (
            lambda folder: (folder / "annotations/instances_val2017.json").write_text("[" * 100_000),
            SemsrError,
            r"instances_val2017\.json: not a JSON file of COCO's kind",
        ),
        (
            lambda folder: shutil.copy(folder / "annotations/instances_val2017.json", folder),
            PairingError,
            r"instances\.json is there twice: .* keep one",
        ),
        (
            lambda folder: (folder / "annotations/panoptic_val2017.zip").write_bytes(b"PK damaged"),
            SemsrError,
            r"panoptic_val2017\.zip: damaged or not an archive",
        ),
    ],
)
def test_bad_annotations(
    coco: tuple[Project, Path], spoil: Callable[[Path], object], error: type[SemsrError], message: str
) -> None:
    project, folder = coco
    spoil(folder)
    with pytest.raises(error, match=message):
        prepare.run(project, "coco", folder)
    assert not (project.data / "coco" / "manifest.parquet").exists()
