"""Describing: what is written, what a second run leaves alone, what stands in the way of one describer only, and the table made of it."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from semsr.cards import ProfileCard
from semsr.errors import CardError, MethodError, MissingAssetsError, SemsrError, UnknownIdError
from semsr.imaging.pictures import Rgb, write_png
from semsr.plugins import forget_plugins
from semsr.preparation.manifest import Entry, pixel_sha256, write_manifest
from semsr.project import Project
from semsr.reproduction.descriptions.render import render_terminal
from semsr.reproduction.descriptions.wording import missing
from semsr.restoration.weights import NotTrainedError
from semsr.stages import describe, tabulate, tabulate_descriptions, trace

CODE = """
from semsr.restoration.describer import Describer, Description

class Light(Describer):
    def __init__(self, limit, generator=None, twice=False):
        super().__init__()
        self.limit, self.generator, self.twice = limit, generator, twice

    def load(self, device):
        self.weight = [path.read_text() for path in self.files.values()]

    def describe(self, pictures):
        names = ("red", "green", "very blue")
        said = []
        for picture in pictures:
            tags = [name for name, value in zip(names, picture.mean((1, 2)).tolist()) if value > self.limit]
            tags += tags if self.twice else []
            said.append(Description(tuple(tags), ", ".join(tags)))
        return said
"""
CARD: dict[str, Any] = {
    "id": "teller",
    "title": "Teller",
    "licence": "MIT",
    "runner": "python",
    "entry": "method:Never",
    "variants": {"default": {"label": "none"}},
    "describer": "words:Light",
    "descriptions": {
        "plain": {"label": "Half", "options": {"limit": 0.5}},
        "shy": {"label": "Shy", "options": {"limit": 0.7}},
        "heavy": {"label": "Heavy", "weights": ["a-giant"], "options": {"limit": 0.1}},
    },
}
ASSET = {
    "id": "a-giant",
    "file": "giant.bin",
    "title": "A giant",
    "licence": "MIT",
    "unpinned": "nobody says",
    "about": 4_500_000_000,
    "source": "a test",
    "manual": "Set SEMSR_TEST_FILES to a folder with giant.bin.",
    "mirrors": [{"kind": "file", "path": "$SEMSR_TEST_FILES/giant.bin"}],
}
TABLE: dict[str, Any] = {
    "id": "styles",
    "title": "Styles & numbers",
    "kind": "descriptions",
    "track": "real",
    "profiles": ["quick"],
    "reported": "reported.csv",
    "method": "teller",
    "reference": "plain",
    "datasets": [{"label": "Demo", "dataset": "demo"}],
    "rows": [
        {"label": "Plain", "published": "P", "description": "plain"},
        {"label": "Shy", "description": "shy"},
        {"label": "Heavy", "description": "heavy"},
    ],
}
MARKS = 'table,method,dataset,metric,value,note\nT 1,P,,rich_objects,"yes, strongly",\nT 1,P,,concise_description,yes,\n'
MARKS += "T 1,P,,degradation_aware,no,\n"
COLOURS = {"a": ((0.9, 0.6, 0.2), (0.9, 0.4, 0.2)), "b": ((0.6, 0.2, 0.8), (0.6, 0.6, 0.8)), "c": ((0.1,) * 3, (0.2,) * 3)}
"""Clean and degraded colour of each picture; above 0.5: a red, green -> red; b red, blue -> red, green, blue; c nothing."""


def flat(colour: tuple[float, ...], side: int) -> Rgb:
    return np.broadcast_to(np.round(np.array(colour) * 255).astype(np.uint8), (side, side, 3)).copy()


@dataclass
class Desk:
    """The temporary project."""

    root: Path

    @property
    def project(self) -> Project:
        return Project(self.root)

    @property
    def profile(self) -> ProfileCard:
        return self.project.profile("quick")

    def write(self, path: str, content: Any) -> None:
        (self.root / path).parent.mkdir(parents=True, exist_ok=True)
        (self.root / path).write_text(content if isinstance(content, str) else yaml.safe_dump(content, sort_keys=False))

    def said(self, description: str) -> dict[str, Any]:
        path = self.root / f"results/quick/descriptions/demo/teller/{description}.json"
        found: dict[str, Any] = json.loads(path.read_text())
        return found

    def describe(self, description: str | None = None, *, keep_going: bool = True) -> None:
        """As the pipeline does, which keeps going."""
        forget_plugins()
        describe.run(self.project, self.profile, "demo", "teller", description, keep_going=keep_going)

    def supply(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Have the giant's file in a folder of the user; its card then says its true size."""
        (self.root / "giant.bin").write_text("weights")
        self.write("methods/teller/assets.yaml", {"assets": [ASSET | {"about": 7}]})
        monkeypatch.setenv("SEMSR_TEST_FILES", str(self.root))

    def pictures(self) -> None:
        data = self.root / "data" / "demo"
        entries = []
        for name, (clean, degraded) in COLOURS.items():
            for folder, colour, side in (("hr", clean, 16), ("lr", degraded, 4)):
                write_png(data / folder / f"{name}.png", flat(colour, side))
            hashes = pixel_sha256(flat(degraded, 4)), pixel_sha256(flat(clean, 16))
            entries.append(
                Entry(name, data / "lr" / f"{name}.png", data / "hr" / f"{name}.png", (4, 4), (16, 16), *hashes, "test")
            )
        write_manifest(data, entries)


