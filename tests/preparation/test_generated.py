"""Generated data sets: the same bytes whatever happens, annotations that a recount gives again, and one clear line for what is wrong."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from PIL import Image
from pycocotools import mask as coco_mask
from pycocotools.coco import COCO

from semsr.errors import CardError, SemsrError
from semsr.plugins import forget_plugins
from semsr.preparation import build
from semsr.preparation.generated import chance
from semsr.preparation.manifest import open_prepared
from semsr.project import Project
from semsr.stages import fetch, plan, prepare, verify

GENERATOR = '''
import numpy as np

from semsr.preparation.generated import Generator, Scene, chance
from semsr.preparation.labels import Label, Region


class Boxes(Generator):
    """A box of a thing (two things, or a crowd) on one kind of stuff."""

    categories = (Label(7, "box", True), Label(3, "heap", True), Label(200, "floor", False))

    def __init__(self, textures, size, shade=100):
        super().__init__(textures, size)
        self.shade = shade

    def draw(self, name, seed, split):
        rng = chance(seed, name)
        rgb = rng.integers(0, self.shade, (*self.size, 3)).astype(np.uint8)
        if self.textures:
            rgb += self.textures["texture"][:1, :1]
        ids = np.full(self.size, 200_000, np.int32)
        ids[:2] = 0
        top, left = rng.integers(2, 10, 2)
        ids[top : top + 6, left : left + 9] = 70_001
        ids[top + 2, left : left + 20] = 300
        rgb[ids == 70_001] = 200
        crowd = bool(rng.integers(2))
        return Scene(rgb, ids, (Region(200_000, 200), Region(70_001, 7), Region(300, 3, crowd)))
'''

Add = Callable[..., Project]


@pytest.fixture
def add(workspace: Project) -> Iterator[Add]:
    """Writes the data set `boxes` (keys given replace those made up here) and gives the project that has it."""

    def make(code: str = GENERATOR, source: dict[str, Any] | None = None, **keys: Any) -> Project:
        forget_plugins()
        folder = workspace.root / "datasets" / "boxes"
        folder.mkdir(exist_ok=True)
        (folder / "draw.py").write_text(code)
        # Python takes a file of the same size and second for the same code.
        shutil.rmtree(folder / "__pycache__", ignore_errors=True)
        drawn = {"kind": "generated", "entry": "draw:Boxes", "train": 3, "size": [32, 48], "seed": 5, **(source or {})}
        card = {"id": "boxes", "title": "Boxes", "licence": "CC0-1.0", "comparable": "regenerated", "count": 4, "source": drawn}
        card["degradation"] = {"kind": "matlab-bicubic", "dialect": "symmetric"}
        (folder / "dataset.yaml").write_text(yaml.safe_dump({**card, **keys}))
        return Project(workspace.root)

    yield make
    forget_plugins()


def tree(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def decoded(path: Path) -> np.ndarray:
    return np.asarray(Image.open(path)).astype(np.int64) @ np.array([1, 256, 65536])


def test_what_is_prepared(add: Add) -> None:
    project = add()
    prepared = prepare.run(project, "boxes")
    assert [entry.name for entry in prepared.test] == ["test-000", "test-001", "test-002", "test-003"]
    assert [entry.name for entry in prepared.train] == ["train-000", "train-001", "train-002"]
    assert {entry.hr_size for entry in prepared.entries} == {(32, 48)}
    assert {entry.lr_size for entry in prepared.test} == {(8, 12)}
    assert all(entry.lr is None for entry in prepared.train)
    maps = {f"annotations/panoptic/{entry.name}.png" for entry in prepared.entries}
    assert set(prepared.annotated) == {*maps, "annotations/panoptic.json", "annotations/instances.json"}
    assert verify.run(project, "boxes").problems == ()
    assert len({entry.hr_sha256 for entry in prepared.entries}) == 7


def test_annotations_are_those_of_the_label_maps(add: Add) -> None:
    folder = prepare.run(add(), "boxes").folder / "annotations"
    panoptic = json.loads((folder / "panoptic.json").read_bytes())
    assert [(label["id"], label["isthing"]) for label in panoptic["categories"]] == [(3, 1), (7, 1), (200, 0)]
    crowds = set()
    for image, annotation in zip(panoptic["images"], panoptic["annotations"], strict=True):
        assert annotation["image_id"] == image["id"]
        ids = decoded(folder / "panoptic" / annotation["file_name"])
        assert ids.shape == (image["height"], image["width"]) == (32, 48)
        assert {segment["id"] for segment in annotation["segments_info"]} == set(np.unique(ids)) - {0}
        assert (ids[:2] == 0).all()
        for segment in annotation["segments_info"]:
            rows, columns = np.nonzero(ids == segment["id"])
            assert segment["area"] == len(rows)
            left, top, width, height = segment["bbox"]
            assert (left, top, left + width - 1, top + height - 1) == (columns.min(), rows.min(), columns.max(), rows.max())
            crowds.add((segment["category_id"], segment["iscrowd"]))
    assert crowds == {(200, 0), (7, 0), (3, 0), (3, 1)}


def test_objects_are_the_visible_things(add: Add, capsys: pytest.CaptureFixture[str]) -> None:
    """Read by COCO's own tools: masks, areas and boxes of every thing, crowds among them, in training and test pictures."""
    folder = prepare.run(add(), "boxes").folder / "annotations"
    coco = COCO(str(folder / "instances.json"))
    capsys.readouterr()
    assert sorted(coco.getCatIds()) == [3, 7]
    assert len(coco.getImgIds()) == 7
    assert len(coco.anns) == 14
    of = {
        annotation["image_id"]: annotation for annotation in json.loads((folder / "panoptic.json").read_bytes())["annotations"]
    }
    for found in coco.anns.values():
        ids = decoded(folder / "panoptic" / coco.imgs[found["image_id"]]["file_name"])
        (segment,) = [one for one in of[found["image_id"]]["segments_info"] if one["category_id"] == found["category_id"]]
        mask = coco.annToMask(found)
        assert np.array_equal(mask == 1, ids == segment["id"])
        assert [found[key] for key in ("area", "bbox", "iscrowd")] == [segment[key] for key in ("area", "bbox", "iscrowd")]
        assert found["area"] == coco_mask.area(coco.annToRLE(found))
        assert found["bbox"] == coco_mask.toBbox(coco.annToRLE(found)).tolist()


