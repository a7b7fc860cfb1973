"""A small project whose judge sees red squares: what it must find can be said without running it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import yaml

from semsr.cards import ProfileCard
from semsr.imaging.pictures import Rgb, write_png
from semsr.preparation.manifest import Entry, pixel_sha256, write_manifest
from semsr.project import Project

CODE = '''
"""Sees what is red, and calls the rest ground; counts its pictures in a file."""
from pathlib import Path

import numpy as np
from pycocotools import mask

from semsr.segmentation.contract import Segmenter
from semsr.segmentation.found import Found, Instance, Segment


class Red(Segmenter):
    def __init__(self, limit=0.5, notes=None, broken=False):
        super().__init__()
        self.limit, self.notes, self.broken = limit, notes, broken

    def load(self, device):
        self.weight = [path.read_text() for path in self.files.values()]

    def segment(self, name, picture, size):
        if self.notes:
            with Path(self.notes).open("a") as file:
                file.write(name + "\\n")
        planes = picture[0].numpy()
        rows = np.arange(size[0]) * planes.shape[1] // size[0]
        columns = np.arange(size[1]) * planes.shape[2] // size[1]
        red = (planes[0] > self.limit)[np.ix_(rows, columns)]
        ids = np.where(red, 2, 1).astype(np.int32)
        segments = tuple(Segment(int(number), {1: 200, 2: 7}[int(number)], 0.9) for number in np.unique(ids))
        instances = ()
        if red.any():
            shape = mask.encode(np.asfortranarray(red.astype(np.uint8)))
            instances = (Instance(7, 0.9, tuple(float(side) for side in mask.toBbox(shape)), shape),)
        if self.broken:
            segments = segments[:1]
        return Found(name, size, ids, segments, np.where(red, 0, 1).astype(np.int16), instances)
'''
SEGMENTER = {
    "id": "red",
    "title": "Sees red",
    "licence": "Apache-2.0",
    "entry": "look:Red",
    "gives": ["panoptic", "semantic", "boxes", "masks"],
}
PROTOCOL = {
    "id": "semantic",
    "title": "Small",
    "kind": "semantic",
    "annotations": "resized",
    "post_processing": {"score": 0.25},
    "floor": {"method": "blind"},
    "columns": [
        {"name": "pq", "metric": "pq"},
        {"name": "pq-things", "metric": "pq", "options": {"figure": "pq-things"}},
        {"name": "box-ap", "metric": "box-ap"},
        {"name": "mask-ap", "metric": "mask-ap"},
        {"name": "miou", "metric": "miou"},
    ],
    "source": "made for these tests",
}
METHODS = ("blind", "exact", "half")
SIDE, PICTURES = 32, 4


def square(number: int) -> tuple[slice, slice]:
    """Where the square of a picture is: 8 x 8 pixels."""
    return slice(4 * number, 4 * number + 8), slice(8, 16)


def make_project(root: Path, real: Project) -> Project:
    """The whole project: data, a judge, and three rows that keep nothing, everything, and every second square."""
    for kind in ("datasets", "methods", "profiles", "tables", "segmenters"):
        (root / kind).mkdir(parents=True)
    shutil.copytree(real.root / "metrics" / "semantic", root / "metrics" / "semantic")
    (root / "metrics" / "protocols").mkdir()
    (root / "requirements").mkdir()
    shutil.copy(real.lock, root / "requirements")
    (root / "metrics" / "protocols" / "semantic.yaml").write_text(yaml.safe_dump(PROTOCOL))
    write_card(root / "segmenters" / "red" / "segmenter.yaml", SEGMENTER)
    (root / "segmenters" / "red" / "look.py").write_text(CODE)
    source = {"kind": "files", "layouts": [{"hr": "hr/{name}.png", "lr": "lr/{name}.png"}]}
    dataset = {
        "id": "toys",
        "title": "t",
        "licence": "CC0-1.0",
        "count": PICTURES,
        "comparable": "same-inputs",
        "source": source,
    }
    write_card(root / "datasets" / "toys" / "dataset.yaml", dataset)
    project = Project(root)
    _prepare(project)
    for method in METHODS:
        card = {
            "id": method,
            "title": method,
            "licence": "CC0-1.0",
            "runner": "outputs",
            "outputs": {"folder": "nowhere", "made_by": "these tests"},
            "variants": {"default": {"label": method, "trust": "L1"}},
        }
        write_card(root / "methods" / method / "method.yaml", card)
        restore(project, method)
    return Project(root)


def profile(**changes: object) -> ProfileCard:
    """What is judged."""
    card = {
        "id": "small",
        "title": "Small",
        "device": "cpu",
        "threads": 1,
        "tracks": {"semantic": {"datasets": ["toys"], "methods": list(METHODS), "protocols": ["semantic"]}},
        "segmenters": {"judges": ["red"]},
    }
    return ProfileCard.model_validate(card | changes)


def restore(project: Project, method: str, mark: str = "first") -> None:
    """One method's cell, as `infer` leaves it."""
    cell = project.cell("small", "toys", method, "default")
    for number in range(PICTURES):
        keeps = method == "exact" or (method == "half" and number % 2 == 0)
        write_png(cell / "images" / f"{number}.png", _picture(number if keeps else None))
    (cell / "run.json").write_text(json.dumps({"fingerprint": f"{method}-{mark}"}))


