"""The stage that trains: what is trained, from what, again or not, and what restoring makes of it. A toy method, a few steps each."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import pytest
import yaml

from semsr.cards import ProfileCard
from semsr.errors import CardError, SemsrError, UnknownIdError, WeightsError
from semsr.imaging.pictures import write_png
from semsr.plugins import forget_plugins
from semsr.preparation.manifest import Entry, pixel_sha256, write_manifest
from semsr.project import Project
from semsr.stages import infer, train

METHOD = """
from torch import nn
from semsr.restoration.restorer import Restorer
from .networks import toy
from safetensors.torch import load_file

class Toy(Restorer):
    def __init__(self, generator=None):
        super().__init__()
        self.width = generator["options"]["width"]

    def load(self, weights, device):
        self.network = toy(self.width)
        self.network.load_state_dict(load_file(weights))

    def restore(self, lr, *, names, seed):
        return self.network(lr).clamp(0, 1)
"""

NETWORKS = """
from torch import nn

def toy(width):
    return nn.Sequential(nn.Conv2d(3, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, 48, 3, padding=1), nn.PixelShuffle(4))
"""

PARTS = """
from torch import nn
from semsr.training.parts import Parts
from semsr.assets.tensors import load_tensors
from ..networks import toy

class Judge(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Conv2d(3, 1, 3, stride=2)

    def forward(self, image, condition):
        return self.body(image)

class ToyParts(Parts):
    def generator(self):
        return toy(self.generator_card.options["width"])

    def discriminator(self):
        return Judge()

    def load(self, generator, weights, key=None):
        generator.load_state_dict(load_tensors(weights, key))
"""

RECIPES: dict[str, Any] = {
    "start": {
        "once": True,
        "generator": {"network": "toy", "options": {"width": 4}},
        "data": {"dataset": "demo", "patch": 16, "lr": "bicubic"},
        "batch": 2,
        "steps": 3,
        "losses": {"pixel": {"weight": 1.0}},
        "save": 2,
        "log": 1,
    },
    "gan": {
        "extends": "start",
        "once": False,
        "start": {"variant": "start"},
        "discriminator": {"network": "judge"},
        "losses": {"adversarial": {"weight": 0.01}},
    },
    "other": {"extends": "gan", "losses": {"adversarial": {"weight": 0.02}}},
}


class Workplace:
    def __init__(self, project: Project) -> None:
        self.root = project.root
        folder = self.root / "methods" / "toy"
        (folder / "training").mkdir(parents=True)
        for name, text in (("method.py", METHOD), ("networks.py", NETWORKS), ("training/parts.py", PARTS)):
            (folder / name).write_text(textwrap.dedent(text))
        card = {"id": "toy", "title": "Toy", "licence": "CC0-1.0", "scale": 4, "runner": "python", "entry": "method:Toy"}
        card |= {"parts": "training.parts:ToyParts"}
        variants = {name: {"label": name, "training": name, "trust": "L3"} for name in RECIPES}
        (folder / "method.yaml").write_text(yaml.safe_dump(card | {"variants": variants}))
        self.recipes = folder / "recipes.yaml"
        self.say(RECIPES)
        self._pictures()

    def _pictures(self) -> None:
        card = {"id": "demo", "title": "Demo", "licence": "CC0-1.0", "count": 3, "scale": 4, "comparable": "regenerated"}
        card |= {"source": {"kind": "files", "layouts": [{"hr": "{name}.png"}]}}
        (self.root / "datasets" / "demo").mkdir()
        (self.root / "datasets" / "demo" / "dataset.yaml").write_text(yaml.safe_dump(card))
        draw = np.random.default_rng(0)
        data, entries = self.root / "data" / "demo", []
        for name, split in (("one", "train"), ("two", "train"), ("three", "test")):
            hr = draw.integers(0, 256, (32, 32, 3), dtype=np.uint8)
            lr = hr[::4, ::4].copy()
            write_png(data / "hr" / f"{name}.png", hr)
            write_png(data / "lr" / f"{name}.png", lr)
            files = data / "lr" / f"{name}.png", data / "hr" / f"{name}.png"
            entries.append(Entry(name, *files, (8, 8), (32, 32), pixel_sha256(lr), pixel_sha256(hr), split))  # type: ignore[arg-type]
        write_manifest(data, entries)

    def say(self, recipes: dict[str, Any]) -> None:
        self.recipes.write_text(yaml.safe_dump(recipes))

    @property
    def project(self) -> Project:
        return Project(self.root)

    def profile(self, **keys: Any) -> ProfileCard:
        plain = {"id": "quick", "title": "Quick", "device": "cpu", "threads": 1}
        tracks = {"classical": {"datasets": ["demo"], "trained": ["toy"], "protocols": []}}
        training = {"methods": ["toy"], "datasets": ["demo"], "seeds": [3, 4]}
        return ProfileCard.model_validate({**plain, "tracks": tracks, "training": training, **keys})

    def trained(self) -> dict[str, dict[str, Any]]:
        folder = self.root / "results" / "quick" / "trained" / "toy" / "demo"
        return {path.parent.name: json.loads(path.read_text()) for path in sorted(folder.glob("*/train.json"))}


@pytest.fixture
def place(workspace: Project) -> Workplace:
    forget_plugins()
    return Workplace(workspace)


def test_every_variant_is_trained_with_every_seed_and_a_common_start_once(place: Workplace) -> None:
    train.run(place.project, place.profile(), "toy")
    found = place.trained()
    assert set(found) == {"start@3", "gan@3", "gan@4", "other@3", "other@4"}
    start = found["start@3"]["generator_sha256"]
    for name in ("gan@3", "gan@4", "other@3", "other@4"):
        assert found[name]["start"] == [{"asset": "trained:toy/start@3", "sha256": start}]
        assert found[name]["steps"] == 3
    assert len({record["generator_sha256"] for record in found.values()}) == 5, "a seed or a weight changed nothing"


def test_a_second_run_trains_nothing_and_a_changed_weight_only_what_has_it(place: Workplace) -> None:
    train.run(place.project, place.profile(), "toy")
    before = place.trained()
    train.run(place.project, place.profile(), "toy")
    assert place.trained() == before
    changed = json.loads(json.dumps(RECIPES))
    changed["other"]["losses"]["adversarial"]["weight"] = 0.5
    changed["gan"]["notes"] = "what is only said about a recipe changes no weight"
    place.say(changed)
    train.run(place.project, place.profile(), "toy")
    after = place.trained()
    again = {name for name in after if after[name]["fingerprint"] != before[name]["fingerprint"]}
    assert again == {"other@3", "other@4"}
    assert all(after[name] == before[name] for name in set(after) - again)


def test_side_by_side_gives_the_same_weights_and_trains_nothing_twice(place: Workplace) -> None:
    """Trainings of one thread each, two at a time on two cores; each in a process of its own."""
    recipes = json.loads(json.dumps(RECIPES))
    recipes["start"]["threads"] = 1
    place.say(recipes)
    train.run(place.project, place.profile(threads=1), "toy")
    one_by_one = {name: record["generator_sha256"] for name, record in place.trained().items()}
    shutil.rmtree(place.root / "results")
    train.run(place.project, place.profile(threads=2), "toy")
    found = place.trained()
    assert {name: record["generator_sha256"] for name, record in found.items()} == one_by_one
    train.run(place.project, place.profile(threads=2), "toy")
    assert place.trained() == found


def test_an_error_beside_others_is_the_one_line_that_is_shown(place: Workplace) -> None:
    recipes = json.loads(json.dumps(RECIPES))
    recipes["start"]["threads"] = 1
    recipes["other"]["data"] = {"patch": 64}
    place.say(recipes)
    with pytest.raises(SemsrError, match=r"patch|64") as error:
        train.run(place.project, place.profile(threads=2), "toy")
    assert "\n" not in str(error.value)
    assert not {"other@3", "other@4"} & set(place.trained())


def test_a_changed_start_trains_what_starts_from_it_again(place: Workplace) -> None:
    train.run(place.project, place.profile(), "toy", "gan", seed=3)
    before = place.trained()
    assert set(before) == {"start@3", "gan@3"}
    changed = json.loads(json.dumps(RECIPES))
    changed["start"]["steps"] = 4
    changed["gan"]["steps"] = 3
    place.say(changed)
    train.run(place.project, place.profile(), "toy", "gan", seed=3)
    after = place.trained()
    assert after["start@3"]["fingerprint"] != before["start@3"]["fingerprint"]
    assert after["gan@3"]["fingerprint"] != before["gan@3"]["fingerprint"]


def test_a_stopped_training_is_no_result_and_goes_on_to_the_same_weights(place: Workplace) -> None:
    train.run(place.project, place.profile(), "toy", "start")
    whole = place.trained()["start@3"]["generator_sha256"]
    folder = place.root / "results" / "quick" / "trained" / "toy" / "demo" / "start@3"
    (folder / "train.json").unlink()
    (folder / "generator.safetensors").unlink()
    for path in folder.glob("checkpoints/*"):
        path.unlink()
    train.run(place.project, place.profile(), "toy", "start", stop_after=2)
    assert place.trained() == {}
    train.run(place.project, place.profile(), "toy", "start")
    assert place.trained()["start@3"]["generator_sha256"] == whole


def test_harmed_weights_are_trained_again(place: Workplace) -> None:
    train.run(place.project, place.profile(), "toy", "start")
    record = place.trained()["start@3"]
    weights = place.root / "results" / "quick" / "trained" / "toy" / "demo" / "start@3" / "generator.safetensors"
    weights.write_bytes(weights.read_bytes()[:-1])
    train.run(place.project, place.profile(), "toy", "start")
    assert place.trained()["start@3"]["generator_sha256"] == record["generator_sha256"]


def _cut(folder: Path) -> None:
    path = folder / "generator.safetensors"
    path.write_bytes(path.read_bytes()[:-1])


def _turn_a_bit(folder: Path) -> None:
    path = folder / "generator.safetensors"
    path.write_bytes(path.read_bytes()[:-1] + bytes([path.read_bytes()[-1] ^ 1]))


@pytest.mark.parametrize(
    ("harm", "said"),
    [
        (_cut, r"generator\.safetensors: wrong sha256 \(expected [0-9a-f]{64}, found [0-9a-f]{64}\)"),
        (_turn_a_bit, r"generator\.safetensors: wrong sha256"),
        (lambda folder: (folder / "generator.safetensors").unlink(), r"generator\.safetensors: not there, though train\.json"),
        (lambda folder: (folder / "train.json").write_text('{"fingerprint": "0'), r"train\.json: damaged, or not the record"),
        (lambda folder: (folder / "train.json").write_text("[]"), r"train\.json: damaged, or not the record of a training"),
        (lambda folder: (folder / "train.json").write_bytes(b"\xff\xfe"), r"train\.json: damaged, or not the record"),
        (lambda folder: (folder / "train.json").write_text("{}"), r"train\.json: .* \(no 'fingerprint' in it\)"),
    ],
    ids=["cut off", "another bit", "no weights", "half a record", "a list", "not text", "empty record"],
)
def test_harmed_weights_restore_nothing_and_the_line_names_the_command_that_trains_them_again(
    place: Workplace, harm: Callable[[Path], object], said: str
) -> None:
    train.run(place.project, place.profile(), "toy", "gan", seed=4)
    folder = place.root / "results" / "quick" / "trained" / "toy" / "demo" / "gan@4"
    record = json.loads((folder / "train.json").read_text())
    harm(folder)
    with pytest.raises(WeightsError, match=said) as caught:
        infer.run(place.project, place.profile(), "demo", "toy", "gan", seed=4, keep_going=True)
    assert str(caught.value).endswith("train it again in profile quick: `semsr train toy --variant gan --seed 4`")
    assert "\n" not in str(caught.value) and "fetch" not in str(caught.value)
    train.run(place.project, place.profile(), "toy", "gan", seed=4)
    assert place.trained()["gan@4"]["generator_sha256"] == record["generator_sha256"]
    infer.run(place.project, place.profile(), "demo", "toy", "gan", seed=4)


def test_each_seed_is_restored_into_its_own_cell(place: Workplace) -> None:
    train.run(place.project, place.profile(), "toy")
    infer.run(place.project, place.profile(), "demo", "toy")
    cells = place.root / "results" / "quick" / "cells" / "demo" / "toy"
    assert {path.name for path in cells.iterdir()} == {"start@3", "gan@3", "gan@4", "other@3", "other@4"}
    record = json.loads((cells / "gan@4" / "run.json").read_text())
    assert record["weights"] == [{"asset": "trained:toy/gan@4", "sha256": place.trained()["gan@4"]["generator_sha256"]}]
    assert (record["trust"], record["seed"], record["options"]["generator"]["options"]) == ("L3", 4, {"width": 4})


def test_weights_trained_anew_are_restored_anew_and_the_others_are_not(place: Workplace) -> None:
    train.run(place.project, place.profile(), "toy")
    infer.run(place.project, place.profile(), "demo", "toy")
    cells = place.root / "results" / "quick" / "cells" / "demo" / "toy"
    before = {path.name: json.loads((path / "run.json").read_text()) for path in cells.iterdir()}
    changed = json.loads(json.dumps(RECIPES))
    changed["other"]["steps"] = 2
    place.say(changed)
    train.run(place.project, place.profile(), "toy")
    infer.run(place.project, place.profile(), "demo", "toy")
    after = {path.name: json.loads((path / "run.json").read_text()) for path in cells.iterdir()}
    assert {name for name in after if after[name] != before[name]} == {"other@3", "other@4"}


def test_what_is_not_trained_can_not_be_restored_and_says_what_to_do(place: Workplace) -> None:
    with pytest.raises(SemsrError, match=r"toy/gan@4 has not been trained .* run `semsr train toy --variant gan`"):
        infer.run(place.project, place.profile(), "demo", "toy", "gan", seed=4)


@pytest.mark.parametrize(
    ("call", "kind", "message"),
    [
        ({"variant": "nothing"}, UnknownIdError, "toy/nothing"),
        ({"variant": "gan", "seed": 9}, UnknownIdError, "toy/gan@9"),
        ({"dataset": "set5"}, SemsrError, "no variant of it that is trained here on data set 'set5'"),
    ],
)
def test_what_is_not_there_is_one_line(place: Workplace, call: dict[str, Any], kind: type[SemsrError], message: str) -> None:
    with pytest.raises(kind, match=message):
        train.run(place.project, place.profile(), "toy", **call)


@pytest.mark.parametrize(
    ("recipe", "message"),
    [
        (
            {"start": {"variant": "nobody"}},
            r"recipes.yaml: gan.start.variant: found 'nobody'; allowed, as trained here: gan, other, start",
        ),
        ({"start": {"variant": "gan"}}, "can't start from itself"),
        ({"data": {"context": 32}}, "data.context: found 32; allowed only with a degradation"),
        ({"data": {"dataset": "set5"}}, "set5"),
        ({"generator": {"options": {"width": 6}}}, "width|size|shape"),
    ],
)
def test_a_recipe_that_does_not_fit_is_an_error_before_any_step(place: Workplace, recipe: dict[str, Any], message: str) -> None:
    changed = json.loads(json.dumps(RECIPES))
    for key, value in recipe.items():
        changed["gan"][key] = {**changed["gan"].get(key, {}), **value} if isinstance(value, dict) else value
    place.say(changed)
    with pytest.raises((SemsrError, CardError, RuntimeError), match=message):
        train.run(place.project, place.profile(), "toy", "gan")
    assert "gan@3" not in place.trained()


RAISE = "raise __import__('semsr.errors').errors.{kind}({text!r})"


@pytest.mark.parametrize(
    ("where", "kind"), [("__init__", "CardError"), ("generator", "MethodError"), ("generator", "SemsrError")]
)
def test_an_error_of_the_parts_names_file_and_recipe(place: Workplace, where: str, kind: str) -> None:
    spoilt = f"    def {where}(self, *given, **named):\n        {RAISE.format(kind=kind, text='generator.options: no')}\n"
    (place.root / "methods/toy/training/parts.py").write_text(f"{textwrap.dedent(PARTS)}\n{spoilt}")
    with pytest.raises(SemsrError) as error:
        train.run(place.project, place.profile(), "toy", "start")
    assert str(error.value) == "methods/toy/recipes.yaml: start: generator.options: no"
    assert type(error.value).__name__ == kind


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("generator.options: no", "methods/toy/recipes.yaml: start: generator.options: no"),
        ("options: no", "methods/toy/method.yaml: variants.start: options: no"),
    ],
)
def test_an_error_of_what_restores_names_file_and_entry(place: Workplace, text: str, told: str) -> None:
    train.run(place.project, place.profile(), "toy", "start")
    spoilt = f"    def __init__(self, generator=None):\n        {RAISE.format(kind='CardError', text=text)}\n"
    (place.root / "methods/toy/method.py").write_text(f"{textwrap.dedent(METHOD)}\n{spoilt}")
    forget_plugins()
    with pytest.raises(CardError) as error:
        infer.run(place.project, place.profile(), "demo", "toy", "start")
    assert str(error.value) == told


def test_a_checkpoint_of_another_variant_is_refused(place: Workplace) -> None:
    train.run(place.project, place.profile(), "toy", "start")
    train.run(place.project, place.profile(), "toy", "gan", seed=3, stop_after=2)
    folder = place.root / "results" / "quick" / "trained" / "toy" / "demo"
    train.run(place.project, place.profile(), "toy", "other", seed=3, stop_after=2)
    theirs, ours = folder / "gan@3" / "checkpoints", folder / "other@3" / "checkpoints"
    for path in ours.iterdir():
        path.unlink()
    for path in theirs.iterdir():
        (ours / path.name).write_bytes(path.read_bytes())
    with pytest.raises(SemsrError, match="gan") as error:
        train.run(place.project, place.profile(), "toy", "other", seed=3)
    assert "\n" not in str(error.value)
    assert list(Path(ours).iterdir()), "what was found there is kept"


@pytest.mark.slow
def test_trainings_side_by_side_end_with_their_parent_and_go_on(place: Workplace) -> None:
    """kill -9 of the command alone: what it started ends by itself, and the next run comes to the weights of an undisturbed one."""
    recipes = json.loads(json.dumps(RECIPES))
    recipes["start"] |= {"threads": 1}
    for name in ("gan", "other"):
        recipes[name] |= {"steps": 150, "save": 10}
    place.say(recipes)
    profile = place.profile(threads=2)
    (place.root / "profiles" / "quick.yaml").write_text(yaml.safe_dump(profile.model_dump(mode="json")))
    command = [sys.executable, "-m", "semsr", "train", "toy", "--profile", "quick"]
    environment = {**os.environ, "SEMSR_PROJECT": str(place.root)}
    parent = subprocess.Popen(command, env=environment, stderr=subprocess.DEVNULL)
    folder = place.root / "results" / "quick" / "trained" / "toy" / "demo"
    deadline = time.monotonic() + 120
    while not list(folder.glob("gan@*/checkpoints/*.pt")) and parent.poll() is None and time.monotonic() < deadline:
        time.sleep(0.02)
    children = psutil.Process(parent.pid).children(recursive=True)
    parent.kill()
    parent.wait()
    gone, alive = psutil.wait_procs(children, timeout=10)
    assert len(gone) >= 2 and not alive
    assert set(place.trained()) == {"start@3"}, "killed too late for this test to mean anything"
    train.run(place.project, profile, "toy")
    continued = {name: record["generator_sha256"] for name, record in place.trained().items()}
    shutil.rmtree(place.root / "results")
    train.run(place.project, profile, "toy")
    assert {name: record["generator_sha256"] for name, record in place.trained().items()} == continued


OBJECTIVE = """
import torch
from semsr.training.objective import Objective

class Doubled(Objective):
    terms = ("double",)
    wants = ("lr", "hr")

    def forward(self, network, part):
        return {"double": (network(part["lr"]) - 2 * part["hr"]).abs().mean()}
"""


def with_a_part(place: Workplace) -> dict[str, Any]:
    """A network trained by an objective of the method's, a part; and a row that reads its weights in training and when it restores."""
    folder = place.root / "methods" / "toy"
    (folder / "training" / "doubled.py").write_text(textwrap.dedent(OBJECTIVE))
    parts = (folder / "training" / "parts.py").read_text()
    parts += """
    def objective(self):
        from .doubled import Doubled
        return Doubled()

    def condition(self):
        if "helper" in self.files:
            assert load_tensors(self.files["helper"])["0.weight"].shape[0] == 4
        return None
"""
    (folder / "training" / "parts.py").write_text(parts)
    method = (folder / "method.py").read_text()
    (folder / "method.py").write_text(
        method.replace(
            "    def load(self, weights, device):",
            "    def load(self, weights, device):\n        self.helper = self.files['helper']",
        )
    )
    recipes = json.loads(json.dumps(RECIPES))
    recipes["helper"] = {"extends": "start", "losses": None, "objective": {"kind": "doubled"}, "threads": 1}
    recipes["gan"]["trained"] = {"helper": "helper"}
    recipes["gan"]["generator"] = {"assets": ["helper"]}
    del recipes["other"]
    card = yaml.safe_load((folder / "method.yaml").read_text())
    card["variants"] = {
        "start": {"label": "start", "training": "start", "trust": "L3", "part": True},
        "helper": {"label": "helper", "training": "helper", "trust": "L3", "part": True},
        "gan": {"label": "gan", "training": "gan", "trust": "L3"},
    }
    (folder / "method.yaml").write_text(yaml.safe_dump(card))
    forget_plugins()
    place.say(recipes)
    return recipes


def test_what_a_training_is_made_from_is_trained_first_and_there_when_it_restores(place: Workplace) -> None:
    recipes = with_a_part(place)
    train.run(place.project, place.profile(), "toy")
    found = place.trained()
    assert set(found) == {"start@3", "helper@3", "gan@3", "gan@4"}
    helper = {"asset": "trained:toy/helper@3", "sha256": found["helper@3"]["generator_sha256"]}
    assert helper in found["gan@3"]["assets"] and helper in found["gan@4"]["assets"]
    assert set(found["helper@3"]["losses"]) >= {"double"}
    infer.run(place.project, place.profile(), "demo", "toy")
    cells = place.root / "results" / "quick" / "cells" / "demo" / "toy"
    assert sorted(path.name for path in cells.iterdir()) == ["gan@3", "gan@4"], "a part restores nothing"
    record = json.loads((cells / "gan@3" / "run.json").read_text())
    assert helper in record["weights"]
    with pytest.raises(UnknownIdError, match=r"toy/helper.*toy/gan"):
        infer.run(place.project, place.profile(), "demo", "toy", "helper")
    # Another helper, another training; the start does not care.
    recipes["helper"]["steps"] = 4
    place.say(recipes)
    train.run(place.project, place.profile(), "toy", "gan", seed=3)
    after = place.trained()
    assert after["start@3"] == found["start@3"]
    assert after["gan@3"]["fingerprint"] != found["gan@3"]["fingerprint"]


@pytest.mark.parametrize(
    ("helper", "message"),
    [("nothing", r"recipes.yaml: gan.trained.helper: found 'nothing'; allowed, as trained here: gan, helper, start"),
     ("gan", r"recipes.yaml: gan.trained.helper: gan needs gan")],
)  # fmt: skip
def test_a_part_that_is_none_is_one_line(place: Workplace, helper: str, message: str) -> None:
    recipes = with_a_part(place)
    recipes["gan"]["trained"] = {"helper": helper}
    place.say(recipes)
    with pytest.raises(CardError, match=message) as error:
        train.run(place.project, place.profile(), "toy")
    assert "\n" not in str(error.value)
    assert place.trained() == {}
