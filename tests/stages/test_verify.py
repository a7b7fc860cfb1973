"""`semsr verify`: what is damaged, missing or too many is named, all of it."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image

from semsr.errors import SemsrError
from semsr.preparation.manifest import Prepared
from semsr.project import ROOT_VARIABLE, Project
from semsr.stages import prepare, verify

AddCard = Callable[..., Project]
Save = Callable[..., Path]


@pytest.fixture
def pairs(add_card: AddCard, copy: Path) -> tuple[Project, Prepared]:
    """`own`, prepared from `copy`, with an annotation."""
    (copy / "labels.json").write_text(json.dumps({"images": [{"file_name": f"{number}.png"} for number in range(6)]}))
    layouts = [{"hr": "hr/{name}.png", "lr": "lr/{name}.png"}, {"hr": "**/{name}.png"}]
    annotations = [{"file": "annotations/labels.json", "patterns": ["labels.json"], "images": True}]
    source = {"kind": "files", "layouts": layouts}
    project = add_card("own", count=6, source=source, annotations=annotations)
    return project, prepare.run(project, "own", copy)


def told(project: Project, name: str = "own") -> list[str]:
    return [str(finding) for finding in verify.run(project, name).problems]


def change_a_pixel(path: Path) -> None:
    picture = np.array(Image.open(path))
    picture[3, 3, 1] ^= 1
    Image.fromarray(picture).save(path)


def test_whole(pairs: tuple[Project, Prepared]) -> None:
    verified = verify.run(pairs[0], "own")
    assert verified.problems == () and verified.notes == ()
    # 12 prepared pictures and an annotation, and the same of the originals.
    assert verified.summary == "own: whole; 6 pictures, 26 files read"
    assert verified.render() == verified.summary
    verify.require_whole(verified)


def test_everything_wrong_is_named_at_once(pairs: tuple[Project, Prepared], copy: Path, save: Save) -> None:
    project, prepared = pairs
    change_a_pixel(prepared.folder / "hr/0.png")
    (prepared.folder / "lr/1.png").unlink()
    (prepared.folder / "hr/2.png").write_bytes((prepared.folder / "hr/2.png").read_bytes()[:200])
    (prepared.folder / "lr/3.png").write_bytes(b"")
    shutil.copy(prepared.folder / "lr/4.png", prepared.folder / "lr/5.png")
    (prepared.folder / "hr/stranger.png").write_bytes(b"?")
    (prepared.folder / "annotations/labels.json").unlink()
    (prepared.folder / "notes.txt").write_text("mine")
    (copy / "hr/4.png").unlink()
    save(copy / "lr/5.png", 3, 8, 10)
    save(copy / "hr/9.png", 9, 32, 40)
    lines = told(project)
    assert lines == [
        "damaged: data/own/hr/0.png: other pixels than the manifest says",
        "missing: data/own/lr/1.png",
        lines[2],
        "damaged: data/own/lr/3.png: the file is empty",
        "damaged: data/own/lr/5.png: other pixels than the manifest says",
        "missing: data/own/annotations/labels.json",
        f"missing: {copy}/hr/4.png",
        f"damaged: {copy}/lr/5.png: has changed since it was fetched",
        f"extra: {copy}/hr/9.png: was not there when your copy was fetched",
        "extra: data/own/hr/stranger.png",
        "extra: data/own/notes.txt",
    ]
    assert lines[2].startswith("damaged: data/own/hr/2.png: truncated or damaged")
    with pytest.raises(
        SemsrError, match=r"^own: not whole: 5 damaged, 3 missing, 3 extra; `semsr prepare own` makes"
    ) as caught:
        verify.require_whole(verify.run(project, "own"))
    assert "\n" not in str(caught.value)


def test_a_changed_annotation(pairs: tuple[Project, Prepared]) -> None:
    project, prepared = pairs
    path = prepared.folder / "annotations/labels.json"
    text = path.read_text()
    path.unlink()  # it may be a link to the copy's
    path.write_text(text.replace("0.png", "1.png"))
    assert told(project) == ["damaged: data/own/annotations/labels.json: other bytes than the manifest says"]


def test_a_file_compressed_otherwise_is_the_same_picture(pairs: tuple[Project, Prepared]) -> None:
    project, prepared = pairs
    path = prepared.folder / "hr/0.png"
    before = path.read_bytes()
    Image.open(path).save(path, compress_level=1)
    assert path.read_bytes() != before
    assert told(project) == []


def test_silent_damage_is_found_though_no_time_has_changed(pairs: tuple[Project, Prepared], copy: Path) -> None:
    """What `prepare` takes for untouched is read all the same: a disk that loses bits does not set times."""
    project, prepared = pairs
    for path in (prepared.folder / "lr/2.png", copy / "hr/3.png"):
        state = path.stat()
        data = bytearray(path.read_bytes())
        data[-20] ^= 1
        path.write_bytes(data)
        os.utime(path, ns=(state.st_atime_ns, state.st_mtime_ns))
    assert [line.split(": ")[:2] for line in told(project)] == [
        ["damaged", "data/own/lr/2.png"],
        ["damaged", f"{copy}/hr/3.png"],
    ]


def test_a_copy_that_is_gone_is_a_note(pairs: tuple[Project, Prepared], copy: Path) -> None:
    """The prepared form needs its originals no more."""
    shutil.rmtree(copy)
    verified = verify.run(pairs[0], "own")
    assert verified.problems == ()
    assert verified.notes == (f"own: your copy in {copy} is gone; the originals were not checked",)


def test_not_prepared(workspace: Project) -> None:
    with pytest.raises(SemsrError, match=r"data set 'set5' is not prepared; run `semsr prepare set5`"):
        verify.run(workspace, "set5")


def test_parts_are_checked_too(pairs: tuple[Project, Prepared], add_card: AddCard) -> None:
    project, prepared = pairs
    source = {"kind": "derived", "parts": [{"dataset": "own"}], "crops": {"kind": "centre", "size": 16}}
    project = add_card("crops", count=6, source=source)
    made = prepare.run(project, "crops")
    verified = verify.run(project, "crops")
    assert verified.problems == () and verified.pictures == 12
    change_a_pixel(made.folder / "lr/0.png")
    (prepared.folder / "hr/1.png").unlink()
    assert told(project, "crops") == [
        "missing: data/own/hr/1.png",
        "damaged: data/crops/lr/0.png: other pixels than the manifest says",
    ]
    shutil.rmtree(prepared.folder)
    verified = verify.run(project, "crops")
    assert [finding.dataset for finding in verified.problems] == ["crops"]
    assert verified.notes == ("own, a part of crops, is not prepared any more; not checked",)


def test_assets_are_checked(add_card: AddCard, copy: Path, tmp_path: Path) -> None:
    archive = Path(shutil.make_archive(str(tmp_path / "own"), "zip", copy))
    about = {"title": "own", "licence": "CC0-1.0", "source": "this test", "manual": "none", "unpinned": "made by this test"}
    asset = {"id": "own-archive", "file": "own.zip", "mirrors": [{"kind": "file", "path": str(archive)}], **about}
    source = {"kind": "files", "assets": ["own-archive"], "layouts": [{"hr": "hr/{name}.png", "lr": "lr/{name}.png"}]}
    project = add_card("own", [asset], count=6, source=source)
    prepare.run(project, "own")
    assert told(project) == []
    (stored,) = (tmp_path / "assets").rglob("own.zip")
    data = bytearray(stored.read_bytes())
    data[1000] ^= 1
    stored.unlink()
    stored.write_bytes(data)
    assert told(project) == [f"damaged: {stored}: has changed since it was fetched"]
    stored.unlink()
    verified = verify.run(project, "own")
    assert verified.problems == ()
    assert verified.notes == ("own: not in the store any more, and not checked: own-archive",)


@pytest.mark.parametrize("required", [True, False])
def test_other_pictures_than_published(workspace: Project, test_data: Path, required: bool) -> None:
    """Two pictures swapped before they were prepared: whole by its own manifest, and yet not what was published."""
    card = workspace.root / "datasets/realsr/dataset.yaml"
    data = yaml.safe_load(card.read_text())
    data["pixels"]["required"] = False
    card.write_text(yaml.safe_dump(data))
    copy = workspace.root / "crops"
    shutil.copytree(test_data / "realsr_crop128", copy)
    one, two = (copy / f"lr/Canon_00{number}_LR4.png" for number in (3, 4))
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    prepare.run(Project(workspace.root), "realsr", copy)
    data["pixels"]["required"] = required
    card.write_text(yaml.safe_dump(data))
    verified = verify.run(Project(workspace.root), "realsr")
    expected = [
        "Canon_003_LR4: LR is the published Canon_004_LR4, under another name",
        "Canon_004_LR4: LR is the published Canon_003_LR4, under another name",
    ]
    lines = [str(finding) for finding in verified.problems] if required else list(verified.notes)
    assert lines == [f"not as published: {line}" for line in expected]
    assert bool(verified.problems) is required


def test_on_the_command_line(pairs: tuple[Project, Prepared], copy: Path) -> None:
    project, prepared = pairs

    def semsr(*arguments: str) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {ROOT_VARIABLE: str(project.root)}
        command = [sys.executable, "-m", "semsr", "verify", "own", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    done = semsr()
    assert (done.returncode, done.stdout, done.stderr) == (0, "own: whole; 6 pictures, 26 files read\n", "")
    for number in range(6):
        (prepared.folder / f"lr/{number}.png").unlink()
    done = semsr()
    assert done.returncode == 2
    assert done.stdout.splitlines() == [f"missing: data/own/lr/{number}.png" for number in range(6)]
    assert done.stderr.startswith("error: own: not whole: 6 missing; ") and done.stderr.count("\n") == 1
    done = semsr("--json")
    assert done.returncode == 2
    answer = json.loads(done.stdout)
    assert answer["whole"] is False and len(answer["problems"]) == 6
    assert answer["problems"][0] == {"dataset": "own", "kind": "missing", "file": "data/own/lr/0.png", "detail": ""}


def test_the_order_and_the_findings_do_not_depend_on_threads(
    pairs: tuple[Project, Prepared], monkeypatch: pytest.MonkeyPatch
) -> None:
    project, prepared = pairs
    for number in range(6):
        change_a_pixel(prepared.folder / f"hr/{number}.png")
    assert verify.run(project, "own", threads=1) == verify.run(project, "own", threads=8)


def test_a_changed_card_is_noted(workspace: Project, test_data: Path) -> None:
    prepare.run(workspace, "set5", test_data / "set5")
    assert not [note for note in verify.run(workspace, "set5").notes if "another card" in note]
    path = workspace.root / "datasets/set5/dataset.yaml"
    path.write_text(path.read_text().replace("dialect: replicate", "dialect: symmetric"))
    verified = verify.run(Project(workspace.root), "set5")
    assert verified.problems == ()
    assert (
        "set5: prepared by another card, other code or from other originals than now; `semsr prepare set5`" in verified.notes[0]
    )