def write_card(path: Path, card: dict[str, object]) -> None:
    """A YAML file and its folder."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(yaml.safe_dump(card))


def _picture(number: int | None) -> Rgb:
    rgb = np.zeros((SIDE, SIDE, 3), np.uint8)
    if number is not None:
        rgb[square(number)] = (255, 0, 0)
    return rgb


def _prepare(project: Project) -> None:
    folder = project.data / "toys"
    entries, images, panoptic, objects = [], [], [], []
    for number in range(PICTURES):
        hr, lr, name = _picture(number), np.zeros((SIDE // 4, SIDE // 4, 3), np.uint8), str(number)
        write_png(folder / "hr" / f"{name}.png", hr)
        write_png(folder / "lr" / f"{name}.png", lr)
        entries.append(
            Entry(
                name,
                folder / "lr" / f"{name}.png",
                folder / "hr" / f"{name}.png",
                (SIDE // 4, SIDE // 4),
                (SIDE, SIDE),
                pixel_sha256(lr),
                pixel_sha256(hr),
                "test",
            )
        )
        ids = np.zeros((SIDE, SIDE, 3), np.uint8)
        ids[..., 0] = 11
        ids[square(number)] = (12, 0, 0)
        write_png(folder / "annotations" / "panoptic" / f"{name}.png", ids)
        images.append({"id": number, "file_name": f"{name}.png", "height": SIDE, "width": SIDE})
        box = [8, 4 * number, 8, 8]
        ground = {"id": 11, "category_id": 200, "area": SIDE * SIDE - 64, "bbox": [0, 0, SIDE, SIDE], "iscrowd": 0}
        red = {"id": 12, "category_id": 7, "area": 64, "bbox": box, "iscrowd": 0}
        panoptic.append({"image_id": number, "file_name": f"{name}.png", "segments_info": [ground, red]})
        left, top, right, bottom = 8, 4 * number, 16, 4 * number + 8
        outline = [[left, top, right, top, right, bottom, left, bottom]]
        objects.append(
            {
                "id": number + 1,
                "image_id": number,
                "category_id": 7,
                "bbox": box,
                "area": 64,
                "iscrowd": 0,
                "segmentation": outline,
            }
        )
    categories = [{"id": 7, "name": "red", "isthing": 1}, {"id": 200, "name": "ground", "isthing": 0}]
    (folder / "annotations" / "panoptic.json").write_text(
        json.dumps({"images": images, "annotations": panoptic, "categories": categories})
    )
    (folder / "annotations" / "instances.json").write_text(
        json.dumps({"images": images, "annotations": objects, "categories": categories[:1]})
    )
    write_manifest(folder, entries, {f"annotations/{name}.json": "0" * 64 for name in ("panoptic", "instances")})
