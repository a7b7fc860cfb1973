"""What `--dry-run` tells, that it changes nothing, and that too small a disk is said before anything is downloaded."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import zipfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from semsr.assets import archives
from semsr.assets.sizes import show_bytes
from semsr.assets.store import Store
from semsr.errors import CardError, PairingError, SemsrError, StorageError
from semsr.project import ROOT_VARIABLE, Project
from semsr.stages import fetch, needs, plan, plan_page, prepare
from semsr.stages.estimates import UNPACKED

LAYOUTS = [{"hr": "hr/{name}.png", "lr": "lr/{name}.png"}]
AddCard = Callable[..., Project]


def asset(name: str, mirror: dict[str, str], **keys: Any) -> dict[str, Any]:
    about = {"title": f"Title of {name}", "licence": "CC-BY-4.0", "source": "this test", "manual": "no other way"}
    return {"id": name, "file": f"{name}.zip", "mirrors": [mirror], "unpinned": "made by this test", **about, **keys}


@pytest.fixture
def archive(copy: Path, tmp_path: Path) -> Path:
    path = tmp_path / "official.zip"
    with zipfile.ZipFile(path, "w") as packed:
        for file in sorted(copy.rglob("*.png")):
            packed.write(file, file.relative_to(copy))
    return path


@pytest.fixture
def official(add_card: AddCard, archive: Path) -> Project:
    """`own`, whose only archive is a file of this machine."""
    mirror = {"kind": "file", "path": str(archive)}
    source = {"kind": "files", "assets": ["own-archive"], "layouts": LAYOUTS}
    return add_card("own", [asset("own-archive", mirror, size=archive.stat().st_size)], count=6, source=source)


def bytes_below(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def everything(*folders: Path) -> dict[str, tuple[int, int]]:
    return {
        str(path): (path.stat().st_size, path.stat().st_mtime_ns) for folder in folders for path in (folder, *folder.rglob("*"))
    }


def sizes(found: plan.Plan) -> dict[str, int | None]:
    return {need.what: need.size for need in found.needs}


# What it tells.


def test_before_and_after(official: Project, archive: Path, copy: Path) -> None:
    """Estimated while nothing is here, exact as soon as the archive is, nothing when all is done."""
    packed, unpacked = archive.stat().st_size, bytes_below(copy)
    before = plan.run(official, "own", prepare=True)
    (one,) = before.assets
    assert (one.state, one.size, one.files, one.arrived, one.unpacked) == ("absent", packed, None, 0, False)
    assert one.mirrors == (f"file {archive}",) and one.checked_by == "first download" and one.licence == "CC-BY-4.0"
    estimated = round(packed * UNPACKED)
    assert sizes(before) == {"download": packed, "unpack": estimated, "prepare": estimated}
    assert [disk.needed for disk in before.disks] == [packed + 2 * estimated]

    Store().get(official.asset("own-archive"))
    here = plan.run(official, "own", prepare=True)
    assert (here.assets[0].state, here.assets[0].files, here.assets[0].arrived) == ("here", 12, packed)
    assert sizes(here) == {"download": 0, "unpack": unpacked, "prepare": unpacked}

    fetch.run(official, "own")
    assert plan.run(official, "own", prepare=True).assets[0].unpacked
    assert sizes(plan.run(official, "own", prepare=True)) == {"download": 0, "unpack": 0, "prepare": unpacked}
    assert sizes(plan.run(official, "own")) == {"download": 0, "unpack": 0}
    prepare.run(official, "own")
    done = plan.run(official, "own", prepare=True)
    assert done.prepared and sizes(done) == {"download": 0, "unpack": 0, "prepare": 0}
    assert [disk.needed for disk in done.disks] == [0]


def test_an_unfinished_and_a_wrong_download(official: Project, archive: Path) -> None:
    place = Store().path(official.asset("own-archive"))
    place.parent.mkdir(parents=True)
    place.with_name(f".{place.name}.0a0a0a0a.partial").write_bytes(bytes(500))
    (one,) = plan.run(official, "own").assets
    assert (one.state, one.arrived) == ("in part", 500)
    assert sizes(plan.run(official, "own"))["download"] == archive.stat().st_size - 500
    place.write_bytes(b"short")
    (one,) = plan.run(official, "own").assets
    assert (one.state, one.arrived) == ("wrong size", 500)
    assert sizes(plan.run(official, "own"))["download"] == archive.stat().st_size - 500


def test_a_size_that_is_not_published(add_card: AddCard) -> None:
    mirrors = {"kind": "https", "url": "https://nowhere.invalid/own.zip"}
    source = {"kind": "files", "assets": ["own-archive"], "layouts": LAYOUTS}
    project = add_card("own", [asset("own-archive", mirrors, md5="0" * 32)], count=6, source=source)
    found = plan.run(project, "own", prepare=True)
    assert found.assets[0].size is None and found.assets[0].checked_by == "md5"
    assert sizes(found) == {"download": None, "unpack": None, "prepare": None}
    assert found.disks[0].not_known == ("download own-archive", "unpack own-archive", "prepare own")
    text = plan_page.render(found)
    assert "own-archive.zip  not known; to be downloaded; checked by md5" in text
    assert "1. https://nowhere.invalid/own.zip" in text


def test_what_only_the_user_can_do(workspace: Project) -> None:
    """Manga109 is gated: no address, so the way is told."""
    found = plan.run(workspace, "manga109", prepare=True)
    assert found.assets == () and sizes(found) == {"prepare": None}
    assert found.by_hand is not None
    for part in ("semsr fetch manga109 --from DIR", "datasets/manga109/README.md", "GTmod12/{name}.png"):
        assert part in found.by_hand
    assert found.by_hand.split(" (")[0] in plan_page.render(found)
    assert plan.run(workspace, "set5").by_hand is None


def test_a_copy(official: Project, copy: Path) -> None:
    found = plan.run(official, "own", copy, prepare=True)
    assert (found.copy, found.copied, found.assets) == (str(copy), (12, bytes_below(copy)), ())
    assert sizes(found) == {"prepare": bytes_below(copy)}
    assert f"your copy in {copy}: 12 files, " in plan_page.render(found)
    fetch.run(official, "own", copy)
    assert plan.run(official, "own").copy == str(copy), "a copy once given is kept"
    (copy / "lr/2.png").unlink()
    with pytest.raises(PairingError, match=r"2\.png has none"):
        plan.run(official, "own", copy)


def test_a_training_set_on_the_same_disk_is_linked(add_card: AddCard, copy: Path) -> None:
    project = add_card("many", count=6, split="train", source={"kind": "files", "layouts": [{"hr": "hr/{name}.png"}]})
    assert sizes(plan.run(project, "many", copy, prepare=True)) == {"prepare": 0}
    prepare.run(project, "many", copy)
    assert all(path.samefile(copy / "hr" / path.name) for path in (project.data / "many/hr").iterdir())


def test_the_parts_of_a_derived_set(official: Project, add_card: AddCard, archive: Path) -> None:
    crops = {"kind": "centre", "size": 16}
    project = add_card("crops", count=6, source={"kind": "derived", "parts": [{"dataset": "own"}], "crops": crops})
    found = plan.run(project, "crops", prepare=True)
    (part,) = found.parts
    assert part.id == "own" and part.assets[0].file == "own-archive.zip"
    assert found.source == "made here: centre crops of 16 x 16 of own"
    assert [disk.needed for disk in found.disks] == [
        sum(need.size or 0 for one in (found, part) for need in one.needs),
    ]
    text = plan_page.render(found)
    assert "part of crops:" in text and "own-archive.zip" in text
    add_card("loop", count=6, source={"kind": "derived", "parts": [{"dataset": "pool"}]})
    project = add_card("pool", count=6, source={"kind": "derived", "parts": [{"dataset": "loop"}]})
    with pytest.raises(CardError, match="'loop' is made from itself: loop -> pool -> loop"):
        plan.run(project, "loop")


def test_what_two_parts_share_is_counted_once(workspace: Project, add_card: AddCard) -> None:
    """Set5 and Set14 come in one archive."""
    project = add_card("both", count=19, source={"kind": "derived", "parts": [{"dataset": "set5"}, {"dataset": "set14"}]})
    downloads = [need for need in needs.all_needs(project, project.dataset("both")) if need.what == "download"]
    assert len(downloads) == 1


def test_every_card_has_a_plan(workspace: Project) -> None:
    for name, card in workspace.datasets.items():
        found = plan.run(workspace, name, prepare=True)
        text = plan_page.render(found)
        assert text.startswith(name) and card.licence.split()[0] in text
        assert json.loads(plan_page.render(found, as_json=True)) == json.loads(json.dumps(asdict(found)))
        assert found.assets or found.parts or found.by_hand


@pytest.mark.parametrize(
    ("size", "text"),
    [
        (0, "0 bytes"),
        (999, "999 bytes"),
        (1500, "1.5 kB"),
        (3530603713, "3.5 GB"),
        (2 * 10**12, "2.00 TB"),
        (None, "not known"),
    ],
)
def test_sizes_as_a_person_reads_them(size: int | None, text: str) -> None:
    assert show_bytes(size) == text


# It changes nothing.


def test_nothing_is_downloaded_or_written(workspace: Project, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def refuse(*_: Any) -> None:
        raise AssertionError("a dry run went to the network")

    monkeypatch.setattr(socket.socket, "connect", refuse)
    before = everything(tmp_path)
    for name in ("set5", "df2k", "coco-val2017", "lite-photos", "ffhq-10k"):
        for prepared in (False, True):
            plan_page.render(plan.run(workspace, name, prepare=prepared))
    assert everything(tmp_path) == before


def test_on_the_command_line(workspace: Project, test_data: Path, tmp_path: Path) -> None:
    def semsr(*arguments: object) -> subprocess.CompletedProcess[str]:
        environment = os.environ | {ROOT_VARIABLE: str(workspace.root)}
        command = [sys.executable, "-m", "semsr", *map(str, arguments)]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    before = everything(tmp_path)
    done = semsr("fetch", "div2k-valid", "--dry-run")
    assert done.returncode == 0 and done.stderr == ""
    for part in ("DIV2K_valid_HR.zip", "449.0 MB", "academic research only", "free: ", "100 (for testing)"):
        assert part in done.stdout
    assert not any(line.startswith("  prepare ") for line in done.stdout.splitlines())
    done = semsr("prepare", "realsr", "--from", test_data / "realsr_crop128", "--json")
    told = json.loads(done.stdout)
    assert told["copied"][0] == 200 and [need["what"] for need in told["needs"]] == ["prepare"]
    done = semsr("fetch", "df2k", "--from", tmp_path, "--dry-run")
    assert done.returncode == 2 and done.stderr.startswith("error: df2k: is made of div2k-train and flickr2k")
    assert everything(tmp_path) == before


# Too small a disk.


@pytest.mark.parametrize("verb", [fetch.run, prepare.run])
def test_too_small_a_disk_is_said_before_anything_is_downloaded(
    official: Project, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, verb: Callable[..., Any]
) -> None:
    monkeypatch.setattr(needs, "free_bytes", lambda _: archive.stat().st_size)
    before = everything(tmp_path)
    with pytest.raises(
        StorageError, match=r"no space left on the disk for own: .* are needed \(download own-archive .*, unpack"
    ):
        verb(official, "own")
    assert everything(tmp_path) == before


def test_the_prepared_form_counts_for_prepare_only(
    official: Project, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enough = round(archive.stat().st_size * (1 + UNPACKED))
    monkeypatch.setattr(needs, "free_bytes", lambda _: enough)
    before = everything(tmp_path)
    with pytest.raises(StorageError, match="prepare own"):
        prepare.run(official, "own")
    assert everything(tmp_path) == before
    fetch.run(official, "own")


def test_a_part_counts_too(
    official: Project, add_card: AddCard, archive: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    crops = {"kind": "random", "size": 16, "count": 6}
    project = add_card("crops", count=6, source={"kind": "derived", "parts": [{"dataset": "own"}], "crops": crops})
    monkeypatch.setattr(needs, "free_bytes", lambda _: archive.stat().st_size)
    before = everything(tmp_path)
    with pytest.raises(StorageError, match=r"for crops: .*download own-archive"):
        prepare.run(project, "crops")
    assert everything(tmp_path) == before


def test_two_disks_are_counted_apart(
    official: Project, archive: Path, small_disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The store on a disk of one megabyte, which is enough for it; data/ on the other one."""
    monkeypatch.setenv("SEMSR_ASSETS", str(small_disk / "assets"))
    disks = {disk.folder: disk.needed for disk in plan.run(official, "own", prepare=True).disks}
    packed = archive.stat().st_size
    assert disks == {str(small_disk): packed + round(packed * UNPACKED), str(official.root): round(packed * UNPACKED)}
    filler = small_disk / "filler"
    filler.write_bytes(bytes(shutil.disk_usage(small_disk).free - packed))
    with pytest.raises(StorageError, match=rf"^{small_disk}: no space left .*; free some, or set SEMSR_ASSETS"):
        prepare.run(official, "own")
    filler.unlink()
    prepare.run(official, "own")