@pytest.fixture
def desk(workspace: Project, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.delenv("SEMSR_TEST_FILES", raising=False)
    monkeypatch.setenv("SEMSR_PROJECT", str(workspace.root))
    made = Desk(workspace.root)
    shutil.rmtree(workspace.root / "datasets")
    source = {"kind": "files", "layouts": [{"hr": "{name}.png"}]}
    made.write(
        "datasets/demo/dataset.yaml",
        {
            "id": "demo",
            "title": "D",
            "licence": "CC0-1.0",
            "count": 3,
            "scale": 4,
            "comparable": "regenerated",
            "source": source,
        },
    )
    made.write("methods/teller/method.yaml", CARD)
    made.write("methods/teller/words.py", CODE)
    made.write("methods/teller/assets.yaml", {"assets": [ASSET]})
    made.write("tables/styles/table.yaml", TABLE)
    made.write("tables/styles/reported.csv", MARKS)
    profile = {"id": "quick", "title": "Q", "device": "cpu", "threads": 1, "tables": ["styles"]}
    profile["tracks"] = {"real": {"datasets": ["demo"]}}
    profile["descriptions"] = {"methods": ["teller"], "datasets": ["demo"]}
    made.write("profiles/quick.yaml", profile)
    made.write("profiles/other.yaml", profile | {"id": "other"})
    made.pictures()
    yield made
    forget_plugins()


def test_every_picture_is_described_twice(desk: Desk) -> None:
    desk.describe()
    record = desk.said("plain")
    assert record["unavailable"] is None and record["weights"] == [] and record["options"] == {"limit": 0.5}
    assert {each["name"]: (each["clean"]["tags"], each["degraded"]["text"]) for each in record["pictures"]} == {
        "a": (["red", "green"], "red"),
        "b": (["red", "very blue"], "red, green, very blue"),
        "c": ([], ""),
    }


def test_a_describer_that_can_t_be_had_is_noted_and_stops_no_other(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    desk.describe()
    noted = desk.said("heavy")
    assert noted["pictures"] == []
    assert [file["id"] for file in noted["unavailable"]["missing"]] == ["a-giant"]
    assert noted["unavailable"]["reason"] == "asset a-giant (about 4.5 GB) can't be had"
    assert "SEMSR_TEST_FILES" in noted["unavailable"]["missing"][0]["manual"]
    assert str(desk.root.parent) not in json.dumps(noted), "nothing of this machine"
    assert desk.said("shy")["pictures"]
    # As soon as the file is there, the next run takes it.
    desk.supply(monkeypatch)
    desk.describe()
    there = desk.said("heavy")
    assert there["unavailable"] is None and there["weights"][0]["asset"] == "a-giant" and len(there["pictures"]) == 3


def test_without_keep_going_it_is_an_error_after_the_others_are_made(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(MissingAssetsError, match="asset 'a-giant'") as raised:
        desk.describe(keep_going=False)
    assert list(raised.value.reasons) == ["a-giant"]
    folder = desk.root / "results/quick/descriptions/demo/teller"
    assert sorted(path.name for path in folder.iterdir()) == ["plain.json", "shy.json"]
    caplog.clear()
    with pytest.raises(MissingAssetsError, match="asset 'a-giant'"):
        desk.describe("heavy", keep_going=False)
    assert not [record for record in caplog.records if record.levelname == "ERROR"], "said once, where the command ends"
    desk.describe("heavy")
    assert desk.said("heavy")["unavailable"]


def test_on_the_command_line_what_could_not_be_made_is_one_line_and_exit_2(desk: Desk) -> None:
    command = [sys.executable, "-m", "semsr", "describe", "teller", "--dataset", "demo", "--description", "heavy"]
    command += ["--profile", "quick"]
    done = subprocess.run(command, cwd=desk.root, capture_output=True, text=True, check=False)
    assert done.returncode == 2 and done.stdout == ""
    lines = [
        line for line in done.stderr.splitlines() if not line.startswith("a-giant: file $SEMSR_TEST_FILES")
    ]  # the store's own
    assert len(lines) == 1 and lines[0].startswith("error: asset 'a-giant'"), done.stderr
    assert not (desk.root / "results/quick/descriptions").exists()
    done = subprocess.run([*command, "--keep-going"], cwd=desk.root, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "left out: asset 'a-giant'" in done.stderr and "error: " not in done.stderr
    assert desk.said("heavy")["unavailable"]


def test_the_note_of_what_is_missing_is_written_once(desk: Desk) -> None:
    desk.describe("heavy")
    path = desk.root / "results/quick/descriptions/demo/teller/heavy.json"
    before = path.stat().st_mtime_ns
    desk.describe("heavy")
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize("keep_going", [True, False])
def test_what_is_finished_and_unchanged_needs_no_weights(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, keep_going: bool
) -> None:
    desk.supply(monkeypatch)
    desk.describe("heavy")
    path = desk.root / "results/quick/descriptions/demo/teller/heavy.json"
    finished = path.read_bytes()
    monkeypatch.delenv("SEMSR_TEST_FILES")
    monkeypatch.setenv("SEMSR_ASSETS", str(tmp_path / "empty"))
    desk.describe("heavy", keep_going=keep_going)
    desk.describe(keep_going=keep_going)
    assert path.read_bytes() == finished
    # Another state of the code: it is not what would be made now, which can't be made.
    desk.write("methods/teller/words.py", CODE + "\n# changed\n")
    with pytest.raises(MissingAssetsError):
        desk.describe("heavy", keep_going=False)
    assert path.read_bytes() == finished, "an error leaves everything as it was"
    desk.describe("heavy")
    assert desk.said("heavy")["unavailable"] and not desk.said("heavy")["pictures"]


def test_a_file_that_the_card_no_longer_means_is_not_what_is_wanted(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    desk.supply(monkeypatch)
    desk.describe("heavy")
    monkeypatch.delenv("SEMSR_TEST_FILES")
    monkeypatch.setenv("SEMSR_ASSETS", str(tmp_path / "empty"))
    pinned = {key: value for key, value in ASSET.items() if key not in ("unpinned", "about")}
    desk.write("methods/teller/assets.yaml", {"assets": [pinned | {"sha256": "0" * 64, "size": 7}]})
    with pytest.raises(MissingAssetsError):
        desk.describe("heavy", keep_going=False)


def test_a_second_run_does_nothing_until_something_changes(desk: Desk) -> None:
    def stamps() -> dict[str, int]:
        folder = desk.root / "results/quick/descriptions/demo/teller"
        return {path.stem: path.stat().st_mtime_ns for path in folder.glob("*.json")}

    desk.describe()
    first = stamps()
    desk.describe()
    assert {name: time for name, time in stamps().items() if name != "heavy"} == {
        name: time for name, time in first.items() if name != "heavy"
    }
    changed = json.loads(json.dumps(CARD))
    changed["descriptions"]["shy"]["options"]["limit"] = 0.85
    desk.write("methods/teller/method.yaml", changed)
    desk.describe()
    assert stamps()["plain"] == first["plain"] and stamps()["shy"] != first["shy"]
    desk.write("methods/teller/words.py", CODE + "\n# changed\n")
    desk.describe()
    assert stamps()["plain"] != first["plain"]


def test_a_finished_run_answers_without_torch(desk: Desk) -> None:
    desk.describe("plain")
    code = (
        "import sys; from semsr.project import Project; from semsr.stages import describe\n"
        "p = Project.find(); describe.run(p, p.profile('quick'), 'demo', 'teller', 'plain'); print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=desk.root, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"


def test_a_profile_describes_what_its_tables_show(desk: Desk) -> None:
    table = dict(TABLE) | {"rows": TABLE["rows"][:1]}
    desk.write("tables/styles/table.yaml", table)
    desk.describe()
    folder = desk.root / "results/quick/descriptions/demo/teller"
    assert [path.stem for path in folder.iterdir()] == ["plain"]
    other = desk.project.profile("other")  # the table is not for its results: all of the card
    assert describe.descriptions_of(desk.project, other, desk.project.method("teller"), "demo") == ("plain", "shy", "heavy")


def _trained_here(desk: Desk, *, in_profile: bool) -> dict[str, Any]:
    """Make `shy` a tagger that is trained here, on the giant; whether the profile trains it, too. The card."""
    card: dict[str, Any] = json.loads(json.dumps(CARD))
    card |= {"parts": "parts:P"}
    card["variants"]["base"] = {"label": "base", "training": "base", "trust": "L3", "part": True}
    card["variants"]["own"] = {"label": "own", "training": "own", "trust": "L3"}
    card["descriptions"]["shy"] = {"label": "Own", "training": "own", "trust": "L3", "options": {"limit": 0.7}}
    desk.write("methods/teller/method.yaml", card)
    recipe = {
        "generator": {"network": "small", "options": {"width": 3}, "assets": ["base", "words"]},
        "data": {"dataset": "demo", "patch": 16},
        "batch": 1,
        "steps": 1,
        "objective": {"kind": "some"},
        "assets": {"words": ["a-giant"]},
        "trained": {"base": "base"},
    }
    base = {key: value for key, value in recipe.items() if key not in ("assets", "trained")}
    base["generator"] = {"network": "small"}
    desk.write("methods/teller/recipes.yaml", {"own": recipe, "base": base})
    if in_profile:
        profile = yaml.safe_load((desk.root / "profiles/quick.yaml").read_text())
        profile["training"] = {"methods": ["teller"], "datasets": ["demo"]}
        desk.write("profiles/quick.yaml", profile)
    return card


def _train(desk: Desk, variant: str, weights: str) -> None:
    folder = desk.project.trained("quick", "teller", variant, 1)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "generator.safetensors").write_text(weights)
    (folder / "train.json").write_text('{"fingerprint": "made up"}')


def test_a_tagger_trained_here_is_described_by_its_training(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    card = _trained_here(desk, in_profile=True)
    for keep_going in (True, False):
        with pytest.raises(NotTrainedError, match="semsr train teller --variant own"):
            desk.describe("shy", keep_going=keep_going)
    assert not (desk.root / "results/quick/descriptions").exists()
    with pytest.raises(NotTrainedError):
        desk.describe()
    assert not (desk.root / "results/quick/descriptions/demo/teller/shy.json").exists()
    desk.supply(monkeypatch)
    _train(desk, "own", "trained")
    _train(desk, "base", "before it")
    desk.describe()
    record = desk.said("shy")
    assert [entry["asset"] for entry in record["weights"]] == ["trained:teller/own@1", "trained:teller/base@1", "a-giant"]
    assert record["seed"] == 1 and len(record["pictures"]) == 3
    # Finished and unchanged: what is from outside is not asked for, what is trained here is compared.
    monkeypatch.delenv("SEMSR_TEST_FILES")
    monkeypatch.setenv("SEMSR_ASSETS", str(tmp_path / "empty"))
    desk.describe("shy", keep_going=False)
    assert desk.said("shy") == record
    for variant in ("own", "base"):
        _train(desk, variant, "trained again")
        with pytest.raises(MissingAssetsError):
            desk.describe("shy", keep_going=False)
        _train(desk, variant, "trained" if variant == "own" else "before it")
    # A training that has gone: whether it is unchanged can't be told, and what was said stays.
    shutil.rmtree(desk.project.trained("quick", "teller", "own", 1))
    with pytest.raises(NotTrainedError):
        desk.describe("shy")
    assert desk.said("shy") == record
    lost = json.loads(json.dumps(card))
    del lost["variants"]["own"]
    desk.write("methods/teller/method.yaml", lost)
    with pytest.raises(CardError, match=r"descriptions\.shy\.training: found 'own'"):
        desk.describe("shy")


def test_a_training_that_is_none_of_the_profile_s_stands_in_no_one_s_way(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """As in the profile seesr, whose table has a row "trained here", and which trains nothing."""
    _trained_here(desk, in_profile=False)
    desk.describe()
    assert "semsr train teller --variant own" in desk.said("shy")["unavailable"]["reason"]
    with pytest.raises(NotTrainedError):
        desk.describe("shy")  # asked for by name, it is an error
    # Someone trains it all the same.
    desk.supply(monkeypatch)
    _train(desk, "own", "trained")
    _train(desk, "base", "before it")
    desk.describe()
    record = desk.said("shy")
    assert len(record["pictures"]) == 3
    shutil.rmtree(desk.project.trained("quick", "teller", "own", 1))
    with pytest.raises(NotTrainedError):
        desk.describe()
    assert desk.said("shy") == record, "pictures that were described are not given up"


def test_what_a_user_may_get_wrong_is_said(desk: Desk) -> None:
    with pytest.raises(UnknownIdError, match=r"did you mean 'teller/plain'.*known: teller/heavy, teller/plain, teller/shy\.$"):
        desk.describe("plan")
    broken = json.loads(json.dumps(CARD))
    broken["descriptions"]["shy"]["options"] = {"limit": 0.5, "twice": True}
    desk.write("methods/teller/method.yaml", broken)
    with pytest.raises(MethodError, match="tags stand twice"):
        desk.describe()
    assert desk.said("plain")["pictures"], "the others are made before the error is raised"
    broken["descriptions"]["shy"]["options"] = {"lim": 0.5}
    desk.write("methods/teller/method.yaml", broken)
    with pytest.raises(
        MethodError, match=r"^methods/teller/method\.yaml: descriptions\.shy: options .* are not what the describer takes"
    ):
        desk.describe("shy")
    silent = {key: value for key, value in CARD.items() if not key.startswith("descri")}
    desk.write("methods/teller/method.yaml", silent)
    with pytest.raises(MethodError, match="puts nothing into words"):
        desk.describe()


def test_the_pipeline_keeps_going_and_sees_every_module(project: Project) -> None:
    stage = yaml.safe_load((project.root / "dvc.yaml").read_text())["stages"]["describe"]
    assert stage["cmd"].endswith(" --keep-going")
    modules = sorted((project.root / "semsr" / "stages").glob("describe*.py"))
    assert [dep for dep in stage["deps"] if dep.startswith("semsr/stages/")] == [project.show(path) for path in modules]


# The table.


def _values(text: str) -> dict[tuple[str, str], dict[str, str]]:
    return {(line["row"], line["measure"]): line for line in csv.DictReader(io.StringIO(text))}


def test_the_table_holds_marks_and_measures(desk: Desk, capsys: pytest.CaptureFixture[str]) -> None:
    desk.describe()
    tabulate.run(desk.project, desk.profile)
    folder = desk.root / "results" / "tables"
    found = _values((folder / "styles.csv").read_text())
    # Above 0.5: clean 2 + 2 + 0 tags; degraded 1 + 3 of which 1 + 2 are right.
    expected = {
        "tags": 4 / 3,
        "words": 5 / 3,
        "words_per_tag": 5 / 4,
        "precision_own": 3 / 4,
        "recall_own": 3 / 4,
        "f1_own": 6 / 8,
    }
    for name, number in expected.items():
        assert float(found["Plain", name]["value"]) == pytest.approx(number, abs=1e-12), name
    assert found["Plain", "f1_reference"]["value"] == found["Plain", "f1_own"]["value"]
    # Above 0.7: a red -> red; b blue -> blue; the reference says a red, green; b red, blue.
    assert float(found["Shy", "f1_own"]["value"]) == 1 and float(found["Shy", "recall_reference"]["value"]) == 2 / 4
    assert found["Plain", "tags"]["published"] == "yes, strongly" and found["Shy", "tags"]["published"] == ""
    assert found["Heavy", "tags"]["status"] == "not-run" and "asset a-giant (about 4.5 GB)" in found["Heavy", "tags"]["reason"]
    text = (folder / "styles.md").read_text()
    for wanted in ("yes, strongly", "| 1.33<br>", "Set SEMSR\\_TEST\\_FILES to a folder with giant.bin"):
        assert wanted in text
    assert "not run: asset a-giant (about 4.5 GB) can't be had<sup>a</sup>" in text
    assert r"Styles \& numbers" in (folder / "styles.tex").read_text()
    shown = capsys.readouterr().out
    assert "styles: Heavy: not run: asset a-giant" in shown and "results/tables/styles.{csv,tex,md}" in shown


def test_a_measure_is_traced_to_what_was_said(desk: Desk) -> None:
    """Such numbers have no id, and marks no tolerance; the data set was never fetched, which breaks the chain there alone."""
    desk.describe()
    found = trace.run(desk.project, desk.profile, "styles:plain:f1_own")
    assert found.address == "styles:Plain:demo/f1_own"
    named = {link.what: link for top in found.links for link in top.walk()}
    assert named["value"].facts["value"] == 6 / 8
    assert named["published"].facts["value"] == "no" and named["published"].facts["line"] == 4
    path = desk.root / "results/quick/descriptions/demo/teller/plain.json"
    assert named["descriptions"].facts["sha256"] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert named["data set"].state == "checked"
    assert [link.what for link in found.broken] == ["source"]
    heavy = trace.run(desk.project, desk.profile, "styles:teller/heavy:tags")
    assert [link.what for link in heavy.broken] == ["value"] and "a-giant" in heavy.broken[0].why
    with pytest.raises(SemsrError, match=r"styles:Plain@1:tags: a describer has no seeds; leave out @1"):
        trace.run(desk.project, desk.profile, "styles:Plain@1:tags")
    other = trace.run(desk.project, desk.project.profile("other"), "styles:Plain:tags")
    assert other.address == "styles:Plain:tags" and "not run in profile other" in other.broken[0].why


def test_another_profile_s_table_has_the_marks_alone(desk: Desk) -> None:
    (table,) = tabulate_descriptions.tables_of(desk.project, desk.project.profile("other"))
    assert [block.not_run for block in table.blocks] == [table.not_run] and "not run in profile other" in table.not_run
    text = tabulate_descriptions.render_markdown(table)
    assert "T 1 (marks only)" in text and "| style | Plain |" in text
    for line in ("rich objects (paper) | yes, strongly", "concise description (paper) | yes", "degradation aware (paper) | no"):
        assert f"| {line} |" in text
    assert render_terminal(table) is None
    assert missing(table) == (f"styles: marks only: {table.not_run}",)


def test_what_was_said_of_other_pictures_or_by_other_options_is_no_result(desk: Desk) -> None:
    with pytest.raises(SemsrError, match="no such file; run `semsr describe teller --dataset demo`"):
        tabulate.run(desk.project, desk.profile)
    (table,) = tabulate_descriptions.tables_of(desk.project, desk.profile, keep_going=True)
    assert "has not been described" in table.blocks[0].not_run
    desk.describe()
    changed = json.loads(json.dumps(CARD))
    changed["descriptions"]["plain"]["options"]["limit"] = 0.4
    desk.write("methods/teller/method.yaml", changed)
    with pytest.raises(SemsrError, match="options of description plain are others now"):
        tabulate.run(desk.project, desk.profile)
    desk.write("methods/teller/method.yaml", CARD)
    path = desk.root / "results/quick/descriptions/demo/teller/shy.json"
    record = json.loads(path.read_text())
    for update, said in (
        ({"manifest_sha256": "0"}, "prepared again since"),
        ({"pictures": record["pictures"][1:]}, "pictures are missing"),
        ({"pictures": [{"name": "a"}]}, "another version"),
    ):
        path.write_text(json.dumps(record | update))
        with pytest.raises(SemsrError, match=said):
            tabulate.run(desk.project, desk.profile)
    path.write_text("{")
    with pytest.raises(SemsrError, match="can't be read"):
        tabulate.run(desk.project, desk.profile)
    assert not (desk.root / "results" / "tables").exists()


@pytest.mark.parametrize("profile", ["quick", "other"])
def test_latex_compiles_as_it_stands(desk: Desk, tmp_path: Path, profile: str) -> None:
    program = shutil.which("pdflatex")
    if program is None:
        pytest.skip("pdflatex is not installed (Debian: texlive-latex-base, texlive-latex-recommended)")
    desk.describe()
    (table,) = tabulate_descriptions.tables_of(desk.project, desk.project.profile(profile))
    (tmp_path / "t.tex").write_text(tabulate_descriptions.render_latex(table))
    done = subprocess.run(
        [program, "-interaction=nonstopmode", "-halt-on-error", "t.tex"],
        cwd=tmp_path,
        capture_output=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]
