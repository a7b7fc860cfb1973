"""`semsr lint` and what `semsr score` keeps: on a small project, with pictures that are really restored ones."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image

from semsr.cli import lint as verb
from semsr.errors import PairingError, SemsrError, SizeMismatchError
from semsr.evaluation.lints import looking
from semsr.evaluation.lints.store import read_lints
from semsr.imaging.pictures import Rgb, read_rgb, write_png
from semsr.project import Project
from semsr.stages import lint as stage
from semsr.stages.lint_page import render


@pytest.fixture
def folders(triplets: list, tmp_path: Path) -> dict[str, Path]:
    """hr/, lr/ and sr/ with OSEDiff's pictures in it."""
    made = {kind: tmp_path / kind for kind in ("hr", "lr", "sr")}
    for each in triplets:
        for kind, rgb in (("hr", each.originals.hr), ("lr", each.originals.lr), ("sr", each.sr)):
            write_png(made[kind] / f"{each.name}.png", rgb)
    return made


def lints_of(linted: stage.Linted) -> list[str]:
    return [finding.lint for row in linted.rows for finding in row.findings]


def test_a_sound_folder(project: Project, folders: dict[str, Path]) -> None:
    linted = stage.run_folder(project, folders["sr"], hr=folders["hr"], lr=folders["lr"])
    assert not linted.faulty
    assert render(linted) == f"{folders['sr']}: 6 pictures, nothing found"


def test_a_folder_with_everything_wrong_at_once(project: Project, folders: dict[str, Path], triplets: list) -> None:
    names = [each.name for each in triplets]
    sr = folders["sr"]
    (sr / f"{names[0]}.png").unlink()
    write_png(sr / "stray.png", triplets[0].sr)
    write_png(sr / f"{names[1]}.png", triplets[1].sr[:200])
    (sr / f"{names[2]}.png").write_bytes((sr / f"{names[2]}.png").read_bytes()[:5000])
    write_png(sr / f"{names[3]}.png", triplets[3].sr[..., ::-1])
    (folders["hr"] / f"{names[0]}.png").unlink()
    linted = stage.run_folder(project, sr, hr=folders["hr"], lr=folders["lr"])
    assert linted.faulty
    found = {finding.lint: finding for finding in linted.rows[0].findings}
    assert list(found) == ["names", "unreadable", "size", "channels"]
    assert "'stray' is in the folder but not in" in found["names"].message
    assert "256x200 pixels (width x height), but its HR picture is 256x256" in found["size"].message
    assert found["unreadable"].pictures == (names[2],)
    assert found["channels"].pictures == (names[3],)
    assert [each.severity for each in found.values()] == ["error", "error", "error", "warning"]


def test_the_verb_ends_with_1_where_something_is_wrong(
    folders: dict[str, Path], capsys: pytest.CaptureFixture[str], triplets: list
) -> None:
    for each in triplets:
        write_png(folders["sr"] / f"{each.name}.png", np.roll(each.sr, 1, axis=0))
    with pytest.raises(typer.Exit) as ended:
        verb.lint(folder=folders["sr"], hr=folders["hr"], lr=folders["lr"], json=True)
    assert ended.value.exit_code == 1
    said = json.loads(capsys.readouterr().out)
    assert said["faulty"] and [each["lint"] for each in said["rows"][0]["findings"]] == ["shift"]


