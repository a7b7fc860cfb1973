"""Panoptic FPN: the adapter against a stand-in with Detectron2's interface, and for real where Detectron2 is installed."""

from __future__ import annotations

import importlib.util
import pickle
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from pycocotools import mask as coco
from torch import Tensor, nn

from semsr.cards.protocol import PostProcessing
from semsr.errors import SegmenterError, WeightsError
from semsr.project import Project
from semsr.segmentation.checks import broken
from semsr.segmentation.found import Category

NAME = "detectron2-panoptic-fpn"
REAL = importlib.util.find_spec("detectron2") is not None


class Instances:
    """The part of Detectron2's that is used."""

    def __init__(self, boxes: list[list[float]], scores: list[float], classes: list[int], masks: Tensor) -> None:
        self.pred_boxes = SimpleNamespace(tensor=torch.tensor(boxes))
        self.scores, self.pred_classes, self.pred_masks = torch.tensor(scores), torch.tensor(classes), masks

    def to(self, device: str) -> Instances:
        assert device == "cpu"
        return self


class Network(nn.Module):
    """Answers with two people, of whom one is covered, and grass, whatever it sees; keeps what it was given."""

    def __init__(self, settings: Any) -> None:
        super().__init__()
        self.settings, self.seen = settings, []
        self.stem = nn.Conv2d(3, 2, 1)

    def forward(self, batch: list[dict[str, Any]]) -> list[dict[str, Any]]:
        self.seen.append(batch)
        height, width = batch[0]["height"], batch[0]["width"]
        ids = torch.zeros(height, width, dtype=torch.int32)
        ids[:, :3], ids[:2, 3:] = 1, 3
        masks = torch.zeros(3, height, width, dtype=torch.bool)
        masks[:, :, :3] = True
        infos = [
            {"id": 1, "isthing": True, "score": 0.9, "category_id": 0, "instance_id": 0},
            {"id": 2, "isthing": True, "score": 0.8, "category_id": 1, "instance_id": 1},
            {"id": 3, "isthing": False, "category_id": 3, "area": 8},
        ]
        found = Instances([[0, 0, 3, 99], [0.5, 0, 3, 4], [5, 1, 5, 3]], [0.4, 0.9, 0.8], [0, 1, 1], masks)
        return [{"panoptic_seg": (ids, infos), "instances": found, "sem_seg": torch.zeros(4, height, width)}]


@pytest.fixture
def stand_in(monkeypatch: pytest.MonkeyPatch) -> list[Network]:
    """detectron2.{model_zoo,modeling,data} with two things (1, 18) and three kinds of stuff (95, 187, 193); the networks made."""
    made: list[Network] = []

    def get_config(path: str) -> Any:
        assert path == "COCO-PanopticSegmentation/panoptic_fpn_R_101_3x.yaml"
        combine = SimpleNamespace(ENABLED=True, INSTANCES_CONFIDENCE_THRESH=0.5, OVERLAP_THRESH=0.5, STUFF_AREA_LIMIT=4096)
        model = SimpleNamespace(PANOPTIC_FPN=SimpleNamespace(COMBINE=combine), DEVICE="cuda", WEIGHTS="somewhere")
        return SimpleNamespace(MODEL=model, TEST=SimpleNamespace(DETECTIONS_PER_IMAGE=1), INPUT=SimpleNamespace(FORMAT="BGR"))

    def build_model(settings: Any) -> Network:
        made.append(Network(settings))
        return made[-1]

    metadata = SimpleNamespace(
        thing_classes=["person", "dog"],
        thing_dataset_id_to_contiguous_id={1: 0, 18: 1},
        stuff_classes=["things", "bridge", "sky", "grass"],
        stuff_dataset_id_to_contiguous_id={1: 0, 18: 0, 95: 1, 187: 2, 193: 3},
    )
    modules = {
        "model_zoo": {"get_config": get_config},
        "modeling": {"build_model": build_model},
        "data": {"MetadataCatalog": SimpleNamespace(get=lambda name: {"coco_2017_val_panoptic_separated": metadata}[name])},
    }
    monkeypatch.setitem(sys.modules, "detectron2", ModuleType("detectron2"))
    for name, content in modules.items():
        module = ModuleType(f"detectron2.{name}")
        for key, value in content.items():
            setattr(module, key, value)
        monkeypatch.setitem(sys.modules, f"detectron2.{name}", module)
    return made


SMALL = {"random": True, "input": {"shortest": 8, "longest": 12}}


