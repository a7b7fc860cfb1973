"""fetch: the kinds of sources, the checksums that FFHQ's authors publish, and copies of many files."""

from __future__ import annotations

import hashlib
import json
import logging
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from semsr.assets import hashing
from semsr.errors import PairingError, SemsrError
from semsr.preparation.originals import read_record
from semsr.project import Project
from semsr.stages import fetch, prepare

AddCard = Callable[..., Project]
Save = Callable[..., Path]
HR = [{"hr": "hr/{name}.png"}]


def files(**keys: Any) -> dict[str, Any]:
    return {"kind": "files", **keys}


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# Layouts and counts.


@pytest.mark.parametrize("side", ["hr", "lr"])
def test_one_side_alone(add_card: AddCard, copy: Path, side: str) -> None:
    split = "train" if side == "hr" else "test"
    project = add_card("own", count=6, split=split, source=files(layouts=[{side: f"{side}/{{name}}.png"}]))
    record = fetch.run(project, "own", copy)
    assert record.files == {f"{side}/{number}.png": sha256(copy / side / f"{number}.png") for number in range(6)}
    assert fetch.originals(project, project.dataset("own"), record) == ([copy], {})


def test_only_the_first_by_name(add_card: AddCard, copy: Path) -> None:
    project = add_card("own", count=3, split="train", source=files(layouts=HR, first=3))
    assert sorted(fetch.run(project, "own", copy).files) == ["hr/0.png", "hr/1.png", "hr/2.png"]
    (copy / "hr/1.png").unlink()  # or the first three would be 0, 2, 3
    with pytest.raises(PairingError, match=r"own: the first 3 pictures by name in .* are not the data set's; .*1 is missing"):
        fetch.run(project, "own", copy)
    shutil.rmtree(copy / "hr")
    shutil.copytree(copy / "lr", copy / "hr")
    for number in (2, 3, 4, 5):
        (copy / f"hr/{number}.png").unlink()
    with pytest.raises(PairingError, match=r"2 pictures in .* but the data set has 3"):
        fetch.run(project, "own", copy)


def test_a_number_that_nobody_knows(add_card: AddCard, copy: Path) -> None:
    project = add_card("own", count_unknown="the authors say 'more than five'", split="train", source=files(layouts=HR))
    assert len(fetch.run(project, "own", copy).files) == 6
    (copy / "hr/4.png").unlink()
    assert len(fetch.run(project, "own", copy).files) == 5


# Made of others.


def test_a_derived_set_fetches_its_parts(add_card: AddCard, copy: Path) -> None:
    add_card("one", count=6, split="train", source=files(layouts=HR))
    add_card("two", count=6, source=files(layouts=[{"lr": "lr/{name}.png"}]))
    project = add_card("both", count=12, source={"kind": "derived", "parts": [{"dataset": "two"}, {"dataset": "one"}]})
    with pytest.raises(
        SemsrError, match="one: the card knows no official files; pass your own copy: `semsr fetch one --from DIR`"
    ):
        fetch.run(project, "both")
    with pytest.raises(SemsrError, match=r"pass it to the part: `semsr fetch one --from DIR` or `semsr fetch two --from DIR`"):
        fetch.run(project, "both", copy)
    parts = [fetch.run(project, name, copy) for name in ("one", "two")]
    record = fetch.run(project, "both")
    assert (record.kind, record.folder) == ("derived", None)
    assert record.files == {part.dataset: part.sha256 for part in parts}
    assert fetch.originals(project, project.dataset("both"), record) == ([], {})
    assert read_record(project, "both") == record
    path = project.data / "fetched/both/record.json"
    before = path.read_bytes()
    fetch.run(project, "both")
    assert path.read_bytes() == before


def test_a_copy_is_passed_on_to_the_only_part(add_card: AddCard, copy: Path) -> None:
    add_card("one", count=6, source=files(layouts=[{"hr": "hr/{name}.png", "lr": "lr/{name}.png"}]))
    crops = {"kind": "centre", "size": 16}
    project = add_card("crops", count=6, source={"kind": "derived", "parts": [{"dataset": "one"}], "crops": crops})
    record = prepare.run(project, "crops", copy)
    assert len(record.entries) == 6
    one = read_record(project, "one")
    assert one is not None and one.folder == str(copy)


# The checksums of FFHQ.