def test_any_number_of_processes_gives_the_same_bytes(add: Add, monkeypatch: pytest.MonkeyPatch) -> None:
    project = add()
    prepare.run(project, "boxes", workers=1)
    one = tree(project.data / "boxes")
    shutil.rmtree(project.data / "boxes")
    (project.data / "boxes.prepared.jsonl").unlink()
    monkeypatch.setattr(build, "_WORTH_A_PROCESS", 2)
    prepare.run(project, "boxes", workers=2)
    assert tree(project.data / "boxes") == one


def test_stopped_and_continued(add: Add, monkeypatch: pytest.MonkeyPatch) -> None:
    """Stopped before every picture in turn: what is there stays untouched, and all ends as if in one go."""
    project = add()
    prepare.run(project, "boxes", workers=1)
    whole, sha = tree(project.data / "boxes"), open_prepared(project, "boxes").sha256
    make = build.make
    for stop in range(7):
        shutil.rmtree(project.data / "boxes")
        (project.data / "boxes.prepared.jsonl").unlink()
        made: list[str] = []

        def make_some(folder: Path, job: build.Job, made: list[str] = made, stop: int = stop) -> Any:
            if len(made) == stop:
                raise KeyboardInterrupt
            made.append(job.name)
            return make(folder, job)

        monkeypatch.setattr(build, "make", make_some)
        with pytest.raises(KeyboardInterrupt):
            prepare.run(project, "boxes", workers=1)
        assert not (project.data / "boxes/manifest.parquet").exists()
        done = list(made)
        monkeypatch.setattr(build, "make", lambda folder, job, made=made: (made.append(job.name), make(folder, job))[1])
        assert prepare.run(project, "boxes", workers=1).sha256 == sha
        assert sorted(made) == sorted(set(made))
        assert made[:stop] == done
        assert tree(project.data / "boxes") == whole