@pytest.mark.usefixtures("stand_in")
def test_what_detectron2_says_becomes_ids_of_the_data_set(
    make: Any, project: Project, categories: tuple[Category, ...]
) -> None:
    found = make(NAME, SMALL).segment("a", torch.rand(1, 3, 4, 6), (4, 6))
    assert broken(project.segmenter(NAME), found, categories, (4, 6)) is None
    # Segment 2 has lost all its pixels to others; stuff 3 is the third kind after "things".
    assert [(segment.id, segment.category, segment.score) for segment in found.segments] == [(1, 1, 0.9), (3, 193, None)]
    assert found.classes is None, "its 54 classes can't say which thing a pixel is"
    assert [(each.category, round(each.score, 6), each.box) for each in found.instances] == [
        (18, 0.9, (0.5, 0.0, 2.5, 4.0)),
        (1, 0.4, (0.0, 0.0, 3.0, 4.0)),
    ]
    assert coco.area(dict(found.instances[0].mask)) == 12


def test_thresholds_size_and_order_of_colours_are_what_detectron2_wants(make: Any, stand_in: list[Network]) -> None:
    rule = PostProcessing(score=0.25, mask=0.5, overlap=0.8, detections=77)
    segmenter = make(NAME, SMALL, rule=rule)
    combine = stand_in[0].settings.MODEL.PANOPTIC_FPN.COMBINE
    assert combine.INSTANCES_CONFIDENCE_THRESH == 0.25
    assert pytest.approx(0.2) == combine.OVERLAP_THRESH, "there it is the share that may be covered"
    assert stand_in[0].settings.TEST.DETECTIONS_PER_IMAGE == 77
    assert stand_in[0].settings.MODEL.DEVICE == "cpu" and stand_in[0].settings.MODEL.WEIGHTS == ""
    red = torch.zeros(1, 3, 4, 6)
    red[:, 0] = 1
    segmenter.segment("a", red, (40, 60))
    (entry,) = stand_in[0].seen[0]
    assert (entry["height"], entry["width"]) == (40, 60)
    assert entry["image"].shape == (3, 8, 12) and entry["image"][:, 0, 0].tolist() == [0, 0, 255]
    with pytest.raises(SegmenterError, match=r"post_processing\.mask: found 0\.4, allowed: 0\.5"):
        make(NAME, SMALL, rule=PostProcessing(score=0.5, mask=0.4))


@pytest.mark.usefixtures("stand_in")
def test_other_classes_are_one_line(make: Any, categories: tuple[Category, ...]) -> None:
    with pytest.raises(SegmenterError, match="knows 5 classes, the data set has 4 categories"):
        make(NAME, SMALL, categories=categories[:4])
    with pytest.raises(SegmenterError, match="no file of weights"):
        make(NAME, {})


@pytest.mark.usefixtures("stand_in")
def test_the_model_zoo_s_pickle_is_read_without_running_it(make: Any, tmp_path: Path, stand_in: list[Network]) -> None:
    path = tmp_path / "model.pkl"
    arrays = {"stem.weight": np.full((2, 3, 1, 1), 0.5, np.float32), "stem.bias": np.array([1, 2], np.float32)}
    path.write_bytes(pickle.dumps({"model": arrays, "__author__": "Detectron2 Model Zoo"}))
    make(NAME, {}, files={"weights": path})
    assert stand_in[0].stem.bias.tolist() == [1, 2] and stand_in[0].stem.weight.eq(0.5).all()
    for content, says in (
        ({"model": {"stem.weight": arrays["stem.weight"]}}, r"lacks 'stem\.bias'"),
        ({"model": arrays | {"stem.bias": np.zeros(3, np.float32)}}, r"another shape for 'stem\.bias'"),
        (arrays, "no arrays by name under 'model'"),
        ({"model": arrays, "run": Path}, "only plain NumPy arrays"),
    ):
        path.write_bytes(pickle.dumps(content))
        with pytest.raises(WeightsError, match=rf"model\.pkl: [^\n]*{says}[^\n]*$"):
            make(NAME, {}, files={"weights": path})


@pytest.mark.skipif(REAL, reason="Detectron2 is installed")
def test_without_detectron2_the_error_says_how_to_install_it(make: Any) -> None:
    with pytest.raises(
        SegmenterError, match=r"not installed .*pip install 'git\+https://github\.com/facebookresearch/detectron2'$"
    ):
        make(NAME, SMALL)


@pytest.mark.skipif(not REAL, reason="Detectron2 is not installed (the judge's error says how)")
def test_the_real_detectron2_with_random_weights(
    make: Any, picture: Callable[..., Tensor], project: Project, test_data: Path
) -> None:
    import json

    told = json.loads((test_data / "coco_panoptic_sample" / "panoptic_coco_categories.json").read_text())
    entries = sorted(told, key=lambda entry: entry["id"])
    categories = tuple(Category(entry["id"], entry["name"], bool(entry["isthing"])) for entry in entries)
    segmenter = make(NAME, {"random": True, "input": {"shortest": 128, "longest": 192}}, categories=categories)
    found = segmenter.segment("a", picture(), (60, 80))
    assert broken(project.segmenter(NAME), found, categories, (60, 80)) is None