def test_what_a_killed_run_has_made_is_not_asked_for_again(official: Project, copy: Path) -> None:
    whole = bytes_below(copy)
    shutil.copytree(copy / "hr", official.data / "own/hr")
    assert sizes(plan.run(official, "own", copy, prepare=True)) == {"prepare": whole - bytes_below(copy / "hr")}


def test_an_estimate_that_may_be_far_too_high_refuses_nothing(
    add_card: AddCard, archive: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two data sets in one archive: how much of it is ours is not known before it is unpacked."""
    mirror = {"kind": "file", "path": str(archive)}
    source = {"kind": "files", "assets": ["own-archive"], "layouts": LAYOUTS}
    add_card("own", [asset("own-archive", mirror, size=archive.stat().st_size)], count=6, source=source)
    project = add_card("other", count=6, source=source)
    (need,) = (need for need in plan.run(project, "own", prepare=True).needs if need.what == "prepare")
    assert need.at_most and "less, since the archives hold other things" in need.how


# Unpacking.


def test_nothing_is_unpacked_twice(official: Project, add_card: AddCard, monkeypatch: pytest.MonkeyPatch) -> None:
    """Two data sets in one archive, fetched and prepared, twice."""
    unpacked: list[Path] = []
    original = archives.unpack

    def noted(archive: Path, folder: Path, limit: int | None = None) -> None:
        unpacked.append(archive)
        original(archive, folder, limit)

    monkeypatch.setattr("semsr.assets.store.unpack", noted)
    project = add_card("other", count=6, source={"kind": "files", "assets": ["own-archive"], "layouts": LAYOUTS})
    for _ in range(2):
        for name in ("own", "other"):
            fetch.run(project, name)
            prepare.run(project, name)
    assert len(unpacked) == 1
    with pytest.raises(SemsrError):
        fetch.run(project, "nothing")