@pytest.mark.parametrize(
    "file", ["annotations/panoptic/test-001.png", "annotations/panoptic.json", "annotations/instances.json"]
)
@pytest.mark.parametrize("stealthy", [False, True])
def test_damage_is_seen_and_mended(add: Add, file: str, stealthy: bool) -> None:
    """`stealthy`: neither the file's size nor its time tells."""
    project = add()
    folder = prepare.run(project, "boxes").folder
    whole = tree(folder)
    path, before = folder / file, (folder / file).stat()
    data = bytearray(path.read_bytes())
    data[-20] ^= 1
    path.write_bytes(bytes(data) if stealthy else bytes(data[:-9]))
    if stealthy:
        os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    (problem,) = verify.run(project, "boxes").problems
    assert (problem.kind, problem.file) == ("damaged", f"data/boxes/{file}")
    for _ in range(2):
        prepare.run(project, "boxes")
        assert tree(folder) == whole
    path.unlink()
    assert verify.run(project, "boxes").problems[0].kind == "missing"
    prepare.run(project, "boxes")
    assert tree(folder) == whole


def test_a_copied_folder_is_not_drawn_again(add: Add, monkeypatch: pytest.MonkeyPatch) -> None:
    project = add()
    folder = prepare.run(project, "boxes").folder
    for path in folder.rglob("*.png"):
        os.utime(path)
    whole = tree(folder)
    monkeypatch.setattr(build, "make", lambda *_: pytest.fail("drawn again"))
    prepare.run(project, "boxes")
    (folder / "annotations/panoptic.json").unlink()  # the labels are still known, though the pictures were noted anew
    prepare.run(project, "boxes")
    assert tree(folder) == whole


@pytest.mark.parametrize(
    "change",
    [{"source": {"seed": 6}}, {"source": {"options": {"shade": 50}}}, {"code": GENERATOR.replace("= 200\n", "= 201\n")}],
)
def test_what_decides_a_scene_is_taken_up(add: Add, change: dict[str, Any]) -> None:
    before = prepare.run(add(), "boxes").sha256
    assert prepare.run(add(**change), "boxes").sha256 != before
    assert prepare.run(add(), "boxes").sha256 == before


def test_fewer_pictures_leave_nothing_behind(add: Add) -> None:
    whole = prepare.run(add(), "boxes")
    first = {entry.name: entry.hr_sha256 for entry in whole.entries}
    fewer = prepare.run(add(count=2, source={"train": 0}), "boxes")
    assert {entry.name: entry.hr_sha256 for entry in fewer.entries} == {name: first[name] for name in ("test-000", "test-001")}
    assert sorted(path.name for path in (fewer.folder / "annotations/panoptic").iterdir()) == ["test-000.png", "test-001.png"]
    assert verify.run(add(count=2, source={"train": 0}), "boxes").problems == ()


def test_chance_is_the_names_and_the_seeds_alone() -> None:
    first = chance(3, "a").random(4)
    chance(3, "b").random(100)
    assert np.array_equal(chance(3, "a").random(4), first)
    others = [chance(4, "a"), chance(3, "b"), chance(31, "a"), chance(3, "1 a")]
    assert len({tuple(first), *(tuple(other.random(4)) for other in others)}) == 5