@pytest.fixture
def faces(tmp_path: Path, save: Save) -> Path:
    """Six pictures and their list in the shape of ffhq-dataset-v2.json: pictures and thumbnails of one name, nested."""
    folder = tmp_path / "ffhq"
    listed: dict[str, Any] = {}
    for number in range(6):
        path = save(folder / f"images1024x1024/00000/0000{number}.png", number, 32, 32)
        listed[str(number)] = {
            "category": "training",
            "metadata": {"photo_url": "https://example.org/x", "license": "CC0"},
            "image": {
                "file_path": f"images1024x1024/00000/0000{number}.png",
                "file_size": path.stat().st_size,
                "file_md5": hashlib.md5(path.read_bytes()).hexdigest(),
            },
            "thumbnail": {"file_path": f"thumbnails128x128/00000/0000{number}.png", "file_md5": "0" * 32},
        }
    (folder / "ffhq-dataset-v2.json").write_text(json.dumps(listed))
    return folder


@pytest.fixture
def ffhq(add_card: AddCard) -> Project:
    layouts = [{"hr": "**/images1024x1024/**/{name}.png"}, {"hr": "{name}.png"}]
    source = files(layouts=layouts, first=4, checksums="**/ffhq-dataset-v2.json")
    return add_card("faces", count=4, split="train", source=source)


def test_pictures_are_checked_against_the_published_list(ffhq: Project, faces: Path, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        record = fetch.run(ffhq, "faces", faces)
    assert "all 4 pictures have the MD5 of ffhq-dataset-v2.json" in caplog.text
    assert len(record.files) == 4
    path = faces / "images1024x1024/00000/00002.png"
    data = bytearray(path.read_bytes())
    data[-15] ^= 1
    path.write_bytes(data)
    with pytest.raises(
        PairingError, match=r"1 of 4 pictures differ from the MD5 in ffhq-dataset-v2\.json: .*00002\.png \(expected"
    ):
        fetch.run(ffhq, "faces", faces)


def test_two_that_changed_places_are_noticed(ffhq: Project, faces: Path) -> None:
    one, two = (faces / f"images1024x1024/00000/0000{number}.png" for number in (1, 3))
    first, second = one.read_bytes(), two.read_bytes()
    one.write_bytes(second)
    two.write_bytes(first)
    with pytest.raises(PairingError, match=r"2 of 4 pictures differ .*00001\.png, .*00003\.png"):
        fetch.run(ffhq, "faces", faces)


def test_without_folders_the_file_name_is_enough(ffhq: Project, faces: Path) -> None:
    for path in (faces / "images1024x1024/00000").iterdir():
        path.rename(faces / path.name)
    assert len(fetch.run(ffhq, "faces", faces).files) == 4
    (faces / "00001.png").write_bytes((faces / "00005.png").read_bytes())
    with pytest.raises(PairingError, match=r"1 of 4 pictures differ .*00001\.png"):
        fetch.run(ffhq, "faces", faces)


def test_without_the_list_it_is_said_that_nothing_was_checked(
    ffhq: Project, faces: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (faces / "ffhq-dataset-v2.json").unlink()
    fetch.run(ffhq, "faces", faces)
    assert "no ffhq-dataset-v2.json there, so the pictures were not checked" in caplog.text


@pytest.mark.parametrize("text", ["<html>", "{}", '{"0": {"image": {"file_path": "a.png"}}}'])
def test_a_list_that_is_none(ffhq: Project, faces: Path, text: str) -> None:
    (faces / "ffhq-dataset-v2.json").write_text(text)
    with pytest.raises(SemsrError, match=r"ffhq-dataset-v2\.json: (not a JSON file|no checksums in it)"):
        fetch.run(ffhq, "faces", faces)


def test_a_picture_that_is_not_listed(ffhq: Project, faces: Path, save: Save) -> None:
    listed = json.loads((faces / "ffhq-dataset-v2.json").read_text())
    del listed["2"]
    (faces / "ffhq-dataset-v2.json").write_text(json.dumps(listed))
    with pytest.raises(PairingError, match=r"1 of 4 pictures are not in .*00002\.png"):
        fetch.run(ffhq, "faces", faces)


# Many files.


def test_a_copy_is_read_once(add_card: AddCard, copy: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Fetched, fetched again and prepared: what is known is kept in the asset store, and not among the data."""
    monkeypatch.setattr(hashing, "_CLOCK_TICK", 0)
    read: list[Path] = []
    original = hashing._read

    def noted(path: Path, *, md5: bool) -> Any:
        read.append(path)
        return original(path, md5=md5)

    monkeypatch.setattr(hashing, "_read", noted)
    project = add_card("own", count=6, source=files(layouts=[{"hr": "hr/{name}.png", "lr": "lr/{name}.png"}]))
    first = fetch.run(project, "own", copy)
    assert len(read) == 12
    assert fetch.run(project, "own") == first
    prepare.run(project, "own")
    assert len(read) == 12
    assert sorted(path.name for path in (project.data / "fetched/own").iterdir()) == ["record.json"]
