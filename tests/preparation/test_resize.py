"""Whole pictures brought to one size before all else, as COCO is for SeeSR's Table 3."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image

from semsr.cards import DatasetCard, parse_card
from semsr.cards.dataset import Resize
from semsr.errors import CardError
from semsr.evaluation.semantic.annotations import Annotations
from semsr.imaging.resize import bicubic_uint8
from semsr.preparation.making import recipe_of, resized
from semsr.project import Project
from semsr.stages import plan, prepare

AddCard = Callable[..., Project]
BICUBIC = {"kind": "matlab-bicubic", "dialect": "symmetric"}
FOLDER = {"kind": "files", "layouts": [{"hr": "{name}.png"}, {"hr": "{name}.jpg"}]}
NAMES = ("000000142238", "000000439180")


def lanczos(pixels: np.ndarray, wanted: int) -> np.ndarray:
    """Lanczos of three lobes along the first axis, widened where it shrinks: the definition in float64, rounded to whole grey levels."""
    length = len(pixels)
    factor = length / wanted
    wide = max(factor, 1.0)
    distance = (np.arange(length) + 0.5 - (np.arange(wanted)[:, None] + 0.5) * factor) / wide
    weights = np.where(abs(distance) < 3, np.sinc(distance) * np.sinc(distance / 3), 0)
    weights /= weights.sum(axis=1, keepdims=True)
    return np.clip(np.rint(np.tensordot(weights, pixels, axes=1)), 0, 255)


def test_it_is_the_antialiased_filter(make_picture: Callable[..., np.ndarray]) -> None:
    """Narrower and higher, as a wide photograph becomes; each direction to the last bit, the rows first."""
    rgb = make_picture(0, 30, 40)
    found = resized(rgb, Resize(size=(36, 24), filter="lanczos"))
    across = lanczos(rgb.astype(float).transpose(1, 0, 2), 24).transpose(1, 0, 2)
    assert np.array_equal(found, lanczos(across, 36))
    assert not np.array_equal(found, resized(rgb, Resize(size=(36, 24), filter="bicubic")))


def test_it_comes_before_all_else(add_card: AddCard, save_picture: Callable[..., Path], tmp_path: Path) -> None:
    """LR is made of what resizing leaves; a picture that has the size already keeps its bytes."""
    draw = np.random.default_rng(1)
    for name, size in (("wide", (30, 50)), ("tall", (50, 30)), ("fits", (16, 24))):
        save_picture(tmp_path / f"copy/{name}.png", draw.integers(0, 256, (*size, 3), dtype=np.uint8))
    resize = {"size": [16, 24], "filter": "bicubic"}
    project = add_card("small", count=3, source=FOLDER, degradation=BICUBIC, resize=resize, crop_to_multiple=8)
    prepared = prepare.run(project, "small", tmp_path / "copy", workers=1)
    assert {(entry.hr_size, entry.lr_size) for entry in prepared.entries} == {((16, 24), (4, 6))}
    for entry in prepared.entries:
        assert entry.hr is not None and entry.lr is not None
        before = Image.open(tmp_path / f"copy/{entry.name}.png")
        hr = np.asarray(Image.open(entry.hr))
        assert np.array_equal(hr, np.asarray(before.resize((24, 16), Image.Resampling.BICUBIC)))
        assert np.array_equal(np.asarray(Image.open(entry.lr)), bicubic_uint8(hr, 0.25, dialect="symmetric"))
    assert (prepared.folder / "hr/fits.png").read_bytes() == (tmp_path / "copy/fits.png").read_bytes()


def test_training_pictures_of_another_size_are_no_links(
    add_card: AddCard, save_picture: Callable[..., Path], make_picture: Callable[..., np.ndarray], tmp_path: Path
) -> None:
    save_picture(tmp_path / "copy/a.jpg", make_picture(2), quality=95)
    project = add_card("train", split="train", count=1, source=FOLDER, resize={"size": [8, 8], "filter": "lanczos"})
    (entry,) = prepare.run(project, "train", tmp_path / "copy", workers=1).entries
    assert entry.hr is not None
    assert np.asarray(Image.open(entry.hr)).shape == (8, 8, 3)
    assert np.asarray(Image.open(tmp_path / "copy/a.jpg")).shape == (24, 32, 3)


def test_another_size_makes_the_pictures_again_and_none_changes_no_recipe(
    add_card: AddCard,
    save_picture: Callable[..., Path],
    make_picture: Callable[..., np.ndarray],
    tmp_path: Path,
    monkeypatch: Any,
) -> None:
    facts: list[dict[str, Any]] = []
    monkeypatch.setattr(prepare, "fingerprint", lambda project, code, **found: facts.append(found["card"]) or str(facts[-1]))
    save_picture(tmp_path / "copy/a.png", make_picture(3))
    for resize in (None, {"size": [8, 8], "filter": "lanczos"}, {"size": [8, 12], "filter": "lanczos"}):
        project = add_card("one", count=1, source=FOLDER, degradation=BICUBIC, **({"resize": resize} if resize else {}))
        (entry,) = prepare.run(project, "one", tmp_path / "copy", workers=1).entries
        assert entry.hr_size == ((24, 32) if resize is None else tuple(resize["size"]))
        assert ("resize" in facts[-1]) == (resize is not None)


def test_the_room_it_takes_is_that_of_its_size(workspace: Project) -> None:
    """5000 pictures of 512 x 512 at two bytes a pixel, and LR of 8 % of that, whatever the archives hold."""
    (need,) = (need for need in plan.run(workspace, "coco-val-512", prepare=True).needs if need.what == "prepare")
    assert need.size == round(5000 * 512 * 512 * 2 * 1.08)
    assert "5000 pictures of 512 x 512" in need.how


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"resize": {"size": [512, 510], "filter": "lanczos"}},
            r"resize\.size \[512, 510\] must be two multiples of the scale, 4",
        ),
        (
            {"resize": {"size": [512, 512], "filter": "nearest"}},
            r"resize\.filter: found 'nearest'; input should be 'lanczos' or",
        ),
        ({"source": {"kind": "files", "layouts": [{"hr": "{name}.png", "lr": "lr/{name}.png"}]}}, "layouts have no 'lr'"),
        ({"source": {"kind": "derived", "parts": [{"dataset": "set5"}]}}, "HR pictures from files"),
    ],
)
def test_a_wrong_card_is_named(changes: dict[str, Any], message: str) -> None:
    card = {
        **{"id": "two", "title": "Two", "licence": "CC0-1.0", "count": 1, "comparable": "same-inputs", "degradation": BICUBIC},
        **{"source": FOLDER, "resize": {"size": [512, 512], "filter": "lanczos"}},
    }
    assert parse_card(DatasetCard, card, "datasets/two/dataset.yaml").resize is not None
    with pytest.raises(CardError, match=f"datasets/two/dataset.yaml: .*{message}") as caught:
        parse_card(DatasetCard, card | changes, "datasets/two/dataset.yaml")
    assert "\n" not in str(caught.value)


def coco_copy(sample: Path, folder: Path) -> Path:
    """Two real pictures in COCO's layout, with their annotations."""
    (folder / "annotations").mkdir(parents=True)
    shutil.copytree(sample / "input_images", folder / "val2017")
    shutil.copytree(sample / "panoptic_examples", folder / "panoptic_val2017")
    shutil.copy(sample / "panoptic_examples.json", folder / "annotations/panoptic_val2017.json")
    shutil.copy(sample / "panoptic_coco_detection_format.json", folder / "annotations/instances_val2017.json")
    return folder


