"""Stage two with words from files, through the stage: the recipe names the folder, and its content decides the weights."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from semsr.cards import ProfileCard
from semsr.errors import CardError, PairingError, SemsrError
from semsr.imaging.pictures import write_png
from semsr.preparation.manifest import Entry, pixel_sha256, write_manifest
from semsr.project import Project
from semsr.stages import train
from semsr.stages.training_job import gather

SIZE = 32


class Place:
    """A project with the cards of one tiny stage two; the code is this project's, loaded before."""

    def __init__(self, root: Path, options: dict[str, Any], files: dict[str, Path]) -> None:
        self.root, self.options, self.files = root, options, files
        self.folder = root / "methods" / "seesr"
        self.folder.mkdir()
        card = {"id": "seesr", "title": "SeeSR", "licence": "CC0-1.0", "scale": 4, "runner": "python", "entry": "method:SeeSr"}
        variants = {"tagged": {"label": "tagged", "training": "tagged", "trust": "L3"}}
        self._write(self.folder / "method.yaml", card | {"parts": "training.parts:SeesrParts", "variants": variants})
        assets = [
            {"id": role, "file": path.name, "title": role, "licence": "CC0-1.0", "unpinned": "made up", "source": "made up",
             "manual": "none", "mirrors": [{"kind": "file", "path": str(path)}]}
            for role, path in files.items()
        ]  # fmt: skip
        self._write(self.folder / "assets.yaml", {"assets": assets})
        self._pictures()
        self.say()

    def _write(self, path: Path, data: Any) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(yaml.safe_dump(data))

    def _pictures(self) -> None:
        card = {"id": "demo", "title": "Demo", "licence": "CC0-1.0", "count": 3, "scale": 4, "comparable": "regenerated"}
        card |= {"source": {"kind": "files", "layouts": [{"hr": "{name}.png"}]}}
        self._write(self.root / "datasets" / "demo" / "dataset.yaml", card)
        self.data = self.root / "data" / "demo"
        draw, entries = np.random.default_rng(0), []
        for name, split in (("one", "train"), ("two", "train"), ("three", "test")):
            hr = draw.integers(0, 256, (SIZE, SIZE, 3), dtype=np.uint8)
            write_png(self.data / "hr" / f"{name}.png", hr)
            lr = (None, self.data / "hr" / f"{name}.png", None, (SIZE, SIZE), None, pixel_sha256(hr))
            entries.append(Entry(name, *lr, split))  # type: ignore[arg-type]
        write_manifest(self.data, entries)

    def say(self, tags: str | None = "tags", **objective: Any) -> None:
        data = {"dataset": "demo", "patch": SIZE, "lr": "full", "shared_choices": 2, **({"tags": tags} if tags else {})}
        recipe = {
            "generator": {"network": "controlled-diffusion", "options": self.options},
            "assets": {role: [role] for role in self.files},
            "data": data,
            "batch": 2,
            "steps": 2,
            "generator_optimiser": {"kind": "adamw", "rate": 1e-3},
            "objective": {"kind": "control", "options": {"words": "files", "null_text": 0.0, **objective}},
        }
        self._write(self.folder / "recipes.yaml", {"tagged": recipe})

    def tag(self, folder: str = "tags", **tags: str) -> None:
        (self.data / folder).mkdir(exist_ok=True)
        for name, text in tags.items():
            (self.data / folder / f"{name}.txt").write_text(text)

    @property
    def _profile(self) -> ProfileCard:
        training = {"methods": ["seesr"], "datasets": ["demo"], "seeds": [1]}
        tracks = {"real": {"datasets": ["demo"], "trained": ["seesr"], "protocols": []}}
        plain = {"id": "quick", "title": "Quick", "device": "cpu", "threads": 1, "tracks": tracks, "training": training}
        return ProfileCard.model_validate(plain)

    def train(self) -> dict[str, Any]:
        project = Project(self.root)
        train.run(project, self._profile, "seesr")
        found: dict[str, Any] = json.loads((project.trained("quick", "seesr", "tagged", 1) / "train.json").read_text())
        return found

    def fingerprint(self) -> str:
        project = Project(self.root)
        return gather(project, self._profile, project.method("seesr"), "tagged", 1).fingerprint


@pytest.fixture
def place(workspace: Project, seesr: Callable[[str], Any], tiny_generator: dict[str, Any], files: dict[str, Path]) -> Place:
    assert seesr("training.parts").SeesrParts  # this project's code, before the temporary project looks for it
    return Place(workspace.root, tiny_generator["options"], files)


def test_tags_decide_the_weights(place: Place) -> None:
    place.tag(one="dog, grass", two="sofa")
    first = place.train()
    assert len(first["tags_sha256"]) == 64 and first["recipe"]["data"]["shared_choices"] == 2
    assert first["objective"]["words"] == "files" and first["losses"]["noise"] > 0
    place.tag(one="dog, grass\n", three="of a test picture", four="of none")
    assert place.train() == first, "neither what nobody reads nor space around tags is another training"
    place.tag(two="lamp")
    second = place.train()
    assert second["fingerprint"] != first["fingerprint"] and second["generator_sha256"] != first["generator_sha256"]
    place.tag(two="sofa")
    third = place.train()
    assert (third["fingerprint"], third["generator_sha256"]) == (first["fingerprint"], first["generator_sha256"])


def test_names_count_with_their_tags(place: Place) -> None:
    """The same words exchanged between pictures, or moved over the border of two, are other tags."""
    found = set()
    for one, two in (("dog", "sofa"), ("sofa", "dog"), ("dog sofa", ""), ("", "dog sofa")):
        place.tag(one=one, two=two)
        found.add(place.fingerprint())
    assert len(found) == 4


@pytest.mark.parametrize(
    ("tags", "objective", "kind", "message"),
    [
        ("none-here", {}, PairingError, r"data/demo/none-here: no such folder, .*\(data\.tags\); put <picture>\.txt"),
        ("half", {}, PairingError, r"data/demo/half: 1 of 2 pictures have no tags .*demo/two; make them"),
        (None, {}, CardError, r"^methods/seesr/recipes\.yaml: tagged\.data\.tags: is missing, .* data/demo/<tags>/"),
        ("tags", {"words": "tagger"}, CardError, r"tagged\.data\.tags: found 'tags', but the objective reads no tags"),
    ],
)  # fmt: skip
def test_tags_that_do_not_fit_are_one_line(
    place: Place, tags: str | None, objective: dict[str, Any], kind: type[SemsrError], message: str
) -> None:
    place.tag(one="dog", two="sofa")
    place.tag("half", one="dog")
    place.say(tags, **objective)
    with pytest.raises(kind, match=message) as error:
        place.train()
    assert "\n" not in str(error.value)
    assert not list(place.root.rglob("log.csv")), "no training has begun"


def test_tags_that_are_no_text_are_named_before_training(place: Place) -> None:
    place.tag(one="dog", two="sofa")
    (place.data / "tags" / "two.txt").write_bytes(b"\xff\xfe\xff")
    with pytest.raises(PairingError, match=r"tags/two\.txt: can't be read .* make the tags again"):
        place.train()