@pytest.mark.parametrize(
    "arguments, message",
    [
        ({}, "say what to look at"),
        ({"method": "bicubic", "folder": Path("x")}, "say what to look at"),
        ({"method": "bicubic"}, "METHOD goes with --dataset ID alone"),
        ({"method": "bicubic", "dataset": "lite-photos", "hr": Path("x")}, "METHOD goes with --dataset ID alone"),
        ({"folder": Path("x")}, "say what to compare with"),
        ({"folder": Path("x"), "dataset": "lite-photos", "lr": Path("x")}, "--lr: not allowed with --dataset"),
        ({"method": "bicubik", "dataset": "lite-photos"}, "unknown method 'bicubik'; did you mean 'bicubic'"),
        ({"folder": Path("/nowhere"), "hr": Path("/nowhere")}, "/nowhere: no such folder"),
    ],
)
def test_wrong_arguments_are_told_in_one_line(arguments: dict, message: str) -> None:
    with pytest.raises(SemsrError) as caught:
        verb.lint(**arguments)
    assert message in str(caught.value) and "\n" not in str(caught.value)


def test_lr_of_other_pictures_is_refused(project: Project, folders: dict[str, Path], triplets: list) -> None:
    write_png(folders["lr"] / f"{triplets[0].name}.png", triplets[0].originals.lr[:40])
    with pytest.raises(SizeMismatchError, match=r"64x40 pixels .* is not 256x256, HR's size, made smaller"):
        stage.run_folder(project, folders["sr"], hr=folders["hr"], lr=folders["lr"])
    with pytest.raises(SizeMismatchError, match="is not 256x256, HR's size, made smaller"):
        stage.run_folder(project, folders["sr"], hr=folders["hr"], lr=folders["hr"])
    (folders["lr"] / f"{triplets[0].name}.png").unlink()
    with pytest.raises(PairingError, match="is missing; add it, or leave out --lr"):
        stage.run_folder(project, folders["sr"], hr=folders["hr"], lr=folders["lr"])


def images(project: Project, row: str) -> Path:
    return project.results("quick") / "cells" / "photos" / row / "images"


def change_all(folder: Path, change: Callable[[Rgb], Rgb]) -> None:
    for path in folder.glob("*.png"):
        Image.fromarray(np.ascontiguousarray(change(read_rgb(path)))).save(path)


def test_scoring_keeps_what_was_found_and_looks_once(
    prepared: Project, add_protocol: Callable[..., str], caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    from semsr.stages import score

    add_protocol("p", error="mae")
    change_all(images(prepared, "beta/two"), np.zeros_like)
    looked: list[object] = []
    real = looking.look_at
    monkeypatch.setattr(looking, "look_at", lambda *args: looked.append(args) or real(*args))

    def run() -> dict:
        looked.clear()
        project = Project(prepared.root)
        score.run(project, project.profile("quick"), "photos")
        return read_lints(project.results("quick") / "lints" / "photos.json")

    with caplog.at_level("WARNING"):
        first = run()
    assert set(first) == {("alpha", "default", 0), ("beta", "two", 0)}, "HR itself is no row that could be wrong"
    assert "black" in [finding.lint for finding in first["beta", "two", 0]]
    assert any("photos: beta/two: black: " in line for line in caplog.messages)
    pictures = len(list(images(prepared, "beta/two").glob("*.png")))
    assert len(looked) == 2 * pictures
    assert run() == first and not looked
    victim = sorted(images(prepared, "beta/two").glob("*.png"))[0]
    write_png(victim, 255 - read_rgb(victim))
    assert run() != first and len(looked) == 1, "one picture has changed"


def test_a_method_that_has_restored_nothing_is_named(prepared: Project) -> None:
    project = Project(prepared.root)
    shutil.rmtree(images(project, "beta/two"))
    with pytest.raises(SemsrError, match="no row of 'beta' of profile quick has been restored; run `semsr infer beta"):
        stage.run(project, project.profile("quick"), "beta", "photos")


def test_a_method_is_looked_at_beside_the_others(prepared: Project) -> None:
    project = Project(prepared.root)
    for path in images(project, "alpha/default").glob("*.png"):
        shutil.copy(path, images(project, "beta/two") / path.name)
    linted = stage.run(project, project.profile("quick"), "beta", "photos")
    assert [row.label for row in linted.rows] == ["beta/two"]
    assert "equal-to-row" in lints_of(linted)