def test_drawn_with_pictures_of_parts(add: Add, add_card: Callable[..., Project], tmp_path: Path) -> None:
    """The part is prepared first; another picture there makes other scenes."""
    keys = {"source": {"kind": "files", "layouts": [{"hr": "hr/{name}.png"}]}, "count": 1, "split": "train"}
    add_card("wallpaper", **keys)
    project = add(source={"parts": [{"dataset": "wallpaper"}]})
    seen, values = [], []
    for shade in (10, 60):
        (tmp_path / f"copy{shade}/hr").mkdir(parents=True)
        Image.fromarray(np.full((16, 16, 3), shade, np.uint8)).save(tmp_path / f"copy{shade}/hr/texture.png")
        prepare.run(project, "wallpaper", tmp_path / f"copy{shade}")
        seen.append(prepare.run(project, "boxes", workers=1))
        values.append(np.asarray(Image.open(project.data / "boxes/hr/test-000.png")).astype(int))
    boxed = decoded(seen[0].folder / "annotations/panoptic/test-000.png") == 70_001
    assert seen[0].sha256 != seen[1].sha256
    assert set((values[1] - values[0])[~boxed].ravel()) == {50}
    assert set((values[1] - values[0])[boxed].ravel()) == {0}
    assert fetch.run(project, "boxes").kind == "derived"
    described = plan.run(project, "boxes", prepare=True)
    assert described.source == "drawn here by the data set's own code, with pictures of wallpaper"
    assert described.by_hand is None
    assert [part.id for part in described.parts] == ["wallpaper"]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            "rgb, ids, (",
            "rgb[1:], ids, (",
            r"the picture is uint8 of shape \(31, 48, 3\), the card says uint8 of \(32, 48, 3\)",
        ),
        ("rgb, ids, (", "rgb / 255, ids, (", "the picture is float64"),
        ("rgb, ids, (", "rgb, ids[:, :9], (", "the label map is int32 of shape"),
        ("rgb, ids, (", "rgb, ids / 2, (", "the label map is float64"),
        ("Region(300, 3, crowd)", "Region(300, 4)", r"segment 300 is of category 4; there are \[3, 7, 200\]"),
        ("Region(300, 3, crowd)", "Region(301, 3)", r"the label map shows segments \[300\] that are not listed"),
        ("Region(200_000, 200)", "Region(200_000, 200, True)", "segment 200000 is a crowd of stuff"),
        ("Region(300, 3, crowd)", "Region(300, 3), Region(9, 3)", r"segments \[9\] have no pixel"),
        ("Region(300, 3, crowd)", "Region(300, 3), Region(300, 7)", "segment id 300 is given twice"),
        ("Region(300, 3, crowd)", "Region(300, 3), Region(1 << 24, 3)", "segment id 16777216 is not in 1"),
    ],
)
def test_a_scene_that_breaks_the_contract(add: Add, old: str, new: str, said: str) -> None:
    assert old in GENERATOR
    project = add(GENERATOR.replace(old, new))
    with pytest.raises(SemsrError, match=f"boxes: test-000: .*{said}.*; mend draw.py: Boxes in datasets/boxes") as caught:
        prepare.run(project, "boxes")
    assert "\n" not in str(caught.value)
    assert not [path for path in (project.data / "boxes").rglob("*") if path.is_file()]


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"source": {"entry": "draw:Circles"}}, "draw.py has no 'Circles'"),
        ({"source": {"entry": "draw:chance"}}, "'draw:chance' is no semsr.preparation.generated.Generator"),
        ({"source": {"options": {"colour": 1}}}, r"dataset.yaml: source.options: found \['colour'\]; .*unexpected keyword"),
        ({"source": {"size": [30, 48]}}, r"source.size \[30, 48\] must be multiples of the scale, 4"),
        ({"source": {"parts": [{"dataset": "boxes"}]}}, "can't be made from itself"),
        ({"degradation": None}, "generated pictures need a 'degradation'"),
        ({"count": None, "count_unknown": "not known"}, "generated pictures need 'count'"),
        ({"comparable": "same-inputs"}, "'comparable' must be 'regenerated'"),
        ({"crop_to_multiple": 4}, "leave out 'crop_to_multiple'"),
    ],
)
def test_a_card_that_is_wrong(add: Add, keys: dict[str, Any], said: str) -> None:
    project = add(**keys)
    with pytest.raises(CardError, match=said) as caught:
        prepare.run(project, "boxes")
    assert "\n" not in str(caught.value)
    assert not (project.data / "boxes").exists()