def test_coco_val_at_512(workspace: Project, test_data: Path, tmp_path: Path) -> None:
    """The committed card, for two real pictures: sizes, pixels, LR of the full recipe, annotations as published."""
    from semsr.imaging.degradation.recipe import degrade

    card_file = workspace.root / "datasets/coco-val-512/dataset.yaml"
    card_file.write_text(yaml.safe_dump(yaml.safe_load(card_file.read_text()) | {"count": 2}))
    sample = test_data / "coco_panoptic_sample"
    copy = coco_copy(sample, tmp_path / "copy")
    prepared = prepare.run(Project(workspace.root), "coco-val-512", copy, workers=1)
    assert [(entry.name, entry.hr_size, entry.lr_size) for entry in prepared.test] == [
        (name, (512, 512), (128, 128)) for name in NAMES
    ]
    for place, entry in enumerate(prepared.test):
        assert entry.hr is not None and entry.lr is not None
        hr = np.asarray(Image.open(entry.hr))
        photo = Image.open(copy / f"val2017/{entry.name}.jpg")
        assert np.array_equal(hr, np.asarray(photo.resize((512, 512), Image.Resampling.LANCZOS)))
        made = degrade(hr, recipe_of(prepared.card.degradation, 4), entry.name, place=place)  # type: ignore[arg-type]
        assert np.array_equal(np.asarray(Image.open(entry.lr)), made.lr)
    annotations = Annotations.read(prepared.folder)
    assert {name: annotations.size(name) for name in annotations.names} == {NAMES[0]: (427, 640), NAMES[1]: (360, 640)}
    published = json.loads((sample / "panoptic_examples.json").read_text())["annotations"]
    for name, found in zip(NAMES, published, strict=True):
        areas = {segment["id"]: segment["area"] for segment in found["segments_info"]}
        assert {segment.id: segment.area for segment in annotations.truth(name).segments} == areas
        assert annotations.truth(name, (512, 512)).panoptic.shape == (512, 512)
