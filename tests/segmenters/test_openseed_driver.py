"""OpenSeeD's driver: what it writes is read back as it was. OpenSeeD is a stand-in; how the real one is asked stays unverified."""

from __future__ import annotations

import ast
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from pycocotools import mask as coco

from semsr.cards.protocol import PostProcessing
from semsr.errors import SegmenterError
from semsr.imaging.pictures import write_png
from semsr.project import Project
from semsr.segmentation.checks import broken
from semsr.segmentation.coco_results import CocoResults
from semsr.segmentation.command import run_command
from semsr.segmentation.found import Category, Segment


@pytest.fixture
def path(project: Project) -> Path:
    return project.folders("segmenter")["openseed"] / "driver.py"


@pytest.fixture
def driver(path: Path) -> Any:
    spec = importlib.util.spec_from_file_location("openseed_driver", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_it_writes_is_read_back(driver: Any, tmp_path: Path, project: Project, categories: tuple[Category, ...]) -> None:
    entries = [{"id": each.id, "name": each.name, "isthing": int(each.thing)} for each in reversed(categories)]
    writer = driver.Writer(tmp_path, entries)
    ids = np.zeros((5, 7), np.int64)
    ids[:2], ids[2:, :3] = 1, 70000
    mask = np.zeros((5, 7), bool)
    mask[2:, :3] = True
    classes = np.arange(35).reshape(5, 7) % 5
    segments = [(1, 3, 0.75), (70000, 1, None), (9, 0, 0.5)]
    objects = [
        (1, 0.25, (-1.0, 2.0, 3.0, 5.5), mask),
        (0, 0.5, (0.0, 0.0, 7.0, 2.0), ids == 1),
        (0, 0.9, (8.0, 0.0, 9.0, 2.0), mask),
    ]
    writer.add("000000000139", ids, segments, objects, classes)
    writer.add("b", np.zeros((3, 4), int), [], [], np.full((3, 4), 4))
    writer.close()
    results = CocoResults.read(tmp_path, ["000000000139", "b"], categories)
    found = results.found("000000000139", (5, 7))
    assert broken(project.segmenter("openseed"), found, categories, (5, 7)) is None
    assert np.array_equal(found.panoptic, ids) and np.array_equal(found.classes, classes)
    assert {each.id: each.category for each in found.segments} == {1: 187, 70000: 18}, "segment 9 has no pixel"
    assert [(each.category, each.score, each.box) for each in found.instances or ()] == [
        (1, 0.5, (0, 0, 7, 2)),
        (18, 0.25, (0, 2, 3, 3)),
    ]
    assert np.array_equal(coco.decode(dict((found.instances or ())[1].mask or {})).astype(bool), mask)
    empty = results.found("b", (3, 4))
    assert empty.segments == () and empty.instances == () and isinstance(found.segments[0], Segment)


def test_it_runs_in_a_python_of_its_time(path: Path) -> None:
    """OpenSeeD's torch 1.13 comes with Python 3.7 to 3.10."""
    ast.parse(path.read_text(), feature_version=(3, 7))


STAND_IN = {
    "openseed/__init__.py": "def build_model(settings):\n    return settings\n",
    "openseed/BaseModel.py": """
import numpy as np
import torch

class Anything:
    pass

class BaseModel:
    def __init__(self, settings, network):
        assert settings == "read from configs/openseed/openseed_swint_lang.yaml"
        self.model = Anything()
        self.model.sem_seg_head = Anything()
        self.model.sem_seg_head.predictor = Anything()
        self.model.sem_seg_head.predictor.lang_encoder = self
        self.model.object_mask_threshold = self.model.overlap_threshold = self.model.test_topk_per_image = None

    def from_pretrained(self, path):
        return self

    def eval(self):
        return self

    def get_text_embeddings(self, names, is_eval):
        self.names = names

    def forward(self, batch):
        network, (entry,) = self.model, batch
        assert (network.object_mask_threshold, network.overlap_threshold, network.test_topk_per_image) == (0.25, 0.8, 100)
        assert self.names[3] == "sky other merged" and network.sem_seg_head.num_classes == 5
        assert min(entry["image"].shape[1:]) == 800
        size = entry["height"], entry["width"]
        found = Anything()
        found.to = lambda device: found
        found.pred_boxes = Anything()
        found.pred_boxes.tensor = torch.tensor([[0.0, 0.0, 2.0, 2.0]])
        found.scores, found.pred_classes = torch.tensor([0.5]), torch.tensor([1])
        found.pred_masks = torch.ones(1, *size)
        ids = torch.ones(size, dtype=torch.int32)
        return [{"panoptic_seg": (ids, [{"id": 1, "category_id": 4}]), "instances": found, "sem_seg": torch.rand(5, *size)}]
""",
    "utils/__init__.py": "",
    "utils/arguments.py": "def load_opt_from_config_files(path):\n    return 'read from ' + path\n",
    "configs/openseed/openseed_swint_lang.yaml": "",
    "detectron2/__init__.py": "",
    "detectron2/data.py": """
class Metadata:
    def set(self, **keys):
        self.keys = keys

class MetadataCatalog:
    get = staticmethod(lambda name: Metadata())
""",
}


def test_the_card_s_command_runs_the_driver(
    project: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, categories: tuple[Category, ...]
) -> None:
    """The whole way: card, placeholders, driver, files, answers; the stand-ins have the names that the driver relies on."""
    for name, text in STAND_IN.items():
        (tmp_path / "OpenSeeD" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "OpenSeeD" / name).write_text(text)
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    (tmp_path / "venv" / "bin" / "python").write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
    (tmp_path / "venv" / "bin" / "python").chmod(0o755)
    monkeypatch.setenv("SEMSR_OPENSEED", str(tmp_path))
    pictures = {}
    for number, name in enumerate(("b", "a")):
        pictures[name] = tmp_path / f"{name}.png"
        write_png(pictures[name], np.full((6, 8, 3), 40 * number, np.uint8))
    card, sizes = project.segmenter("openseed"), {"a": (6, 8), "b": (3, 4)}
    rule = PostProcessing(score=0.25)
    weights = {"openseed-swint": tmp_path / "w.pt"}
    (tmp_path / "one").mkdir()
    found = list(run_command(card, weights, pictures, sizes, categories, rule, tmp_path / "one"))
    assert [each.name for each in found] == ["b", "a"]
    assert all(broken(card, each, categories, sizes[each.name]) is None for each in found)
    assert [each.segments[0].category for each in found] == [193, 193]

    (tmp_path / "OpenSeeD" / "openseed" / "BaseModel.py").write_text(
        STAND_IN["openseed/BaseModel.py"].replace("self.model.overlap_threshold = ", "")
    )
    (tmp_path / "two").mkdir()
    with pytest.raises(SegmenterError, match="this OpenSeeD has no 'overlap_threshold'"):
        list(run_command(card, weights, pictures, sizes, categories, rule, tmp_path / "two"))


def test_without_a_clone_it_says_so(path: Path, tmp_path: Path) -> None:
    arguments = [f"--{name}={tmp_path / name}" for name in ("pictures", "sizes", "categories", "found", "weights")]
    for name in ("sizes", "categories"):
        (tmp_path / name).write_text(json.dumps({} if name == "sizes" else []))
    done = subprocess.run(
        [sys.executable, path, *arguments, "--score=0.25", "--mask=0.5", "--overlap=0.8", "--detections=100"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 1 and done.stderr.startswith("openseed driver: no configs/openseed/openseed_swint_lang.yaml")
