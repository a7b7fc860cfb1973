"""The plan of a method: every file, data set and training, without touching anything and without torch."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from semsr.assets.store import Store
from semsr.cards import ProfileCard
from semsr.errors import UnknownIdError
from semsr.preparation.manifest import MANIFEST
from semsr.project import TRAINED, Project
from semsr.stages import plan_method, plan_method_page

RECIPE = {
    "generator": {"network": "small", "assets": ["lens"]},
    "assets": {"lens": ["lens"]},
    "data": {"dataset": "pictures", "patch": 32},
    "batch": 2,
    "steps": 10,
    "losses": {"pixel": {"kind": "l1"}},
}


def file(name: str, **keys: Any) -> dict[str, Any]:
    plain = {
        "id": name,
        "file": f"{name}.bin",
        "title": f"The {name}",
        "licence": "MIT",
        "unpinned": "nobody says",
        "source": "a test",
    }
    plain |= {"manual": f"Set SEMSR_TEST_FILES to a folder with {name}.bin.", "mirrors": [
        {"kind": "file", "path": f"$SEMSR_TEST_FILES/{name}.bin"},
        {"kind": "hf", "repo": "someone/things", "revision": "main", "file": f"{name}.bin"},
    ]}  # fmt: skip
    return plain | keys


@pytest.fixture
def house(workspace: Project, monkeypatch: pytest.MonkeyPatch) -> Project:
    monkeypatch.delenv("SEMSR_TEST_FILES", raising=False)
    folder = workspace.root / "methods" / "drawn"
    folder.mkdir()
    card = {"id": "drawn", "title": "Drawn", "licence": "MIT", "runner": "python", "entry": "method:M", "parts": "parts:P"}
    card["variants"] = {
        "published": {"label": "Published", "weights": ["large+small", "other"]},
        "light": {"label": "Light", "weights": ["small"]},
        "base": {"label": "Base", "training": "base", "trust": "L3", "part": True},
        "ours": {"label": "Ours", "training": "ours", "trust": "L3"},
    }
    (folder / "method.yaml").write_text(yaml.safe_dump(card, sort_keys=False))
    recipes = {
        "base": RECIPE | {"once": True},
        "ours": RECIPE | {"start": {"variant": "base"}, "assets": {"lens": ["lens", "small"]}},
    }
    (folder / "recipes.yaml").write_text(yaml.safe_dump(recipes))
    assets = [file("large", about=4_000_000_000), file("small", size=5), file("other"), file("lens", size=1_000_000)]
    (folder / "assets.yaml").write_text(yaml.safe_dump({"assets": assets}))
    return Project(workspace.root)


PROFILE = ProfileCard.model_validate({"id": "quick", "title": "Quick", "tracks": {}, "training": {"seeds": [3, 4]}})


def plan(house: Project, variant: str | None = None) -> plan_method.MethodPlan:
    return plan_method.run(Project(house.root), PROFILE, "drawn", variant)


def test_each_row_and_each_file_once(house: Project) -> None:
    found = plan(house)
    assert [variant.id for variant in found.variants] == ["published", "light", "ours"], "a part is no row"
    assert [each.id for each in found.files] == ["large", "small", "other", "lens"]
    published, light, _ = found.variants
    assert published.alternatives == (("large", "small"), ("other",))
    assert (published.standing, published.absent) == ("files missing", ("large", "small"))
    assert (published.to_come, published.roughly, published.unknown) == (4_000_000_005, True, ())
    assert (light.to_come, light.roughly) == (5, False)
    assert found.to_come == 4_000_000_005 + 1_000_000, "what two rows need is counted once, another way not at all"
    assert found.free > 0 and found.unknown == ()
    large = found.files[0]
    assert (large.size, large.about, large.state, large.checked_by) == (None, 4_000_000_000, "absent", "first download")
    assert large.mirrors == ("file $SEMSR_TEST_FILES/large.bin", "Hugging Face someone/things@main:large.bin")


def test_what_is_here_is_ready(house: Project) -> None:
    store, asset = Store(), house.asset("small")
    store.path(asset).parent.mkdir(parents=True)
    store.path(asset).write_bytes(b"12345")
    found = plan(house)
    assert [variant.standing for variant in found.variants] == ["files missing", "ready", "to be trained"]
    assert found.variants[0].absent == ("large",) and found.files[1].state == "here"


def test_the_first_complete_way_counts(house: Project) -> None:
    store, asset = Store(), house.asset("other")
    store.path(asset).parent.mkdir(parents=True)
    store.path(asset).write_bytes(b"anything")
    assert plan(house, "published").variants[0].standing == "ready"


def test_a_copy_of_ones_own_counts(house: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "small.bin").write_bytes(b"12345")
    monkeypatch.setenv("SEMSR_TEST_FILES", str(tmp_path))
    found = plan(house, "light")
    assert found.variants[0].standing == "ready" and found.files[0].own_copy == str(tmp_path / "small.bin")
    assert f"yourowncopyis{tmp_path / 'small.bin'}" in "".join(plan_method_page.render(found).split())


def test_trainings_in_an_order_in_which_they_can_be_done(house: Project) -> None:
    (ours,) = plan(house, "ours").variants
    assert [training.name for training in ours.trainings] == ["base@3", "ours@3", "ours@4"]
    assert [training.before for training in ours.trainings] == [(), ("base@3",), ("base@3",)]
    assert {(training.dataset, training.prepared, training.files) for training in ours.trainings} == {
        ("pictures", False, ("lens",))
    }
    assert ours.absent == ("lens",) and ours.standing == "to be trained"
    (house.data / "pictures").mkdir(parents=True)
    (house.data / "pictures" / MANIFEST).write_bytes(b"")
    for name in ("base@3", "ours@3", "ours@4"):
        folder = house.results("quick") / "trained" / "drawn" / "pictures" / name
        folder.mkdir(parents=True)
        (folder / TRAINED).write_text("{}")
    (ours,) = plan(house, "ours").variants
    assert all(training.finished and training.prepared for training in ours.trainings)
    assert (ours.standing, ours.absent) == ("files missing", ("lens",)), "its generator needs it to restore, too"


def test_the_page_says_everything(house: Project) -> None:
    text = plan_method_page.render(plan(house))
    for piece in (
        "files missing: 2 files not here, about 4.0 GB",
        "way 1: large, small",
        "way 2: other",
        "about 4.0 GB; to be downloaded; checked by first download",
        "2. Hugging Face someone/things@main:large.bin",
        "by hand: Set SEMSR_TEST_FILES to a folder with large.bin; or put the file at",
        "needed by: published, light",
        "training base@3: to be trained on pictures (not prepared), with lens",
        "after base@3",
        "each file once",
    ):
        assert piece in text, piece


def training(name: str, *before: str, **keys: Any) -> plan_method.TrainingPlan:
    plain = {"dataset": "d", "prepared": True, "files": (), "finished": False}
    return plan_method.TrainingPlan(name=name, before=before, **(plain | keys))


@pytest.mark.parametrize(
    ("trainings", "lines"),
    [
        ([training("a@1"), training("a@2")], ["a@1, @2: to be trained on d (prepared)"]),
        ([training("a@1", "b@1"), training("a@2", "b@1")], ["a@1, @2: to be trained on d (prepared), after b@1"]),
        ([training("a@1", "b@1"), training("a@2", "b@2")], ["a@1, @2: to be trained on d (prepared), each after b of its seed"]),
        ([training("a@1", "b@1"), training("a@2", "c@2")],
         ["a@1: to be trained on d (prepared), after b@1", "a@2: to be trained on d (prepared), after c@2"]),
        ([training("a@1", finished=True), training("a@2")], ["a@1: trained on d (prepared)", "a@2: to be trained on d (prepared)"]),
    ],
)  # fmt: skip
def test_seeds_that_differ_in_nothing_else_share_a_line(
    house: Project, trainings: list[plan_method.TrainingPlan], lines: list[str]
) -> None:
    found = plan(house, "ours")
    both = [replace(found.variants[0], id=name, trainings=tuple(trainings)) for name in ("ours", "again")]
    text = plan_method_page.render(replace(found, variants=tuple(both)))
    first, _, second = text.partition("again")
    assert [line.strip().removeprefix("training ") for line in first.splitlines() if "training " in line] == lines
    assert second.count("as for ours") == len(lines), "told once"


def test_what_most_need_and_what_is_the_same(house: Project) -> None:
    found = plan(house)
    published, light, ours = found.variants
    more = [replace(published, id=name) for name in ("second", "third", "fourth")]
    text = plan_method_page.render(replace(found, variants=(published, light, ours, *more)))
    assert text.count("way 1: large, small") == 1 and text.count("weights: as published") == 3
    assert "needed by: all but light, ours" in text
    assert "needed by: all\n" in plan_method_page.render(replace(found, variants=(published, *more)))


def test_as_json(house: Project) -> None:
    found = json.loads(plan_method_page.render(plan(house), as_json=True))
    assert found["variants"][0]["absent"] == ["large", "small"] and found["files"][0]["about"] == 4_000_000_000
    assert found["resources"]["memory"] == "2G"


def test_nothing_is_written(house: Project) -> None:
    before = sorted(house.root.rglob("*"))
    plan_method_page.render(plan(house))
    assert sorted(house.root.rglob("*")) == before and not Store().folder.exists()


def test_unknown_names(house: Project) -> None:
    with pytest.raises(UnknownIdError, match="drawn/nothing"):
        plan(house, "nothing")


def test_the_verb_needs_no_torch(house: Project) -> None:
    (house.root / "profiles" / "lite.yaml").write_text("{id: lite, title: Lite, tracks: {}}\n")
    code = (
        "import sys; from semsr.cli import main\n"
        "sys.argv = ['semsr', 'plan', 'drawn', '--profile', 'lite', '--json']\n"
        "try: main()\nexcept SystemExit as end: assert not end.code, end.code\n"
        "assert 'torch' not in sys.modules"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=house.root, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["profile"] == "lite"
