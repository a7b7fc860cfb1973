"""The stage that trains judges: the two real ones, a few steps each, on annotated pictures out of a formula."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from typer.testing import CliRunner

from semsr.assets.store import Store
from semsr.cards import ProfileCard
from semsr.cli import app
from semsr.errors import SemsrError, WeightsError
from semsr.files import sha256_file
from semsr.imaging.pictures import write_png
from semsr.plugins import forget_plugins
from semsr.preparation.manifest import Entry, pixel_sha256, write_manifest
from semsr.project import Project
from semsr.segmentation.maps import write_ids
from semsr.stages import segmenter_weights, train_segmenter

SIDE = 32
CATEGORIES = [{"id": 1, "name": "square", "isthing": 1}, {"id": 5, "name": "ground", "isthing": 0}]


class Workplace:
    def __init__(self, project: Project, into: Project) -> None:
        self.root = into.root
        for name in ("tiny-panoptic", "tiny-boxes"):
            folder = shutil.copytree(project.root / "segmenters" / name, self.root / "segmenters" / name)
            recipes = yaml.safe_load((folder / "recipes.yaml").read_text())
            recipes["tiny"] |= {"data": {"dataset": "demo", "patch": SIDE, "view": "whole", "lr": "none", "flips": "none"}}
            recipes["tiny"] |= {"batch": 2, "steps": 4, "save": 2, "log": 1, "schedule": {"kind": "constant"}}
            recipes["tiny"]["objective"]["options"] = {"window": SIDE}
            (folder / "recipes.yaml").write_text(yaml.safe_dump(recipes))
        card = {"id": "demo", "title": "Demo", "licence": "CC0-1.0", "count": 1, "scale": 4, "comparable": "regenerated"}
        card |= {"source": {"kind": "files", "layouts": [{"hr": "{name}.png"}]}}
        (self.root / "datasets" / "demo").mkdir()
        (self.root / "datasets" / "demo" / "dataset.yaml").write_text(yaml.safe_dump(card))
        self.draw()

    def draw(self, square: int = 12) -> None:
        """Grey ground with a white square, `square` pixels wide, at another place in each picture."""
        data, entries, images, annotations = self.root / "data" / "demo", [], [], []
        for number, (name, split) in enumerate((("one", "train"), ("two", "train"), ("three", "train"), ("last", "test"))):
            ids = np.full((SIDE, SIDE), 2, np.int32)
            ids[4 + number : 4 + number + square, 8 : 8 + square] = 1
            hr = np.where(ids == 1, 255, 90).astype(np.uint8)[..., None].repeat(3, 2)
            write_png(data / "hr" / f"{name}.png", hr)
            write_ids(data / "annotations" / "panoptic" / f"{name}.png", ids)
            images.append({"id": number, "file_name": f"{name}.png", "height": SIDE, "width": SIDE})
            segments = [{"id": 1, "category_id": 1, "iscrowd": 0}, {"id": 2, "category_id": 5, "iscrowd": 0}]
            annotations.append({"image_id": number, "file_name": f"{name}.png", "segments_info": segments})
            file = data / "hr" / f"{name}.png"
            entries.append(Entry(name, None, file, None, (SIDE, SIDE), None, pixel_sha256(hr), split))  # type: ignore[arg-type]
        told = {"images": images, "categories": CATEGORIES, "annotations": annotations}
        (data / "annotations" / "panoptic.json").write_text(json.dumps(told))
        files = sorted(path for path in (data / "annotations").rglob("*") if path.is_file())
        write_manifest(data, entries, {path.relative_to(data).as_posix(): sha256_file(path) for path in files})

    @property
    def project(self) -> Project:
        return Project(self.root)

    def profile(self, **keys: Any) -> ProfileCard:
        judges = ["tiny-panoptic", "tiny-boxes"]
        plain = {"id": "quick", "title": "Quick", "device": "cpu", "threads": 2, "tracks": {}}
        return ProfileCard.model_validate({**plain, "segmenters": {"judges": judges, "trained": judges}, **keys})

    def folder(self, name: str) -> Path:
        return self.project.trained_segmenter("quick", name)

    def record(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads((self.folder(name) / "train.json").read_text())
        return found


@pytest.fixture
def place(project: Project, workspace: Project) -> Workplace:
    forget_plugins()
    return Workplace(project, workspace)


def test_a_judge_is_trained_once_and_again_only_when_something_changed(place: Workplace) -> None:
    train_segmenter.run(place.project, place.profile(), "tiny-panoptic")
    first = place.record("tiny-panoptic")
    assert (first["steps"], first["seed"]) == (4, 1)
    assert first["annotations"] == sha256_file(place.root / "data/demo/annotations/panoptic.json")
    assert [each["id"] for each in first["categories"]] == [1, 5]
    train_segmenter.run(place.project, place.profile(), "tiny-panoptic")
    assert place.record("tiny-panoptic") == first
    place.draw(square=13)
    train_segmenter.run(place.project, place.profile(), "tiny-panoptic")
    assert place.record("tiny-panoptic")["generator_sha256"] != first["generator_sha256"]


def test_other_annotations_of_the_same_pictures_are_another_training(place: Workplace) -> None:
    train_segmenter.run(place.project, place.profile(), "tiny-boxes")
    before = place.record("tiny-boxes")["fingerprint"]
    data = place.root / "data" / "demo"
    ids = np.full((SIDE, SIDE), 2, np.int32)
    ids[20:30, 20:30] = 1
    write_ids(data / "annotations/panoptic/one.png", ids)
    with pytest.raises(SemsrError, match=r"one\.png: other bytes than the manifest says; run `semsr prepare demo` again"):
        train_segmenter.run(place.project, place.profile(), "tiny-boxes")
    from semsr.preparation.manifest import read_manifest

    prepared = read_manifest(place.project.dataset("demo"), data)
    write_manifest(data, prepared.entries, {file: sha256_file(data / file) for file in prepared.annotated})
    train_segmenter.run(place.project, place.profile(), "tiny-boxes")
    assert place.record("tiny-boxes")["fingerprint"] != before


@pytest.mark.parametrize("name", ["tiny-panoptic", "tiny-boxes"])
def test_a_stopped_training_goes_on_to_the_same_bytes(place: Workplace, name: str) -> None:
    train_segmenter.run(place.project, place.profile(), name)
    whole = (place.folder(name) / "generator.safetensors").read_bytes()
    shutil.rmtree(place.folder(name))
    train_segmenter.run(place.project, place.profile(), name, stop_after=3)
    assert not (place.folder(name) / "train.json").exists()
    train_segmenter.run(place.project, place.profile(), name)
    assert (place.folder(name) / "generator.safetensors").read_bytes() == whole


def test_side_by_side_gives_the_same_weights_as_one_after_the_other(place: Workplace) -> None:
    train_segmenter.run_all(place.project, place.profile(threads=1))
    alone = {name: place.record(name)["generator_sha256"] for name in ("tiny-panoptic", "tiny-boxes")}
    shutil.rmtree(place.root / "results")
    train_segmenter.run_all(place.project, place.profile())
    assert {name: place.record(name)["generator_sha256"] for name in alone} == alone
    before = [place.record(name) for name in alone]
    train_segmenter.run_all(place.project, place.profile())
    assert [place.record(name) for name in alone] == before


def _cut(folder: Path) -> None:
    path = folder / "generator.safetensors"
    path.write_bytes(path.read_bytes()[:-1])


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_cut, r"generator\.safetensors: wrong sha256 \(expected [0-9a-f]{64}, found [0-9a-f]{64}\)"),
        (lambda folder: (folder / "generator.safetensors").unlink(), r"generator\.safetensors: not there, though train\.json"),
        (lambda folder: (folder / "train.json").write_text('{"fingerprint": "0'), r"train\.json: damaged, or not the record"),
        (lambda folder: (folder / "train.json").write_text("[]"), r"train\.json: damaged, or not the record"),
        (lambda folder: (folder / "train.json").write_text('{"fingerprint": "0"}'), r"train\.json: damaged, or not the record"),
    ],
    ids=["cut off", "no weights", "half a record", "a list", "no hash"],
)
def test_weights_are_those_that_training_left_or_nothing(place: Workplace, harm: Callable[[Path], object], said: str) -> None:
    project, card = place.project, place.project.segmenter("tiny-boxes")
    with pytest.raises(segmenter_weights.SegmenterNotTrainedError, match="run `semsr train tiny-boxes` in profile quick"):
        segmenter_weights.get(project, place.profile(), card, Store())
    train_segmenter.run(project, place.profile(), "tiny-boxes")
    found = segmenter_weights.get(project, place.profile(), card, Store())
    good = place.record("tiny-boxes")["generator_sha256"]
    assert found.files == {"generator": place.folder("tiny-boxes") / "generator.safetensors"}
    assert found.record == [{"asset": "trained:tiny-boxes", "sha256": good}]
    harm(place.folder("tiny-boxes"))
    with pytest.raises(WeightsError, match=said) as caught:
        segmenter_weights.get(project, place.profile(), card, Store())
    assert str(caught.value).endswith("run `semsr train tiny-boxes` in profile quick") and "\n" not in str(caught.value)
    train_segmenter.run(project, place.profile(), "tiny-boxes")
    assert place.record("tiny-boxes")["generator_sha256"] == good


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"start": {"variant": "other"}}, r"recipes\.yaml: tiny: start: a segmenter starts from no other training"),
        ({"objective": None, "losses": {"pixel": {}}}, r"recipes\.yaml: tiny: objective: is missing"),
        (
            {"generator": {"network": "unknown"}},
            r"recipes\.yaml: tiny: .*generator\.network: found 'unknown'; allowed: 'panoptic'",
        ),
        ({"objective": {"kind": "panoptic", "options": {"window": 20}}}, r"recipes\.yaml: tiny: .*objective\.options.*window"),
        ({"data": {"dataset": "set5", "patch": 32, "lr": "none"}}, "set5"),
    ],
)
def test_a_recipe_that_does_not_fit_is_one_line(place: Workplace, change: dict[str, Any], said: str) -> None:
    file = place.root / "segmenters" / "tiny-panoptic" / "recipes.yaml"
    recipes = yaml.safe_load(file.read_text())
    recipes["tiny"] |= change
    file.write_text(
        yaml.safe_dump({name: {key: value for key, value in each.items() if value} for name, each in recipes.items()})
    )
    with pytest.raises(SemsrError, match=said) as caught:
        train_segmenter.run(place.project, place.profile(), "tiny-panoptic")
    assert "\n" not in str(caught.value)


def test_a_data_set_without_annotations_trains_no_judge(place: Workplace) -> None:
    from semsr.preparation.manifest import read_manifest

    data = place.root / "data" / "demo"
    write_manifest(data, read_manifest(place.project.dataset("demo"), data).entries)
    with pytest.raises(SemsrError, match=r"tiny: data\.dataset: found 'demo', which has no annotations/panoptic\.json"):
        train_segmenter.run(place.project, place.profile(), "tiny-panoptic")


def test_the_verb_trains_a_judge_by_its_id_and_all_of_a_profile(place: Workplace, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[tuple[Any, ...]] = []
    monkeypatch.setattr(train_segmenter, "run", lambda project, profile, name, **options: asked.append((name, options)))
    monkeypatch.setattr(train_segmenter, "run_all", lambda project, profile, **options: asked.append(("all", options)))
    profile = place.root / "profiles" / "quick.yaml"
    profile.write_text(yaml.safe_dump(place.profile().model_dump(mode="json")))
    monkeypatch.setenv("SEMSR_PROJECT", str(place.root))

    def call(*arguments: str) -> str:
        done = CliRunner().invoke(app, ["train", *arguments, "--profile", "quick"])
        return str(done.exception or "")

    assert call("tiny-boxes", "--stop-after", "3") == ""
    assert call("--segmenters") == ""
    assert asked == [("tiny-boxes", {"workers": None, "stop_after": 3}), ("all", {"workers": None})]
    assert "--seed is a method's" in call("tiny-boxes", "--seed", "2")
    assert "--stop-after is for one training" in call("--segmenters", "--stop-after", "2")
    assert "name a method or a segmenter" in call()
    assert "name a method or a segmenter" in call("tiny-boxes", "--segmenters")
    assert "did you mean 'tiny-boxes'?" in call("tiny-box")
    assert len(asked) == 2


def test_a_judge_with_published_weights_is_not_trained(place: Workplace) -> None:
    folder = place.root / "segmenters" / "published"
    folder.mkdir()
    card = {"id": "published", "title": "P", "licence": "MIT", "entry": "a:B", "gives": ["boxes"]}
    (folder / "segmenter.yaml").write_text(yaml.safe_dump(card))
    with pytest.raises(SemsrError, match="published is not trained here"):
        train_segmenter.run(place.project, place.profile(), "published")
    assert segmenter_weights.get(place.project, place.profile(), place.project.segmenter("published"), Store()).files == {}
